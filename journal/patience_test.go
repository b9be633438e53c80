package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestPatienceIsForWhatPasses: a process may start while the servers choose a leader, or too few of them are there.
func TestPatienceIsForWhatPasses(t *testing.T) {
	t.Parallel()
	noLeader := fmt.Errorf("open stream S: %w", &jetstream.APIError{Code: 503, ErrorCode: 10008})
	synctest.Test(t, func(t *testing.T) {
		shared := &Journal{log: newLog(slog.New(slog.DiscardHandler))}
		inside, _ := bucketOf(t)
		for what, c := range map[string]struct {
			journal *Journal
			err     error
			times   int // how often it fails
			want    error
			least   int // how often it is done at least
		}{
			"leader is chosen meanwhile": {shared, noLeader, 3, nil, 4},
			"answers come late":          {shared, context.DeadlineExceeded, 3, nil, 4},
			"never":                      {shared, noLeader, 1 << 30, noLeader, 60},
			"nothing that passes":        {shared, ErrFormat, 1 << 30, ErrFormat, 1},
			"inside":                     {inside, context.DeadlineExceeded, 1 << 30, context.DeadlineExceeded, 1},
		} {
			done, began := 0, time.Now()
			err := c.journal.Patiently(t.Context(), func() error {
				if done++; done <= c.times {
					return c.err
				}
				return nil
			})
			if !errors.Is(err, c.want) || done < c.least || c.least == 1 && done > 1 {
				t.Errorf("%s: %v after %d attempts, want %v after %d", what, err, done, c.want, c.least)
			}
			if took := time.Since(began); took > 2*startTimeout {
				t.Errorf("%s: it took %v", what, took)
			}
		}
	})
}
