package presence

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/botverse/botverse/internal/sleep"
)

// events reads the stream of events from some place on, none left out.
type events struct {
	store    *store
	messages jetstream.MessagesContext // nil where they must be opened again
	place    uint64                    // in the stream, of the next event
}

// storedEvent is an event as the stream has it.
type storedEvent struct {
	event    *Event
	sequence uint64 // of its log entry
	place    uint64 // in the stream of events
	pending  uint64 // how many are behind it by now
	trace    trace.SpanContext
}

// lastEvent returns the place of the last event in its stream, and the sequence of its log entry; 0 where there is none.
func (s *store) lastEvent(ctx context.Context) (place, sequence uint64, err error) {
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		state, err := s.streamState(ctx, s.events)
		if err != nil || state.Msgs == 0 {
			return 0, 0, err
		}
		sequence, err := s.sequenceAt(ctx, state.LastSeq)
		if err == nil {
			return state.LastSeq, sequence, nil
		}
		// It expired meanwhile, or another server answers that is not so far. That there is none must not be taken from it.
		if !errors.Is(err, jetstream.ErrMsgNotFound) || !sleep.For(ctx, wait) {
			return 0, 0, fmt.Errorf("read the last event: %w", err)
		}
	}
}

// streamState is what a stream's leader has.
func (s *store) streamState(ctx context.Context, stream jetstream.Stream) (state jetstream.StreamState, err error) {
	err = s.patiently(ctx, func() error {
		info, err := stream.Info(ctx)
		if err == nil {
			state = info.State
		}
		return err
	})
	return state, err
}

// logEnd returns how far the log goes.
func (s *store) logEnd(ctx context.Context) (uint64, error) {
	state, err := s.streamState(ctx, s.log)
	if err != nil {
		return 0, fmt.Errorf("look how far the presence log goes: %w", err)
	}
	return state.LastSeq, nil
}

// beforeLog returns the position before the first entry that the log has. States say nothing of it: they are stored before
// their event, and a process may end between the two.
func (s *store) beforeLog(ctx context.Context) (uint64, error) {
	state, err := s.streamState(ctx, s.log)
	if err != nil {
		return 0, fmt.Errorf("look where the presence log begins: %w", err)
	}
	return max(state.FirstSeq, 1) - 1, nil
}

// placeAfter returns the place of the first event that is beyond a position of the log; ErrCursorExpired where it is not
// known any more which one that was. It reads by place, which the stream always knows, and not by subject: a log entry
// that no event was made of has no subject here, and an index of subjects is one more thing to be wrong after a crash.
func (s *store) placeAfter(ctx context.Context, sequence uint64) (uint64, error) {
	state, err := s.streamState(ctx, s.events)
	if err != nil {
		return 0, err
	}
	first := max(state.FirstSeq, 1)
	place, err := searchPlace(first, state.LastSeq+1, func(place uint64) (bool, error) {
		at, err := s.sequenceAt(ctx, place)
		return at > sequence, err
	})
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // expired meanwhile
		return 0, ErrCursorExpired
	case err != nil || place != first || first == 1:
		return place, err
	}
	// The first that is left: it is the one that follows only where no other can have stood between.
	if at, err := s.sequenceAt(ctx, first); err != nil || at != sequence+1 {
		return 0, cmp.Or(err, ErrCursorExpired)
	}
	return first, nil
}

// sequenceAt returns the position in the log of the event at a place.
func (s *store) sequenceAt(ctx context.Context, place uint64) (uint64, error) {
	var msg *jetstream.RawStreamMsg
	err := s.patiently(ctx, func() (err error) {
		msg, err = s.events.GetMsg(ctx, place)
		return err
	})
	if err != nil {
		return 0, err
	}
	return sequenceOf(msg.Subject)
}

// searchPlace returns the first place from begin on, before end, that is; end where none is. Once one is, all that
// follow are.
func searchPlace(begin, end uint64, is func(place uint64) (bool, error)) (uint64, error) {
	for begin < end {
		middle := begin + (end-begin)/2
		yes, err := is(middle)
		if err != nil {
			return 0, err
		}
		if yes {
			end = middle
		} else {
			begin = middle + 1
		}
	}
	return begin, nil
}

// openEvents begins to read at a place, or at the first event where those before it have expired.
func (s *store) openEvents(ctx context.Context, place uint64) (*events, error) {
	state, err := s.streamState(ctx, s.events)
	if err != nil {
		return nil, err
	}
	e := &events{store: s, place: max(place, state.FirstSeq, 1)}
	return e, s.patiently(ctx, func() error { return e.open(ctx) })
}

// open begins to read where the next event is, unless it has begun.
func (e *events) open(ctx context.Context) error {
	if e.messages != nil {
		return nil
	}
	consumer, err := e.store.js.OrderedConsumer(ctx, eventStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: e.place, MaxResetAttempts: 1,
	})
	if err == nil {
		e.messages, err = consumer.Messages(pull...)
	}
	return err
}

// receive waits for the next message, from another server where the one that was read from is gone.
func (e *events) receive(ctx context.Context) (message jetstream.Msg, err error) {
	err = e.store.patiently(ctx, func() error {
		if err := e.open(ctx); err != nil {
			return err
		}
		if message, err = e.messages.Next(jetstream.NextContext(ctx)); err != nil {
			e.close()
		}
		return err
	})
	return message, err
}

// next waits for the next event. Where events have expired meanwhile it fails with ErrCursorExpired: the stream itself
// would go on as if nothing were missing.
func (e *events) next(ctx context.Context) (storedEvent, error) {
	message, err := e.receive(ctx)
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
	stored := storedEvent{
		event: new(Event), place: metadata.Sequence.Stream, pending: metadata.NumPending, trace: traceIn(message.Headers()),
	}
	if stored.sequence, err = sequenceOf(message.Subject()); err != nil {
		return storedEvent{}, err
	}
	return stored, json.Unmarshal(message.Data(), stored.event)
}

func (e *events) close() {
	if e.messages != nil {
		e.messages.Stop()
		e.messages = nil
	}
}
