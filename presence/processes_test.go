package presence

import (
	"context"
	"fmt"
	"testing"
)

// TestTwoProcessesOnOneJournalAgree runs two at once, both receiving and both reading.
func TestTwoProcessesOnOneJournalAgree(t *testing.T) {
	t.Parallel()
	const rows = 200
	first := startRig(t, t.TempDir(), settings(), nil)
	second, err := Open(t.Context(), settings(), first.journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- second.Run(ctx) }()
	for n := 1; n <= rows; n++ {
		p := []*Presence{first.Presence, second}[n%2]
		c := change{row: n, agent: n % 3, presence: []string{available, busy, away}[n%3], minute: n ^ 5, capacity: n}
		if _, err := p.Receive(t.Context(), AgentStatus, body(t, c.context()), nil); err != nil {
			t.Fatal(err)
		}
	}
	first.applied(rows)
	(&rig{Presence: second, t: t}).applied(rows)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	info, err := first.store.events.Info(t.Context())
	if err != nil || info.State.Msgs != rows {
		t.Fatalf("%d events are stored, want %d: one for each entry, whoever made it (%v)", info.State.Msgs, rows, err)
	}
	want := recompute(t, first.Presence)
	for n, e := range all(t, first.watch(first.hub.cursors.format(0)), rows) {
		if got, want := fmt.Sprintf("%+v", flat(e)), fmt.Sprintf("%+v", flat(want[n])); got != want {
			t.Fatalf("event %d is %s, want %s", n+1, got, want)
		}
	}
	stored, err := first.store.loadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, a := range stored {
		if in := first.hub.agent(key); a.Sequence != in.Sequence || a.State.Presence != in.State.Presence {
			t.Errorf("%s is stored as of entry %d, want %d", key, a.Sequence, in.Sequence)
		}
		if other := second.hub.agent(key); a.Sequence != other.Sequence {
			t.Errorf("%s is at entry %d in one process and at %d in the other", key, a.Sequence, other.Sequence)
		}
	}
}

func TestStoredStateNeverGoesBack(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	_, newer := fold(at(0, busy, 1), at(1, away, 2))
	_, older := fold(at(0, busy, 1))
	key := agentKey(organization, agentID(1))
	for _, a := range []*agent{newer, older} {
		if err := r.store.putState(t.Context(), key, a); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.store.state(t.Context(), key); err != nil || got.Sequence != 2 {
		t.Errorf("stored state %+v, %v; want that of entry 2", got, err)
	}
	_, newest := fold(at(0, busy, 1), at(1, away, 2), at(2, busy, 3))
	if err := r.store.putState(t.Context(), key, newest); err != nil { // without knowing what is stored
		t.Fatal(err)
	}
	if got, err := r.store.state(t.Context(), key); err != nil || got.Sequence != 3 {
		t.Errorf("stored state %+v, %v; want that of entry 3", got, err)
	}
}

func TestEntryOfALaterVersionIsPassedOver(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	if _, err := r.store.append(t.Context(), entry{Version: activityVersion + 1, ID: "later"}, nil); err != nil {
		t.Fatal(err)
	}
	r.receive(change{row: 1, agent: 1, presence: available})
	if e := nextEvent(t, s); e.RecordID != rowID(1) {
		t.Errorf("event %+v, want the next that can be read", e)
	}
}
