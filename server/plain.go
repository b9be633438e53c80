package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/botverse/botverse/gen/openapi"
)

// healthRoutes tell whether the process lives and whether it can serve. They answer for any host, and to anybody: a probe calls by
// address.
func healthRoutes(ready func(context.Context) error, log *slog.Logger) []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/healthz", open: true, handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeText(w, http.StatusOK, "ok\n")
		})},
		{method: http.MethodGet, pattern: "/readyz", open: true, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := ready(r.Context()); err != nil {
				log.DebugContext(r.Context(), "not ready", "error", err)
				writeText(w, http.StatusServiceUnavailable, "not ready\n")
				return
			}
			writeText(w, http.StatusOK, "ready\n")
		})},
	}
}

// documentRoutes serve the contract and the metrics.
func documentRoutes(metrics prometheus.Gatherer) []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/openapi.yaml", handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			limitWrite(w)
			w.Header().Set("Content-Type", "application/yaml")
			_, _ = w.Write(openapi.YAML) // the caller may be gone
		})},
		{method: http.MethodGet, pattern: "/metrics", handler: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})},
	}
}

func writeText(w http.ResponseWriter, code int, text string) {
	limitWrite(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the caller may be gone
}
