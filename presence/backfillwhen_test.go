package presence

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drained waits until all is quiet and returns the times that tables were asked at since then, by whoever reads now.
func (d *tables) drained(what string, t *testing.T) []CreatedQuery {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.queries
	d.queries = nil
	if len(asked) == 0 && what != "" {
		t.Fatalf("nothing was read %s", what)
	}
	return asked
}

func TestGapIsReadAfterADeliveryCouldNotBeStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTables()
		r := started(t, t.TempDir(), onlyWhenAsked(), table)
		table.drained("at the start", t)
		missed := change{row: 1, agent: 1, presence: busy, minute: 1}
		table.add(organization, time.Now(), missed)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Receive(ended, AgentStatus, body(t, missed.context()), nil); !errors.Is(err, ErrNotStored) {
			t.Fatalf("Receive = %v, want ErrNotStored", err)
		}
		<-time.After(gapPause + time.Second)
		table.drained("after a delivery was refused", t)
		if got := r.loggedRows(organization); len(got) != 1 {
			t.Errorf("the log has %v, want what was refused", got)
		}
		r.stop()
	})
}

func TestTablesAreReadNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := onlyWhenAsked()
		config.Backfill.Interval = 5 * time.Minute
		table := newTables()
		r := started(t, t.TempDir(), config, table)
		table.drained("at the start", t)
		<-time.After(2 * time.Minute)
		table.add(organization, time.Now(), change{row: 1, agent: 1, presence: busy, minute: 1})
		<-time.After(3*time.Minute - time.Second)
		table.add(organization, time.Now(), change{row: 2, agent: 1, presence: away, minute: 2})
		<-time.After(2 * time.Second)
		table.drained("after the interval", t)
		if got := r.loggedRows(organization); !slices.Equal(got, []string{rowID(1)}) {
			t.Fatalf("the log has %v, want what was missed, and what the webhook may yet tell left to it", got)
		}
		<-time.After(2*settleTime + time.Second) // it was a gap that nobody knew of
		if got := r.loggedRows(organization); len(got) != 2 {
			t.Errorf("the log has %v, want both", got)
		}
		r.stop()
	})
}

func TestUnreachableDataverseIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTables()
		table.failWith(func(CreatedQuery) error { return errors.New("nobody is there") })
		r := startRig(t, t.TempDir(), onlyWhenAsked(), table)
		<-time.After(10 * time.Minute)
		tries := len(table.drained("at the start", t)) / pageTries / 2 // of two environments
		if tries < 4 || tries > 8 {
			t.Errorf("%d attempts in ten minutes, want growing pauses", tries)
		}
		table.add(organization, time.Now(), change{row: 1, agent: 1, presence: busy, minute: 1})
		table.failWith(nil)
		<-time.After(maxFailedPause + time.Minute)
		if got := r.loggedRows(organization); len(got) != 1 {
			t.Errorf("the log has %v, want what was missed", got)
		}
		r.stop()
	})
}

func TestFirstStartReadsTheHistoryThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for history, want := range map[time.Duration]int{0: 0, 3 * time.Hour: 3} {
		synctest.Test(t, func(t *testing.T) {
			table := newTables()
			for n := 1; n <= 10; n++ {
				table.add(organization, time.Now().Add(-time.Duration(n)*time.Hour+time.Minute), change{row: n, agent: 1, presence: busy, minute: -n})
			}
			since := start
			table.setStatuses(organization, asOf(1, away, since, 10))
			config := onlyWhenAsked()
			config.Backfill.History = history
			r := started(t, t.TempDir(), config, table)
			if got := r.loggedRows(organization); len(got) != want {
				t.Errorf("history %v: %d rows, want %d", history, len(got), want)
			}
			if got := r.state(1); got == nil || got.Presence.ID != away || !got.StartTime.Equal(since) {
				t.Errorf("history %v: state %+v, want the present one with its start", history, got)
			}
			for _, e := range r.logged()[1:] {
				if e.Seeded {
					t.Errorf("history %v: %+v is seeded a second time", history, e)
				}
			}
			r.stop()
		})
	}
}

func TestNothingOlderThanTheLogIsRead(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	config := onlyWhenAsked()
	config.Retention = time.Hour
	table.add(organization, time.Now().Add(-2*time.Hour), change{row: 1, agent: 1, presence: busy, minute: 1})
	table.add(organization, time.Now().Add(-30*time.Minute), change{row: 2, agent: 1, presence: away, minute: 2})
	r := started(t, dir, config, table)
	if got := r.backfill(BackfillRequest{Since: time.Now().Add(-24 * time.Hour)}); got.Rows != 1 || got.Merged != 1 {
		t.Errorf("reading %+v, want the one row that is younger than the retention", got)
	}
	r.stop()

	// The log has forgotten by now what it was told before, and must not take it for new because it will remember longer.
	config.Retention = 24 * time.Hour
	again := started(t, dir, config, table)
	if got := again.backfill(BackfillRequest{Since: time.Now().Add(-24 * time.Hour)}); got.Merged != 0 || got.Rows != 1 {
		t.Errorf("reading %+v, want nothing of before the log's reach", got)
	}
	again.stop()
}

func TestStatesOfWhichNoRowTellsAreCorrected(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	table.setStatuses(organization, asOf(1, busy, since, 10), asOf(2, busy, since, 10), asOf(3, busy, since, 10), asOf(4, busy, since, 10))
	r := started(t, dir, onlyWhenAsked(), table)
	if got := r.state(2); got == nil || got.Presence.ID != busy {
		t.Fatalf("state %+v, want the first", got)
	}
	r.stop()

	table.add(organization, time.Now(), change{row: 3, agent: 3, presence: away, minute: int(since.Sub(start)/time.Minute) + 5})
	capacity := asOf(4, busy, since, 70)
	capacity.Values[statusCapacityOn] = since.Add(10 * time.Minute).UTC().Format(time.RFC3339)
	table.setStatuses(organization,
		asOf(1, busy, since, 10),                      // as before
		asOf(2, away, since.Add(10*time.Minute), 20),  // its row was deleted meanwhile
		asOf(3, busy, since.Add(-10*time.Minute), 10), // what its row says is newer
		capacity, // its capacity alone
		asOf(5, available, since.Add(time.Minute), 10), // never heard of
		asOf(6, available, time.Now(), 10),             // its row may be on its way
	)
	again := started(t, dir, onlyWhenAsked(), table)
	if err := again.Presence.applied(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: busy, 2: away, 3: away, 4: busy, 5: available} {
		if got := again.state(n); got == nil || got.Presence.ID != want {
			t.Errorf("agent %d: state %+v, want %s", n, got, want)
		}
	}
	if got := again.state(2); !got.StartTime.Equal(since.Add(10*time.Minute)) || *got.Capacity != 20 {
		t.Errorf("agent 2: state %+v, want its right start and capacity", got)
	}
	if got := again.state(4); *got.Capacity != 70 || !got.StartTime.Equal(since) {
		t.Errorf("agent 4: state %+v, want the new capacity, and the start of before", got)
	}
	if got := again.state(6); got != nil {
		t.Errorf("agent 6: state %+v, want it left to its row", got)
	}
	before := len(again.logged())
	again.backfill(BackfillRequest{})
	if n := len(again.logged()) - before; n != 0 {
		t.Errorf("%d entries by a second reading of the same, want none", n)
	}
}

func TestWhatHasYetToSettleIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, table := t.TempDir(), newTables()
		r := started(t, dir, onlyWhenAsked(), table)
		r.stop()
		table.setStatuses(organization, asOf(1, busy, time.Now(), 10))
		again := started(t, dir, onlyWhenAsked(), table)
		if got := again.state(1); got != nil {
			t.Fatalf("state %+v, want its row to be waited for", got)
		}
		<-time.After(2*settleTime + time.Second)
		if got := again.state(1); got == nil || got.Presence.ID != busy {
			t.Errorf("state %+v, want what no row told", got)
		}
		again.stop()
	})
}

func TestBackfillRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	config := onlyWhenAsked()
	config.Sources["after-work"] = Source{}
	r := started(t, t.TempDir(), config, newTables())
	for request, want := range map[BackfillRequest]string{
		{Source: "agent-stats"}:    "agent-stats",
		{Source: "after-work"}:     "Update",
		{Environment: "elsewhere"}: `unknown environment "elsewhere"`,
	} {
		if _, err := r.Backfill(t.Context(), request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Backfill(%+v) = %v, want an error that names %s", request, err, want)
		}
	}
	if _, err := openRig(t, t.TempDir(), config, nil).Backfill(t.Context(), BackfillRequest{}); err == nil {
		t.Error("Backfill without a reader succeeds")
	}
	r.stop()
	if _, err := r.Backfill(t.Context(), BackfillRequest{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Backfill after the end = %v, want ErrClosed", err)
	}
}

func TestRowWithoutAPresenceBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	table.add(organization, time.Now(), change{row: 1, agent: 1, minute: 1})
	if got := r.backfill(BackfillRequest{}); got.SetAside != 1 || got.Merged != 0 {
		t.Errorf("reading %+v, want the row set aside", got)
	}
	if got := r.backfill(BackfillRequest{}); got.SetAside != 0 || got.Doubles != 1 {
		t.Errorf("a second reading %+v, want it known", got)
	}
	letters, err := r.DeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 1 || !strings.Contains(letters[0].Reason, "msdyn_presenceid") || letters[0].Source != AgentStatus {
		t.Errorf("dead letters %+v, %v; want one with the reason", letters, err)
	}
}

// What deliveries of one second left wrong is put right by the next reading, though nothing was missed.
func TestStatesAreComparedNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := onlyWhenAsked()
		config.Backfill.Interval = 5 * time.Minute
		table := newTables()
		r := started(t, t.TempDir(), config, table)
		since := time.Now().Truncate(time.Second)
		for n, presence := range []string{busy, away} { // in the other order
			delivery := change{row: n, agent: 1, presence: presence, minute: int(since.Sub(start) / time.Minute)}
			r.receive(delivery)
		}
		table.setStatuses(organization, asOf(1, busy, since, 0))
		<-time.After(5*time.Minute + time.Second)
		synctest.Wait()
		if got := r.state(1); got.Presence.ID != busy {
			t.Errorf("state %+v, want that of the table", got)
		}
		r.stop()
	})
}

// A record that can be read only some time after it was created is found within the overlap, and further back when asked for.
func TestRowThatComesToLightLateIsRead(t *testing.T) {
	t.Parallel()
	table, config := newTables(), onlyWhenAsked()
	config.Backfill.History = time.Hour
	r := started(t, t.TempDir(), config, table)
	now := time.Now()
	table.add(organization, now, change{row: 1, agent: 1, presence: busy, minute: 1})
	if got := r.backfill(BackfillRequest{}); got.Merged != 1 {
		t.Fatalf("reading %+v, want the row", got)
	}
	table.add(organization, now.Add(-config.Backfill.Overlap/2), change{row: 2, agent: 2, presence: busy, minute: 2})
	table.add(organization, now.Add(-2*config.Backfill.Overlap), change{row: 3, agent: 3, presence: busy, minute: 3})
	if got := r.backfill(BackfillRequest{}); got.Merged != 1 || got.Doubles != 1 {
		t.Errorf("reading %+v, want the row within the overlap merged", got)
	}
	if got := r.backfill(BackfillRequest{Since: now.Add(-3 * config.Backfill.Overlap)}); got.Merged != 1 || got.Doubles != 2 {
		t.Errorf("reading further back %+v, want the row behind the overlap merged", got)
	}
}
