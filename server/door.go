package server

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/dataverse/schema"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/machine"
)

// door is what stands behind an HTTP listener: it gives each request its call ID, finds its route, and refuses what has
// none, with the same error body as the chain's.
type door struct {
	routes  []*route
	hosts   func(host string) bool // whether a Host header is one that we answer for
	gate    gate
	maxBody int
	log     *slog.Logger
}

// exchange is what is known of a request while it is served.
type exchange struct {
	start time.Time
	route *route // nil before it is found
	body  []byte // as it came; nil where it was not read
	// caller is who makes the request; the zero Caller where nobody asked.
	caller access.Caller
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return &exchange{start: time.Now()}
	}
	return x
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{start: time.Now()}
	id := callIDFrom(r.Header.Get("X-Request-Id"))
	w.Header().Set("X-Request-Id", id)
	r = r.WithContext(context.WithValue(withCallID(r.Context(), id), exchangeKey{}, x))
	if err := d.serve(w, r, x); err != nil {
		d.refuse(w, r, err)
	}
}

// serve answers a request, or says why it is refused. A panic behind it is answered like any error.
func (d *door) serve(w http.ResponseWriter, r *http.Request, x *exchange) (err error) {
	defer recoverInto(&err)
	found, err := d.find(w, r)
	if known := found != nil && found.open || d.hosts(hostOf(r.Host)); !known {
		return refusal(botversev1.ErrorDetail_UNKNOWN_HOST, fault(botversev1.ErrorDetail_UNKNOWN_HOST, "Host",
			"this server does not answer for that host; the setting allowed_hosts names those it answers for"))
	}
	if err != nil {
		return err
	}
	x.route = found
	nameSpan(r.Context(), found)
	if err := d.meet(r, x); err != nil {
		return err
	}
	if err := d.admit(w, r, x); err != nil {
		return err
	}
	found.handler.ServeHTTP(w, r)
	return nil
}

// meet finds out who makes a request, before anything of it is read. Whether they may, the chain says of its methods; what else
// there is to read takes the least role.
func (d *door) meet(r *http.Request, x *exchange) (err error) {
	if d.gate.guard == nil || x.route.open {
		return nil
	}
	if x.caller, err = d.gate.authenticate(r.Context(), r.Header.Values(authorization)); err != nil || x.route.input != nil {
		return err
	}
	return x.caller.MustHave(access.RoleViewer)
}

// find is the route of a request. Where a route is the path itself, those with a parameter in its place do not count.
func (d *door) find(w http.ResponseWriter, r *http.Request) (*route, error) {
	routes := d.matching(r.URL.Path)
	var allowed []string
	for _, candidate := range routes {
		if candidate.method == r.Method || r.Method == http.MethodHead && candidate.input == nil && candidate.method == http.MethodGet {
			return candidate, nil
		}
		allowed = append(allowed, candidate.method)
	}
	if allowed == nil || routes[0].parameters() && len(d.nearest(r.Method, r.URL.Path)) > 0 { // a misspelt route, not a parameter
		return nil, d.unknownRoute(r.Method, r.URL.Path)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, refusal(botversev1.ErrorDetail_METHOD_NOT_ALLOWED, fault(botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "",
		"this path takes %s, not %s", strings.Join(allowed, ", "), r.Method))
}

// matching are the routes of a path.
func (d *door) matching(path string) []*route {
	var exact, other []*route
	for _, candidate := range d.routes {
		switch {
		case candidate.pattern == path:
			exact = append(exact, candidate)
		case candidate.matches(path):
			other = append(other, candidate)
		}
	}
	if exact != nil {
		return exact
	}
	return other
}

// nearest are the routes of a method that come nearest to a path; "" is any method.
func (d *door) nearest(method, path string) []string {
	patterns := make([]string, 0, len(d.routes))
	for _, known := range d.routes {
		if method == "" || known.method == method {
			patterns = append(patterns, known.pattern)
		}
	}
	return schema.Nearest(path, slices.Compact(patterns))
}

func (d *door) unknownRoute(method, path string) error {
	f := fault(botversev1.ErrorDetail_UNKNOWN_ROUTE, "", "there is nothing at this path")
	if f.Nearest = d.nearest(method, path); f.Nearest == nil {
		f.Nearest = d.nearest("", path)
	}
	if len(f.Nearest) > 0 {
		f.Message += "; the nearest is " + f.Nearest[0]
	}
	return refusal(botversev1.ErrorDetail_UNKNOWN_ROUTE, f)
}

// refuse answers a request that never reached the chain, and logs it in the chain's stead.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := asCallError(r.Context(), err)
	x := exchangeOf(r.Context())
	pattern := "unknown"
	if x.route != nil {
		pattern = x.route.pattern
	}
	attrs := []slog.Attr{
		slog.String("route", r.Method+" "+pattern),
		slog.String("code", e.code.String()),
		slog.Duration("duration", time.Since(x.start)),
		slog.String("call_id", callID(r.Context())),
	}
	if x.caller.Name != "" {
		attrs = append(attrs, slog.String("caller", x.caller.Name))
	}
	d.log.LogAttrs(r.Context(), logLevel("", e), "request refused", append(attrs, failureAttrs(e)...)...)
	writeError(w, e.GRPCStatus())
}

// nameSpan names the span of a request by its route: a path would be a name for each entity.
func nameSpan(ctx context.Context, r *route) {
	span := trace.SpanFromContext(ctx)
	span.SetName(r.method + " " + r.pattern)
	span.SetAttributes(attribute.String("http.route", r.pattern))
}

// knownHosts tells which hosts REST answers for: loopback's names, so that a web page that has its own name resolve to
// this machine (DNS rebinding) is refused; the one it listens on; and the configured ones.
func knownHosts(config Config) func(string) bool {
	known := map[string]bool{hostOf(config.HTTPAddr): true}
	delete(known, "") // ":8080" listens on no host in particular
	for _, host := range config.AllowedHosts {
		known[hostOf(host)] = true
	}
	return func(host string) bool { return machine.IsLoopback(host) || known[host] }
}

func anyHost(string) bool { return true }
