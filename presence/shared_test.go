package presence

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// openShared opens presence on NATS servers.
func openShared(t *testing.T, servers journal.NATS) *rig {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{NATS: servers, Logger: settings().Logger})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), settings(), j, nil)
	if err != nil {
		t.Fatal(errors.Join(err, j.Close()))
	}
	r := &rig{Presence: p, t: t, journal: j}
	r.stop = func() {
		r.stop = func() {}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// TestSubscriberStaysWhileTheServersAreAway: what comes meanwhile is refused, and nothing is missed.
func TestSubscriberStaysWhileTheServersAreAway(t *testing.T) {
	t.Parallel()
	servers := journaltest.Start(t, 1)
	r, other := openShared(t, servers.NATS()), openShared(t, servers.NATS())
	r.run()
	other.run()
	live := r.watch("")
	snapshot(t, live)
	r.receive(change{row: 1, agent: 1, presence: available})
	first := next(t, live)
	for row := 2; row <= 3*r.config.Buffer; row++ { // more than the ring has, so that it must be read from the servers
		r.receive(change{row: row, agent: 1, presence: busy, minute: row, capacity: row})
	}
	other.applied(uint64(3 * r.config.Buffer))
	stored := other.watch(first.Cursor)
	if e := nextEvent(t, stored); e.RecordID != rowID(2) {
		t.Errorf("event of %s, want that of %s", e.RecordID, rowID(2))
	}

	servers.Stop(0)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	last := change{row: 1000, agent: 1, presence: away, minute: 1000}
	if _, err := r.Receive(ctx, AgentStatus, body(t, last.context()), nil); !errors.Is(err, ErrNotStored) {
		t.Errorf("Receive without servers = %v, want %v", err, ErrNotStored)
	}
	await.Until(t, "the journal hears that its servers are away", func() bool { return r.journal.Err() != nil })
	servers.Restart(0)
	other.receive(last) // it waits until they are back
	for row := 3; row <= 3*r.config.Buffer; row++ {
		if e := nextEvent(t, stored); e.RecordID != rowID(row) {
			t.Fatalf("event of %s, want that of %s", e.RecordID, rowID(row))
		}
	}
	if e := nextEvent(t, stored); e.RecordID != rowID(1000) {
		t.Errorf("event of %s, want the one of after the outage", e.RecordID)
	}
}

// TestWhatIsOnItsWayIsNoDuplicate: where streams have replicas, a second message of a subject is refused while the first
// one is not yet stored, and the first one may get lost. Who takes that for a duplicate loses it.
func TestWhatIsOnItsWayIsNoDuplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t, t.TempDir(), settings(), nil)
		onItsWay := &jetstream.APIError{Code: 400, ErrorCode: jetstream.JSErrCodeStreamWrongLastSequenceConstant}
		flaky := &refusing{publisher: r.store.intake, times: 3, with: onItsWay}
		r.store.intake = flaky
		if receipt := r.receive(change{row: 1, agent: 1, presence: busy}); receipt.Duplicate || flaky.times != 0 {
			t.Errorf("receipt %+v, want that it is stored, and is no duplicate", receipt)
		}
		if receipt := r.receive(change{row: 1, agent: 1, presence: busy}); !receipt.Duplicate {
			t.Errorf("receipt %+v, want a duplicate", receipt)
		}
		flaky.times = 1 << 20
		c := change{row: 2, agent: 1, presence: busy}
		if _, err := r.Receive(t.Context(), AgentStatus, body(t, c.context()), nil); !errors.Is(err, ErrNotStored) {
			t.Errorf("Receive = %v while it cannot be known, want %v", err, ErrNotStored)
		}
	})
}

// TestSlowDiskIsWaitedFor: an answer that does not come in time is no refusal, and the message may be stored all the same.
func TestSlowDiskIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := openRig(t, t.TempDir(), settings(), nil)
		slow := &refusing{publisher: r.store.intake, times: 2, with: context.DeadlineExceeded}
		r.store.intake = slow
		if receipt := r.receive(change{row: 1, agent: 1, presence: busy}); receipt.Duplicate || slow.times != 0 {
			t.Errorf("receipt %+v, want that it is stored", receipt)
		}
		slow.times, slow.late = 1, true
		r.receive(change{row: 2, agent: 1, presence: busy})
		info, err := r.store.log.Info(t.Context())
		if err != nil || info.State.Msgs != 2 {
			t.Errorf("the log has %d entries (%v), want 2: each once", info.State.Msgs, err)
		}
	})
}

// refusing refuses the next messages; where it is late it stores them, and says too late that it has.
type refusing struct {
	publisher
	times int
	with  error
	late  bool
}

func (r *refusing) Publish(ctx context.Context, msg *nats.Msg) error {
	if r.times > 0 {
		r.times--
		if r.late {
			if err := r.publisher.Publish(ctx, msg); err != nil {
				return err
			}
		}
		return r.with
	}
	return r.publisher.Publish(ctx, msg)
}

// A server that has just become the leader may tell that the log is shorter than it is: a cursor is not refused for it.
func TestCursorAheadOfASharedLogIsWaitedFor(t *testing.T) {
	t.Parallel()
	servers := journaltest.Start(t, 1)
	r, other := openShared(t, servers.NATS()), openShared(t, servers.NATS())
	r.run()
	ahead := r.hub.cursors.format(1)
	watching := make(chan error, 1)
	go func() {
		s, err := r.Watch(context.Background(), ahead, Filter{})
		if err == nil {
			s.Close()
		}
		watching <- err
	}()
	select {
	case err := <-watching:
		t.Fatalf("Watch = %v at once, want it to wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	other.receive(change{row: 1, agent: 1, presence: busy, minute: 1})
	if err := <-watching; err != nil {
		t.Errorf("Watch = %v, want the log to have come so far", err)
	}
}
