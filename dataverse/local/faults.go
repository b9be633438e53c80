package local

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/code"
)

// Fault makes requests that it matches go wrong, so that a client's behaviour can be tested. The first fault of the plan that
// matches is the one that strikes; Skip lets so many matching requests pass first, and Times bounds how often it strikes
// (0 for always).
type Fault struct {
	Method string `json:"method,omitempty"` // as "POST"; "" for any
	Path   string `json:"path,omitempty"`   // a part of the path, as "/contacts"; "" for any
	Skip   int    `json:"skip,omitempty"`
	Times  int    `json:"times,omitempty"`

	Status          int           `json:"status,omitempty"`          // answers this, as 429 or 503, and does nothing
	RetryAfter      int           `json:"retryAfter,omitempty"`      // seconds, sent with Status; 0 sends none
	Delay           time.Duration `json:"delay,omitempty"`           // waits so long first; in nanoseconds
	DropBefore      bool          `json:"dropBefore,omitempty"`      // closes the connection without doing anything
	DropAfterCommit bool          `json:"dropAfterCommit,omitempty"` // does the work, then closes the connection without an answer
}

// plan is the faults in force, with how often each was met. The zero plan has none.
type plan struct {
	mu     sync.Mutex
	faults []Fault
	met    []int
}

func (p *plan) set(faults []Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.met = append([]Fault(nil), faults...), make([]int, len(faults))
}

// strike returns the fault that hits a request, and counts it.
func (p *plan) strike(method, path string) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if f.Method != "" && f.Method != method || !strings.Contains(path, f.Path) {
			continue
		}
		p.met[i]++
		if n := p.met[i] - f.Skip; n > 0 && (f.Times == 0 || n <= f.Times) {
			return f, true
		}
	}
	return Fault{}, false
}

// withFaults lets the fault plan strike before next is reached.
func (s *Server) withFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, struck := s.plan.strike(r.Method, r.URL.Path)
		if !struck {
			next.ServeHTTP(w, r)
			return
		}
		if f.Delay > 0 {
			select {
			case <-time.After(f.Delay):
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case f.DropBefore:
			panic(http.ErrAbortHandler)
		case f.DropAfterCommit:
			next.ServeHTTP(discard{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case f.Status != 0:
			f.reply().writeTo(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// reply is what Dataverse answers when it is too busy, in its words (Web API, "Service protection API limits").
func (f Fault) reply() reply {
	e := &fault{status: f.Status, code: code.UnExpected, message: http.StatusText(f.Status)}
	if f.Status == http.StatusTooManyRequests {
		e.code, e.message = code.ThrottlingBurstRequestLimitExceeded, "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
	}
	answer := e.reply()
	if f.RetryAfter > 0 {
		answer.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return answer
}

// discard is a ResponseWriter whose answer nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// SetFaults replaces the fault plan; no faults end it.
func (s *Server) SetFaults(faults []Fault) { s.plan.set(faults) }

// serveFaults replaces the fault plan by the JSON array of the body.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		http.Error(w, "the body must be a JSON array of faults: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.SetFaults(faults)
	w.WriteHeader(http.StatusNoContent)
}
