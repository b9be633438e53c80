package presence

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// pull makes a reader notice within a second that its server went away: by the client's own settings it once stood still
// for ten.
var pull = []jetstream.PullMessagesOpt{jetstream.PullHeartbeat(time.Second), jetstream.PullExpiry(10 * time.Second)}

// retryPause is how long the reader waits at most before it tries again what the journal refused, as on a full disk.
const retryPause = time.Second

// follow reads the log in its order, from where the events end, until ctx ends.
func (p *Presence) follow(ctx context.Context) error {
	for wait := firstPause; ; wait = min(2*wait, retryPause) {
		before := p.hub.position()
		err := p.followOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if p.hub.position() > before {
			wait = firstPause
		}
		p.logger.WarnContext(ctx, "the presence log cannot be read; trying again", "error", err)
		if !pause(ctx, wait) {
			return nil
		}
	}
}

func (p *Presence) followOnce(ctx context.Context) error {
	entries, err := p.store.js.OrderedConsumer(ctx, logStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   p.hub.position() + 1,
		HeadersOnly:   true, // the entry is a header; the body is there for people
		// The client's own further attempts do not end with ctx; follow makes them.
		MaxResetAttempts: 1,
	})
	if err != nil {
		return err
	}
	messages, err := entries.Messages(pull...)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		message, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		metadata, err := message.Metadata()
		if err != nil {
			return err
		}
		if before := p.hub.position(); metadata.Sequence.Stream > before+1 {
			p.logger.ErrorContext(ctx, "entries of the presence log went before they were read: too much came for presence.max_bytes",
				"entries", metadata.Sequence.Stream-before-1)
		}
		traced, end := p.startApply(ctx, message.Headers())
		err = p.step(traced, metadata.Sequence.Stream, message.Headers().Get(entryHeader))
		end()
		if err != nil {
			return err
		}
	}
}

// step applies one entry of the log: the state is stored first, then the event, then all are told. So an event that is
// stored has its state stored, and whoever starts again goes on behind the last event.
func (p *Presence) step(ctx context.Context, sequence uint64, text string) error {
	e, err := parseEntry(text)
	if err != nil {
		p.logger.ErrorContext(ctx, "an entry of the presence log is passed over", "sequence", sequence, "error", err)
		p.hub.skip(sequence)
		return nil
	}
	if e.Kind != AgentPresence {
		event, err := p.store.putEvent(ctx, sequence, activityOf(e))
		if err != nil {
			return err
		}
		p.hub.apply(sequence, &event, "", nil)
		return nil
	}
	key := e.agentKey()
	event, next, err := p.derive(ctx, key, e, sequence)
	if err != nil {
		return err
	}
	if next != nil {
		if err := p.store.putState(ctx, key, next); err != nil {
			return err
		}
	}
	if event, err = p.store.putEvent(ctx, sequence, event); err != nil {
		return err
	}
	p.hub.apply(sequence, &event, key, next)
	return nil
}

// derive works out the event of an entry. Where the stored state already includes the entry, because this process ended
// between storing the state and the event, or because another process is ahead, the event is what was made then.
func (p *Presence) derive(ctx context.Context, key string, e entry, sequence uint64) (Event, *agent, error) {
	a := p.hub.agent(key)
	if a == nil || a.Sequence < sequence {
		event, next := derive(a, e, sequence)
		return event, next, nil
	}
	if a.Sequence == sequence {
		return a.Event, nil, nil
	}
	event, err := p.store.event(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // expired, or the log was restored from an older copy
		event, _ := derive(a, e, sequence)
		return event, nil, nil
	}
	return event, nil, err
}

// beat sends heartbeats until ctx ends.
func (p *Presence) beat(ctx context.Context) error {
	for pause(ctx, p.hub.beat(p.config.Heartbeat)) {
	}
	return nil
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
