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

// limits are how long, and how much of it, each of the log, the events and the dead letters is kept. The states have none.
type limits struct {
	age   time.Duration
	bytes int64 // 0 is no limit
}

const (
	// journalShare is the part of the journal that each of the three streams may have: the fourth is for what has no limit of its
	// own, the states, the marks and the ledger, so that the streams never take the journal's last byte.
	journalShare = 4
	// minBytes is room for a page of the backfill, whose rows must not push one another out of the log, and for the largest delivery.
	minBytes = 16 << 20
	// maxMessage is more than any one message of the log has: 8 MiB is all that the journal takes, and it adds a little.
	maxMessage = 9 << 20
)

// fit refuses a limit of size that would not leave the journal room for what has none.
func (l limits) fit(j *journal.Journal) error {
	if most := j.MaxBytes() / journalShare; j.MaxBytes() > 0 && l.bytes > most {
		return fmt.Errorf("max_bytes: %d is too large for the journal inside; at most %d, or servers of your own by nats.url", l.bytes, most)
	}
	return nil
}

// cut says whether the last entries that the log let go may have been too much and not too old: since then it has been filled
// to the limit but for one of them. Where age took entries after that, its share is smaller, and all that is gone is too old.
func cut(log jetstream.StreamState, limit int64) bool {
	return limit > 0 && log.FirstSeq > 1 && log.Bytes+maxMessage > uint64(limit)
}

// begins is from when on the log has whatever was stored in it: what is gone was stored before its first entry, and so created
// before. Dataverse's times have whole seconds, rounded down.
func begins(log jetstream.StreamState) time.Time {
	return log.FirstTime.Truncate(time.Second).Add(time.Second)
}

// logReach is how far back the log has all that was stored in it.
type logReach struct {
	Retention time.Duration `json:"retention"`          // that the log had last
	MaxBytes  int64         `json:"maxBytes,omitempty"` // that the log had last; 0 is none
	Since     time.Time     `json:"since,omitzero"`
}

// logReachKey stands beside the marks: no organisation has such an ID.
const logReachKey = "log"

// change notes other limits: what the earlier ones took stays gone.
func (r *logReach) change(to limits, log jetstream.StreamState, now time.Time) {
	if r.Retention > 0 && r.Retention < to.age {
		r.Since = later(r.Since, now.Add(-r.Retention))
	}
	if r.MaxBytes != to.bytes && cut(log, r.MaxBytes) {
		r.Since = later(r.Since, begins(log))
	}
	r.Retention, r.MaxBytes = to.age, to.bytes
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reach returns from when on the log has whatever was stored in it and is younger than the retention; zero where it lost
// nothing but by age, and that was never shorter than now.
func (s *store) reach(ctx context.Context) (time.Time, error) {
	log, err := s.streamState(ctx, s.log)
	if err != nil {
		return time.Time{}, fmt.Errorf("look where the presence log begins: %w", err)
	}
	since, err := s.marks.reach(ctx, s.limits, log, time.Now())
	if cut(log, s.limits.bytes) {
		since = later(since, begins(log))
	}
	return since, err
}

// reach returns from when on earlier limits have left the log whole.
func (m *marks) reach(ctx context.Context, now limits, log jetstream.StreamState, at time.Time) (time.Time, error) {
	var known logReach
	there, err := m.bucket.Get(ctx, logReachKey)
	if err == nil {
		err = json.Unmarshal(there.Value(), &known)
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return time.Time{}, fmt.Errorf("read how far back the presence log goes: %w", err)
	}
	if known.Retention == now.age && known.MaxBytes == now.bytes {
		return known.Since, nil
	}
	known.change(now, log, at)
	text, err := json.Marshal(known)
	if err != nil {
		return time.Time{}, err
	}
	if _, err := m.bucket.Put(ctx, logReachKey, text); err != nil {
		return time.Time{}, fmt.Errorf("keep how far back the presence log goes: %w", err)
	}
	return known.Since, nil
}
