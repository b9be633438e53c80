package local

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// routes is everything that the Server answers. The Web API's paths are taken as they were sent: ServeMux would tidy them,
// and a key in them may hold anything.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.serveToken)
	mux.HandleFunc("POST /{tenant}/oauth2/token", s.serveToken)
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.serveOpenID)
	mux.HandleFunc("GET /{tenant}/.well-known/openid-configuration", s.serveOpenID)
	mux.HandleFunc("GET /main.aspx", s.serveForm)
	mux.HandleFunc("GET "+imagePath, s.serveImage)
	mux.HandleFunc("GET /{$}", s.serveWelcome)
	for _, path := range []string{"/{tenant}/discovery/v2.0/keys", "/{tenant}/discovery/keys"} {
		mux.HandleFunc("GET "+path, s.serveKeys)
	}
	for _, path := range []string{"/{tenant}/oauth2/v2.0/authorize", "/{tenant}/oauth2/authorize"} {
		mux.HandleFunc(path, s.serveAuthorize)
	}
	api := s.withLimits(s.withFaults(http.HandlerFunc(s.serveAPI)))
	other := s.withFaults(mux)
	control := s.control()
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/data/"):
			api.ServeHTTP(w, r)
		case isControl(r.URL.Path):
			control.ServeHTTP(w, r)
		default:
			other.ServeHTTP(w, r)
		}
	}))
}

// guard keeps web pages away from the records of whoever has them open: it refuses what browsers send from another origin,
// and, where everybody on the machine is let in, a Host that is a name, which a page could have pointed at this machine.
func (s *Server) guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	if s.cfg.RequireAuth {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil {
			http.Error(w, fmt.Sprintf("The local Dataverse without sign-in is reached by its IP address or as localhost, not as %q.", host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveForm takes the address under which people open a record in Dataverse, and shows the record as the Web API has it.
func (s *Server) serveForm(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	e := s.schema.Entity(q.Get("etn"))
	if e == nil {
		http.Error(w, fmt.Sprintf("There is no entity %q. The address is main.aspx?etn=contact&pagetype=entityrecord&id=…", q.Get("etn")), http.StatusNotFound)
		return
	}
	http.Redirect(w, r, "/api/data/v9.2/"+e.EntitySetName+"("+url.PathEscape(strings.Trim(q.Get("id"), "{}"))+")", http.StatusFound)
}

func (s *Server) serveWelcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "A local Dataverse, for development and tests. The Web API is at /api/data/v9.2/.")
}
