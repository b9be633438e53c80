package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How long storing may take while a shared journal chooses a new leader, and one attempt at it. Dataverse waits a minute
// for the answer to a delivery ("Use webhooks", time-out).
const (
	storeTimeout   = 15 * time.Second
	attemptTimeout = 4 * time.Second
)

// The pauses between two attempts.
const (
	firstPause = 2 * time.Millisecond
	maxPause   = 250 * time.Millisecond
)

// publishOnce stores a message unless the stream has one of that subject, which it tells. Either way one is stored when it
// returns without error. It makes several attempts where the journal is shared: a message is never stored twice.
func (s *store) publishOnce(ctx context.Context, msg *nats.Msg) (duplicate bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		err = s.publish(ctx, msg)
		switch {
		case err == nil:
			return false, nil
		case refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence):
			return true, nil
		case !s.passing(err):
			return false, err
		}
		if !pause(ctx, wait) {
			return false, err
		}
	}
}

func (s *store) publish(ctx context.Context, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	_, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(0))
	return err
}

// passing says whether an error may be gone a moment later. Where streams have replicas, one is that another process's
// message of the subject is on its way: it may still get lost, so that it cannot be relied on.
func (s *store) passing(err error) bool {
	if refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return true
	}
	return s.journal.Passing(err)
}

// refusedWith says whether an error is a refusal of that code.
func refusedWith(err error, code jetstream.ErrorCode) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == code
}

// patiently does something that changes nothing, and again for a while where the journal is shared and just away.
func (s *store) patiently(ctx context.Context, do func() error) error {
	var since time.Time // of the first failure
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		err := do()
		switch {
		case err == nil || !s.passing(err) || ctx.Err() != nil:
			return err
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > storeTimeout:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}
