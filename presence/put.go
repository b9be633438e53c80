package presence

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
)

// putStates stores the agents that the steps changed, all at once where that pays. Where it is refused, or not known to have been
// done, each is stored on its own, which does nothing again.
func (s *store) putStates(ctx context.Context, batch []*step) error {
	changed := make([]*step, 0, len(batch))
	for _, step := range batch {
		if step.next != nil {
			changed = append(changed, step)
		}
	}
	if s.journal.BatchPays(len(changed)) && s.putStatesAtOnce(ctx, changed) == nil {
		return nil
	}
	for _, step := range changed {
		if err := s.putState(ctx, step.key, step.next); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) putStatesAtOnce(ctx context.Context, changed []*step) error {
	msgs := make([]*nats.Msg, len(changed))
	for i, step := range changed {
		text, err := s.stateText(step.next)
		if err != nil {
			return err
		}
		msgs[i] = &nats.Msg{Subject: stateSubject + step.key, Data: text, Header: nats.Header{
			jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(step.next.revision, 10)},
		}}
	}
	last, err := s.publishAtOnce(ctx, msgs)
	if err != nil {
		return err
	}
	for i, step := range changed {
		step.next.revision = last - uint64(len(changed)-1-i)
	}
	return nil
}

// putEvents stores what the entries were made into, as putStates does.
func (s *store) putEvents(ctx context.Context, batch []*step) (err error) {
	made := make([]*step, 0, len(batch))
	for _, step := range batch {
		if step.fault == nil {
			made = append(made, step)
		}
	}
	if s.journal.BatchPays(len(made)) && s.putEventsAtOnce(ctx, made) == nil {
		return nil
	}
	for _, step := range made {
		if step.event, err = s.putEvent(trace.ContextWithSpan(ctx, step.span), step.sequence, step.event); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) putEventsAtOnce(ctx context.Context, made []*step) error {
	msgs := make([]*nats.Msg, len(made))
	for i, step := range made {
		msg, err := eventMessage(trace.ContextWithSpan(ctx, step.span), step.sequence, step.event)
		if err != nil {
			return err
		}
		msgs[i] = msg
	}
	_, err := s.publishAtOnce(ctx, msgs)
	return err
}

func (s *store) publishAtOnce(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return s.journal.PublishAtOnce(ctx, msgs)
}

func eventMessage(ctx context.Context, sequence uint64, event Event) (*nats.Msg, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	return newMessage(ctx, eventSubjectOf(sequence), text, nil), nil
}

func (s *store) stateText(a *agent) ([]byte, error) {
	a.Incarnation = s.incarnation.String()
	return json.Marshal(a)
}

// putEvent stores what an entry was made into, and returns what is stored: another process may have been faster.
func (s *store) putEvent(ctx context.Context, sequence uint64, event Event) (Event, error) {
	msg, err := eventMessage(ctx, sequence, event)
	if err != nil {
		return Event{}, err
	}
	there, err := s.publishOnce(ctx, s.outcomes, msg)
	if err != nil || !there {
		return event, err
	}
	stored, err := s.event(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // it has expired since
		return event, nil
	}
	return stored, err
}

// conflict says whether a write was refused because something newer is there, or on its way.
func conflict(err error) bool {
	return refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequence) ||
		refusedWith(err, jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// putState stores an agent. It never replaces a newer state by an older one: then it stores nothing.
func (s *store) putState(ctx context.Context, key string, a *agent) error {
	text, err := s.stateText(a)
	if err != nil {
		return err
	}
	for {
		a.revision, err = s.states.Update(ctx, key, text, a.revision)
		if !conflict(err) && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			return err
		}
		there, err := s.state(ctx, key)
		if err != nil {
			return err
		}
		a.revision = there.revision
		if there.Sequence >= a.Sequence {
			return nil
		}
	}
}
