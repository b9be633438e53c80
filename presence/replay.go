package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// events reads the stream of events from some place on, none left out.
type events struct {
	messages jetstream.MessagesContext
	place    uint64 // in the stream, of the next event
}

// storedEvent is an event as the stream has it.
type storedEvent struct {
	event    *Event
	sequence uint64 // of its log entry
	place    uint64 // in the stream of events
	pending  uint64 // how many are behind it by now
}

// lastEvent returns the place of the last event in its stream, and the sequence of its log entry; 0 where there is none.
func (s *store) lastEvent(ctx context.Context) (place, sequence uint64, err error) {
	info, err := s.events.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look up the last event: %w", err)
	}
	if info.State.Msgs == 0 {
		return 0, 0, nil
	}
	last, err := s.events.GetMsg(ctx, info.State.LastSeq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read the last event: %w", err)
	}
	sequence, err = sequenceOf(last.Subject)
	return last.Sequence, sequence, err
}

// openEvents begins to read at a place, or at the first event where those before it have expired.
func (s *store) openEvents(ctx context.Context, place uint64) (*events, error) {
	info, err := s.events.Info(ctx)
	if err != nil {
		return nil, err
	}
	place = max(place, info.State.FirstSeq, 1)
	consumer, err := s.js.OrderedConsumer(ctx, eventStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: place, MaxResetAttempts: 1,
	})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(pull...)
	if err != nil {
		return nil, err
	}
	return &events{messages: messages, place: place}, nil
}

// next waits for the next event. Where events have expired meanwhile it fails with ErrCursorExpired: the stream itself
// would go on as if nothing were missing.
func (e *events) next(ctx context.Context) (storedEvent, error) {
	message, err := e.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return storedEvent{}, err
	}
	metadata, err := message.Metadata()
	if err != nil {
		return storedEvent{}, err
	}
	if metadata.Sequence.Stream != e.place {
		return storedEvent{}, ErrCursorExpired
	}
	e.place++
	stored := storedEvent{event: new(Event), place: metadata.Sequence.Stream, pending: metadata.NumPending}
	if stored.sequence, err = sequenceOf(message.Subject()); err != nil {
		return storedEvent{}, err
	}
	return stored, json.Unmarshal(message.Data(), stored.event)
}

func (e *events) close() { e.messages.Stop() }
