package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
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

// A process that begins reads states which another has stored, and of which it has yet to read the events: whoever gets a
// snapshot of them is told nothing that is in it.
func TestSnapshotAndCursorAreOfOneMoment(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	r.receive(change{row: 1, agent: 1, presence: busy, minute: 1})
	r.receive(change{row: 2, agent: 1, presence: away, minute: 2})
	_, ahead := fold(r.logged()...)
	if err := r.store.putState(t.Context(), agentKey(organization, agentID(1)), ahead); err != nil {
		t.Fatal(err)
	}

	second, err := Open(t.Context(), settings(), r.journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := &rig{Presence: second, t: t, stop: func() {}}
	live := began.watch("")
	if states := snapshot(t, live); len(states) != 1 || states[0].Presence.ID != away {
		t.Fatalf("snapshot %+v, want what the other process has stored", states)
	}
	list, err := second.List(t.Context(), ListQuery{})
	if err != nil || list.Cursor != live.Cursor() {
		t.Errorf("a list has cursor %s, %v; want that of the snapshot, %s", list.Cursor, err, live.Cursor())
	}
	back := began.watch(live.Cursor())
	began.run()
	defer began.stop()
	began.receive(change{row: 3, agent: 1, presence: available, minute: 3})
	for name, s := range map[string]*Subscription{"who stayed": live, "who came back": back} {
		if e := nextEvent(t, s); e.RecordID != rowID(3) || e.Previous.ID != away {
			t.Errorf("%s is told %+v, want what came after the snapshot", name, e)
		}
	}
	for n, e := range all(t, began.watch(began.hub.cursors.format(0)), 3) { // and nobody else misses anything
		if e.RecordID != rowID(n+1) {
			t.Errorf("event %d is %+v", n+1, e)
		}
	}
}

// A server that has just become the leader may give out states that are behind their events. Who begins then waits for them.
func TestStatesThatAreBehindTheirEventsAreReadAgain(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	r.receive(change{row: 1, agent: 1, presence: busy, minute: 1})
	r.receive(change{row: 2, agent: 1, presence: away, minute: 2})
	r.applied(2)
	key := agentKey(organization, agentID(1))
	there, err := r.store.states.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	_, older := fold(r.logged()[:1]...)
	older.Incarnation = r.store.incarnation.String()
	text, err := json.Marshal(older)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.states.Put(t.Context(), key, text); err != nil {
		t.Fatal(err)
	}
	opened := make(chan *Presence)
	go func() {
		defer close(opened)
		second, err := Open(context.Background(), settings(), r.journal, nil)
		if err != nil {
			t.Error(err)
			return
		}
		opened <- second
	}()
	select {
	case <-opened:
		t.Fatal("it began with a state that is older than its event")
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := r.store.states.Put(t.Context(), key, there.Value()); err != nil {
		t.Fatal(err)
	}
	second := <-opened
	if second == nil {
		return
	}
	if a := second.hub.agent(key); a.Sequence != 2 || a.State.Presence.ID != away {
		t.Errorf("it begins with %+v, want the state of entry 2", a)
	}
}

// While somebody waits for states, others go on: the states that are read in the end stand for a later place of the log than it
// had at first.
func TestSnapshotOfStatesThatWereReadAgain(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	r.receive(change{row: 1, agent: 1, presence: busy, minute: 1})
	r.receive(change{row: 2, agent: 1, presence: away, minute: 2})
	if err := r.apply(t.Context(), r.beginFirst(2)); err != nil {
		t.Fatal(err)
	}
	newest := r.hub.agent(agentKey(organization, agentID(1)))
	_, older := fold(r.logged()[:1]...)
	put := func(agentNumber int, a *agent) {
		t.Helper()
		text, err := r.store.stateText(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.states.Put(t.Context(), agentKey(organization, agentID(agentNumber)), text); err != nil {
			t.Fatal(err)
		}
	}
	put(1, older)
	opened := make(chan *Presence, 1)
	go func() {
		second, err := Open(context.Background(), settings(), r.journal, nil)
		if err != nil {
			t.Error(err)
		}
		opened <- second
	}()
	select {
	case <-opened:
		t.Fatal("it began with a state that is older than its event")
	case <-time.After(300 * time.Millisecond):
	}
	r.receive(change{row: 3, agent: 2, presence: busy, minute: 3})
	_, ahead := derive(nil, r.logged()[2], 3)
	put(2, ahead)
	put(1, newest)

	second := <-opened
	if second == nil {
		return
	}
	began := &rig{Presence: second, t: t, stop: func() {}}
	live := began.watch("")
	if states := snapshot(t, live); len(states) != 2 {
		t.Fatalf("snapshot %+v, want both agents", states)
	}
	began.run()
	defer began.stop()
	began.receive(change{row: 4, agent: 2, presence: away, minute: 4})
	if e := nextEvent(t, live); e.RecordID != rowID(4) {
		t.Errorf("told row %s, want the first that the snapshot has not", e.RecordID)
	}
}

// The client says that all of a bucket was told when it had as many entries as there were at first. Where one changed meanwhile, and
// counts twice, another is not told yet: who begins then waits for that one too.
func TestStateThatIsNotToldAtFirstIsReadAgain(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	for n := 1; n <= 2; n++ {
		_, a := fold(at(n, busy, 1))
		if err := r.store.putState(t.Context(), agentKey(organization, agentID(n)), a); err != nil {
			t.Fatal(err)
		}
	}
	r.store.states = &hasty{KeyValue: r.store.states}
	agents, err := r.store.loadStates(t.Context())
	if err != nil || len(agents) != 2 {
		t.Errorf("%d agents are read, %v; want both", len(agents), err)
	}
}

// hasty is a bucket whose first reading tells an entry twice, and ends before the last one.
type hasty struct {
	jetstream.KeyValue
	once sync.Once
}

func (h *hasty) WatchAll(ctx context.Context, opts ...jetstream.WatchOpt) (watcher jetstream.KeyWatcher, err error) {
	if watcher, err = h.KeyValue.WatchAll(ctx, opts...); err != nil {
		return nil, err
	}
	h.once.Do(func() {
		<-watcher.Updates() // the one that is not told
		last, told := <-watcher.Updates(), make(chan jetstream.KeyValueEntry, 3)
		told <- last
		told <- last
		told <- nil
		watcher = hastyWatcher{watcher, told}
	})
	return watcher, nil
}

type hastyWatcher struct {
	jetstream.KeyWatcher
	told <-chan jetstream.KeyValueEntry
}

func (w hastyWatcher) Updates() <-chan jetstream.KeyValueEntry { return w.told }

// A server that is behind may tell a place of before a cursor: what the subscriber has had does not come again.
func TestNothingOfBeforeTheCursorIsToldAgain(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	for n := 1; n <= 4; n++ {
		r.receive(change{row: n, agent: 1, presence: busy, minute: n, capacity: n})
	}
	r.applied(4)
	early, err := r.store.openEvents(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s := &Subscription{hub: r.hub, after: 2, replay: early}
	defer s.Close()
	for want := 3; want <= 4; want++ {
		if e := nextEvent(t, s); e.RecordID != rowID(want) {
			t.Errorf("event %+v, want row %d", e, want)
		}
	}
}
