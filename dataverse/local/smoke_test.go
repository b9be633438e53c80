package local_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

func TestSmoke(t *testing.T) {
	begin := time.Now()
	_, base := localtest.Start(t, local.Config{Seed: "demo"})
	t.Log("start", time.Since(begin))
	do := func(method, path, body string, header ...string) string {
		req, _ := http.NewRequest(method, base+"/api/data/v9.2/"+path, strings.NewReader(body))
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Add(header[i], header[i+1])
		}
		at := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if len(b) > 1500 {
			b = b[:1500]
		}
		t.Log(method, path, resp.Status, time.Since(at), "\n", resp.Header.Get("OData-EntityId"), string(b))
		return string(b)
	}
	do("GET", "WhoAmI", "")
	do("GET", "contacts?$select=fullname,emailaddress1,_parentcustomerid_value,createdon&$top=2&$orderby=fullname", "", "Prefer", `odata.include-annotations="*"`)
	do("POST", "contacts", `{"firstname":"Ada","lastname":"O'Neill","emailaddress1":"ada@example.com","parentcustomerid_account@odata.bind":"/accounts(a0000000-0000-4000-8000-000000000001)"}`)
	do("POST", "contacts?$select=fullname", `{"firstname":"Ada","lastname":"O'Neill","emailaddress1":"ada@example.com"}`, "MSCRM.SuppressDuplicateDetection", "false")
	do("POST", "contacts?$select=fullname&$expand=parentcustomerid_account($select=name)", `{"firstname":"Ada","lastname":"O'Neill","parentcustomerid_account@odata.bind":"/accounts(a0000000-0000-4000-8000-000000000001)"}`, "Prefer", "return=representation")
	do("POST", "contacts", `{"nosuch":1}`)
	do("POST", "contacts", `{"parentcustomerid_account@odata.bind":"/accounts(a0000000-0000-4000-8000-0000000000ff)"}`)
	do("GET", "contacts(c0000000-0000-4000-8000-000000000001)?$select=fullname&$expand=parentcustomerid_account($select=name)", "")
	do("GET", "contacts?$filter=contains(fullname,'mari')&$select=fullname&$count=true", "")
	do("GET", "contacts/$count", "")
	do("GET", "incidents?$select=title,ticketnumber&$expand=customerid_account($select=name)&$top=1", "", "Prefer", `odata.include-annotations="*"`)
	do("GET", "accounts?$select=name&$expand=contact_customer_accounts($select=fullname)&$top=1", "")
	do("GET", "RetrieveDuplicates(BusinessEntity=@p1,MatchingEntityName=@p2,PagingInfo=@p3)?@p1={'@odata.type':'Microsoft.Dynamics.CRM.contact','emailaddress1':'ada@example.com'}&@p2='contact'&@p3={'PageNumber':1,'Count':50}&$select=fullname", "")
	do("PATCH", "contacts(c0000000-0000-4000-8000-000000000001)", `{"middlename":"Q","nickname":"M"}`)
	do("DELETE", "contacts(c0000000-0000-4000-8000-000000000001)", ``)
	do("POST", "phonecalls", `{"subject":"x","phonecall_activity_parties":[{"partyid_systemuser@odata.bind":"/systemusers(50000000-0000-4000-8000-00000000000b)","participationtypemask":1}]}`)
	do("GET", "activitypointers?$select=subject,activitytypecode&$top=3", ``)
	do("POST", "duplicaterules(d0000000-0000-4000-8000-000000000001)/Microsoft.Dynamics.CRM.PublishDuplicateRule", ``)
	do("GET", "contacts?fetchXml=%3Cfetch%20top='1'%3E%3Centity%20name='contact'%3E%3Cattribute%20name='fullname'/%3E%3C/entity%3E%3C/fetch%3E", "")
}
