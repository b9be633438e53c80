package presence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// small are settings with the smallest log, and no overlap.
func small() Config {
	c := onlyWhenAsked()
	c.MaxBytes, c.Backfill.Overlap = minBytes, 0
	return c
}

// receiveLarge delivers a change in a body of a mebibyte.
func (r *rig) receiveLarge(c change) {
	r.t.Helper()
	large := append(body(r.t, c.context()), bytes.Repeat([]byte(" "), 1<<20)...)
	receipt, err := r.Receive(context.Background(), AgentStatus, large, nil)
	if err != nil || receipt.Duplicate || receipt.DeadLettered != "" {
		r.t.Fatalf("Receive(%+v) = %+v, %v", c, receipt, err)
	}
}

func (r *rig) streamState(stream jetstream.Stream) jetstream.StreamState {
	r.t.Helper()
	state, err := r.store.streamState(context.Background(), stream)
	if err != nil {
		r.t.Fatal(err)
	}
	return state
}

// The log is cut where the events are not: whoever starts goes on behind the last event, and all cursors hold.
func TestOldestGoWhereTheLogIsFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, small(), nil)
	for n := 1; n <= 40; n++ {
		r.receiveLarge(change{row: n, agent: n, presence: busy, minute: n})
		r.applied(uint64(n)) // the log here is so small that the reader could be too slow for it
	}
	if log := r.streamState(r.store.log); log.Bytes > minBytes || log.FirstSeq < 20 || log.LastSeq != 40 {
		t.Errorf("the log is %+v, want the newest of it within %d bytes", log, minBytes)
	}
	r.stop()
	again := startRig(t, dir, small(), nil)
	again.receiveLarge(change{row: 41, agent: 41, presence: busy, minute: 41})
	again.applied(41)
	for n, e := range all(t, again.watch(again.hub.cursors.format(0)), 41) {
		if e.RecordID != rowID(n+1) {
			t.Fatalf("event %d is of %s, want each row once", n+1, e.RecordID)
		}
	}
	if events := again.streamState(again.store.events); events.Msgs != 41 {
		t.Errorf("%d events, want 41", events.Msgs)
	}
	if got := again.state(1); got == nil {
		t.Error("the state of which the log forgot the delivery is gone")
	}
}

func TestWhatTheLogForgotIsNotReadAgain(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	r := started(t, dir, small(), table)
	for n := 1; n <= 40; n++ {
		c := change{row: n, agent: n, presence: busy, minute: n}
		table.add(organization, time.Now(), c)
		r.receiveLarge(c)
	}
	r.stop()

	r = started(t, dir, small(), table)
	if end := r.streamState(r.store.log).LastSeq; end != 40 {
		t.Fatalf("the log goes to %d after the tables were read again, want 40 and nothing twice", end)
	}
	table.add(organization, time.Now().Add(10*time.Second), change{row: 41, agent: 41, presence: busy, minute: 41})
	if got := r.backfill(BackfillRequest{Since: time.Now().Add(-time.Hour)}); got.Merged != 1 {
		t.Errorf("reading %+v, want what is certain to be missing", got)
	}
	r.stop()

	larger := small() // what is gone stays gone
	larger.MaxBytes = 0
	r = started(t, dir, larger, table)
	if got := r.store.log.CachedInfo().Config.MaxBytes; got > 0 {
		t.Errorf("the log's limit is %d, want none", got)
	}
	if got := r.backfill(BackfillRequest{Since: time.Now().Add(-time.Hour)}); got.Merged != 0 {
		t.Errorf("reading %+v, want nothing twice because the log has more room now", got)
	}
	r.stop()
	r = started(t, dir, small(), table)
	if got := r.store.log.CachedInfo().Config.MaxBytes; got != minBytes {
		t.Errorf("the log's limit is %d, want %d", got, minBytes)
	}
}

// What is stored while a table is read may push out what the next page is compared with.
func TestReadingGoesByTheLogAsItIs(t *testing.T) {
	t.Parallel()
	table, config := newTables(), small()
	config.Backfill.PageSize = 1
	r := started(t, t.TempDir(), config, table)
	missed, told := change{row: 1, agent: 1, presence: busy, minute: 1}, change{row: 2, agent: 1, presence: away, minute: 2}
	now := time.Now()
	table.add(organization, now, missed)
	table.add(organization, now, told)
	r.receive(told)
	filler := r.logged()[0]
	filled := false
	table.failWith(func(q CreatedQuery) error {
		for n := 0; q.Next != "" && !filled && n < 30; n++ {
			e := filler
			e.ID, e.RecordID = fmt.Sprint("filler ", n), rowID(100+n)
			if _, err := r.store.append(context.Background(), e, make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		filled = filled || q.Next != ""
		return nil
	})
	if got := r.backfill(BackfillRequest{}); !filled || got.Merged != 1 || got.Doubles != 1 {
		t.Errorf("reading %+v, want the first row merged, and the second left though the log forgot it meanwhile", got)
	}
}

// The events may be cut where the log is not.
func TestEventsThatWereTooMuchAreTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, small(), nil)
	tap, err := r.OpenTap(t.Context(), "behind", true)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 100; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
	}
	r.applied(100)
	config := r.store.events.CachedInfo().Config
	config.MaxBytes = 8 << 10
	if _, err := r.store.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	state := r.streamState(r.store.events)
	if state.FirstSeq < 50 || state.LastSeq != 100 {
		t.Fatalf("the events are %+v, want the newest of them", state)
	}
	if _, err := r.Watch(t.Context(), r.hub.cursors.format(1), Filter{}); !errors.Is(err, ErrCursorExpired) {
		t.Errorf("Watch with a cursor of what is gone = %v, want ErrCursorExpired", err)
	}
	batch, err := tap.Next(t.Context(), 1)
	if err != nil || batch[0].Event.RecordID != rowID(int(state.FirstSeq)) || tap.Lost() != state.FirstSeq-1 {
		t.Errorf("the tap has %+v, %v and lost %d; want the first that is left, and the others lost", batch, err, tap.Lost())
	}
	tap.Close()
	r.stop()
	again := startRig(t, dir, small(), nil)
	again.receive(change{row: 101, agent: 1, presence: busy, minute: 101})
	again.applied(101)
	if got := again.streamState(again.store.events); got.LastSeq != 101 {
		t.Errorf("the events are %+v, want none made again", got)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), small(), nil)
	for n := range 30 {
		large := append(fmt.Appendf(nil, "%d", n), bytes.Repeat([]byte("x"), 1<<20)...)
		if _, err := r.store.setAside(t.Context(), AgentStatus, fmt.Sprint("reason ", n), large); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.streamState(r.store.dead); got.Bytes > minBytes {
		t.Errorf("the dead letters have %d bytes, want at most %d", got.Bytes, minBytes)
	}
	letters, err := r.DeadLetters(t.Context(), 100)
	if err != nil || len(letters) < 10 || len(letters) > 16 || letters[0].Reason != "reason 29" {
		t.Errorf("%d dead letters, %v; want the newest", len(letters), err)
	}
	states, err := r.store.js.Stream(t.Context(), "KV_"+stateBucket)
	if err != nil || states.CachedInfo().Config.MaxBytes > 0 {
		t.Errorf("the states are bounded (%v), want all of them kept", err)
	}
}

func TestLimitOfSizeLeavesTheJournalRoom(t *testing.T) {
	t.Parallel()
	config := settings()
	config.MaxBytes = minBytes - 1
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "max_bytes: 16777215 is too small") {
		t.Errorf("Validate = %v, want it to name max_bytes", err)
	}
	config.MaxBytes = Default().MaxBytes + 1
	j := openJournal(t, t.TempDir())
	t.Cleanup(func() { _ = j.Close() })
	if _, err := Open(t.Context(), config, j, nil); err == nil || !strings.Contains(err.Error(), "max_bytes: 2147483649 is too large") {
		t.Errorf("Open = %v, want it to name max_bytes", err)
	}
}

// Of what size took, the reach is the log's first entry; of what age took afterwards, age tells.
func TestReachGoesByWhatWasCut(t *testing.T) {
	t.Parallel()
	now := start
	full := jetstream.StreamState{FirstSeq: 5, Bytes: minBytes - 1000, FirstTime: now.Add(-time.Minute + time.Millisecond)}
	aged := jetstream.StreamState{FirstSeq: 5, Bytes: 1000, FirstTime: now.Add(-time.Minute)}
	whole := jetstream.StreamState{FirstSeq: 1, Bytes: minBytes - 1000, FirstTime: now.Add(-time.Minute)}
	if !cut(full, minBytes) || cut(full, 0) || cut(full, 1<<30) || cut(aged, minBytes) || cut(whole, minBytes) {
		t.Error("cut does not tell size from age")
	}
	for name, test := range map[string]struct {
		was  logReach
		to   limits
		log  jetstream.StreamState
		want time.Time
	}{
		"a new log":        {logReach{}, limits{time.Hour, minBytes}, whole, time.Time{}},
		"more room":        {logReach{time.Hour, minBytes, time.Time{}}, limits{time.Hour, 1 << 30}, full, now.Add(-time.Minute + time.Second)},
		"room that was":    {logReach{time.Hour, minBytes, time.Time{}}, limits{time.Hour, 1 << 30}, aged, time.Time{}},
		"a longer time":    {logReach{time.Hour, 0, time.Time{}}, limits{2 * time.Hour, 0}, aged, now.Add(-time.Hour)},
		"both, one later":  {logReach{time.Hour, minBytes, time.Time{}}, limits{2 * time.Hour, 0}, full, now.Add(-time.Minute + time.Second)},
		"what stood later": {logReach{time.Hour, 0, now}, limits{2 * time.Hour, 0}, aged, now},
	} {
		if test.was.change(test.to, test.log, now); !test.was.Since.Equal(test.want) {
			t.Errorf("%s: since %v, want %v", name, test.was.Since, test.want)
		}
	}
}

// What went before it was made into an event is told, and the rest is.
func TestEntriesThatWentUnreadAreTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := small()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	r := openRig(t, t.TempDir(), config, nil)
	for n := 1; n <= 40; n++ {
		r.receiveLarge(change{row: n, agent: n, presence: busy, minute: n})
	}
	first := r.streamState(r.store.log).FirstSeq
	r.run()
	r.applied(40)
	r.stop()
	if want := fmt.Sprintf("entries=%d\n", first-1); first < 20 || strings.Count(log.String(), want) != 1 {
		t.Errorf("the log says %q, want once that %d entries went", log.String(), first-1)
	}
	if r.hub.agent(agentKey(organization, agentID(40))) == nil || r.hub.agent(agentKey(organization, agentID(1))) != nil {
		t.Error("want the states of what is left")
	}
}
