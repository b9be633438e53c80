package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// withConsults adds the source of consults.
func withConsults(c *presence.Config) {
	c.Sources["consult"] = presence.Source{Keys: []presence.Key{webhookKey}}
}

const consultPath = "/webhooks/dataverse/consult"

// consult is what Dataverse posts when an agent joins a conversation in a mode.
func consult(t testing.TB, row string, mode int) string {
	t.Helper()
	user := func(id string) webhook.EntityReference {
		return webhook.EntityReference{LogicalName: "systemuser", ID: id}
	}
	record := webhook.Entity{LogicalName: "msdyn_sessionparticipant", ID: row, Attributes: []webhook.Attribute{
		{Key: "ownerid", Value: user("a9000000-0000-4000-8000-000000000001")},
		{Key: "msdyn_agentid", Value: user("a9000000-0000-4000-8000-000000000002")},
		{Key: "msdyn_mode", Value: webhook.OptionSetValue(mode)},
		{Key: "createdon", Value: time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)},
	}, Formatted: []webhook.Pair{{Key: "msdyn_agentid", Value: "Dana"}, {Key: "msdyn_mode", Value: "Consultation"}}}
	body, err := webhook.Encode(&webhook.Context{
		MessageName: "Create", PrimaryEntityName: record.LogicalName, PrimaryEntityID: row, Stage: 40, Mode: webhook.Asynchronous,
		OrganizationID: "07000000-0000-4000-8000-000000000007", PostEntityImages: []webhook.Image{{Alias: "consult_post", Entity: record}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestActivitiesAreStreamedToWhoChoosesThem(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), withConsults)
	r.deliver(t, 1, 1, presenceReady)
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{Kinds: []botversev1.EventKind{botversev1.EventKind_CONSULT}})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || m.GetSnapshotEnd() == nil || m.GetSnapshotEnd().GetAgents() != 0 {
		t.Fatalf("first message %v, %v; want the end of an empty snapshot", m, err)
	}
	lines := openStream(t, r.base+"/v1/presence:watch?kinds=CONSULT&kinds=ROW_CHANGE")
	lines.until("snapshotEnd")
	events := openStream(t, r.base+"/v1/presence:watch?kinds=CONSULT", "Accept", "text/event-stream")
	events.until("snapshotEnd")

	r.deliver(t, 2, 1, presenceBusy)
	const row = "4b000000-0000-4000-8000-000000000001"
	if got := post(t, r.hook+consultPath+"?code="+webhookKey, consult(t, row, 192350003)); got.status != http.StatusNoContent {
		t.Fatalf("the consult gets %d %s", got.status, got.body)
	}
	m, err := stream.Recv()
	a := m.GetActivity()
	if err != nil || a.GetKind() != botversev1.EventKind_CONSULT || a.GetRecordId() != row || a.GetSource() != "consult" || a.GetEntity() != "msdyn_sessionparticipant" ||
		a.GetMessage() != "Create" || a.GetAgentName() != "Unknown" || a.GetOtherAgentName() != "Dana" || m.GetCursor() == "" ||
		a.GetValues().GetFields()["msdyn_mode"].GetNumberValue() != 192350003 || a.GetLabels()["msdyn_mode"] != "Consultation" || a.GetDelay() == nil {
		t.Errorf("over gRPC: %v, %v; want the consult", m, err)
	}
	var line struct {
		Result struct{ Activity struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(lines.line()), &line); err != nil || line.Result.Activity.ID != a.GetId() {
		t.Errorf("a line of JSON: %+v, %v", line, err)
	}
	events.until("event: activity")
	if data := events.line(); !strings.Contains(data, a.GetId()) {
		t.Errorf("a server-sent event: %s", data)
	}
}

func TestUnknownKindIsRefusedByName(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	got := send(t, "GET", r.base+"/v1/presence:watch?kinds=CONSULTS", "")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "CONSULT") || !strings.Contains(got.body, "kinds") {
		t.Errorf("got %d %s, want 400 with the kinds that there are", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/v1/presence:watch?kinds=EVENT_KIND_UNSPECIFIED", ""); got.status != http.StatusBadRequest {
		t.Errorf("the kind that is none gets %d %s, want 400", got.status, got.body)
	}
}

// What does not qualify is a success and a counter.
func TestFilteredDeliveryIsASuccessAndACounter(t *testing.T) {
	t.Parallel()
	r, p := startWatched(t, loopback(), withConsults)
	if got := post(t, r.hook+consultPath+"?code="+webhookKey, consult(t, "4b000000-0000-4000-8000-000000000002", 192350004)); got.status != http.StatusNoContent {
		t.Errorf("a monitor gets %d %s, want 204", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/metrics", ""); !strings.Contains(got.body, `botverse_webhook_filtered_total{field="msdyn_mode",source="consult"} 1`) {
		t.Error("the counter of filtered deliveries does not say 1")
	}
	if letters, err := p.DeadLetters(t.Context(), 1); len(letters) != 0 || err != nil {
		t.Errorf("dead letters %v, %v; want none", letters, err)
	}
}
