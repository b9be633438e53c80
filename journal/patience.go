package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
)

// The pauses between two attempts of Patiently.
const (
	firstPause = 10 * time.Millisecond
	maxPause   = time.Second
)

// Patiently does what may be done again, as opening a stream, until it succeeds, and for a minute at most where the journal
// is shared and its servers are just away or choose a leader. Elsewhere it is done once.
func (j *Journal) Patiently(ctx context.Context, do func() error) error {
	end := time.Now().Add(startTimeout)
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		err := do()
		if err == nil || ctx.Err() != nil || !j.Passing(err) || time.Now().After(end) {
			return err
		}
		j.log.logger.DebugContext(ctx, "the journal does not answer; trying again", "error", err)
		if !sleep.For(ctx, wait) {
			return err
		}
	}
}

// Passing says whether an error may be gone a moment later: the journal is shared, and its servers are away, too few, or
// without a leader.
func (j *Journal) Passing(err error) bool {
	if !j.Shared() {
		return false
	}
	for _, passing := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse,
		nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded, jetstream.ErrNoHeartbeat,
		jetstream.ErrConsumerDeleted, jetstream.ErrConsumerNotFound, jetstream.ErrOrderedConsumerReset,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.Code == 503
}
