// Package ledger keeps the request IDs of actions in the journal.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/journal"
)

const (
	bucket = "action_requests"
	// retention is how long a request ID is remembered: longer than any caller repeats a call.
	retention = 7 * 24 * time.Hour
	// maxTries bounds how often an entry is read again that other calls keep changing, or of which another call's change is
	// on its way to the servers of a shared journal.
	maxTries = 8
	// firstPause is before the first of these; it doubles.
	firstPause = time.Millisecond
)

// Ledger is an actions.Ledger in a bucket of the journal, shared by all processes on it. Entries expire after seven days.
type Ledger struct{ entries jetstream.KeyValue }

var _ actions.Ledger = (*Ledger)(nil)

// Open opens the ledger of a journal, and makes it where there is none. It is usable until the journal is closed.
func Open(ctx context.Context, j *journal.Journal) (*Ledger, error) {
	entries, err := j.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: bucket, TTL: retention,
		Description: "Request IDs of actions, hashed, and their outcomes. They expire after seven days.",
	})
	if err != nil {
		return nil, fmt.Errorf("open the ledger of request IDs: %w", err)
	}
	return &Ledger{entries}, nil
}

// Begin implements actions.Ledger.
func (l *Ledger) Begin(ctx context.Context, key string, intent actions.LedgerEntry) (*actions.LedgerEntry, error) {
	text, err := json.Marshal(intent)
	if err != nil {
		return nil, err
	}
	for try := range maxTries {
		_, err := l.entries.Create(ctx, key, text)
		if err == nil {
			return nil, nil
		}
		if !conflict(err) {
			return nil, err
		}
		earlier, _, err := l.get(ctx, key)
		if err != nil || earlier != nil {
			return earlier, err
		}
		if !sleep.For(ctx, firstPause<<try) {
			return nil, ctx.Err()
		}
	}
	return nil, errBusy // released each time between the two steps
}

// Settle implements actions.Ledger.
func (l *Ledger) Settle(ctx context.Context, key string, entry actions.LedgerEntry) error {
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	return l.change(ctx, key, func(found bool, revision uint64) error {
		if !found { // the intent could not be noted, or was released by another call
			_, err := l.entries.Create(ctx, key, text)
			return err
		}
		_, err := l.entries.Update(ctx, key, text, revision)
		return err
	})
}

// Release implements actions.Ledger.
func (l *Ledger) Release(ctx context.Context, key string) error {
	return l.change(ctx, key, func(found bool, revision uint64) error {
		if !found {
			return nil
		}
		return l.entries.Delete(ctx, key, jetstream.LastRevision(revision))
	})
}

var errBusy = errors.New("the ledger's entry keeps changing")

// change changes an entry that has no outcome, unless somebody else does so in between: then it looks again.
func (l *Ledger) change(ctx context.Context, key string, to func(found bool, revision uint64) error) error {
	for try := range maxTries {
		entry, revision, err := l.get(ctx, key)
		if err != nil {
			return err
		}
		if entry != nil && entry.Outcome != "" {
			return nil
		}
		if err := to(entry != nil, revision); !conflict(err) {
			return err
		}
		if !sleep.For(ctx, firstPause<<try) {
			return ctx.Err()
		}
	}
	return errBusy
}

// conflict reports whether a change was refused because another came before it.
func conflict(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}

// get is a key's entry and its revision; nil where it has none.
func (l *Ledger) get(ctx context.Context, key string) (*actions.LedgerEntry, uint64, error) {
	stored, err := l.entries.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var entry actions.LedgerEntry
	if err := json.Unmarshal(stored.Value(), &entry); err != nil {
		return nil, 0, fmt.Errorf("an entry of the ledger cannot be read: %w", err)
	}
	return &entry, stored.Revision(), nil
}
