package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
)

// create makes a record of an entity.
func (c *centre) create(t *testing.T, entity string, fields dataverse.Fields, lookups map[string]dataverse.ID) dataverse.ID {
	t.Helper()
	e, err := c.client.Entity(t.Context(), entity)
	if err != nil {
		t.Fatal(err)
	}
	for field, user := range lookups {
		fields[bind(e, field, "systemuser")] = "/systemusers(" + string(user) + ")"
	}
	id, err := c.client.CreateRecord(t.Context(), e, fields, dataverse.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A consultation and a new case that no webhook told are read from their tables, and are told as a webhook would have.
func TestSourcesOfEveryKindAreReadFromTheirTables(t *testing.T) {
	t.Parallel()
	c := openCentre(t, "one")
	args := append(configured(t, t.TempDir(), c), "--presence={backfill: {interval: 0s}, sources: {consult: {}, "+
		"cases: {kind: row-change, entity: incident, message: Create, values: [title, prioritycode], where: {prioritycode: [1, 3]}}}}")
	r := serveWith(t, args...)
	receive := activities(t, r, botversev1.EventKind_CONSULT, botversev1.EventKind_ROW_CHANGE)
	customer := c.list(t, "account")[0].ID()
	happen := func() (consult, urgent dataverse.ID) {
		users := map[string]dataverse.ID{"ownerid": c.agents[0], "msdyn_agentid": c.agents[1]}
		c.create(t, "msdyn_sessionparticipant", dataverse.Fields{"msdyn_mode": 192350004}, users) // a monitor
		consult = c.create(t, "msdyn_sessionparticipant", dataverse.Fields{"msdyn_mode": 192350003}, users)
		for n, title := range []string{"calm", "urgent"} {
			urgent = c.create(t, "incident", dataverse.Fields{"title": title, "prioritycode": 2 - n, "customerid_account@odata.bind": "/accounts(" + string(customer) + ")"}, nil)
		}
		return consult, urgent
	}
	must(t, "one  cases  since", "presence", "backfill", "--server="+r.grpc) // so that what is read at the start is read
	consult, urgent := happen()
	must(t, "1 of them new", "presence", "backfill", "--server="+r.grpc, "--source=consult")
	read := []*botversev1.ActivityEvent{receive()}
	must(t, "1 of them new", "presence", "backfill", "--server="+r.grpc, "--source=cases")
	read = append(read, receive())
	if read[0].GetRecordId() != string(consult) || read[1].GetRecordId() != string(urgent) {
		t.Fatalf("read %v, want the consultation %s and the case %s", read, consult, urgent)
	}
	must(t, "0 of them new", "presence", "backfill", "--server="+r.grpc, "--source=consult")

	register(t, args, c)
	happen()
	told := []*botversev1.ActivityEvent{receive(), receive()}
	slices.SortFunc(told, func(a, b *botversev1.ActivityEvent) int { return int(a.GetKind()) - int(b.GetKind()) })
	ofItsOwn := protocmp.IgnoreFields(&botversev1.ActivityEvent{}, "id", "record_id", "time", "receive_time", "delay", "business_unit_id")
	if diff := cmp.Diff(told, read, protocmp.Transform(), ofItsOwn); diff != "" {
		t.Errorf("what is read differs from what is delivered (-delivered +read):\n%s", diff)
	}
	for n := range read {
		if form := strings.Replace(told[n].GetId(), told[n].GetRecordId(), read[n].GetRecordId(), 1); form != read[n].GetId() {
			t.Errorf("the key of what is read is %s, and would be %s if it were delivered", read[n].GetId(), form)
		}
	}
}

// An agent's status changes, and no row of history tells of it.
func TestStateIsCorrectedFromTheTableOfPresentStates(t *testing.T) {
	t.Parallel()
	c := openCentre(t, "one")
	r := serveWith(t, configured(t, t.TempDir(), c)...)
	must(t, "one  agent-status  since", "presence", "backfill", "--server="+r.grpc)
	since := time.Now().Add(-time.Minute).Truncate(time.Second)
	status := func() *botversev1.AgentPresence {
		list, err := botversev1.NewPresenceServiceClient(r.dial(t)).ListPresence(t.Context(), &botversev1.ListPresenceRequest{AgentIds: []string{string(c.agents[0])}})
		if err != nil || len(list.GetAgents()) != 1 {
			t.Fatalf("the list is %v, %v", list, err)
		}
		return list.GetAgents()[0]
	}
	to := c.presences[0]
	if status().GetPresence().GetId() == string(to) {
		to = c.presences[1]
	}
	if err := (desk{c.client}).setStatus(t.Context(), c.agents[0], to, since); err != nil {
		t.Fatal(err)
	}
	must(t, "0 of them new", "presence", "backfill", "--server="+r.grpc)
	await.Until(t, "the right state", func() bool { return status().GetPresence().GetId() == string(to) })
	if got := status(); !got.GetStartTime().AsTime().Equal(since) {
		t.Errorf("state %v, want it to begin at %v", got, since)
	}
}

// A reading takes longer than the call that asked for it: the answer says so, and the reading goes on.
func TestBackfillOutlivesTheCall(t *testing.T) {
	t.Parallel()
	c := openCentre(t, "one")
	r := serveWith(t, configured(t, t.TempDir(), c)...)
	client := botversev1.NewPresenceServiceClient(r.dial(t))
	must(t, "one  agent-status  since", "presence", "backfill", "--server="+r.grpc)
	c.change(t, 1, time.Now())
	c.server.SetFaults([]local.Fault{{Path: "msdyn_agentstatushistories", Delay: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	answer, err := client.BackfillPresence(ctx, &botversev1.BackfillPresenceRequest{})
	if err != nil || answer.GetDone() || len(answer.GetSources()) != 0 {
		t.Fatalf("within its deadline: %v, %v; want that it is not done", answer, err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answer, err = client.BackfillPresence(t.Context(), &botversev1.BackfillPresenceRequest{})
	}()
	r.waitForCall(t)
	if times := c.server.Faults()[0].Met; times != 1 {
		t.Errorf("the table is read %d times, want once for both calls", times)
	}
	c.server.SetFaults(nil) // and it is read
	<-answered
	if err != nil || !answer.GetDone() || len(answer.GetSources()) != 1 || answer.GetSources()[0].GetMerged() != 1 {
		t.Errorf("asked again: %v, %v; want the result of the reading that went on", answer, err)
	}
}
