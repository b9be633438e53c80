package presence

import (
	"context"
	"net/http"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// The names of spans. They lead from the delivery to the log, from the log to the event, and from there to each output.
const (
	storeSpan = "presence.store"
	applySpan = "presence.apply"
)

func tracerOf(provider trace.TracerProvider) trace.Tracer {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	return provider.Tracer("github.com/botverse/botverse/presence")
}

// carryTrace lays the trace that ctx belongs to into a message's header, so that whoever reads it can go on with it.
func carryTrace(ctx context.Context, header nats.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(http.Header(header)))
}

// traceIn is the trace that carryTrace laid into headers; an invalid one where it laid none.
func traceIn(header nats.Header) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(http.Header(header)))
	return trace.SpanContextFromContext(ctx)
}

// startApply begins the span of making an event of a log entry. An entry that belongs to no trace makes none.
func (p *Presence) startApply(ctx context.Context, header nats.Header) trace.Span {
	stored := traceIn(header)
	if !stored.IsValid() {
		return noop.Span{}
	}
	_, span := p.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, stored), applySpan, trace.WithSpanKind(trace.SpanKindConsumer))
	return span
}

// Trace is ctx as part of the trace that the event's delivery began; ctx itself where there is none.
func (t Tapped) Trace(ctx context.Context) context.Context {
	if !t.trace.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, t.trace)
}
