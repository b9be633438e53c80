package local_test

import (
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

func TestSeedsPointAtRecordsThatAreThere(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{local.SeedDemo, local.SeedNone} {
		server, _ := localtest.Start(t, local.Config{Seed: seed})
		missing, err := local.CheckReferences(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		if len(missing) > 0 {
			t.Errorf("seed %q: %v point at nothing", seed, missing)
		}
	}
}

func TestDemoSeed(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	for set, want := range map[string]int{
		"accounts": 12, "contacts": 30, "leads": 10, "incidents": 15, "tasks": 8, "phonecalls": 6, "products": 10,
		"msdyn_presences": 7, "msdyn_agentstatuses": 8, "duplicaterules": 3, "systemusers": 11, "teams": 2, "activitypointers": 14,
	} {
		if got := len(c.list(set)); got != want {
			t.Errorf("%d %s, want %d", got, set, want)
		}
	}
	oldest := c.list("incidents?$select=ticketnumber,createdon&$orderby=createdon&$top=1")[0]
	if oldest["createdon"] != "2026-01-02T09:11:00Z" {
		t.Errorf("oldest case = %v, want the date that the data gives it", oldest)
	}
	if got := c.list("contacts?$select=fullname&$filter=contactid eq c0000000-0000-4000-8000-000000000001")[0]["fullname"]; got != "Marisol Quintero" {
		t.Errorf("fullname = %v, want it computed", got)
	}
}

// TestPlatformRecords holds what registration of webhooks needs, with any seed.
func TestPlatformRecords(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedNone})
	c := newClient(t, base)
	if got := len(c.list("sdkmessages?$select=name&$filter=name eq 'Create' or name eq 'Update' or name eq 'Delete'")); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
	if got := len(c.list("sdkmessagefilters?$select=sdkmessagefilterid")); got != 3*48 {
		t.Errorf("%d filters, want one for each message of each entity", got)
	}
	if got := len(c.list("organizations?$select=name")) + len(c.list("businessunits?$select=name")) + len(c.list("systemusers?$select=fullname")); got != 3 {
		t.Errorf("%d records of organisation, business unit and user, want one each", got)
	}
	if got := len(c.list("contacts")); got != 0 {
		t.Errorf("%d contacts, want none", got)
	}
}
