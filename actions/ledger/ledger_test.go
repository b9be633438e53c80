package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/ledger"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// open opens the ledger of a journal in a directory.
func open(t *testing.T, dir string) (*ledger.Ledger, *journal.Journal) {
	t.Helper()
	j := journaltest.Open(t, dir)
	l, err := ledger.Open(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return l, j
}

// found is what Begin says of a key.
func found(t *testing.T, l *ledger.Ledger, key string, intent actions.LedgerEntry) *actions.LedgerEntry {
	t.Helper()
	earlier, err := l.Begin(t.Context(), key, intent)
	if err != nil {
		t.Fatal(err)
	}
	return earlier
}

var (
	intent  = actions.LedgerEntry{Content: actions.Content{Action: "CreateRecord", Values: "a"}}
	other   = actions.LedgerEntry{Content: actions.Content{Action: "CreateRecord", Values: "b"}}
	created = actions.LedgerEntry{Content: intent.Content, Outcome: actions.Created, RecordID: "1"}
)

func TestEntryOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, j := open(t, dir)
	if earlier := found(t, l, "settled", intent); earlier != nil {
		t.Errorf("a new key has the entry %+v", earlier)
	}
	if err := l.Settle(t.Context(), "settled", created); err != nil {
		t.Fatal(err)
	}
	found(t, l, "crashed", intent)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	l, j = open(t, dir)
	if diff := cmp.Diff(&created, found(t, l, "settled", other)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&intent, found(t, l, "crashed", other)); diff != "" {
		t.Errorf("an intent after a restart (-want +got):\n%s", diff)
	}
	status, err := j.JetStream().KeyValue(t.Context(), "action_requests")
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := status.Status(t.Context())
	if err != nil || bucket.TTL() != 7*24*time.Hour {
		t.Errorf("entries live for %v, %v; want seven days", bucket.TTL(), err)
	}
}

func TestFirstOutcomeStays(t *testing.T) {
	t.Parallel()
	l, _ := open(t, t.TempDir())
	found(t, l, "k", intent)
	second := created
	second.RecordID = "2"
	for _, entry := range []actions.LedgerEntry{created, second} {
		if err := l.Settle(t.Context(), "k", entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Release(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&created, found(t, l, "k", intent)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := l.Settle(t.Context(), "without-intent", created); err != nil {
		t.Error(err)
	}
}

func TestReleasedKeyIsFree(t *testing.T) {
	t.Parallel()
	l, _ := open(t, t.TempDir())
	for range 3 {
		if earlier := found(t, l, "k", intent); earlier != nil {
			t.Fatalf("a released key has the entry %+v", earlier)
		}
		if err := l.Release(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Release(t.Context(), "never-begun"); err != nil {
		t.Error(err)
	}
}

// TestOneOfManyBegins: of calls at once with one key, exactly one is the first.
func TestOneOfManyBegins(t *testing.T) {
	t.Parallel()
	l, _ := open(t, t.TempDir())
	var mu sync.Mutex
	first := 0
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			earlier, err := l.Begin(t.Context(), "k", intent)
			if err != nil {
				t.Error(err)
			}
			if earlier == nil {
				mu.Lock()
				first++
				mu.Unlock()
			}
			if err := l.Settle(t.Context(), "k", created); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if first != 1 {
		t.Errorf("%d calls were the first, want 1", first)
	}
}

func TestClosedJournalIsAnError(t *testing.T) {
	t.Parallel()
	l, j := open(t, t.TempDir())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := l.Begin(ctx, "k", intent); err == nil {
		t.Error("Begin succeeds on a closed journal")
	}
	if l.Settle(ctx, "k", created) == nil || l.Release(ctx, "k") == nil {
		t.Error("a change succeeds on a closed journal")
	}
}
