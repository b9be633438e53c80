package odata_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/botverse/botverse/dataverse/odata"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// batchBody is the request of Web API, "Execute batch operations": a change set, then a query.
const batchBody = `--batch_1
Content-Type: multipart/mixed; boundary="changeset_1"

--changeset_1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /api/data/v9.2/accounts HTTP/1.1
Content-Type: application/json; type=entry

{"name":"Acme"}
--changeset_1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

POST /api/data/v9.2/tasks HTTP/1.1
Content-Type: application/json; type=entry

{"subject":"Call","regardingobjectid_account_task@odata.bind":"$1"}
--changeset_1--
--batch_1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /api/data/v9.2/accounts?$select=name&$top=2 HTTP/1.1
Accept:application/json

--batch_1--
`

func batchRequests() []odata.BatchRequest {
	entry := http.Header{"Content-Type": {"application/json; type=entry"}}
	return []odata.BatchRequest{
		{Method: "POST", URL: "/api/data/v9.2/accounts", Header: entry, Body: []byte(`{"name":"Acme"}`), ContentID: "1", ChangeSet: 1},
		{Method: "POST", URL: "/api/data/v9.2/tasks", Header: entry, Body: []byte(`{"subject":"Call","regardingobjectid_account_task@odata.bind":"$1"}`), ContentID: "2", ChangeSet: 1},
		{Method: "GET", URL: "/api/data/v9.2/accounts?$select=name&$top=2", Header: http.Header{"Accept": {"application/json"}}},
	}
}

func TestReadBatch(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"CRLF": crlf(batchBody), "LF": batchBody, "no line end at last": strings.TrimSuffix(crlf(batchBody), "\r\n"), "preamble": "hello\r\n" + crlf(batchBody)} {
		got, err := odata.ReadBatch(`multipart/mixed; boundary="batch_1"`, strings.NewReader(body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(batchRequests(), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestWriteBatch(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := odata.WriteBatch(&b, "b1", batchRequests()); err != nil {
		t.Fatal(err)
	}
	want := crlf(`--b1
Content-Type: multipart/mixed; boundary=changeset_b1_1

--changeset_b1_1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /api/data/v9.2/accounts HTTP/1.1
Content-Type: application/json; type=entry

{"name":"Acme"}
--changeset_b1_1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

POST /api/data/v9.2/tasks HTTP/1.1
Content-Type: application/json; type=entry

{"subject":"Call","regardingobjectid_account_task@odata.bind":"$1"}
--changeset_b1_1--
--b1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /api/data/v9.2/accounts?$select=name&$top=2 HTTP/1.1
Accept: application/json


--b1--
`)
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got, err := odata.ReadBatch(odata.BatchContentType("b1"), &b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(batchRequests(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it reads back differently\n%s", diff)
	}
}

func TestBatchResponse(t *testing.T) {
	t.Parallel()
	want := []odata.BatchResponse{
		{Status: 204, Header: http.Header{"Odata-Entityid": {"http://h/accounts(1)"}}, ContentID: "1", ChangeSet: 1},
		{Status: 204, ContentID: "2", ChangeSet: 2},
		{Status: 200, Header: http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}}, Body: []byte(`{"value":[]}`)},
		{Status: 400, Body: []byte(`{"error":{"code":"0x0","message":"no"}}`)},
	}
	var b bytes.Buffer
	if err := odata.WriteBatchResponse(&b, "batchresponse_1", want); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"HTTP/1.1 204 No Content\r\n", "HTTP/1.1 400 Bad Request\r\n", "boundary=changesetresponse_1_1\r\n"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in\n%s", line, b.String())
		}
	}
	got, err := odata.ReadBatchResponse(odata.BatchContentType("batchresponse_1"), &b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBoundariesAreNotTooLong holds that strict readers of MIME can read the last of a thousand change sets.
func TestBoundariesAreNotTooLong(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := odata.WriteBatchResponse(&b, "batchresponse_394ce3cb-2a3a-459d-8153-5912750c0336", []odata.BatchResponse{{Status: 204, ChangeSet: 1000}}); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(b.String(), "boundary=")
	boundary, _, _ := strings.Cut(rest, "\r\n")
	if boundary != "changesetresponse_394ce3cb-2a3a-459d-8153-5912750c0336_1000" || len(boundary) > 70 {
		t.Errorf("the boundary of a change set is %q, of %d characters; 70 are allowed", boundary, len(boundary))
	}
}

// TestReadBatchResponseOfTheReference reads the answer of Web API, "Execute batch operations".
func TestReadBatchResponseOfTheReference(t *testing.T) {
	t.Parallel()
	body := crlf(`--batchresponse_b1
Content-Type: multipart/mixed; boundary=changesetresponse_c1

--changesetresponse_c1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
OData-EntityId: http://h/accounts(1)


--changesetresponse_c1--
--batchresponse_b1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal

{"value":[]}
--batchresponse_b1--
`)
	got, err := odata.ReadBatchResponse("multipart/mixed; boundary=batchresponse_b1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Status != 204 || got[0].ContentID != "1" || got[0].ChangeSet != 1 || got[1].ChangeSet != 0 || string(got[1].Body) != `{"value":[]}` {
		t.Errorf("got %+v", got)
	}
}

func TestReadBatchRefuses(t *testing.T) {
	t.Parallel()
	part := "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n"
	tests := []struct{ name, contentType, body, message string }{
		{"no boundary", "multipart/mixed", part, `want multipart/mixed; boundary="…"`},
		{"other type", "application/json", "{}", "want multipart/mixed"},
		{"not multipart", "multipart/mixed; boundary=b", "hello", ""},
		{"broken off", "multipart/mixed; boundary=b", part, ""},
		{"not HTTP", "multipart/mixed; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n", "want application/http"},
		{"no request", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\n\r\n--b--\r\n", "without a request"},
		{"request line", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\nGET\r\n\r\n--b--\r\n", `begins with "GET", want method, URL`},
		{"header", "multipart/mixed; boundary=b", "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\nnonsense\r\n\r\n--b--\r\n", "malformed"},
		{
			"GET in a change set", "multipart/mixed; boundary=b",
			"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n--c--\r\n--b--\r\n", "a GET within a change set",
		},
		{
			"nested", "multipart/mixed; boundary=b",
			"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n--c--\r\n--b--\r\n", "within a change set",
		},
		{"too many", "multipart/mixed; boundary=b", strings.Repeat(part, 1001) + "--b--\r\n", "more than 1000 requests"},
	}
	for _, test := range tests {
		_, err := odata.ReadBatch(test.contentType, strings.NewReader(test.body))
		if !errors.Is(err, odata.ErrBatch) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.message)
		}
	}
}

// TestReadBatchTakesSpacesInURLs: dataverse-webapi for one writes queries into batches as they are.
func TestReadBatchTakesSpacesInURLs(t *testing.T) {
	t.Parallel()
	body := "--b\r\nContent-Type: application/http\r\n\r\nget /accounts?$filter=name eq 'a  b' HTTP/1.1\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nGET /accounts?$filter=fax eq '1'\r\n\r\n--b--"
	got, err := odata.ReadBatch("multipart/mixed; boundary=b", strings.NewReader(body))
	if err != nil || len(got) != 2 || got[0].Method != http.MethodGet || got[0].URL != "/accounts?$filter=name eq 'a  b'" || got[1].URL != "/accounts?$filter=fax eq '1'" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestBatchOfAThousandIsTaken(t *testing.T) {
	t.Parallel()
	requests := make([]odata.BatchRequest, 1000)
	for i := range requests {
		requests[i] = odata.BatchRequest{Method: "GET", URL: fmt.Sprintf("/accounts(%d)", i)}
	}
	var b bytes.Buffer
	if err := odata.WriteBatch(&b, "b", requests); err != nil {
		t.Fatal(err)
	}
	got, err := odata.ReadBatch(odata.BatchContentType("b"), &b)
	if err != nil || len(got) != 1000 || got[999].URL != "/accounts(999)" {
		t.Errorf("%d requests, %v", len(got), err)
	}
}

func TestWriteBatchCannotBeSplit(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := odata.WriteBatch(&b, "b", []odata.BatchRequest{{Method: "GET", URL: "/a HTTP/1.1\r\nEvil: 1"}}); err == nil {
		t.Error("a line break in a URL is written")
	}
	err := odata.WriteBatch(&b, "b", []odata.BatchRequest{{Method: "GET", URL: "/a", Header: http.Header{"X": {"1\r\nEvil: 1"}}, ContentID: "1\r\nEvil: 1"}})
	if err != nil || strings.Contains(b.String(), "\nEvil") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestBatchBodyOfGivenLength(t *testing.T) {
	t.Parallel()
	body := "--b\nContent-Type: application/http\n\nPOST /a HTTP/1.1\nContent-Length: 3\n\nx\n\n\n\n--b--\n"
	got, err := odata.ReadBatch("multipart/mixed; boundary=b", strings.NewReader(body))
	if err != nil || string(got[0].Body) != "x\n\n" {
		t.Errorf("body %q, %v", got[0].Body, err)
	}
}

func FuzzReadBatch(f *testing.F) {
	f.Add(crlf(batchBody))
	f.Add(batchBody)
	f.Add("--batch_1--")
	f.Add("--batch_1\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n--batch_1--\r\n")
	f.Add("--batch_1\r\nContent-Type: multipart/mixed; boundary=batch_1\r\n\r\n--batch_1--")
	f.Fuzz(func(t *testing.T, body string) {
		requests, err := odata.ReadBatch("multipart/mixed; boundary=batch_1", strings.NewReader(body))
		if err != nil && !errors.Is(err, odata.ErrBatch) {
			t.Fatalf("error %v, want ErrBatch", err)
		}
		if len(requests) > 1000 {
			t.Fatalf("%d requests", len(requests))
		}
		if _, err := odata.ReadBatchResponse("multipart/mixed; boundary=batch_1", strings.NewReader(body)); err != nil && !errors.Is(err, odata.ErrBatch) {
			t.Fatalf("error %v, want ErrBatch", err)
		}
	})
}
