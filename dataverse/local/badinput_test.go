package local_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestNoInputIsOurFault sends requests put together of the right pieces in the wrong order: none may be answered with a 5xx
// or by a broken connection.
func TestNoInputIsOurFault(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	const id = "c0000000-0000-4000-8000-000000000001"
	paths := []string{
		"", "contacts", "contacts(" + id + ")", "contacts()", "contacts(x=1)", "contacts(contactid=" + id + ")", "EntityDefinitions", "EntityDefinitions(LogicalName='contact')",
		"EntityDefinitions(1)", "$batch", "$metadata", "WhoAmI", "RetrieveDuplicates", "RetrieveDuplicates()", "RetrieveDuplicates(BusinessEntity=@a,MatchingEntityName='contact')",
		"RetrieveDuplicates(BusinessEntity='x',MatchingEntityName=1)", "CloseIncident", "CCaaS_ModifyAgentPresence", "UnpublishDuplicateRule", "activityparties",
		"duplicaterules(d0000000-0000-4000-8000-000000000001)/Microsoft.Dynamics.CRM.PublishDuplicateRule", "accounts(a0000000-0000-4000-8000-000000000001)", "teams", "((", "%00", "a%2Fb",
	}
	tails := []string{"", "/$ref", "/$count", "/$value", "/parentcustomerid_account", "/parentcustomerid_account/$ref", "/fullname", "/Contact_Tasks", "/Contact_Tasks(" + id + ")/$ref", "/Attributes", "/Attributes(x)", "/Microsoft.Dynamics.CRM.X", "/x/y/z"}
	queries := []string{
		"", "$select=fullname", "$select=", "$select=*", "$filter=", "$filter=fullname eq null", "$filter=contactid eq 1", "$filter=_ownerid_value eq 'x'", "$orderby=x", "$orderby=fullname desc",
		"$top=0", "$top=-1", "$top=99999999999999999999", "$expand=parentcustomerid_account", "$expand=x", "$apply=x", "$apply=groupby((statecode))", "$count=x", "$skiptoken=x", "$skiptoken=%3Ccookie", "fetchXml=x",
		"fetchXml=%3Cfetch/%3E", "fetchXml=%3Cfetch%3E%3Centity%20name='contact'/%3E%3C/fetch%3E", "@a={", "@a={'@odata.type':'x'}", "@a={'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':7}", "@a=%00",
		"savedQuery=x", "$filter=contains(fullname,'%25_[')", "$filter=createdon gt 2020", "$filter=" + strings.Repeat("(", 200), "%", "$filter=fullname eq '%FF'", "$id=x",
	}
	bodies := []string{
		"", "{}", "[]", "null", "1", "{", `{"x":1}`, `{"lastname":null}`, `{"lastname":["a"]}`, `{"lastname":"\u0000"}`, `{"contactid":null}`, `{"contactid":{}}`, `{"value":{}}`, `{"value":[1]}`, `{"statecode":9}`, `{"statecode":"x"}`, `{"statuscode":1e99}`,
		`{"birthdate":17}`, `{"parentcustomerid_account":{}}`, `{"parentcustomerid_account":[]}`, `{"parentcustomerid_account@odata.bind":"x"}`, `{"parentcustomerid_account@odata.bind":"/accounts()"}`, `{"Contact_Tasks":{}}`, `{"Contact_Tasks":[1]}`,
		`{"Contact_Tasks":[{"Contact_Tasks":1}]}`, `{"Contact_Tasks@odata.bind":[1]}`, `{"@odata.id":"x"}`, `{"@odata.id":7}`, `{"ownerid@odata.bind":"/contacts(` + id + `)"}`, `{"ownerid@odata.bind":null}`, `{"transactioncurrencyid@odata.bind":null,"creditlimit":1}`,
		`{"IncidentResolution":7}`, `{"AgentId":7,"PresenceId":7}`, `{"DuplicateRuleId":"x"}`, `{"":1}`, `{"@odata.bind":1}`, `{"name":"` + strings.Repeat("x", 5000) + `"}`, "\xff\xfe",
	}
	headers := []string{"", "If-Match: x", "If-Match: *", "If-None-Match: *", "Prefer: return=representation", "Prefer: odata.maxpagesize=x", `Prefer: odata.include-annotations="*"`, "MSCRM.SuppressDuplicateDetection: false", "MSCRMCallerID: x", "CallerObjectId: '", "Content-Type: multipart/mixed; boundary=b"}
	rapid.Check(t, func(r *rapid.T) {
		method := rapid.SampledFrom([]string{"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "X"}).Draw(r, "method")
		path := rapid.SampledFrom(paths).Draw(r, "path") + rapid.SampledFrom(tails).Draw(r, "tail")
		query := strings.ReplaceAll(rapid.SampledFrom(queries).Draw(r, "query"), " ", "%20")
		body := rapid.SampledFrom(bodies).Draw(r, "body")
		request, err := http.NewRequestWithContext(t.Context(), method, base+"/api/data/v9.2/", strings.NewReader(body))
		if err != nil {
			r.Skip("not a request")
		}
		request.URL.Opaque = "//" + request.URL.Host + "/api/data/v9.2/" + path
		request.URL.RawQuery = query
		if name, value, ok := strings.Cut(rapid.SampledFrom(headers).Draw(r, "header"), ": "); ok {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			r.Fatalf("no answer: %v", err)
		}
		defer response.Body.Close()
		b, _ := io.ReadAll(response.Body)
		if response.StatusCode >= 500 {
			r.Fatalf("%s: %s", response.Status, b)
		}
	})
}
