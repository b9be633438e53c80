package local

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/code"
)

// Fault makes requests that it matches go wrong, so that a client's behaviour can be tested. The first fault of the plan that
// matches is the one that strikes. Skip lets so many matching requests pass first, Share chooses among the others, and Times
// bounds how often it strikes (0 for always). One that strikes does what is set of Status to Stale, after its Delay. One with Webhook
// strikes deliveries of webhooks in the same way, each once, and no requests.
type Fault struct {
	Method string  `json:"method,omitempty"` // as "POST"; "" for any
	Path   string  `json:"path,omitempty"`   // a part of the path, as "/contacts"; "" for any
	Step   string  `json:"step,omitempty"`   // of a webhook: a part of its step's name, or the step's ID; "" for any
	Entity string  `json:"entity,omitempty"` // of a webhook: the entity that it tells of; "" for any
	Skip   int     `json:"skip,omitempty"`
	Times  int     `json:"times,omitempty"`
	Share  float64 `json:"share,omitempty"` // strikes this part of the requests, as 0.1; 0 for all of them
	Seed   uint64  `json:"seed,omitempty"`  // chooses them: with the same seed, the same ones

	Status          int           `json:"status,omitempty"`          // answers this, as 429 or 503, and does nothing
	Code            string        `json:"code,omitempty"`            // the error code of that answer; "" for the usual one
	Message         string        `json:"message,omitempty"`         // its message; "" for the usual one
	RetryAfter      int           `json:"retryAfter,omitempty"`      // seconds, sent with Status; 0 sends none
	Delay           time.Duration `json:"delay,omitempty"`           // waits so long first; "1.5s" in JSON
	DropBefore      bool          `json:"dropBefore,omitempty"`      // closes the connection without doing anything
	DropAfterCommit bool          `json:"dropAfterCommit,omitempty"` // does the work, then closes the connection without an answer
	ExpiredToken    bool          `json:"expiredToken,omitempty"`    // answers as to a token that has expired
	Stale           time.Duration `json:"stale,omitempty"`           // answers reads, of metadata say, as it did first, for so long; "30s" in JSON
	Webhook         string        `json:"webhook,omitempty"`         // does that to a delivery: WebhookTwice and the like
}

// FaultCount is a fault of the plan in force, and what became of it.
type FaultCount struct {
	Fault
	Met    int // requests, or deliveries, that it matched
	Struck int // those that it made go wrong
}

// plan is the faults in force. The zero plan has none.
type plan struct {
	mu       sync.Mutex
	faults   []*planned
	replaced chan struct{} // closed when another plan is in force
}

// planned is a fault in force. The plan's mu guards it.
type planned struct {
	FaultCount
	chance   *rand.Rand
	old      staleAnswers
	replaced <-chan struct{}
}

func (p *plan) set(faults []Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replaced != nil {
		close(p.replaced)
	}
	p.faults, p.replaced = make([]*planned, len(faults)), make(chan struct{})
	for i, f := range faults {
		chance := rand.New(rand.NewPCG(f.Seed, 0)) //nolint:gosec // it is to be the same each time
		p.faults[i] = &planned{FaultCount: FaultCount{Fault: f}, chance: chance, replaced: p.replaced}
	}
}

func (p *plan) counts() []FaultCount {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make([]FaultCount, len(p.faults))
	for i, f := range p.faults {
		counts[i] = f.FaultCount
	}
	return counts
}

// strike returns the fault that hits a request, and counts it; nil where none does.
func (p *plan) strike(method, path string) *planned {
	return p.choose(func(f Fault) bool {
		return !f.ofWebhooks() && (f.Method == "" || f.Method == method) && strings.Contains(path, f.Path)
	})
}

// choose returns the first fault that matches and is to strike, and counts; nil where none is.
func (p *plan) choose(matches func(Fault) bool) *planned {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if !matches(f.Fault) {
			continue
		}
		f.Met++
		if f.Met <= f.Skip || f.Times > 0 && f.Struck >= f.Times || f.Share > 0 && f.chance.Float64() >= f.Share {
			continue
		}
		f.Struck++
		return f
	}
	return nil
}

// withFaults lets the fault plan strike before next is reached.
func (s *Server) withFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.plan.strike(r.Method, r.URL.Path)
		if f == nil {
			next.ServeHTTP(w, r)
			return
		}
		if f.Delay > 0 {
			select {
			case <-time.After(f.Delay):
			case <-f.replaced:
			case <-r.Context().Done():
				return
			}
		}
		f.hit(w, r, next)
	})
}

func (f *planned) hit(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case f.DropBefore:
		panic(http.ErrAbortHandler)
	case f.DropAfterCommit:
		next.ServeHTTP(discard{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case f.ExpiredToken:
		(&challenge{origin: origin(r), invalid: true}).reply().writeTo(w)
	case f.Status != 0:
		f.reply().writeTo(w)
	case f.Stale > 0:
		f.old.serve(w, r, next, f.Stale)
	default:
		next.ServeHTTP(w, r)
	}
}

// reply is the refusal of a fault. Unless it says otherwise that of 429 is Dataverse's when it is too busy, in its words (Web
// API, "Service protection API limits").
func (f Fault) reply() reply {
	e := &fault{status: f.Status, code: code.UnExpected, message: http.StatusText(f.Status)}
	if f.Status == http.StatusTooManyRequests {
		e.code, e.message = code.ThrottlingBurstRequestLimitExceeded, "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
	}
	if c, ok := code.Parse(f.Code); ok && f.Code != "" {
		e.code = c
	}
	if f.Message != "" {
		e.message = f.Message
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

// SetFaults replaces the fault plan; no faults end it. Requests that the one before delays go on, and webhooks that it made late go out.
func (s *Server) SetFaults(faults []Fault) {
	s.plan.set(faults)
	s.hooks.hurry()
}

// Faults is the fault plan in force.
func (s *Server) Faults() []FaultCount { return s.plan.counts() }
