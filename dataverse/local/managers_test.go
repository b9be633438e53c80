package local_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// owned are the names of the contacts that a condition on their owner finds, for a user.
func owned(c client, userID, operator string) string {
	c.t.Helper()
	function := map[string]string{"eq-useroruserhierarchy": "EqualUserOrUserHierarchy", "eq-useroruserhierarchyandteams": "EqualUserOrUserHierarchyAndTeams"}[operator]
	var found [2]string
	for i, query := range []string{
		"fetchXml=" + url.QueryEscape(`<fetch><entity name="contact"><attribute name="lastname"/><filter><condition attribute="ownerid" operator="`+operator+`"/></filter></entity></fetch>`),
		"$filter=" + url.QueryEscape("Microsoft.Dynamics.CRM."+function+"(PropertyName='ownerid')"),
	} {
		var names []string
		for _, contact := range c.list("contacts?"+query, "MSCRMCallerID: "+userID) {
			names = append(names, contact["lastname"].(string))
		}
		slices.Sort(names)
		found[i] = strings.Join(names, " ")
	}
	if found[0] != found[1] {
		c.t.Errorf("%s finds %q, the query function %q", operator, found[0], found[1])
	}
	return found[0]
}

// TestManagersSeeWhatTheirPeopleOwn has users who manage each other in a line: the first the second, and so on.
func TestManagersSeeWhatTheirPeopleOwn(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	unit := c.list("businessunits")[0]["businessunitid"].(string)
	user := func(n string) string { return "50000000-0000-4000-8000-00000000010" + n }
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		c.create("systemusers", `{"systemuserid":"`+user(n)+`","firstname":"User","lastname":"`+n+`","domainname":"`+n+`@example.com","businessunitid@odata.bind":"/businessunits(`+unit+`)"}`)
		c.create("contacts", `{"lastname":"`+n+`","ownerid@odata.bind":"/systemusers(`+user(n)+`)"}`)
	}
	manage := func(below, above string) {
		t.Helper()
		if status, _, b := c.send(http.MethodPatch, "systemusers("+user(below)+")", `{"parentsystemuserid@odata.bind":"/systemusers(`+user(above)+`)"}`); status != http.StatusNoContent {
			t.Fatalf("PATCH = %d %s", status, b)
		}
	}
	for _, line := range [][2]string{{"2", "1"}, {"3", "2"}, {"4", "3"}, {"5", "4"}} {
		manage(line[0], line[1])
	}
	c.create("teams", `{"teamid":"`+teamID+`","name":"Team","businessunitid@odata.bind":"/businessunits(`+unit+`)"}`)
	c.send(http.MethodPost, "teams("+teamID+")/teammembership_association/$ref", `{"@odata.id":"systemusers(`+user("3")+`)"}`)
	c.create("contacts", `{"lastname":"Team","ownerid@odata.bind":"/teams(`+teamID+`)"}`)

	expect := func(when, n, alone, withTeams string) {
		t.Helper()
		if got := owned(c, user(n), "eq-useroruserhierarchy"); got != alone {
			t.Errorf("%s: user %s finds %q, want %q", when, n, got, alone)
		}
		if got := owned(c, user(n), "eq-useroruserhierarchyandteams"); got != withTeams {
			t.Errorf("%s: user %s finds %q with teams, want %q", when, n, got, withTeams)
		}
	}
	expect("three levels", "1", "1 2 3 4", "1 2 3 4 Team")
	expect("three levels", "3", "3 4 5", "3 4 5 Team")
	expect("three levels", "5", "5", "5")
	setOrganization(t, server, c, `{"maxdepthforhierarchicalsecuritymodel":1}`)
	expect("one level", "1", "1 2", "1 2")
	expect("one level", "2", "2 3", "2 3 Team")
	setOrganization(t, server, c, `{"maxdepthforhierarchicalsecuritymodel":50}`)
	expect("all levels", "1", "1 2 3 4 5", "1 2 3 4 5 Team")
	manage("1", "5")
	expect("a circle", "4", "1 2 3 4 5", "1 2 3 4 5 Team")
}
