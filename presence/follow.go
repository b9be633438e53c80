package presence

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/internal/sleep"
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
		if !sleep.For(ctx, wait) {
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
	group, ctx := errgroup.WithContext(ctx)
	read := make(chan jetstream.Msg, batchSize)
	group.Go(func() error { return handOn(ctx, messages, read) })
	group.Go(func() error { return p.applyAll(ctx, read) })
	return group.Wait()
}

// handOn passes on what comes from the log until ctx ends.
func handOn(ctx context.Context, from jetstream.MessagesContext, to chan<- jetstream.Msg) error {
	for {
		message, err := from.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		select {
		case to <- message:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// applyAll makes events of what was read, as many at once as are waiting.
func (p *Presence) applyAll(ctx context.Context, read <-chan jetstream.Msg) error {
	c := collector{read: read, begin: p.begin}
	for {
		batch, err := c.next(ctx)
		if err != nil {
			return err
		}
		err = p.apply(ctx, batch)
		for _, s := range batch {
			s.span.End()
		}
		if err != nil {
			return err
		}
	}
}

// apply makes events of entries of the log: the states are stored first, then the events, then all are told. So an event that
// is stored has its state stored, and whoever starts again goes on behind the last event.
func (p *Presence) apply(ctx context.Context, batch []*step) error {
	for _, s := range batch {
		if err := p.derive(ctx, s); err != nil {
			return err
		}
	}
	if err := p.store.putStates(ctx, batch); err != nil {
		return err
	}
	if err := p.store.putEvents(ctx, batch); err != nil {
		return err
	}
	for _, s := range batch {
		p.announce(ctx, s)
	}
	return nil
}

// announce makes known to all what an entry was made into.
func (p *Presence) announce(ctx context.Context, s *step) {
	if before := p.hub.position(); s.sequence > before+1 {
		p.logger.ErrorContext(ctx, "entries of the presence log went before they were read: too much came for presence.max_bytes",
			"entries", s.sequence-before-1)
	}
	if s.fault != nil {
		p.logger.ErrorContext(ctx, "an entry of the presence log is passed over", "sequence", s.sequence, "error", s.fault)
		p.hub.skip(s.sequence)
		return
	}
	p.hub.apply(s.sequence, &s.event, s.key, s.next)
}

// derive works out the event of an entry. Where the stored state already includes the entry, because this process ended
// between storing the state and the event, or because another process is ahead, the event is what was made then.
func (p *Presence) derive(ctx context.Context, s *step) (err error) {
	if s.fault != nil {
		return nil
	}
	if s.key == "" {
		s.event = activityOf(s.entry)
		return nil
	}
	a := p.hub.agent(s.key)
	switch {
	case a == nil || a.Sequence < s.sequence:
		s.event, s.next = derive(a, s.entry, s.sequence)
	case a.Sequence == s.sequence:
		s.event = a.Event
	default:
		s.event, err = p.store.event(ctx, s.sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // expired, or the log was restored from an older copy
			s.event, _ = derive(a, s.entry, s.sequence)
			return nil
		}
	}
	return err
}

// beat sends heartbeats until ctx ends.
func (p *Presence) beat(ctx context.Context) error {
	for sleep.For(ctx, p.hub.beat(p.config.Heartbeat)) {
	}
	return nil
}
