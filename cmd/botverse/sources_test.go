package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
)

// Sources are configuration: each preset, and one for any entity, registers and delivers.
func TestEachSourceRegistersAndDelivers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "botverse.yaml")
	text := `
presence:
  sources:
    agent-status:
    accepted-work:
    after-work: {}
    consult: {}
    priorities: {kind: row-change, entity: incident, message: Update, where: {prioritycode: [1, 3]}, values: [title, prioritycode], changed: [prioritycode]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serve(t, "--config="+file)
	must(t, "after-work is registered as it should be", r.webhookArgs("verify", "--config="+file)...)
	must(t, "Update of incident", r.webhookArgs("list", "--config="+file)...)
	receive := activities(t, r, botversev1.EventKind_ACCEPTED_WORK, botversev1.EventKind_AFTER_WORK, botversev1.EventKind_CONSULT, botversev1.EventKind_ROW_CHANGE)
	c := client(t, "http://"+r.local)
	agents, err := desk{c}.list(t.Context(), "systemuser", []string{"fullname"}, nil)
	if err != nil || len(agents) < 2 {
		t.Fatalf("the agents are %v, %v", agents, err)
	}
	user := func(n int) string { return "/systemusers(" + string(agents[n].ID()) + ")" }
	write := func(entity string, id dataverse.ID, fields dataverse.Fields) dataverse.ID {
		t.Helper()
		e, err := c.Entity(t.Context(), entity)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"msdyn_activeagentid", "msdyn_agentid", "ownerid"} {
			if v, ok := fields[field]; ok {
				delete(fields, field)
				fields[bind(e, field, "systemuser")] = v
			}
		}
		if id == "" {
			id, err = c.CreateRecord(t.Context(), e, fields, dataverse.CreateOptions{})
		} else {
			err = c.UpdateRecord(t.Context(), e, id, fields)
		}
		if err != nil {
			t.Fatalf("write %s: %v", entity, err)
		}
		return id
	}
	const begun = "2026-01-01T10:00:00Z"
	conversation := write("msdyn_ocliveworkitem", "", dataverse.Fields{"subject": "Chat", "msdyn_activeagentid": user(0), "msdyn_startedon": begun})
	write("msdyn_ocliveworkitem", conversation, dataverse.Fields{"msdyn_isagentaccepted": false}) // does not qualify
	write("msdyn_ocliveworkitem", conversation, dataverse.Fields{"msdyn_isagentaccepted": true})
	if a := receive(); a.GetKind() != botversev1.EventKind_ACCEPTED_WORK || a.GetAgentId() != string(agents[0].ID()) || a.GetRecordId() != string(conversation) || a.GetTime().AsTime().Format(time.RFC3339) != begun {
		t.Errorf("accepted work: %v", a)
	}
	write("msdyn_ocliveworkitem", conversation, dataverse.Fields{"statuscode": 5, "msdyn_wrapupinitiatedon": begun})
	if a := receive(); a.GetKind() != botversev1.EventKind_AFTER_WORK || a.GetValues().GetFields()["statuscode"].GetNumberValue() != 5 {
		t.Errorf("after-work: %v", a)
	}
	write("msdyn_sessionparticipant", "", dataverse.Fields{"msdyn_agentid": user(1), "msdyn_mode": 192350004})
	write("msdyn_sessionparticipant", "", dataverse.Fields{"ownerid": user(0), "msdyn_agentid": user(1), "msdyn_mode": 192350003})
	if a := receive(); a.GetKind() != botversev1.EventKind_CONSULT || a.GetAgentId() != string(agents[0].ID()) || a.GetOtherAgentId() != string(agents[1].ID()) || a.GetTime() == nil {
		t.Errorf("consult: %v", a)
	}
	cases, err := c.Entity(t.Context(), "incident")
	if err != nil {
		t.Fatal(err)
	}
	one := 1
	page, err := c.ListRecords(t.Context(), cases, &odata.Query{
		Select: []string{"title"}, Top: &one, OrderBy: []odata.Order{{Path: odata.Path{"incidentid"}}},
		Filter: &odata.Compare{Path: odata.Path{"statecode"}, Op: odata.Eq, Value: odata.Number("0")},
	})
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("the cases are %v, %v", page.Records, err)
	}
	write("incident", page.Records[0].ID(), dataverse.Fields{"prioritycode": 2}) // does not qualify
	write("incident", page.Records[0].ID(), dataverse.Fields{"prioritycode": 3})
	if a := receive(); a.GetKind() != botversev1.EventKind_ROW_CHANGE || a.GetSource() != "priorities" || a.GetRecordId() != string(page.Records[0].ID()) ||
		a.GetValues().GetFields()["prioritycode"].GetNumberValue() != 3 || a.GetLabels()["prioritycode"] == "" {
		t.Errorf("row change: %v", a)
	}
	// Nothing failed in Dataverse: what did not qualify was a success too.
	jobs, err := desk{c}.list(t.Context(), "asyncoperation", []string{"statuscode"}, &odata.Compare{Path: odata.Path{"statuscode"}, Op: odata.Eq, Value: odata.Number("31")})
	if err != nil || len(jobs) != 0 {
		t.Errorf("failed jobs: %v, %v", jobs, err)
	}
}

func TestWrongSourcesAreNamed(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"{sources: {weather: {}}}":                                 "sources.weather.kind",
		"{sources: {x: {kind: row-change, entity: Contact}}}":      "sources.x.entity",
		"{sources: {consult: {where: {Mode: 1}}}}":                 "Mode",
		"{sources: {consult: {ware: {}}}}":                         `unknown key "ware"`,
		"{sources: {consult: {keys: ['${BOTVERSE_TEST_UNSET}']}}}": "BOTVERSE_TEST_UNSET",
		"[agent-status]":   "mapping",
		"{heartbeat: 1ms}": "heartbeat",
		"{sources: {a/b: {kind: row-change, entity: a, message: U}}}": "sources.a/b.name",
	} {
		_, err := say(t, "webhook", "list", "--presence="+setting, "--data-dir="+t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) || exitStatus(err) != 2 {
			t.Errorf("--presence=%s: %v, want wrong input that names %s", setting, err, want)
		}
	}
}

// activities subscribes to what agents do beside their presence, and returns what waits for the next.
func activities(t *testing.T, r *running, kinds ...botversev1.EventKind) (receive func() *botversev1.ActivityEvent) {
	t.Helper()
	stream, err := botversev1.NewPresenceServiceClient(r.dial(t)).WatchPresence(await.Context(t), &botversev1.WatchPresenceRequest{Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	return func() *botversev1.ActivityEvent {
		t.Helper()
		for {
			m, err := stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if a := m.GetActivity(); a != nil {
				return a
			}
		}
	}
}
