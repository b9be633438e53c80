package local

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// controlPaths is what there is below /local/.
const controlPaths = "GET, POST and DELETE /local/faults, POST /local/reset, GET /local/snapshot and POST /local/restore"

// isControl reports whether a path is one of those that only a local Dataverse has. A tenant may be called local: its token endpoint
// stands below it.
func isControl(path string) bool {
	rest, below := strings.CutPrefix(path, "/local/")
	if !below {
		return path == "/local"
	}
	for _, tenants := range []string{"oauth2/", "v2.0/", ".well-known/", "discovery/"} {
		if strings.HasPrefix(rest, tenants) {
			return false
		}
	}
	return true
}

// control serves the paths by which tests steer the server. No fault strikes them.
func (s *Server) control() http.Handler {
	if !s.cfg.AllowControl {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "What is below /local/ is for tests, and is refused unless the local Dataverse was started with --allow-control.", http.StatusForbidden)
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /local/faults", s.showFaults)
	mux.HandleFunc("POST /local/faults", s.replaceFaults)
	mux.HandleFunc("DELETE /local/faults", s.clearFaults)
	mux.HandleFunc("POST /local/reset", s.serveReset)
	mux.HandleFunc("GET /local/snapshot", s.serveSnapshot)
	mux.HandleFunc("POST /local/restore", s.serveRestore)
	mux.HandleFunc("/local/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("There is no %s %s: there are %s.", r.Method, r.URL.Path, controlPaths), http.StatusNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A snapshot has all records in it, and so whoever wants one must be as well known as for any of them.
		if _, err := s.authenticate(r); err != nil {
			s.refusal(r.Context(), r.Header, err).writeTo(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// showFaults answers with the fault plan in force and how often each fault was met and struck.
func (s *Server) showFaults(w http.ResponseWriter, r *http.Request) {
	text, err := encodeFaults(s.Faults())
	if err != nil {
		s.answerControl(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(text, '\n')) // a client that went away needs no answer
}

// replaceFaults puts the plan of the body in force. Where anything is wrong with it the old one stays.
func (s *Server) replaceFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPlan))
	if err != nil {
		s.answerControl(w, r, badControl{errors.New("the fault plan is too long, or was broken off")})
		return
	}
	faults, err := parseFaults(text)
	if err != nil {
		s.answerControl(w, r, badControl{fmt.Errorf("the fault plan: %w", err)})
		return
	}
	s.SetFaults(faults)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.SetFaults(nil)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) serveReset(w http.ResponseWriter, r *http.Request) {
	s.answerControl(w, r, s.Reset(r.Context()))
}

func (s *Server) serveRestore(w http.ResponseWriter, r *http.Request) {
	s.answerControl(w, r, s.Restore(r.Context(), http.MaxBytesReader(w, r.Body, maxSnapshot)))
}

// serveSnapshot answers with the records as a SQLite file.
func (s *Server) serveSnapshot(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	sent := &counting{ResponseWriter: w}
	if err := s.Snapshot(r.Context(), sent); err != nil {
		if sent.n > 0 {
			panic(http.ErrAbortHandler) // the client must not take a part for the whole
		}
		s.answerControl(w, r, err)
	}
}

// counting is a ResponseWriter that knows how much was written.
type counting struct {
	http.ResponseWriter
	n int
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n += n
	return n, err
}

// badControl is what whoever steers the server did wrong.
type badControl struct{ error }

func (b badControl) Unwrap() error { return b.error }

// answerControl answers with nothing where all is well, and else with a sentence.
func (s *Server) answerControl(w http.ResponseWriter, r *http.Request, err error) {
	var bad badControl
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.As(err, &bad):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case r.Context().Err() != nil: // nobody is there to be told
	default:
		s.log.Error("a request to steer the server failed", "path", r.URL.Path, "error", err)
		http.Error(w, "this failed for a reason of the server's own; its log says more", http.StatusInternalServerError)
	}
}
