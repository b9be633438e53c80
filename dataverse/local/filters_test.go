package local_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestFilters holds the conditions of $filter to what they find: every operator, literal, string function and path (Web API,
// "Filter rows using OData").
func TestFilters(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	operatorRecords(c, time.Now().UTC())
	const a, b = "99000000-0000-4000-8000-00000000000a", "99000000-0000-4000-8000-00000000000b"
	c.create("tasks", `{"subject":"Call the cook","regardingobjectid_account_task@odata.bind":"/accounts(`+a+`)"}`)
	c.create("tasks", `{"subject":"Write","regardingobjectid_account_task@odata.bind":"/accounts(`+a+`)"}`)
	c.create("tasks", `{"subject":"Call","regardingobjectid_account_task@odata.bind":"/accounts(`+b+`)"}`)
	c.create("contacts", `{"lastname":"Same","firstname":"Same","birthdate":"1990-05-17","parentcustomerid_account@odata.bind":"/accounts(`+a+`)"}`)
	for filter, want := range map[string]string{
		// comparisons
		"numberofemployees eq 10": "A", "numberofemployees ne 10": "B D", "numberofemployees gt 5": "A B", "numberofemployees ge 10": "A B", "numberofemployees lt 10": "D", "numberofemployees le 10": "A D",
		"5 lt numberofemployees": "A B", "revenue gt 100": "A B", "revenue eq 100.5": "A", "revenue eq 100.50": "A", "revenue lt 1e2": "D", "address1_latitude gt 1": "A",
		// junctions: and binds tighter than or
		"industrycode eq 1 or industrycode eq 2 and creditonhold eq true": "A", "(industrycode eq 1 or industrycode eq 2) and creditonhold eq false": "B",
		"not (industrycode eq 1)": "B D", "not contains(name,'x')": "A", "not (industrycode eq 1 or industrycode eq 2)": "D",
		// literals
		"name eq null": "D", "name ne null": "A B C", "creditonhold eq true": "A", "creditonhold eq false": "B C D",
		"accountid eq " + a: "A", "accountid eq '" + strings.ToUpper(a) + "'": "A", "_parentaccountid_value eq " + a: "B", "_parentaccountid_value ne null": "B C", "_parentaccountid_value eq null": "A D",
		"createdon gt 2020-01-01": "A B C D", "createdon gt 2020-01-01T00:00:00Z": "A B C D", "createdon lt 2020-01-01T00:00:00+02:00": "", "createdon gt 2999-01-01T00:00:00Z": "",
		// text: without case and accents; %, _ and [] are wildcards
		"name eq 'ANGSTROM 100%'": "A", "name gt 'angstrom b_x'": "C", "contains(name,'STROM')": "A B", "startswith(name,'ång')": "A B", "endswith(name,']')": "C",
		"contains(name,'0[%]')": "A", "contains(name,'b_x')": "B C", "contains(name,'b[_]x')": "B", "contains(name,'%x%1')": "C", "contains(name,'[[]1')": "C", "startswith(name,'[^a]')": "C", "contains(name,'')": "A B C",
		// columns against each other
		"accountnumber eq accountnumber": "A B C D", "createdon le modifiedon": "A B C D", "name eq accountnumber": "",
		// paths
		"parentaccountid/name eq 'angstrom b_x'": "C", "parentaccountid/accountid eq " + a: "B", "parentaccountid/parentaccountid/accountnumber eq 'A'": "C", "owningteam/name eq 'Frontline Support'": "C",
		"owningbusinessunit/businessunitid eq " + unitID: "A B C D", "ownerid/systemuserid eq " + botID: "A B D",
		// lambdas
		"Account_Tasks/any(t:contains(t/subject,'call'))": "A B", "Account_Tasks/all(t:contains(t/subject,'call'))": "B C D", "Account_Tasks/any()": "A B", "not Account_Tasks/any()": "C D",
		"Account_Tasks/any(t:t/subject eq 'Write' and t/statecode eq 0)": "A", "contact_customer_accounts/any(c:c/firstname eq c/lastname)": "A", "account_parent_account/any(x:x/accountnumber eq 'C')": "B",
		// query functions beside other conditions
		"Microsoft.Dynamics.CRM.In(PropertyName='industrycode',PropertyValues=[\"1\",\"2\"]) and revenue gt 150": "B", "Microsoft.Dynamics.CRM.In(PropertyName='parentaccountid',PropertyValues=['" + a + "'])": "B",
		"Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[\"O'Brian\",\"angstrom b_x\"])": "B",
	} {
		_, ours := operatorCase{}.ours()
		test := operatorCase{operator: "filter", field: filter, want: want}
		test.check(t, "$filter", c.found(t, test, "$select=accountnumber&$filter="+url.QueryEscape(ours+"("+filter+")")))
	}
	if status, _, body := c.send(http.MethodGet, "contacts/$count?$filter=birthdate eq 1990-05-17", ""); status != http.StatusOK || !strings.HasSuffix(string(body), "1") {
		t.Errorf("contacts born on a day: %d %q", status, body)
	}
}

// TestOrders holds $orderby to its order (Web API, "Order rows using OData"; "Page results").
func TestOrders(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	operatorRecords(c, time.Now().UTC())
	_, ours := operatorCase{}.ours()
	for order, want := range map[string]string{
		"name": "D A B C", "name desc": "C B A D", "numberofemployees,accountnumber desc": "C D A B", "industrycode desc": "D B A C", "parentaccountid/name desc,accountnumber": "C B A D",
		"_parentaccountid_value,accountnumber": "A D B C", "creditonhold desc,revenue": "A C D B", "accountid desc": "D C B A",
	} {
		status, _, b := c.send(http.MethodGet, "accounts?$select=accountnumber&$orderby="+order+"&$filter="+url.QueryEscape(strings.TrimSuffix(ours, " and ")), "")
		var got []string
		for _, part := range strings.Split(string(b), `"accountnumber":"`)[1:] {
			got = append(got, part[:1])
		}
		if status != http.StatusOK || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("$orderby=%s: %d %q, want %q %s", order, status, got, want, b)
		}
	}
}
