package local_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/internal/await"
)

// FuzzRequests sends any request to the server: none may be answered with a 5xx, take long, or be answered with JSON that is
// none. Its corpus is the requests of testdata and some that are put together wrongly on purpose.
func FuzzRequests(f *testing.F) {
	for _, r := range corpus(f) {
		f.Add(r.method, r.target, r.header, r.body)
	}
	const contact = "contacts(c0000000-0000-4000-8000-000000000001)"
	for _, target := range []string{
		"", "/", "$batch", "contacts(", "contacts()", contact + "/", contact + "//", contact + "/$value", contact + "/fullname/$value/x", contact + "/parentcustomerid_account/parentaccountid/Account_Tasks/$count",
		"contacts?$filter=" + strings.Repeat("(", 2000), "contacts?$filter=" + strings.Repeat("not ", 2000) + "true", "contacts?$filter=fullname eq '" + strings.Repeat("x", 3000) + "'",
		"contacts?$expand=" + strings.Repeat("parentcustomerid_account($expand=", 40), "contacts?$orderby=" + strings.Repeat("a/", 500), "contacts?$filter=contains(fullname,'" + strings.Repeat("%25[", 300) + "')",
		"contacts?$filter=revenue gt 1e400", "contacts?$filter=createdon gt 9999-12-31T23:59:59Z", "contacts?$filter=createdon gt 0001-01-01", "contacts?$apply=groupby((),aggregate())", "contacts?$skiptoken=%3Ccookie",
		"accounts?$filter=Microsoft.Dynamics.CRM.LastXYears(PropertyName='createdon',PropertyValue=999999999999)", "accounts?$filter=Microsoft.Dynamics.CRM.InFiscalYear(PropertyName='createdon',PropertyValue=-5)",
		"EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='fullname')/x/y", "RelationshipDefinitions()", "GlobalOptionSetDefinitions(1)", "RetrieveMetadataChanges(Query=@p1)?@p1={'Criteria':{'Filters':[{'Filters':[{}]}]}}",
		"RetrieveDuplicates(BusinessEntity=@a,MatchingEntityName='contact',PagingInfo=@b)?@a={'@odata.type':'Microsoft.Dynamics.CRM.contact'}&@b={'PageNumber':-9223372036854775808,'Count':9223372036854775807}",
		"RetrieveTotalRecordCount(EntityNames=[1,null,['x']])", "contacts?fetchXml=<fetch count='9223372036854775807' page='9223372036854775807'><entity name='contact'/></fetch>",
	} {
		f.Add("GET", target, "", "")
	}
	for target, body := range map[string]string{
		contact: `{"birthdate":"9999-12-31","creditlimit":1e308,"address1_latitude":-0.0,"numberofchildren":2147483648}`, "contacts": `{"Contact_Tasks":[{"Contact_Tasks":[{}]}],"parentcustomerid_account":{"Account_Tasks":null}}`,
		"$batch": "--b\r\nContent-Type: application/http\r\n\r\nGET contacts HTTP/1.1\r\n\r\n\r\n--b--\r\n", "contacts/Microsoft.Dynamics.CRM.CreateMultiple": `{"Targets":[[],{},null]}`,
		contact + "/parentcustomerid_account/$ref": `{"@odata.id":"$1"}`, "emails": `{"email_activity_parties":[{"partyid_contact@odata.bind":"/contacts(x)"}],"to":[1]}`,
	} {
		f.Add("POST", target, "Content-Type: multipart/mixed; boundary=b", body)
		f.Add("PATCH", target, `If-Match: W/"`, body)
		f.Add("PUT", target, "", body)
		f.Add("DELETE", target, "", body)
	}
	cfg := local.Default()
	cfg.InMemory, cfg.Seed, cfg.Addr = true, local.SeedDemo, "127.0.0.1:0"
	server, err := local.Open(f.Context(), cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = server.Close() })
	f.Fuzz(func(t *testing.T, method, target, header, body string) {
		if strings.Contains(strings.ToLower(body), "serviceendpoint") {
			t.Skip("a webhook that would really be sent")
		}
		request := requestOf(method, target, header, body)
		if request == nil {
			t.Skip("not a request that HTTP could carry")
		}
		answer := httptest.NewRecorder()
		begin := time.Now()
		server.Handler().ServeHTTP(answer, request)
		if took := time.Since(begin); took > await.Patience {
			t.Errorf("%s %s took %v", method, target, took)
		}
		if answer.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s", method, target, answer.Code, answer.Body)
		}
		if strings.HasPrefix(answer.Header().Get("Content-Type"), "application/json") && !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%s %s: %d, not JSON: %s", method, target, answer.Code, answer.Body)
		}
	})
}

// requestOf is a request as net/http would have read it from the wire, nil for one that it would not have.
func requestOf(method, target, header, body string) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	u, err := url.ParseRequestURI("/api/data/v9.2/" + strings.ReplaceAll(path, " ", "%20"))
	if err != nil {
		return nil
	}
	u.RawQuery = strings.ReplaceAll(query, " ", "%20")
	request, err := http.NewRequest(method, "http://127.0.0.1/", strings.NewReader(body))
	if err != nil {
		return nil
	}
	request.URL, request.RequestURI = u, u.RequestURI()
	for line := range strings.Lines(header) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			request.Header.Add(name, value)
		}
	}
	return request
}

type corpusRequest struct{ method, target, header, body string }

// corpus is the requests of testdata.
func corpus(f *testing.F) []corpusRequest {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases in testdata: %v", err)
	}
	var all []corpusRequest
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if !strings.HasSuffix(part.Name, "request") {
				continue
			}
			head, body, _ := strings.Cut(string(part.Data), "\n\n")
			first, header, _ := strings.Cut(head, "\n")
			method, target, _ := strings.Cut(strings.TrimSpace(first), " ")
			if strings.HasSuffix(target, "fetchXml=") {
				target, body = target+url.QueryEscape(strings.TrimSpace(body)), ""
			}
			all = append(all, corpusRequest{method, strings.TrimPrefix(target, "/"), header, body})
		}
	}
	return all
}
