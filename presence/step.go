package presence

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
)

// step is an entry of the log on its way to its event.
type step struct {
	sequence uint64
	fault    error // why the entry cannot be read; then there is nothing else
	entry    entry
	key      string // of the agent, empty for what is no agent's presence
	span     trace.Span

	event Event
	next  *agent // the agent after it, nil where nothing changes
}

// begin reads an entry of the log.
func (p *Presence) begin(ctx context.Context, sequence uint64, header nats.Header) *step {
	s := &step{sequence: sequence, span: p.startApply(ctx, header)}
	if s.entry, s.fault = parseEntry(header.Get(entryHeader)); s.fault == nil && s.entry.Kind == AgentPresence {
		s.key = s.entry.agentKey()
	}
	return s
}

// collector makes batches of what was read from the log. In a batch each agent is there once: so what is stored of an agent
// is what the agent's last event was made with, also where the process ends before the events of the batch are stored.
type collector struct {
	read  <-chan jetstream.Msg
	begin func(ctx context.Context, sequence uint64, header nats.Header) *step
	held  *step // was read, and begins the next batch
}

// next waits for an entry, and takes what else is there already.
func (c *collector) next(ctx context.Context) ([]*step, error) {
	first, err := c.take(ctx, true)
	if err != nil {
		return nil, err
	}
	batch, agents := []*step{first}, map[string]bool{first.key: true}
	for len(batch) < batchSize {
		s, err := c.take(ctx, false)
		if err != nil {
			return nil, err
		}
		if s == nil {
			break
		}
		if s.key != "" && agents[s.key] {
			c.held = s
			break
		}
		batch = append(batch, s)
		agents[s.key] = true
	}
	return batch, nil
}

// take is the next entry; nil where none is there and it is not to wait for one.
func (c *collector) take(ctx context.Context, wait bool) (*step, error) {
	if s := c.held; s != nil {
		c.held = nil
		return s, nil
	}
	var message jetstream.Msg
	select {
	case message = <-c.read:
	default:
		if !wait {
			return nil, nil
		}
		select {
		case message = <-c.read:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	metadata, err := message.Metadata()
	if err != nil {
		return nil, err
	}
	return c.begin(ctx, metadata.Sequence.Stream, message.Headers()), nil
}
