package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestSpansAreNamedByRouteAndHoldNoQuery(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	p := startPresence(t, nil)
	r := start(t, loopback(), Deps{Presence: p, TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))},
		&services{stub{}, stub{}, presenceService{presence: p}})
	post(t, r.hook+agentStatusPath+"?code="+webhookKey, string(delivery(t, 1, 1, presenceBusy)))
	post(t, r.hook+agentStatusPath+"?code=wrong-"+webhookKey, "{}")
	send(t, "GET", r.base+"/v1/presence:watch?after=foreign-cursor", "")
	post(t, r.base+"/v1/actions/create-record", createContact, "X-Request-Id", "spanned-1")
	send(t, "GET", r.base+"/v1/entities/contact", "", "X-Request-Id", "spanned-2")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var names []string
	parents := map[string]string{}
	for _, span := range spans.Ended() {
		names = append(names, span.Name())
		parents[span.Name()] = span.Parent().SpanID().String()
		text := fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status())
		for _, secret := range []string{webhookKey, "foreign-cursor", "Okafor"} {
			if strings.Contains(text, secret) {
				t.Errorf("the span %s holds %q", text, secret)
			}
		}
		if strings.HasPrefix(span.Name(), "botverse.v1.ActionService/") && !strings.Contains(text, "spanned-1") {
			t.Errorf("the span %s has no call ID", text)
		}
	}
	for _, want := range []string{"POST " + webhookPattern, "GET /v1/presence:watch", "POST /v1/actions/create-record",
		"GET /v1/entities/{entity}", "botverse.v1.ActionService/CreateRecord"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span is called %q; there are %q", want, names)
		}
	}
	for _, span := range spans.Ended() {
		if span.Name() == "POST /v1/actions/create-record" && parents["botverse.v1.ActionService/CreateRecord"] != span.SpanContext().SpanID().String() {
			t.Error("the call's span is not a child of the request's")
		}
	}
}
