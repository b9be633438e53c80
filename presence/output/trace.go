package output

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/botverse/botverse/presence"
)

// outputSpan is the span of an event at an output.
const outputSpan = "presence.output"

func tracerOf(provider trace.TracerProvider) trace.Tracer {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	return provider.Tracer("github.com/botverse/botverse/presence/output")
}

// trace begins a span for each event of a batch, in the trace that its delivery began. Events without one have none here.
func (r *runner) trace(ctx context.Context, batch []presence.Tapped) (end func(error)) {
	var spans []trace.Span
	for _, t := range batch {
		traced := t.Trace(ctx)
		if traced == ctx {
			continue
		}
		_, span := r.tracer.Start(traced, outputSpan, trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(attribute.String("botverse.output", r.name)))
		spans = append(spans, span)
	}
	return func(err error) {
		for _, span := range spans {
			if err != nil {
				span.SetStatus(codes.Error, "not handed on") // the error itself may name the receiver
			}
			span.End()
		}
	}
}
