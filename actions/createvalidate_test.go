package actions

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testValidateOnlyListsAndWritesNothing(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Plan", "emailaddress1": "plan@example.com", "parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}},
		Save: map[string]string{"name": "fullname"}, ValidateOnly: true,
	}
	got, err := w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != "" || got.Record != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	var listed []string
	for _, r := range got.Requests {
		listed = append(listed, r.Method+" "+r.Condition)
	}
	want := []string{
		"GET ", "POST ", "GET if the answer is lost or tells nothing of the record, or if Dataverse answers that the record may exist",
		"GET if Dataverse refuses the record as a duplicate",
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("requests, -want +got:\n%s", diff)
	}
	post := got.Requests[1]
	if post.Body["lastname"] != "Plan" || post.Body["contactid"] != newIDShown || post.Header["MSCRM.SuppressDuplicateDetection"] != "false" {
		t.Errorf("the creation is listed as %+v", post)
	}
	spec.RequestID = "plan"
	planned, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "contact", "emailaddress1", "plan@example.com"); n != 0 {
		t.Errorf("%d records were made", n)
	}
	spec.ValidateOnly = false
	made, err := w.CreateRecord(t.Context(), spec)
	if err != nil || planned.Requests[1].Body["contactid"] != made.Record.ID {
		t.Errorf("planned %v, made %+v, %v", planned.Requests[1].Body["contactid"], made.Record, err)
	}
}

// recorded is a transport that remembers requests as an answer lists them.
type recorded struct {
	next http.RoundTripper
	sent []PlannedRequest
}

// RoundTrip implements http.RoundTripper.
func (r *recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	r.sent = append(r.sent, describeRequest(req, body)...)
	whole := req.Clone(req.Context())
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return r.next.RoundTrip(whole)
}

// testPlannedCreationIsWhatIsSent compares address, headers and body of each request with what was listed before.
func testPlannedCreationIsWhatIsSent(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", RequestID: "planned", ValidateOnly: true,
		Fields: map[string]any{
			"lastname": "{{ name }}", "statuscode": "Inactive", "creditlimit": "1234567890.1200", "birthdate": "1980-05-17", "donotfax": "yes", "jobtitle": nil,
			"parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}, "telephone1": "{{ nobody }}",
		},
		Variables: map[string]any{"name": "O'Neill \u2028 & <Söhne> \"100%\""}, Save: map[string]string{"full": "fullname", "how": "statuscode@formatted"},
	}
	listed, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var want []PlannedRequest
	for _, request := range listed.Requests {
		if request.Condition == "" || request.Condition == "once the record is created" {
			request.Condition = ""
			want = append(want, request)
		}
	}
	seen := &recorded{next: w.wire.next}
	w.wire.next = seen
	defer func() { w.wire.next = seen.next }()
	spec.ValidateOnly = false
	if made, err := w.CreateRecord(t.Context(), spec); err != nil || made.Outcome != Created {
		t.Fatalf("%+v, %v", made, err)
	}
	if diff := cmp.Diff(want, seen.sent); diff != "" || len(want) != 3 {
		t.Errorf("%d planned, sent (-planned +sent):\n%s", len(want), diff)
	}
}
