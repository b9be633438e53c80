package presence

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

func TestLabelsComeFromThePresenceTable(t *testing.T) {
	t.Parallel()
	reader := &dataverse{lists: map[string][]Record{presenceEntity: presenceTable()}}
	r := startRig(t, t.TempDir(), settings(), reader)
	s := r.watch("")
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: away})
	want := Status{ID: away, Name: "Away", Text: "Appear away", Base: Away}
	if e := nextEvent(t, s); e.Presence != want {
		t.Errorf("presence %+v, want the table's %+v", e.Presence, want)
	}
	r.receive(change{row: 2, agent: 1, presence: busy, minute: 1})
	if e := nextEvent(t, s); *e.Previous != want {
		t.Errorf("previous %+v, want %+v", *e.Previous, want)
	}
}

func TestLabelsOfNobodyAreUnknown(t *testing.T) {
	t.Parallel()
	for name, reader := range map[string]Reader{"no reader": nil, "none reachable": &dataverse{err: errors.New("away")}} {
		r := startRig(t, t.TempDir(), settings(), reader)
		s := r.watch("")
		snapshot(t, s)
		receipt, err := r.Receive(t.Context(), AgentStatus, body(t, edit(asTarget)), nil)
		if err != nil || receipt.DeadLettered != "" {
			t.Fatalf("%s: Receive = %+v, %v", name, receipt, err)
		}
		e := nextEvent(t, s)
		if e.AgentName != Unknown || e.Presence != (Status{ID: available, Name: Unknown}) || e.AgentID != agentID(1) {
			t.Errorf("%s: event %+v, want the IDs and Unknown names", name, e)
		}
	}
}

func TestMissedPresenceRefreshesTheTableOnceAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &dataverse{lists: map[string][]Record{presenceEntity: presenceTable()[:1]}, reads: make(chan string, 100)}
		r := openRig(t, t.TempDir(), settings(), reader)
		r.receive(change{row: 1, agent: 1, presence: available})
		r.receive(change{row: 2, agent: 1, presence: available})
		if n := len(reader.reads); n != 1 {
			t.Fatalf("%d readings for a presence that is known after the first, want 1", n)
		}
		r.receive(change{row: 3, agent: 1, presence: busy})
		r.receive(change{row: 4, agent: 1, presence: busy})
		if n := len(reader.reads); n != 2 {
			t.Fatalf("%d readings after a presence that the table has not, want one more", n)
		}
		reader.lists[presenceEntity] = presenceTable() // somebody makes it
		<-time.After(missPause)
		r.receive(change{row: 5, agent: 1, presence: busy})
		if status, ok := r.labels.status(t.Context(), organization, busy); !ok || status.Base != Busy || len(reader.reads) != 3 {
			t.Errorf("status %+v after %d readings, want the table read again", status, len(reader.reads))
		}
		r.stop()
	})
}

func TestNameOfTheStateIsUsedBeforeUnknown(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: available})
	nextEvent(t, s)
	c := edit(asTarget)
	c.PrimaryEntityID = rowID(2)
	c.InputParameters[0].Value = func() webhook.Entity {
		e := c.InputParameters[0].Value.(webhook.Entity)
		e.ID = rowID(2)
		return e
	}()
	if _, err := r.Receive(t.Context(), AgentStatus, body(t, c), nil); err != nil {
		t.Fatal(err)
	}
	if e := nextEvent(t, s); e.AgentName != "Agent 1" || e.Presence.Name != "Présence" {
		t.Errorf("event %+v, want the labels that were told before", e)
	}
}

// statusRow is a row of msdyn_agentstatus as a Reader tells it.
func statusRow(n int, presence, since string) Record {
	return Record{
		ID: rowID(n), OrganizationID: organization,
		Values:    map[string]any{statusAgent: agentID(n), statusPresence: presence, statusStart: since, statusCapacity: 40},
		Formatted: map[string]string{statusAgent: "Seeded"},
	}
}

func TestEveryStartKnowsThePresentStates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reader := &dataverse{lists: map[string][]Record{
		presenceEntity: presenceTable(),
		statusEntity: {
			statusRow(1, busy, "2026-01-01T09:00:00Z"), statusRow(2, away, "2026-01-01"), statusRow(3, "", ""), statusRow(4, available, ""),
		},
	}}
	r := startRig(t, dir, settings(), reader)
	r.ready()
	s := r.watch("")
	states := snapshot(t, s)
	if len(states) != 3 || states[0].Presence.Base != Busy || states[0].AgentName != "Seeded" || *states[0].Capacity != 40 ||
		!states[0].StartTime.Equal(start.Add(-time.Hour)) || states[0].OrganizationID != organization {
		t.Fatalf("snapshot %+v, want the three agents who have a presence", states)
	}
	r.receive(change{row: 1, agent: 1, presence: away, minute: 1})
	if e := nextEvent(t, s); e.Previous == nil || e.Previous.ID != busy || e.Late {
		t.Errorf("event %+v, want the seeded presence before it", e)
	}
	r.stop()
	reader.lists[statusEntity] = []Record{statusRow(5, busy, "2026-01-01")}
	again := startRig(t, dir, settings(), reader)
	again.ready()
	if _, err := again.Backfill(t.Context(), BackfillRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := again.Presence.applied(t.Context()); err != nil {
		t.Fatal(err)
	}
	if states := snapshot(t, again.watch("")); len(states) != 4 || states[0].Presence.ID != away {
		t.Errorf("states %+v after a second start, want those of before and the new agent", states)
	}
}

func TestSeedingWaitsForDataverse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := &dataverse{err: errors.New("away"), reads: make(chan string, 100)}
		r := openRig(t, t.TempDir(), settings(), reader)
		if r.Ready() == nil {
			t.Error("ready before it runs")
		}
		r.run()
		<-reader.reads
		synctest.Wait()
		if err := r.Ready(); err != nil {
			t.Errorf("not ready though Dataverse is but away: %v", err)
		}
		<-reader.reads // the second attempt
		r.stop()
	})
}
