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

// expectOwned checks what a user finds, alone and with the teams.
func expectOwned(c client, when, userID, alone, withTeams string) {
	c.t.Helper()
	if got := owned(c, userID, "eq-useroruserhierarchy"); got != alone {
		c.t.Errorf("%s: user %s finds %q, want %q", when, userID, got, alone)
	}
	if got := owned(c, userID, "eq-useroruserhierarchyandteams"); got != withTeams {
		c.t.Errorf("%s: user %s finds %q with teams, want %q", when, userID, got, withTeams)
	}
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
		expectOwned(c, when, user(n), alone, withTeams)
	}
	expect("no hierarchy", "1", "1", "1")
	expect("no hierarchy", "3", "3", "3 Team")
	setOrganization(t, server, c, `{"ishierarchicalsecuritymodelenabled":true}`)
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

// TestPositionsSeeWhatIsOwnedBelow has a position for the boss, one below for two leads who share it, and one below theirs. Who
// manages whom says the opposite, and does not count where positions do.
func TestPositionsSeeWhatIsOwnedBelow(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	unit := c.list("businessunits")[0]["businessunitid"].(string)
	id := func(prefix, name string) string { return prefix + "0000000-0000-4000-8000-00000000020" + name }
	for _, p := range [][2]string{{"1", ""}, {"2", "1"}, {"3", "2"}, {"4", "3"}, {"5", "4"}} {
		parent := ""
		if p[1] != "" {
			parent = `,"parentpositionid@odata.bind":"/positions(` + id("b", p[1]) + `)"`
		}
		c.create("positions", `{"positionid":"`+id("b", p[0])+`","name":"Position `+p[0]+`"`+parent+`}`)
	}
	add := func(name, position, manager string) {
		t.Helper()
		bind := ""
		if position != "" {
			bind += `,"positionid@odata.bind":"/positions(` + id("b", position) + `)"`
		}
		if manager != "" {
			bind += `,"parentsystemuserid@odata.bind":"/systemusers(` + id("5", manager) + `)"`
		}
		c.create("systemusers", `{"systemuserid":"`+id("5", name)+`","firstname":"User","lastname":"`+name+`","domainname":"`+name+`@example.com","businessunitid@odata.bind":"/businessunits(`+unit+`)"`+bind+`}`)
		c.create("contacts", `{"lastname":"`+name+`","ownerid@odata.bind":"/systemusers(`+id("5", name)+`)"}`)
	}
	add("a", "5", "")
	add("b", "4", "a")
	add("c", "3", "b")
	add("d", "2", "c")
	add("e", "2", "c")
	add("f", "1", "d")
	add("0", "", "f")

	expect := func(when, n, want string) {
		t.Helper()
		expectOwned(c, when, id("5", n), want, want)
	}
	expect("no hierarchy", "f", "f")
	setOrganization(t, server, c, `{"ishierarchicalsecuritymodelenabled":true}`)
	expect("managers", "a", "a b c d e")
	setOrganization(t, server, c, `{"usepositionhierarchy":true}`)
	expect("positions, three levels", "f", "b c d e f")
	expect("positions, three levels", "d", "a b c d")
	expect("positions, three levels", "a", "a")
	expect("positions, nobody's own", "0", "0")
	setOrganization(t, server, c, `{"maxdepthforhierarchicalsecuritymodel":1}`)
	expect("positions, one level", "f", "d e f")
	setOrganization(t, server, c, `{"ishierarchicalsecuritymodelenabled":false}`)
	expect("switched off", "f", "f")
}
