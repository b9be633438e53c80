package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
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

// newMessage makes a message that is stored only where the stream has none of its subject. The trace that ctx belongs to
// goes with it.
func newMessage(ctx context.Context, subject string, data []byte, header nats.Header) *nats.Msg {
	if header == nil {
		header = nats.Header{}
	}
	header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	carryTrace(ctx, header)
	return &nats.Msg{Subject: subject, Data: data, Header: header}
}

// publishOnce stores what newMessage made unless the stream has one of that subject, which it tells. Either way one is stored when it
// returns without error. It makes several attempts where the journal is shared, and where an answer does not come in time, as
// from a disk that is busy: Dataverse itself tries only once more, and a message is never stored twice.
func (s *store) publishOnce(ctx context.Context, to publisher, msg *nats.Msg) (duplicate bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		err = publish(ctx, to, msg)
		switch {
		case err == nil:
			return false, nil
		case refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence):
			return true, nil
		case !s.passing(err) && !errors.Is(err, context.DeadlineExceeded):
			return false, err
		}
		if !sleep.For(ctx, wait) {
			return false, err
		}
	}
}

func publish(ctx context.Context, to publisher, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return to.Publish(ctx, msg)
}

// batchSize is how many entries are on their way to the log at once.
const batchSize = 256

// appendAll writes entries into the log, each unless it is there, and says how many were. All are stored when it returns without
// error. They are sent without waiting for one another, in their order, which they have in the log too but for those that
// had to be sent again.
func (s *store) appendAll(ctx context.Context, entries []entry) (duplicates int, err error) {
	for batch := range slices.Chunk(entries, batchSize) {
		n, err := s.appendBatch(ctx, batch)
		duplicates += n
		if err != nil {
			return duplicates, err
		}
	}
	return duplicates, nil
}

func (s *store) appendBatch(ctx context.Context, batch []entry) (duplicates int, err error) {
	msgs := make([]*nats.Msg, len(batch))
	for i, e := range batch {
		if msgs[i], err = messageOf(ctx, e, nil); err != nil {
			return 0, err
		}
	}
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	for i, err := range s.journal.PublishAll(attempt, msgs) {
		duplicate := refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence)
		if err != nil && !duplicate {
			if duplicate, err = s.append(ctx, batch[i], nil); err != nil {
				return duplicates, err
			}
		}
		if duplicate {
			duplicates++
		}
	}
	return duplicates, nil
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
		if !sleep.For(ctx, wait) {
			return err
		}
	}
}
