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
)

func TestWhatNoWebhookToldIsReadOnce(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	r := started(t, dir, onlyWhenAsked(), table)
	r.stop()
	var want []string
	for n := range 10 {
		table.add(organization, time.Now(), change{row: n, agent: n % 2, presence: []string{busy, away}[n/2%2], minute: n, capacity: n})
		want = append(want, rowID(n))
	}
	again := started(t, dir, onlyWhenAsked(), table)
	if got := again.loggedRows(organization); !slices.Equal(got, want) {
		t.Fatalf("the log has %v, want %v in the order of their creation", got, want)
	}
	again.applied(uint64(len(want)))
	events := all(t, again.watch(again.hub.cursors.format(0)), len(want))
	for n, e := range events {
		if e.RecordID != want[n] || e.Late || e.AgentName != fmt.Sprintf("Agent %d", n%2) || e.OrganizationName != "unq07" || *e.Capacity != int32(n) {
			t.Errorf("event %d is %+v, want row %d", n, e, n)
		}
	}
	if got := again.state(1); got.Presence.ID != busy || !got.StartTime.Equal(start.Add(9*time.Minute)) {
		t.Errorf("state %+v, want that of the last row", got)
	}
	if got := again.backfill(BackfillRequest{}); got.Rows != 10 || got.Merged != 0 || got.Doubles != 10 {
		t.Errorf("a second reading: %+v, want all rows told as doubles", got)
	}
}

// What is delivered and read is one event, whichever comes first, and the two are alike.
func TestDeliveredAndReadIsOneEvent(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	before, after := change{row: 1, agent: 1, presence: busy, minute: 1}, change{row: 2, agent: 1, presence: away, minute: 2}
	r.receive(before)
	table.add(organization, time.Now(), before)
	table.add(organization, time.Now(), after)
	if got := r.backfill(BackfillRequest{}); got.Merged != 1 || got.Doubles != 1 {
		t.Errorf("reading %+v, want one merged and one double", got)
	}
	if receipt := r.receive(after); !receipt.Duplicate {
		t.Errorf("receipt %+v, want the delivery of what was read to be a repeat", receipt)
	}
	entries := r.logged()
	if len(entries) != 2 || entries[0].RecordID != rowID(1) || entries[1].RecordID != rowID(2) {
		t.Fatalf("the log has %+v, want each row once", entries)
	}
	delivered, read := entries[0], entries[1]
	if read.ID != strings.Replace(delivered.ID, rowID(1), rowID(2), 1) || read.AgentID != delivered.AgentID ||
		read.AgentName != delivered.AgentName || *read.SignedIn != *delivered.SignedIn || !read.StartTime.Equal(start.Add(2*time.Minute)) ||
		read.Source != delivered.Source || read.OrganizationName != delivered.OrganizationName {
		t.Errorf("read %+v, delivered %+v; want them alike", read, delivered)
	}
}

func TestReadHistoryIsLateAndLeavesTheStateAlone(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	s := r.watch("")
	snapshot(t, s)
	r.receive(change{row: 9, agent: 1, presence: away, minute: 9})
	nextEvent(t, s)
	table.add(organization, time.Now(), change{row: 1, agent: 1, presence: busy, minute: 1})
	r.backfill(BackfillRequest{})
	if e := nextEvent(t, s); !e.Late || e.RecordID != rowID(1) {
		t.Errorf("event %+v, want it late", e)
	}
	if got := r.state(1); got.Presence.ID != away {
		t.Errorf("state %+v, want it unchanged", got)
	}
}

// Whoever deploys with a second of many rows must not lose those at the border of a page.
func TestRowsOfOneSecondCrossPages(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	now := time.Now()
	for n := range 11 {
		table.add(organization, now, change{row: (n * 7) % 11, agent: 1, presence: busy, minute: n})
	}
	if got := r.backfill(BackfillRequest{}); got.Rows != 11 || got.Merged != 11 {
		t.Errorf("reading %+v, want each of 11 rows once", got)
	}
	if got := r.loggedRows(organization); !slices.IsSorted(got) || len(slices.Compact(got)) != 11 {
		t.Errorf("the log has %v, want 11 rows by their ID", got)
	}
}

func TestOrganisationsAreReadApart(t *testing.T) {
	t.Parallel()
	table := newTables()
	r := started(t, t.TempDir(), onlyWhenAsked(), table)
	r.deliverTo(otherOrganization, change{row: 1, agent: 1, presence: busy, minute: 1})
	for n := 1; n <= 4; n++ {
		table.add(organization, time.Now(), change{row: n, agent: 1, presence: busy, minute: n})
		table.add(otherOrganization, time.Now(), change{row: n, agent: 1, presence: away, minute: n})
	}
	table.failWith(func(q CreatedQuery) error {
		if q.OrganizationID == organization {
			return ErrNoHistory // nothing of it may hold the other
		}
		return nil
	})
	results, err := r.Backfill(t.Context(), BackfillRequest{})
	if err != nil || len(results) != 1 || results[0].Environment != "two" || results[0].Merged != 3 || results[0].Doubles != 1 {
		t.Fatalf("Backfill = %+v, %v; want what environment two has", results, err)
	}
	table.failWith(nil)
	if got := r.backfill(BackfillRequest{}); got.Merged != 4 {
		t.Errorf("reading %+v, want the four of environment one, whose IDs are those of environment two", got)
	}
	if n := len(r.loggedRows(organization)) + len(r.loggedRows(otherOrganization)); n != 8 {
		t.Errorf("%d rows, want 8", n)
	}
}

func TestFailedPageIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTables()
		r := started(t, t.TempDir(), onlyWhenAsked(), table)
		for n := range 10 {
			table.add(organization, time.Now(), change{row: n, agent: 1, presence: busy, minute: n})
		}
		table.queries = nil
		failures := 0
		table.failWith(func(q CreatedQuery) error {
			if strings.HasSuffix(q.Next, rowID(5)) && failures < pageTries-1 {
				failures++
				return errors.New("503")
			}
			return nil
		})
		if got := r.backfill(BackfillRequest{}); got.Merged != 10 || got.Rows != 10 {
			t.Errorf("reading %+v, want 10 rows, none read twice", got)
		}
		if n := len(table.queries); n != 4+failures {
			t.Errorf("%d pages were asked for, want 4 and %d again", n, failures)
		}
		r.stop()
	})
}

// A reading that has to be given up goes on from its mark: what is stored before it is not read again but for the overlap, and what
// is behind it is not passed over.
func TestMarkNeverPassesWhatIsStored(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	config := onlyWhenAsked()
	config.Backfill.Overlap = 0
	config.Backfill.History = 2 * time.Hour
	table.failWith(func(q CreatedQuery) error {
		if q.Next != "" && !strings.HasSuffix(q.Next, rowID(2)) {
			return context.DeadlineExceeded
		}
		return nil
	})
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	for n := range 10 {
		table.add(organization, base.Add(time.Duration(n)*time.Minute), change{row: n, agent: 1, presence: busy, minute: n})
	}
	r := startRig(t, dir, config, table)
	s := r.watch("")
	for n := range 6 {
		if e := nextEvent(t, afterSnapshot(t, s, n)); e.RecordID != rowID(n) {
			t.Fatalf("event %+v, want row %d", e, n)
		}
	}
	r.stop() // while the third page is tried again
	m, err := openRig(t, dir, config, nil).markOf(organization)
	if err != nil || !m.Created.Equal(base.Add(5*time.Minute)) {
		t.Fatalf("mark %+v, %v; want it at row 5, the last that is stored", m, err)
	}
}

// afterSnapshot passes the snapshot over, the first time.
func afterSnapshot(t *testing.T, s *Subscription, n int) *Subscription {
	t.Helper()
	if n == 0 {
		snapshot(t, s)
	}
	return s
}

func (r *rig) markOf(organizationID string) (mark, error) {
	r.t.Helper()
	defer r.stop()
	return r.store.marks.get(context.Background(), markKey(organizationID, AgentStatus))
}

// What happens while the first start waits for Dataverse is not lost, though the process ends before it answers.
func TestReadingBeginsWithTheFirstStart(t *testing.T) {
	t.Parallel()
	dir, table := t.TempDir(), newTables()
	openRig(t, dir, onlyWhenAsked(), table).stop() // nobody was asked yet
	table.add(organization, time.Now(), change{row: 1, agent: 1, presence: busy, minute: 1})
	m, err := openRigMark(t, dir, table)
	if err != nil || time.Since(m) < 0 {
		t.Fatalf("known since %v, %v", m, err)
	}
	later := openRig(t, dir, onlyWhenAsked(), table)
	if again, err := later.store.marks.first(t.Context(), "one", AgentStatus); err != nil || !again.Equal(m) {
		t.Errorf("known since %v, %v; want that of the first start, %v", again, err, m)
	}
	later.run()
	later.backfill(BackfillRequest{})
	if got := later.loggedRows(organization); len(got) != 1 {
		t.Errorf("the log has %v, want what happened since the first start", got)
	}
}

func openRigMark(t *testing.T, dir string, reader Reader) (time.Time, error) {
	t.Helper()
	r := openRig(t, dir, onlyWhenAsked(), reader)
	defer r.stop()
	return r.store.marks.first(t.Context(), "one", AgentStatus)
}
