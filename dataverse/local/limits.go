package local

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/botverse/botverse/dataverse/code"
)

// Limits are the service protection limits, which hold for each user over a sliding window (Web API, "Service protection
// API limits"). The numbers count only where they are on.
type Limits struct {
	On            bool          `yaml:"on"`
	Requests      int           `yaml:"requests"`       // in a window
	ExecutionTime time.Duration `yaml:"execution_time"` // of all requests of a window together
	Concurrent    int           `yaml:"concurrent"`     // at once
	Window        time.Duration `yaml:"window"`
}

func (l Limits) validate() error {
	if l.On && (l.Requests <= 0 || l.ExecutionTime <= 0 || l.Concurrent <= 0 || l.Window < time.Second) {
		return errors.New("the limits of requests, execution time and concurrent requests must be above zero, and their window at least 1s")
	}
	return nil
}

const (
	// lateness is how long after a refusal requests are taken to have been sent before it was heard of.
	lateness = time.Second
	// offence is what each request adds to the wait that comes later all the same.
	offence = time.Second
	// concurrencyWait is the short wait after too many requests at once.
	concurrencyWait = time.Second
	// hintedParallelism is the degree of parallelism that is recommended to clients.
	hintedParallelism = 16
)

// limiter holds users to the limits. Its methods may be called by any number of goroutines.
type limiter struct {
	Limits
	mu    sync.Mutex
	users map[string]*usage
}

func newLimiter(l Limits) *limiter { return &limiter{Limits: l, users: map[string]*usage{}} }

// usage is what a user has done in the window that ends now.
type usage struct {
	begun   []time.Time // when the requests began that were let in, oldest first
	ended   []execution // those that have ended, in the order of their ends
	took    time.Duration
	running int

	refusal *fault // what the user was told; nil for one who need not wait
	told    time.Time
	until   time.Time
}

type execution struct {
	at   time.Time
	took time.Duration
}

// allowance is what is left to a user.
type allowance struct {
	requests  int
	execution time.Duration
}

// forget lets go of what lies before the window.
func (u *usage) forget(before time.Time) {
	for len(u.begun) > 0 && !u.begun[0].After(before) {
		u.begun = u.begun[1:]
	}
	for len(u.ended) > 0 && !u.ended[0].at.After(before) {
		u.took -= u.ended[0].took
		u.ended = u.ended[1:]
	}
}

// enter lets a request of a user in, which leave then ends; or it refuses it and says how long the user is to wait.
func (l *limiter) enter(user string, now time.Time) (left allowance, refused *fault, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[user]
	if u == nil {
		u = &usage{}
		l.users[user] = u
	}
	u.forget(now.Add(-l.Window))
	if refused, wait = l.judge(u, now); refused == nil {
		u.begun = append(u.begun, now)
		u.running++
	}
	return allowance{max(0, l.Requests-len(u.begun)), max(0, l.ExecutionTime-u.took)}, refused, wait
}

// judge says whether a user must wait. One who was told to and did not has to wait longer ("How to maximize throughput").
func (l *limiter) judge(u *usage, now time.Time) (*fault, time.Duration) {
	if u.refusal != nil && now.Before(u.until) {
		if now.Sub(u.told) > lateness {
			u.until = u.until.Add(offence)
		}
		if latest := now.Add(l.Window); u.until.After(latest) {
			u.until = latest
		}
		return u.refusal, u.until.Sub(now)
	}
	u.refusal = nil
	switch {
	case u.running >= l.Concurrent:
		return l.tooManyAtOnce(), concurrencyWait
	case len(u.begun) >= l.Requests:
		u.refusal, u.until = l.tooMany(), u.begun[len(u.begun)-l.Requests].Add(l.Window)
	case u.took >= l.ExecutionTime:
		u.refusal, u.until = l.tooLong(), u.lighter(l.ExecutionTime).Add(l.Window)
	default:
		return nil, 0
	}
	u.told = now
	return u.refusal, u.until.Sub(now)
}

// lighter is the end of the execution whose leaving the window brings the time below a limit.
func (u *usage) lighter(limit time.Duration) time.Time {
	took := u.took
	for _, e := range u.ended {
		if took -= e.took; took < limit {
			return e.at
		}
	}
	return u.ended[len(u.ended)-1].at
}

func (l *limiter) leave(user string, began, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[user]
	if u == nil {
		return // forgotten meanwhile
	}
	u.running = max(0, u.running-1)
	u.took += now.Sub(began)
	u.ended = append(u.ended, execution{at: now, took: now.Sub(began)})
}

// reset forgets what everybody has done.
func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.users)
}

func (l *limiter) tooMany() *fault {
	return refuse(code.ThrottlingBurstRequestLimitExceeded, "Number of requests exceeded the limit of %d over time window of %d seconds.", l.Requests, l.seconds())
}

func (l *limiter) tooLong() *fault {
	return refuse(code.ThrottlingTimeExceeded, "Combined execution time of incoming requests exceeded limit of %s milliseconds over time window of %d seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
		grouped("%d", l.ExecutionTime.Milliseconds()), l.seconds())
}

func (l *limiter) tooManyAtOnce() *fault {
	return refuse(code.ThrottlingConcurrencyLimitExceeded, "Number of concurrent requests exceeded the limit of %d.", l.Concurrent)
}

func (l *limiter) seconds() int { return int(l.Window.Seconds()) }

// grouped writes a number with commas, as Dataverse's messages and headers have them.
func grouped(format string, number any) string {
	return message.NewPrinter(language.English).Sprintf(format, number)
}

// withLimits holds whoever calls next to the limits, where they are on.
func (s *Server) withLimits(next http.Handler) http.Handler {
	if !s.cfg.Limits.On {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := s.authenticate(r)
		if err != nil {
			next.ServeHTTP(w, r) // which refuses it
			return
		}
		user, began := s.signedIn(token).userID, time.Now()
		left, refused, wait := s.limits.enter(user, began)
		left.tell(w.Header(), s.cfg.Limits)
		if refused != nil {
			answer := refused.reply()
			answer.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			answer.writeTo(w)
			return
		}
		defer func() { s.limits.leave(user, began, time.Now()) }()
		next.ServeHTTP(w, r)
	})
}

// tell puts what is left into the headers that every answer has.
func (a allowance) tell(h http.Header, l Limits) {
	h[headerRequests] = []string{strconv.Itoa(a.requests)}
	h[headerExecution] = []string{grouped("%.2f", a.execution.Seconds())}
	h[headerParallelism] = []string{strconv.Itoa(min(hintedParallelism, l.Concurrent))}
}
