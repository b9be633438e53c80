package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestSnapshotThenLive(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	first := r.watch("")
	if states := snapshot(t, first); len(states) != 0 {
		t.Fatalf("an empty log has the snapshot %v", states)
	}
	r.receive(change{row: 1, agent: 2, presence: available, capacity: 100})
	r.receive(change{row: 2, agent: 1, presence: busy, capacity: 50})
	if got := nextEvent(t, first); got.AgentID != agentID(2) || got.Presence.ID != available || got.Kind != PresenceChanged {
		t.Errorf("first event %+v, want that of agent 2", got)
	}
	if got := nextEvent(t, first); got.AgentID != agentID(1) || got.RecordID != rowID(2) {
		t.Errorf("second event %+v, want that of agent 1", got)
	}
	second := r.watch("")
	states := snapshot(t, second)
	if len(states) != 2 || states[0].AgentID != agentID(1) || states[1].AgentID != agentID(2) {
		t.Fatalf("snapshot %v, want both agents by ID", states)
	}
	r.receive(change{row: 3, agent: 1, presence: away, minute: 1})
	if got := nextEvent(t, second); got.RecordID != rowID(3) || got.Previous == nil || got.Previous.ID != busy {
		t.Errorf("event after the snapshot %+v, want that of row 3 with the presence before", got)
	}
}

// collect reads events from a subscription until that of a row, and wants cursors that only go up.
func collect(t *testing.T, s *Subscription, last int) []string {
	t.Helper()
	var rows []string
	for {
		event := nextEvent(t, s)
		rows = append(rows, event.RecordID)
		if event.RecordID == rowID(last) {
			return rows
		}
	}
}

func numbered(from, to int) []string {
	var rows []string
	for n := from; n <= to; n++ {
		rows = append(rows, rowID(n))
	}
	return rows
}

func TestResumeHasNoGapAndNoDouble(t *testing.T) {
	t.Parallel()
	const events = 1000 // far beyond the buffer: most of them are only on the disk
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	cursors := []string{s.Cursor()}
	for n := 1; n <= events; n++ {
		r.receive(change{row: n, agent: n % 7, presence: []string{available, busy, away}[n%3], minute: n})
		nextEvent(t, s)
		cursors = append(cursors, s.Cursor())
	}
	atEnd := r.watch(cursors[events])
	if m := next(t, atEnd); m.Heartbeat == nil || m.Cursor != cursors[events] {
		t.Errorf("resumed at the end: first message %+v, want a heartbeat at once with the same cursor", m)
	}
	check := func(r *rig, after int) {
		got, want := collect(t, r.watch(cursors[after]), events), numbered(after+1, events)
		if !slices.Equal(got, want) {
			t.Fatalf("resumed after %d: %d events, want %d, none missing or twice", after, len(got), len(want))
		}
	}
	for _, after := range []int{0, 1, 500, events - 33, events - 32, events - 31, events - 1} {
		check(r, after)
	}
	r.receive(change{row: events + 1, agent: 1, presence: busy, minute: events + 1})
	if e := nextEvent(t, atEnd); e.RecordID != rowID(events+1) {
		t.Errorf("resumed at the end: first event %+v, want what came next", e)
	}
	r.stop()
	again := startRig(t, dir, settings(), nil) // the cursors hold beyond the process
	for _, after := range []int{0, 500, events - 32, events - 1} {
		check(again, after)
	}
}

func TestResumeTellsTheSameEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	begin := s.Cursor()
	var live []Event
	for n := 1; n <= 100; n++ {
		minute := n
		if n%10 == 0 {
			minute = 0 // late
		}
		r.receive(change{row: n, agent: n % 3, presence: []string{available, busy}[n%2], minute: minute, capacity: n})
		live = append(live, *nextEvent(t, s))
	}
	r.stop()
	again := startRig(t, dir, settings(), nil).watch(begin)
	for n, want := range live {
		if got := nextEvent(t, again); fmt.Sprintf("%+v", flat(*got)) != fmt.Sprintf("%+v", flat(want)) {
			t.Fatalf("event %d = %+v after a restart, was %+v", n+1, flat(*got), flat(want))
		}
	}
}

// flat replaces an event's pointers by what they point at.
func flat(e Event) any {
	type values struct {
		Event
		Previous           Status
		Capacity, SignedIn any
		Delay              time.Duration
	}
	v := values{Event: e, Capacity: *e.Capacity, SignedIn: *e.SignedIn, Delay: *e.Delay}
	if e.Previous != nil {
		v.Previous = *e.Previous
	}
	v.Event.Previous, v.Event.Capacity, v.Event.SignedIn, v.Event.Delay = nil, nil, nil, nil
	return v
}

func TestCursorsThatDoNotHold(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	other := startRig(t, t.TempDir(), settings(), nil)
	for n := 1; n <= 100; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
	}
	r.applied(100)
	r.expire(50)
	for name, cursor := range map[string]string{
		"another log's": other.hub.cursors.format(0),
		"future":        r.hub.cursors.format(101),
		"expired":       r.hub.cursors.format(10),
		"first expired": r.hub.cursors.format(48),
		"no cursor":     "%%%",
		"too short":     "AAAA",
		"a page token":  r.hub.cursors.formatPage(100, "x"),
	} {
		if _, err := r.Watch(t.Context(), cursor, Filter{}); !errors.Is(err, ErrCursorExpired) {
			t.Errorf("Watch(%s cursor) = %v, want ErrCursorExpired", name, err)
		}
	}
	if got := nextEvent(t, r.watch(r.hub.cursors.format(49))); got.RecordID != rowID(50) {
		t.Errorf("the oldest cursor that holds gives %v, want row 50", got.RecordID)
	}
}

// A cursor that began with a hyphen would be a flag on a command line.
func TestCursorsAreDigitsAndLetters(t *testing.T) {
	t.Parallel()
	for first := range 256 {
		c := cursors{uuid.UUID{byte(first), 0xfb, 0xff}}
		for _, text := range []string{c.format(1), c.formatPage(1, "a key")} {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsDigit(r) && !unicode.IsLower(r) }) {
				t.Fatalf("a cursor is %q", text)
			}
		}
	}
}

// expire removes all before a sequence, as age would.
func (r *rig) expire(before uint64) {
	r.t.Helper()
	for _, stream := range []jetstream.Stream{r.store.log, r.store.events} {
		if err := stream.Purge(context.Background(), jetstream.WithPurgeSequence(before)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestExpiryDuringAReplayIsTold(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	live := r.watch("")
	snapshot(t, live)
	for n := 1; n <= 100; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
		nextEvent(t, live)
	}
	s := r.watch(r.hub.cursors.format(3))
	s.replay.place = 2 // as if the stream had gone on from a later place than was asked for
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrCursorExpired) {
		t.Errorf("Next over a hole = %v, want ErrCursorExpired", err)
	}
}

func TestSlowSubscriberIsEndedAndNobodyWaits(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	slow, fast := r.watch(""), r.watch("")
	snapshot(t, slow)
	snapshot(t, fast)
	cursor := slow.Cursor()
	for n := 1; n <= r.config.Buffer+1; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
		nextEvent(t, fast)
	}
	if _, err := slow.Next(t.Context()); !errors.Is(err, ErrTooSlow) {
		t.Fatalf("Next of a subscriber beyond its buffer = %v, want ErrTooSlow", err)
	}
	if slow.Cursor() != cursor {
		t.Fatal("the cursor of the ended subscription is not that of its last message")
	}
	if got, want := collect(t, r.watch(cursor), r.config.Buffer+1), numbered(1, r.config.Buffer+1); !slices.Equal(got, want) {
		t.Errorf("resumed with %d events, want %d", len(got), len(want))
	}
}

func TestSubscriberWithinItsBufferIsNotEnded(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	behind, front := r.watch(""), r.watch("")
	snapshot(t, behind)
	snapshot(t, front)
	for n := 1; n <= r.config.Buffer; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
		nextEvent(t, front)
	}
	if got := collect(t, behind, r.config.Buffer); len(got) != r.config.Buffer {
		t.Errorf("%d events, want %d", len(got), r.config.Buffer)
	}
}

func TestHeartbeatsComeInSilenceOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRig(t, t.TempDir(), settings(), nil)
		s := r.watch("")
		snapshot(t, s)
		cursor, began := s.Cursor(), time.Now()
		m := wait(t, s)
		if since := time.Since(began); m.Heartbeat == nil || since > r.config.Heartbeat || !m.Heartbeat.Time.Equal(time.Now()) {
			t.Fatalf("after %v of silence: %+v, want a heartbeat of now", since, m)
		}
		if m.Cursor != cursor {
			t.Error("a heartbeat moved the cursor without an event")
		}
		<-time.After(10 * time.Second)
		r.receive(change{row: 1, agent: 1, presence: available})
		event, at := wait(t, s), time.Now()
		if event.Event == nil {
			t.Fatalf("message %+v, want the event", event)
		}
		if m := wait(t, s); m.Heartbeat == nil || time.Since(at) != r.config.Heartbeat || m.Cursor != event.Cursor {
			t.Errorf("%v after the event: %+v, want a heartbeat after %v with the event's cursor", time.Since(at), m, r.config.Heartbeat)
		}
		r.stop()
	})
}

// wait is next without a limit of its own: in a bubble there would be no end to it otherwise.
func wait(t *testing.T, s *Subscription) *Message {
	t.Helper()
	m, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSilenceIsNotOffline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRig(t, t.TempDir(), settings(), nil)
		s := r.watch("")
		snapshot(t, s)
		r.receive(change{row: 1, agent: 1, presence: available})
		wait(t, s)
		<-time.After(10 * time.Minute)
		if got := r.state(1); got == nil || got.Presence.ID != available {
			t.Errorf("after ten minutes of silence the state is %+v, want it as it was", got)
		}
		r.stop()
	})
}

func TestEndOfRunEndsSubscriptions(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: available})
	nextEvent(t, s)
	ended := make(chan error)
	go func() {
		_, err := s.Next(context.Background())
		ended <- err
	}()
	r.stop()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("Next = %v, want ErrClosed", err)
	}
	if _, err := r.Watch(t.Context(), "", Filter{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Watch = %v, want ErrClosed", err)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v, want the context's error", err)
	}
}

func TestProcessBehindACursorWaits(t *testing.T) {
	t.Parallel()
	ahead := startRig(t, t.TempDir(), settings(), nil)
	behind, err := Open(t.Context(), settings(), ahead.journal, nil) // on the same journal, as another process would be
	if err != nil {
		t.Fatal(err)
	}
	s := ahead.watch("")
	snapshot(t, s)
	for n := 1; n <= 3; n++ {
		ahead.receive(change{row: n, agent: 1, presence: available, minute: n})
		nextEvent(t, s)
	}
	late, err := behind.Watch(t.Context(), s.Cursor(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if m := next(t, late); m.Heartbeat == nil || m.Cursor != s.Cursor() {
		t.Fatalf("first message %+v, want a heartbeat with the cursor that was given", m)
	}
	behind.hub.beat(0)
	if m := next(t, late); m.Heartbeat == nil || m.Cursor != s.Cursor() {
		t.Errorf("a heartbeat of the process behind has another cursor: the subscriber would go back")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- behind.Run(ctx) }()
	ahead.receive(change{row: 4, agent: 1, presence: busy, minute: 4})
	if got := nextEvent(t, late); got.RecordID != rowID(4) || got.Previous.ID != available {
		t.Errorf("first event %+v, want row 4 and none of those before the cursor", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An entry of a newer version makes no event here; the cursors around it hold all the same.
func TestCursorsHoldAroundAnEntryWithoutAnEvent(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	r.receive(change{row: 1, agent: 1, presence: available, minute: 1})
	if _, err := r.store.js.PublishMsg(t.Context(), &nats.Msg{Subject: logSubject + "newer", Header: nats.Header{entryHeader: {"{"}}}); err != nil {
		t.Fatal(err)
	}
	for n := 3; n <= 100; n++ { // beyond the ring
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
	}
	r.applied(100)
	for _, after := range []uint64{1, 2} {
		if got := nextEvent(t, r.watch(r.hub.cursors.format(after))); got.RecordID != rowID(3) {
			t.Errorf("after %d comes %v, want row 3", after, got.RecordID)
		}
	}
}

// A subscriber that is behind notices the end of its context too, and its cursor is that of the last message it was given.
func TestEndOfTheContextIsNoticedByWhoIsBehind(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	ahead, s := r.watch(""), r.watch("")
	snapshot(t, ahead)
	snapshot(t, s)
	for n := 1; n <= 3; n++ {
		r.receive(change{row: n, agent: n, presence: busy, minute: n})
		nextEvent(t, ahead)
	}
	nextEvent(t, s)
	cursor := s.Cursor()
	ended, end := context.WithCancel(t.Context())
	end()
	if m, err := s.Next(ended); !errors.Is(err, context.Canceled) || s.Cursor() != cursor {
		t.Errorf("got %+v (%v) at %s, want the context's end at %s", m, err, s.Cursor(), cursor)
	}
	if got := nextEvent(t, s); got.RecordID != rowID(2) {
		t.Errorf("the next event is %+v, want that of row 2", got)
	}
}
