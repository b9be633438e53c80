package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

// Receipt says what became of a delivery.
type Receipt struct {
	EventID      string // empty for what was set aside
	Duplicate    bool   // it was there already, and nothing was stored
	DeadLettered string // why no event could be made of it; empty when one was
	Filtered     string // the field by which it is none that the source is for: nothing was stored; else empty
	Probe        string // the nonce of what is no delivery but a Probe: nothing was stored; else empty

	Delay *time.Duration // the event's; nil where it has none, or there is none
}

// HasSource says whether a source of that name is configured.
func (p *Presence) HasSource(name string) bool {
	_, ok := p.config.Sources[name]
	return ok
}

// SourceNames are the names of the sources that are configured, sorted.
func (p *Presence) SourceNames() []string { return slices.Sorted(maps.Keys(p.config.Sources)) }

// Receive stores what Dataverse posted to a source; authenticate it first. When it returns without error, the delivery is
// on the disk, as an event or, with the reason, as a dead letter: either is to be answered with success, for Dataverse
// does not send it again, and a refusal only makes a failed job there. ErrUnknownSource, ErrNotJSON and ErrNotStored are
// its errors; the last is worth a 503, after which Dataverse tries once more. The body is not kept.
func (p *Presence) Receive(ctx context.Context, source string, body []byte, header http.Header) (Receipt, error) {
	receipt, err := p.receive(ctx, source, body, header)
	if receipt.Probe == "" && !errors.Is(err, ErrUnknownSource) {
		p.deliveries.note(deliveryOf(source, receipt, err, header))
	}
	return receipt, err
}

// receive is Receive, but that nobody is told.
func (p *Presence) receive(ctx context.Context, source string, body []byte, header http.Header) (Receipt, error) {
	s, ok := p.config.Sources[source]
	if !ok {
		return Receipt{}, fmt.Errorf("%w: %q", ErrUnknownSource, source)
	}
	if nonce := nonceOf(body); nonce != "" {
		return Receipt{Probe: nonce}, nil
	}
	c, err := webhook.Decode(body)
	if errors.Is(err, webhook.ErrNotJSON) {
		return Receipt{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if err != nil {
		return p.setAside(ctx, source, err, body)
	}
	e, err := p.decode(ctx, source, s, c, header)
	var not unqualified
	if errors.As(err, &not) {
		p.logger.DebugContext(ctx, "webhook delivery is none that the source is for", "source", source, "field", not.field)
		return Receipt{Filtered: not.field}, nil
	}
	if err != nil {
		return p.setAside(ctx, source, err, body)
	}
	p.labels.fill(ctx, &e)
	traced, span := p.tracer.Start(ctx, storeSpan)
	duplicate, err := p.store.append(traced, e, body)
	span.End()
	var never unstorable
	if errors.As(err, &never) { // a refusal would only have it sent again
		return p.setAside(ctx, source, never, body)
	}
	if err != nil {
		p.readings.suspect() // Dataverse gives up after one more attempt
		return Receipt{}, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	p.logger.DebugContext(ctx, "presence event received",
		"source", source, "event", e.ID, "duplicate", duplicate, "correlation_id", e.CorrelationID)
	return Receipt{EventID: e.ID, Duplicate: duplicate, Delay: delay(e)}, nil
}

// setAside stores a delivery with the reason why it is no event.
func (p *Presence) setAside(ctx context.Context, source string, fault error, body []byte) (Receipt, error) {
	reason := oneLine(fault.Error())
	duplicate, err := p.store.setAside(ctx, source, reason, body)
	if err != nil {
		p.readings.suspect()
		return Receipt{}, fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	p.logger.WarnContext(ctx, "webhook delivery set aside", "source", source, "reason", reason, "duplicate", duplicate)
	return Receipt{Duplicate: duplicate, DeadLettered: reason}, nil
}
