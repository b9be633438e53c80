package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// webhookPattern is where Dataverse delivers.
const webhookPattern = "/webhooks/dataverse/{source}"

// correlationHeader ties a delivery to the operation in Dataverse (Use webhooks, "Query string, header, and body data").
const correlationHeader = "X-Ms-Correlation-Request-Id"

// intake takes what Dataverse delivers. Dataverse reads the status alone: a 4xx or 5xx is a failed job in the customer's
// system, so that it is only answered for what nobody should store, or cannot.
type intake struct {
	presence *presence.Presence
	metrics  metrics
	maxBody  int
	log      *slog.Logger
	door     *door
}

func (i *intake) route() *route {
	return &route{method: http.MethodPost, pattern: webhookPattern, handler: i}
}

// ServeHTTP implements http.Handler.
func (i *intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	receipt, err := i.receive(w, r)
	code := http.StatusNoContent
	if err != nil {
		code = httpStatus(asCallError(r.Context(), err).GRPCStatus())
	}
	i.metrics.webhooks.Add(r.Context(), 1, metric.WithAttributes(attribute.Int("status", code)))
	if err != nil {
		i.door.refuse(w, r, err)
		return
	}
	if receipt.Filtered != "" {
		i.metrics.filtered.Add(r.Context(), 1, metric.WithAttributes(
			attribute.String("source", sourceOf(r)), attribute.String("field", receipt.Filtered)))
	}
	i.metrics.delayed(r.Context(), sourceOf(r), receipt)
	if receipt.Probe != "" {
		answerProbe(w, receipt.Probe)
		return
	}
	w.WriteHeader(code)
	i.log.LogAttrs(r.Context(), slog.LevelInfo, "webhook",
		slog.String("source", sourceOf(r)),
		slog.String("became", became(receipt)),
		slog.Int("status", code),
		slog.Duration("duration", time.Since(start)),
		slog.String("call_id", callID(r.Context())),
		slog.String("correlation_id", r.Header.Get(correlationHeader)))
}

// receive authenticates a delivery and stores it.
func (i *intake) receive(w http.ResponseWriter, r *http.Request) (presence.Receipt, error) {
	source := sourceOf(r)
	query, _ := r.Context().Value(webhookQueryKey{}).(url.Values)
	if !i.presence.AuthenticateRequest(source, query, r.Header) {
		return presence.Receipt{}, i.stranger(source)
	}
	body, err := readBody(w, r, i.maxBody)
	if err != nil {
		return presence.Receipt{}, err
	}
	receipt, err := i.presence.Receive(r.Context(), source, body, r.Header)
	switch {
	case errors.Is(err, presence.ErrNotJSON):
		return receipt, refusal(malformed, fault(malformed, "", "the body is not JSON"))
	case err != nil:
		e := failure(botversev1.ErrorDetail_INTERNAL, "", err)
		return receipt, inContext{error: e, code: codes.Unavailable} // 503: Dataverse tries once more
	}
	return receipt, nil
}

// became says in a word what became of a delivery.
func became(receipt presence.Receipt) string {
	switch {
	case receipt.Filtered != "":
		return "filtered by " + receipt.Filtered
	case receipt.DeadLettered != "":
		return "dead letter"
	case receipt.Duplicate:
		return "duplicate"
	}
	return "event"
}

// answerProbe says that this is the intake and that the key was right. Nobody but who knows the key comes so far.
func answerProbe(w http.ResponseWriter, nonce string) {
	limitWrite(w)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(presence.Probe(nonce)) // the caller may be gone
}

func sourceOf(r *http.Request) string {
	return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
}

// stranger says of a delivery without a right key whether its source exists at all: an operator who mistyped the path
// should not look for the mistake in the key.
func (i *intake) stranger(source string) error {
	if !i.presence.HasSource(source) {
		return refusal(botversev1.ErrorDetail_UNKNOWN_ROUTE, fault(botversev1.ErrorDetail_UNKNOWN_ROUTE, "", "no webhook source of that name is configured"))
	}
	return failure(botversev1.ErrorDetail_CALLER_UNAUTHENTICATED, "the webhook's key is missing or wrong", nil)
}

type webhookQueryKey struct{}

// hideKeys takes the query, with the key in it, out of a request before anything that logs or traces sees it.
func hideKeys(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), webhookQueryKey{}, r.URL.Query()))
		bare := &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath}
		r.URL, r.RequestURI = bare, bare.EscapedPath()
		next.ServeHTTP(w, r)
	})
}
