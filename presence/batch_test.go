package presence

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// openSynced opens presence on a journal that syncs, and so stores in batches, and does not run it.
func openSynced(t *testing.T, dir string) *rig {
	t.Helper()
	config := settings()
	config.Buffer = 1024
	return openRigOn(t, openJournalThat(t, dir, true), dir, config, nil)
}

// turns are changes of many agents, one after the other, and then again.
func turns(agents, times int) (changes []change) {
	presences := []string{available, busy, away}
	for n := range agents * times {
		changes = append(changes, change{row: n + 1, agent: n % agents, presence: presences[n/agents%3], minute: n / agents})
	}
	return changes
}

// wantTurns holds events to turns, in their order, each with what was before it.
func wantTurns(t *testing.T, events []Event, agents int) {
	t.Helper()
	presences := []string{available, busy, away}
	for n, e := range events {
		before := ""
		if e.Previous != nil {
			before = e.Previous.ID
		}
		want := ""
		if n >= agents {
			want = presences[(n/agents-1)%3]
		}
		if e.RecordID != rowID(n+1) || e.AgentID != agentID(n%agents) || e.Late || before != want {
			t.Fatalf("event %d is of row %s, before it %q, late %v; want row %s and %q", n+1, e.RecordID, before, e.Late, rowID(n+1), want)
		}
	}
}

// What waits in the log is stored in batches, and comes out as it would one by one.
func TestBacklogIsAppliedInItsOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openSynced(t, dir)
	for _, c := range turns(40, 3) {
		r.receive(c)
	}
	begin := r.hub.cursors.format(0)
	r.run()
	wantTurns(t, all(t, r.watch(begin), 120), 40)
	if stored := batched(t, r.store.events); stored < 100 {
		t.Errorf("%d of 120 events were stored in batches, want nearly all", stored)
	}
	if stored := batched(t, stateStream(t, r)); stored != 40 {
		t.Errorf("%d of 40 states were stored in batches, want all", stored)
	}
	r.receive(change{row: 121, agent: 7, presence: busy, minute: 10}) // goes on from what the batch stored
	r.applied(121)
	if s := r.state(7); s.Presence.ID != busy {
		t.Errorf("state %+v, want the newest", s)
	}
	r.stop()
	again := openSynced(t, dir)
	again.run()
	wantTurns(t, all(t, again.watch(begin), 120), 40)
}

func stateStream(t *testing.T, r *rig) jetstream.Stream {
	t.Helper()
	stream, err := r.journal.JetStream().Stream(t.Context(), "KV_"+stateBucket)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// batched counts the messages that were stored in batches.
func batched(t *testing.T, stream jetstream.Stream) (count int) {
	t.Helper()
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for sequence := info.State.FirstSeq; sequence <= info.State.LastSeq; sequence++ {
		msg, err := stream.GetMsg(t.Context(), sequence)
		if err == nil && msg.Header.Get("Nats-Batch-Id") != "" {
			count++
		}
	}
	return count
}

// The states of a batch are stored before its events: who ends in between makes the same events when it starts again.
func TestEndBetweenStatesAndEventsOfABatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openSynced(t, dir)
	for _, c := range turns(40, 2) {
		r.receive(c)
	}
	begin := r.hub.cursors.format(0)
	steps := r.beginFirst(80)
	if err := r.apply(t.Context(), steps[:40]); err != nil {
		t.Fatal(err)
	}
	second := steps[40:]
	for _, s := range second {
		if err := r.derive(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.store.putStates(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	r.stop() // and here the process ends
	again := openSynced(t, dir)
	again.run()
	wantTurns(t, all(t, again.watch(begin), 80), 40)
}

// beginFirst reads the first entries of the log.
func (r *rig) beginFirst(count uint64) (steps []*step) {
	r.t.Helper()
	for sequence := uint64(1); sequence <= count; sequence++ {
		msg, err := r.store.log.GetMsg(context.Background(), sequence)
		if err != nil {
			r.t.Fatal(err)
		}
		steps = append(steps, r.begin(context.Background(), sequence, msg.Header))
	}
	return steps
}

// A batch that holds what another process has stored already is stored one by one: what is there stays.
func TestBatchThatMeetsWhatIsThere(t *testing.T) {
	t.Parallel()
	r := openSynced(t, t.TempDir())
	for _, c := range turns(40, 1) {
		r.receive(c)
	}
	steps := r.beginFirst(40)
	theirs := steps[4]
	if err := r.derive(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	theirs.event.AgentName = "as the other process saw it"
	if err := r.store.putState(t.Context(), theirs.key, theirs.next); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.putEvent(t.Context(), theirs.sequence, theirs.event); err != nil {
		t.Fatal(err)
	}
	mine := r.beginFirst(40)
	if err := r.apply(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	for n, s := range mine {
		stored, err := r.store.event(t.Context(), s.sequence)
		if err != nil {
			t.Fatal(err)
		}
		stored.Environment = s.event.Environment
		if diff := cmp.Diff(stored, s.event); diff != "" {
			t.Errorf("event %d is stored and told otherwise (-stored +told):\n%s", n+1, diff)
		}
	}
	if mine[4].event.AgentName != theirs.event.AgentName {
		t.Errorf("event 5 is told as %+v, want what was stored first", mine[4].event)
	}
	if r.hub.position() != 40 {
		t.Errorf("the reader has come to %d, want 40", r.hub.position())
	}
}

// An agent is in a batch once: else a state that is stored could be of after an event that is not.
func TestAgentIsInABatchOnce(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	for row, agent := range []int{1, 2, 3, 2, 1, 1} {
		r.receive(change{row: row + 1, agent: agent, presence: busy, minute: row})
	}
	read := make(chan jetstream.Msg, 6)
	for sequence := uint64(1); sequence <= 6; sequence++ {
		msg, err := r.store.log.GetMsg(t.Context(), sequence)
		if err != nil {
			t.Fatal(err)
		}
		read <- fromLog{sequence: sequence, header: msg.Header}
	}
	c := collector{read: read, begin: r.begin}
	var got []string
	for range 3 {
		batch, err := c.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, s := range batch {
			text += fmt.Sprint(s.sequence)
		}
		got = append(got, text)
	}
	if diff := cmp.Diff([]string{"123", "45", "6"}, got); diff != "" {
		t.Errorf("the batches (-want +got):\n%s", diff)
	}
}

// fromLog is a message as a consumer of the log gives it.
type fromLog struct {
	jetstream.Msg
	sequence uint64
	header   nats.Header
}

func (m fromLog) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.sequence}}, nil
}

func (m fromLog) Headers() nats.Header { return m.header }
