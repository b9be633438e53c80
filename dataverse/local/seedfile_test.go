package local_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

func seedFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	anAccount = "a1000000-0000-4000-8000-000000000001"
	aContact  = "c1000000-0000-4000-8000-000000000001"
)

// TestSeedOfOnesOwn has records that point at each other in a circle, and one with others in it.
func TestSeedOfOnesOwn(t *testing.T) {
	t.Parallel()
	file := seedFile(t, `{
 "accounts": [{"accountid": "`+anAccount+`", "name": "Own", "primarycontactid@odata.bind": "/contacts(`+aContact+`)"}],
 "contacts": [
  {"contactid": "`+aContact+`", "lastname": "First", "createdon": "2020-02-03T04:05:06Z", "parentcustomerid_account@odata.bind": "/accounts(`+anAccount+`)"},
  {"lastname": "Second", "Contact_Tasks": [{"subject": "Call"}]}
 ]
}`)
	_, base := localtest.Start(t, local.Config{Seed: file, AllowControl: true})
	c := newClient(t, base)
	first := c.list("contacts?$select=lastname,createdon&$expand=parentcustomerid_account($select=name)&$filter=lastname eq 'First'")[0]
	if parent, _ := first["parentcustomerid_account"].(map[string]any); first["createdon"] != "2020-02-03T04:05:06Z" || parent["name"] != "Own" {
		t.Errorf("the first contact is %v, want its date and its account", first)
	}
	if tasks := c.list("tasks?$filter=regardingobjectid_contact_task/lastname eq 'Second'"); len(tasks) != 1 {
		t.Errorf("%d tasks of the second contact, want 1", len(tasks))
	}
	if got := len(c.list("organizations")) + len(c.list("systemusers")); got != 2 {
		t.Errorf("%d organizations and users, want those that every organisation has", got)
	}
	c.create("contacts", `{"lastname":"Third"}`)
	if status, answer := control(t, base, http.MethodPost, "/local/reset", ""); status != http.StatusNoContent {
		t.Fatalf("reset = %d %s", status, answer)
	}
	if got := c.lastNames(); got != "First Second" {
		t.Errorf("contacts after a reset = %s, want First Second", got)
	}
	if err := os.WriteFile(file, []byte(`{"contacts":[{"lastnam":"x"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, answer := control(t, base, http.MethodPost, "/local/reset", ""); status != http.StatusBadRequest || !strings.Contains(answer, `did you mean "lastname"?`) {
		t.Errorf("reset to a seed that went wrong = %d %s, want 400 that says why", status, answer)
	}
	if got := c.lastNames(); got != "First Second" {
		t.Errorf("contacts after that = %s, want them untouched", got)
	}
}

// TestBuiltInSeedAsAFile gives the demo's own file, which has an organisation in it.
func TestBuiltInSeedAsAFile(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: "seed/demo.json"})
	if got := len(newClient(t, base).list("contacts")); got != 30 {
		t.Errorf("%d contacts, want 30", got)
	}
}

func TestWrongSeedsSayWhereAndWhat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:   "line 1: the file ends in the middle",
		`[]`: "line 1: there must be an object",
		"{\n \"contacts\": [\n  {\"lastname\": }\n ]\n}": "line 3: this is no JSON",
		"{\n \"contacts\": [\n":                          "the file ends in the middle",
		`{} {}`:                                          "more than one object",
		`{"contacts": {"lastname": "x"}}`:                `"contacts" must be a list`,
		`{"contacts": [5]}`:                              "line 1: there must be an object",
		"{\n \"contcts\": []\n}":                         `line 2: there is no entity set "contcts"; did you mean "contacts"?`,
		`{"contact": []}`:                                `there is no entity set "contact"; did you mean "contacts"?`,
		"{\"contacts\": [\n {\"lastname\": \"a\"},\n {\"lastname\": \"b\",\n  \"emailadress1\": \"x\"}\n]}":                                                           `line 4: contact has no "emailadress1"; did you mean "emailaddress1"?`,
		`{"contacts": [{"parentcustomerid_acount@odata.bind": "/accounts(` + anAccount + `)"}]}`:                                                                      `did you mean "parentcustomerid_account@odata.bind"?`,
		"{\"contacts\": [\n {\"lastname\": \"a\", \"lastname\": \"b\"}\n]}":                                                                                           `line 2: "lastname" stands in the record twice`,
		"{\"contacts\": [\n {\"lastname\": \"a\",\n  \"gendercode\": \"male\"}\n]}":                                                                                   `line 3: contact, "gendercode": `,
		"{\"contacts\": [\n {\"lastname\": \"a\",\n  \"parentcustomerid_account@odata.bind\": 5}\n]}":                                                                 `line 3: contact, "parentcustomerid_account@odata.bind": The value`,
		"{\"contacts\": [\n {\"lastname\": \"a\",\n  \"parentcustomerid_account@odata.bind\": \"/leads(" + anAccount + ")\"}\n]}":                                     `line 3: contact, "parentcustomerid_account@odata.bind": The navigation property`,
		"{\"contacts\": [{\"contactid\": \"" + aContact + "\"},\n {\"contactid\": \"" + aContact + "\"}]}":                                                            "line 2: contact: A record with matching key values already exists.",
		"{\"contacts\": [\n {\"contactid\": \"" + aContact + "\",\n  \"parentcustomerid_account@odata.bind\": \"/accounts(" + strings.ToUpper(anAccount) + ")\"}\n]}": `line 3: contact, "parentcustomerid_account@odata.bind" points at account(` + anAccount + `), which is not there`,
		`{"contacts": [{"lastname": "x", "parentcustomerid_account@odata.bind": "/accounts(` + anAccount + `)"}]}`:                                                    `points at account(` + anAccount + `), which is not there`,
		`{"contacts": [{"lastname": "x", "parentcustomerid_account@odata.bind": "/accounts(accountnumber='1')"}]}`:                                                    `"parentcustomerid_account@odata.bind": `,
		`{"organizations": [{"name": "x"}]}`: "must have systemusers too",
		`{"organizations": []}`:              "empty list of organizations",
	} {
		cfg := localtest.Complete(local.Config{Seed: seedFile(t, text)})
		server, err := local.Open(t.Context(), cfg)
		if err == nil {
			server.Close()
			t.Errorf("%s: it is taken, want %q", text, want)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), cfg.Seed) {
			t.Errorf("%s: the error is %v, want %q", text, err, want)
		}
	}
}

// TestWrongSeedLeavesNothingBehind holds that the next start, with the mistake put right, finds a new data directory.
func TestWrongSeedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	cfg.Seed = seedFile(t, `{"contacts": [{"lastname": "x"}], "accounts": [{"name": 5}]}`)
	if server, err := local.Open(t.Context(), cfg); err == nil {
		server.Close()
		t.Fatal("a wrong seed is taken")
	}
	cfg.Seed = seedFile(t, `{"contacts": [{"lastname": "x"}]}`)
	server, _ := serve(t, cfg)
	if got := newClient(t, "http://"+server.Addr()).lastNames(); got != "x" {
		t.Errorf("contacts = %q, want x once", got)
	}
}
