package dataverse

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Trace makes a span of each request in provider; without it there are none. Call it before the first request.
func (es *Environments) Trace(provider trace.TracerProvider) {
	for _, c := range es.clients {
		c.tracer = provider.Tracer(tracerName)
	}
}

const tracerName = "github.com/botverse/botverse/dataverse"

// startSpan begins the span of one request.
func (c *Client) startSpan(ctx context.Context, q call) (context.Context, trace.Span) {
	return c.tracer.Start(ctx, q.method+" "+q.set(), trace.WithSpanKind(trace.SpanKindClient))
}

// endSpan says what the request was and what came of it. Never a URL and never a value: they are the visitor's.
func endSpan(span trace.Span, q call, requestID string, try int, a answer, failed *Error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("dataverse.operation", q.op),
		attribute.String("dataverse.entity_set", q.meant().set()),
		attribute.StringSlice("dataverse.options", q.meant().optionNames()),
		attribute.String("dataverse.client_request_id", requestID),
		attribute.String("http.request.method", q.method),
	)
	if try > 1 {
		span.SetAttributes(attribute.Int("http.request.resend_count", try-1))
	}
	if a.status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", a.status))
	}
	if id := a.header.Get("x-ms-service-request-id"); id != "" {
		span.SetAttributes(attribute.String("dataverse.service_request_id", id))
	}
	if failed != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("dataverse.error_code", failed.Code.String()))
	}
}

// carryTrace lets Dataverse's side of the request join the trace, where there is one (W3C Trace Context).
func carryTrace(ctx context.Context, h http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}

// meant is the call that a $batch was made for.
func (q call) meant() call {
	if q.within != nil {
		return *q.within
	}
	return q
}

// set is the entity set or function that the call is about: the first step of its path, without keys or parameters.
func (q call) set() string {
	if at := strings.IndexAny(q.path, "(/"); at >= 0 {
		return q.path[:at]
	}
	return q.path
}

// optionNames are the names of the query's options, without their values.
func (q call) optionNames() []string {
	var names []string
	for option := range strings.SplitSeq(q.query, "&") {
		if name, _, _ := strings.Cut(option, "="); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
