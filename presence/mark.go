package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/journal"
)

// markBucket has how far each environment's table was read for each source, and how far back the log can tell repeats. It
// does not expire.
const markBucket = "PRESENCE_BACKFILL"

// mark is how far a source's records were read in an environment.
type mark struct {
	Begin       time.Time `json:"begin"`              // from when on records are read at all
	Created     time.Time `json:"created"`            // when the last record was created; all before it are stored
	Completed   time.Time `json:"completed,omitzero"` // when the table was last read to its end
	Incarnation string    `json:"incarnation"`        // of the log: in one that is made anew nothing is stored

	revision uint64
}

// marks are the marks of all sources in all environments. One process at a time moves them.
type marks struct {
	bucket      jetstream.KeyValue
	incarnation string
}

func openMarks(ctx context.Context, j *journal.Journal, incarnation string) (*marks, error) {
	bucket, err := j.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: markBucket, Description: "How far each environment's history was read. It does not expire.",
	})
	if err != nil {
		return nil, fmt.Errorf("open the marks of the backfill: %w", err)
	}
	return &marks{bucket: bucket, incarnation: incarnation}, nil
}

func markKey(organizationID, source string) string { return organizationID + "." + source }

// get returns a mark; one without a time where there is none for this log.
func (m *marks) get(ctx context.Context, key string) (mark, error) {
	there, err := m.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{Incarnation: m.incarnation}, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read a mark of the backfill: %w", err)
	}
	found := mark{revision: there.Revision()}
	if err := json.Unmarshal(there.Value(), &found); err != nil {
		return mark{}, fmt.Errorf("read a mark of the backfill: %w", err)
	}
	if found.Incarnation != m.incarnation {
		return mark{Incarnation: m.incarnation, revision: found.revision}, nil
	}
	return found, nil
}

// put keeps a mark. It fails where another process has moved it meanwhile.
func (m *marks) put(ctx context.Context, key string, to *mark) error {
	text, err := json.Marshal(to)
	if err != nil {
		return err
	}
	if to.revision, err = m.bucket.Update(ctx, key, text, to.revision); err != nil {
		return fmt.Errorf("keep a mark of the backfill: %w", err)
	}
	return nil
}

// firstKey is where it stands since when a source of an environment is known of: from before anybody could ask which organisation
// the environment is, which may take long.
func firstKey(environment, source string) string { return "first." + digest(environment, source) }

// first returns since when a source of an environment is known of, which is now where it was not before.
func (m *marks) first(ctx context.Context, environment, source string) (time.Time, error) {
	key := firstKey(environment, source)
	known, err := m.get(ctx, key)
	if err != nil || !known.Begin.IsZero() {
		return known.Begin, err
	}
	known.Begin = time.Now().UTC()
	if err := m.put(ctx, key, &known); err != nil {
		if known, again := m.get(ctx, key); again == nil && !known.Begin.IsZero() { // another process was faster
			return known.Begin, nil
		}
		return time.Time{}, err
	}
	return known.Begin, nil
}
