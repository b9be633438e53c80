package actions

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/odata"
)

// passing is a transport that counts what reaches it.
type passing struct{ requests, bodies []string }

func (p *passing) RoundTrip(r *http.Request) (*http.Response, error) {
	p.requests = append(p.requests, r.Method+" "+r.URL.Path)
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		p.bodies = append(p.bodies, string(body))
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func trip(t *testing.T, transport http.RoundTripper, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Cookie", "secret")
	r.Header.Set("Prefer", `odata.include-annotations="*"`)
	r.Header.Set("MSCRM.SuppressDuplicateDetection", "false")
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func TestAPlanLetsReadsThroughAndHoldsWrites(t *testing.T) {
	t.Parallel()
	next := &passing{}
	p := newPlan(true)
	transport := p.wrap(next)
	trip(t, transport, http.MethodGet, "https://x.example/api/data/v9.2/accounts?$top=1", "")
	if got := trip(t, transport, http.MethodPost, "https://x.example/api/data/v9.2/contacts", `{"lastname":"Ada","creditlimit":1234567890.10}`); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a held write was answered %d", got.StatusCode)
	}
	p.hold("if the answer is lost")
	trip(t, transport, http.MethodGet, "https://x.example/api/data/v9.2/contacts(1)", "")
	if diff := cmp.Diff([]string{"GET /api/data/v9.2/accounts"}, next.requests); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	header := map[string]string{"Prefer": `odata.include-annotations="*"`, "MSCRM.SuppressDuplicateDetection": "false"}
	got := p.Requests()
	want := []PlannedRequest{
		{Method: "GET", URL: "https://x.example/api/data/v9.2/accounts?$top=1", Header: header},
		{Method: "POST", URL: "https://x.example/api/data/v9.2/contacts", Header: header, Body: got[1].Body},
		{Method: "GET", URL: "https://x.example/api/data/v9.2/contacts(1)", Header: header, Condition: "if the answer is lost"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("planned (-want +got):\n%s", diff)
	}
	if limit, _ := translate.TextOf(got[1].Body["creditlimit"]); limit != "1234567890.10" {
		t.Errorf("creditlimit = %v, want its digits", got[1].Body["creditlimit"])
	}
}

func TestAPlanShowsWhatIsInABatch(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	err := odata.WriteBatch(&body, "b1", []odata.BatchRequest{{Method: http.MethodGet, URL: "/api/data/v9.2/contacts?fetchXml=%3Cfetch%3E", Header: http.Header{"Accept": {"application/json"}}}})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlan(true)
	p.hold("")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x.example/api/data/v9.2/$batch", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", odata.BatchContentType("b1"))
	response, err := p.wrap(&passing{}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := p.Requests(); len(got) != 1 || got[0].Method != http.MethodGet || got[0].URL != "https://x.example/api/data/v9.2/contacts?fetchXml=%3Cfetch%3E" {
		t.Errorf("planned = %+v, want the request inside", got)
	}
}

func TestABodyThatGoesThroughIsWhole(t *testing.T) {
	t.Parallel()
	next := &passing{}
	trip(t, newPlan(true).wrap(next), http.MethodPost, "https://x.example/api/data/v9.2/$batch", "a body")
	if diff := cmp.Diff([]string{"a body"}, next.bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestHeldBackTellsOurRefusalFromOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.client(t)
	contact, err := client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlan(true)
	p.hold("")
	w.wire.take()
	_, err = p.through(client).ListRecords(t.Context(), contact, &odata.Query{Select: []string{"contactid"}})
	if p.heldBack(err) != nil {
		t.Errorf("heldBack(%v) = %v, want nil", err, p.heldBack(err))
	}
	if got := len(p.Requests()); got != 1 {
		t.Errorf("%d requests planned, want the one: it must not be repeated", got)
	}
	if sent := w.wire.take(); len(sent) > 0 {
		t.Errorf("sent %v, want nothing", sent)
	}
	other := errors.New("no connection")
	if !errors.Is(p.heldBack(other), other) || p.heldBack(nil) == nil {
		t.Error("heldBack hides what is not held")
	}
}
