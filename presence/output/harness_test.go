package output

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/botverse/botverse/dataverse/webhook"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	organization = "07000000-0000-4000-8000-000000000007"
	available    = "f523f628-c07a-e811-8162-000d3aa11f50"
)

// day is when everything in these tests begins.
var day = time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)

// rig is a presence on a journal, and its outputs.
type rig struct {
	*presence.Presence
	t    testing.TB
	stop func() // ends all and closes the journal
}

// startRig opens presence in a directory and runs it with outputs.
func startRig(t testing.TB, dir string, outputs map[string]Config) *rig {
	t.Helper()
	c := journal.Default()
	c.Dir, c.Sync = dir, false
	return startRigOn(t, c, outputs)
}

// startRigOn opens presence on a journal and runs it with outputs.
func startRigOn(t testing.TB, c journal.Config, outputs map[string]Config) *rig {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	config := presence.Default()
	config.Logger = slog.New(slog.DiscardHandler)
	p, err := presence.Open(t.Context(), config, j, nil)
	if err != nil {
		t.Fatal(errors.Join(err, j.Close()))
	}
	o, err := Open(t.Context(), outputs, Deps{Presence: p, Encode: encode})
	if err != nil {
		t.Fatal(errors.Join(err, j.Close()))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- p.Run(ctx) }()
	go func() { ended <- o.Run(ctx) }()
	r := &rig{Presence: p, t: t}
	r.stop = func() {
		r.stop = func() {}
		cancel()
		if err := errors.Join(<-ended, <-ended, j.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

func encode(e *presence.Event) ([]byte, error) { return json.Marshal(map[string]string{"id": e.ID}) }

// change delivers the nth change of an agent's presence and returns the event's ID.
func (r *rig) change(n int) string {
	r.t.Helper()
	row := fmt.Sprintf("4a000000-0000-4000-8000-%012d", n)
	record := webhook.Entity{LogicalName: "msdyn_agentstatushistory", ID: row, Attributes: []webhook.Attribute{
		{Key: "msdyn_agentid", Value: webhook.EntityReference{LogicalName: "systemuser", ID: "a9000000-0000-4000-8000-000000000001"}},
		{Key: "msdyn_presenceid", Value: webhook.EntityReference{LogicalName: "msdyn_presence", ID: available}},
		{Key: "msdyn_starttime", Value: day.Add(time.Duration(n) * time.Second)},
	}}
	body, err := webhook.Encode(&webhook.Context{
		MessageName: "Create", PrimaryEntityName: record.LogicalName, PrimaryEntityID: row, OrganizationID: organization,
		PostEntityImages: []webhook.Image{{Alias: "presence_post", Entity: record}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	receipt, err := r.Receive(r.t.Context(), presence.AgentStatus, body, nil)
	if err != nil || receipt.EventID == "" {
		r.t.Fatalf("Receive = %+v, %v", receipt, err)
	}
	return receipt.EventID
}
