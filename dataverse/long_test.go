package dataverse

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/botverse/botverse/dataverse/odata"
)

// answerBatch answers a $batch by what handle says of its parts, as Dataverse does: it stops at the first that fails, whose status
// is the whole answer's.
func answerBatch(t *testing.T, w http.ResponseWriter, r *http.Request, handle func(odata.BatchRequest) odata.BatchResponse) {
	t.Helper()
	requests, err := odata.ReadBatch(r.Header.Get("Content-Type"), r.Body)
	if err != nil {
		t.Errorf("read the $batch: %v", err)
	}
	status := http.StatusOK
	var responses []odata.BatchResponse
	for _, request := range requests {
		response := handle(request)
		responses = append(responses, response)
		if response.Status >= 400 {
			status = response.Status
			break
		}
	}
	w.Header().Set("Content-Type", "multipart/mixed; boundary=batchresponse_1")
	w.WriteHeader(status)
	if err := odata.WriteBatchResponse(w, "batchresponse_1", responses); err != nil {
		t.Error(err)
	}
}

func part(status int, body string) odata.BatchResponse {
	return odata.BatchResponse{Status: status, Header: http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}}, Body: []byte(body)}
}

func TestLongQueriesGoByBatch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("very long ", 300)
	var inner odata.BatchRequest
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if !IsRead(r) {
			t.Errorf("%s %s is no read to IsRead", r.Method, r.URL.Path)
		}
		answerBatch(t, w, r, func(request odata.BatchRequest) odata.BatchResponse {
			inner = request
			return part(200, `{"value":[{"contactid":"0C4A3A1E-53A3-4A55-9A4A-3D1A50F7C111"}]}`)
		})
	})
	page, err := s.client(t).ListRecords(t.Context(), entity("contact"), &odata.Query{
		Select: []string{"contactid"},
		Filter: &odata.Compare{Path: odata.Path{"description"}, Op: odata.Eq, Value: odata.String(long)},
		Expand: []odata.Expand{{Navigation: "parentcustomerid_account", Select: []string{"name"}}},
	})
	if err != nil || len(page.Records) != 1 || page.Records[0].ID() != adaID {
		t.Fatalf("ListRecords = %+v, %v", page, err)
	}
	came := s.requests()
	if len(came) != 1 || came[0].method != "POST" || came[0].uri != "/api/data/v9.2/$batch" {
		t.Errorf("what was sent is %v", came)
	}
	if !strings.HasPrefix(inner.URL, "/api/data/v9.2/contacts?$select=contactid&") || inner.Method != http.MethodGet {
		t.Errorf("the part is %s %s", inner.Method, inner.URL)
	}
	for name, want := range map[string]string{"Accept": "application/json", "Prefer": `odata.include-annotations="*"`, "If-None-Match": "null"} {
		if got := inner.Header.Get(name); got != want {
			t.Errorf("the part's header %s is %q, want %q: parts inherit nothing", name, got, want)
		}
	}
}

func TestFailedPartIsTheCallsError(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("somebody's words ", 200)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		answerBatch(t, w, r, func(odata.BatchRequest) odata.BatchResponse {
			return part(400, `{"error":{"code":"0x80060888","message":"cannot do `+secret+`"}}`)
		})
	})
	_, err := s.client(t).FetchRecords(t.Context(), entity("contact"),
		`<fetch><entity name="contact"><filter><condition attribute="description" operator="eq" value="`+secret+`"/></filter></entity></fetch>`)
	want := "FetchRecords contact: Dataverse refused the request: cannot do […] (status 400, code 0x80060888 UnsupportedQuery, request "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the error is\n  %v\nwant\n  %s", err, want)
	}
}

func TestBatchAnsweredByAPageIsAnOutage(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/html", "multipart/mixed; boundary=b", "multipart/mixed"} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) {
				return reply(200, "<html>", "Content-Type", contentType), nil
			}}
			query := &odata.Query{Filter: &odata.Compare{Path: odata.Path{"description"}, Op: odata.Eq, Value: odata.String(strings.Repeat("x", maxURL))}}
			_, err := s.client().ListRecords(t.Context(), entity("contact"), query)
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "url right?") {
				t.Errorf("%s: the error is %v", contentType, err)
			}
		})
	}
}
