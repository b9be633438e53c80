package output

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/presence"
)

// roundTrip is a transport of a test.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return f(r)
}

func answer(code int, headers ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: http.NoBody}, nil
}

func openPoster(t *testing.T, config Config, deps Deps, logger *slog.Logger) *poster {
	t.Helper()
	p, err := newPoster(config, deps, logger)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// posterTo posts to a transport.
func posterTo(t *testing.T, transport http.RoundTripper) *poster {
	t.Helper()
	p := openPoster(t, Config{URL: "https://example.com/events?key=hidden"}, Deps{Encode: encode, Transport: transport}, slog.New(slog.DiscardHandler))
	if err := p.begin(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func anEvent() *presence.Event {
	return &presence.Event{
		ID: "org.agent-presence.row", Kind: presence.PresenceChanged, AgentID: "a9000000-0000-4000-8000-000000000001", OrganizationID: organization,
		StartTime: day, ReceiveTime: time.Now(),
	}
}

func TestPolicyOfDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		respond      func(attempt int) (*http.Response, error)
		wantAttempts int
		wantError    string
		wantAtLeast  time.Duration
	}{
		"fails nine times": {func(n int) (*http.Response, error) {
			if n < 10 {
				return answer(503)
			}
			return answer(202)
		}, 10, "", 4 * time.Minute},
		"fails ten times":  {func(int) (*http.Response, error) { return nil, errors.New("connection refused") }, 10, "connection refused", 4 * time.Minute},
		"refused for good": {func(int) (*http.Response, error) { return answer(400) }, 1, "HTTP 400", 0},
		"a redirect":       {func(int) (*http.Response, error) { return answer(302, "Location", "https://elsewhere.example.com") }, 10, "HTTP 302", 0},
		"asks for patience": {func(n int) (*http.Response, error) {
			return answer(map[bool]int{true: 429, false: 204}[n == 1], "Retry-After", "600")
		}, 2, "", 10 * time.Minute},
		"asks for too much":  {func(int) (*http.Response, error) { return answer(429, "Retry-After", "1200") }, 2, "30m0s", 20 * time.Minute},
		"hangs each attempt": {func(int) (*http.Response, error) { return nil, context.DeadlineExceeded }, 10, "deadline", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, began := 0, time.Now()
				p := posterTo(t, roundTrip(func(*http.Request) (*http.Response, error) {
					attempts++
					return test.respond(attempts)
				}))
				err := p.deliver(t.Context(), anEvent())
				if (err == nil) != (test.wantError == "") || err != nil && !strings.Contains(err.Error(), test.wantError) {
					t.Errorf("deliver = %v, want %q", err, test.wantError)
				}
				if took := time.Since(began); attempts != test.wantAttempts || took < test.wantAtLeast || took > maxAge {
					t.Errorf("%d attempts in %v, want %d in at least %v and at most %v", attempts, took, test.wantAttempts, test.wantAtLeast, maxAge)
				}
				if err != nil && strings.Contains(err.Error(), "hidden") {
					t.Errorf("the error tells the address's key: %v", err)
				}
			})
		})
	}
}

// An event that is old already is tried at least once; one that waited for the process to start has all its time.
func TestAgeCountsFromWhenItCouldBeSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		p := posterTo(t, roundTrip(func(*http.Request) (*http.Response, error) { attempts++; return answer(503) }))
		old := anEvent()
		old.ReceiveTime = time.Now().Add(-time.Hour)
		if err := p.deliver(t.Context(), old); err == nil || attempts != maxAttempts {
			t.Errorf("after an hour without a process: %d attempts, %v", attempts, err)
		}
		attempts = 0
		p.began = time.Now().Add(-time.Hour)
		if err := p.deliver(t.Context(), old); err == nil || attempts != 1 {
			t.Errorf("of an event that is too old: %d attempts, %v; want one", attempts, err)
		}
	})
}

func TestBothModesAreCloudEvents(t *testing.T) {
	t.Parallel()
	activity := anEvent()
	activity.Kind, activity.AgentID, activity.RecordID, activity.StartTime = presence.RowChanged, "", "rec", time.Time{}
	activity.Activity = &presence.Activity{Source: "cases"}
	for _, mode := range []Mode{"", Structured, Binary} {
		for _, e := range []*presence.Event{anEvent(), activity} {
			var got []string
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c, err := cehttp.NewEventFromHTTPRequest(r)
				if err != nil || c.Validate() != nil {
					t.Errorf("mode %q: no CloudEvent came: %v %v", mode, err, c)
					return
				}
				wantSubject, wantTime := e.AgentID, e.StartTime
				if e.Activity != nil {
					wantSubject, wantTime = "rec", e.ReceiveTime
				}
				if c.SpecVersion() != "1.0" || c.Type() != typeOf(e.Kind) || c.Source() != "urn:uuid:"+organization || c.Subject() != wantSubject ||
					!c.Time().Equal(wantTime) || c.DataSchema() == "" || string(c.Data()) != `{"id":"org.agent-presence.row"}` || c.DataContentType() != "application/json" {
					t.Errorf("mode %q: %v", mode, c)
				}
				if structured := strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json"); structured != (mode != Binary) {
					t.Errorf("mode %q has the content type %s", mode, r.Header.Get("Content-Type"))
				}
				if r.Header.Get("X-Own") != "mine" {
					t.Errorf("mode %q: the header of one's own is %q", mode, r.Header.Get("X-Own"))
				}
				got = append(got, c.ID())
			}))
			config := Config{URL: receiver.URL, Mode: mode, Headers: map[string]presence.Key{"X-Own": "mine"}}
			p := openPoster(t, config, Deps{Encode: encode}, slog.New(slog.DiscardHandler))
			for range 2 { // the same event is the same however often it is sent
				if err := p.deliver(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
			receiver.Close()
			p.client.CloseIdleConnections()
			if !slices.Equal(got, []string{e.ID, e.ID}) {
				t.Errorf("mode %q: IDs %v", mode, got)
			}
		}
	}
}

// receiver collects CloudEvents, or refuses them.
type receiver struct {
	*httptest.Server
	status atomic.Int32
	mu     sync.Mutex
	got    []string
}

func startReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if code := int(r.status.Load()); code != 0 {
			w.WriteHeader(code)
			return
		}
		c, err := cehttp.NewEventFromHTTPRequest(q)
		if err != nil {
			t.Error(err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, c.ID())
	}))
	t.Cleanup(func() { http.DefaultTransport.(*http.Transport).CloseIdleConnections(); r.Close() })
	return r
}

func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// One output that is down holds no other, and catches up in order.
func TestOneOutputThatIsDownHoldsNoOther(t *testing.T) {
	t.Parallel()
	up, down, dir := startReceiver(t), startReceiver(t), t.TempDir()
	down.status.Store(503)
	r := startRig(t, t.TempDir(), map[string]Config{
		"daily": {Kind: CSV, Dir: dir}, "up": {Kind: CloudEvents, URL: up.URL}, "down": {Kind: CloudEvents, URL: down.URL, Mode: Binary},
		"none": {Kind: CloudEvents, URL: down.URL, Kinds: []presence.EventKind{presence.AgentConsulted}},
	})
	var want []string
	for n := range 10 {
		want = append(want, r.change(n))
	}
	await.Until(t, "the output that is up", func() bool { return len(up.ids()) == len(want) })
	await.Until(t, "the files", func() bool { return len(idsSoFar(dir)) == len(want) })
	if got := down.ids(); len(got) != 0 {
		t.Errorf("the one that is down has %v", got)
	}
	down.status.Store(0)
	await.Until(t, "the output that was down", func() bool { return len(down.ids()) == len(want) })
	for name, got := range map[string][]string{"up": up.ids(), "down": down.ids()} {
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", name, got, want)
		}
	}
}

// What is refused for good becomes a dead letter, and what is behind it goes on; after a restart nothing is sent again.
func TestRefusedEventIsADeadLetter(t *testing.T) {
	t.Parallel()
	there, data := startReceiver(t), t.TempDir()
	there.status.Store(422)
	outputs := map[string]Config{"topic": {Kind: CloudEvents, URL: there.URL}}
	r := startRig(t, data, outputs)
	first := r.change(1)
	await.Until(t, "a dead letter", func() bool {
		letters, err := r.DeadLetters(t.Context(), 10)
		return err == nil && len(letters) == 1 && letters[0].Source == "output:topic" && strings.Contains(letters[0].Reason, "422") && strings.Contains(string(letters[0].Body), first)
	})
	there.status.Store(0)
	second := r.change(2)
	await.Until(t, "the next event", func() bool { return slices.Equal(there.ids(), []string{second}) })
	await.Until(t, "its place", func() bool {
		tap, err := r.OpenTap(t.Context(), "topic", false)
		return err == nil && tap.Position().Place == 2
	})
	r.stop()
	again := startRig(t, data, outputs)
	third := again.change(3)
	await.Until(t, "the event after the restart", func() bool { return len(there.ids()) > 1 })
	if got := there.ids(); !slices.Equal(got, []string{second, third}) {
		t.Errorf("after the restart it has %v, want %v", got, []string{second, third})
	}
}

// A new output begins now, or with all that the log has.
func TestNewOutputBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	r := startRig(t, data, nil)
	before := r.change(1)
	await.Until(t, "the event", func() bool {
		list, err := r.List(t.Context(), presence.ListQuery{})
		return err == nil && len(list.States) == 1
	})
	r.stop()
	now, all := startReceiver(t), startReceiver(t)
	again := startRig(t, data, map[string]Config{
		"now": {Kind: CloudEvents, URL: now.URL}, "all": {Kind: CloudEvents, URL: all.URL, From: "start"},
	})
	after := again.change(2)
	await.Until(t, "both", func() bool { return len(now.ids()) == 1 && len(all.ids()) == 2 })
	if !slices.Equal(now.ids(), []string{after}) || !slices.Equal(all.ids(), []string{before, after}) {
		t.Errorf("now has %v, all has %v", now.ids(), all.ids())
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	err := Validate(map[string]Config{
		"A b": {Kind: CSV, Dir: "d"}, "c": {Kind: CSV, URL: "x"}, "e": {Kind: CloudEvents, URL: "ftp://x", Mode: "batch", Dir: "d", From: "then"},
		"f": {Kind: "kafka", Kinds: []presence.EventKind{"CONSULTS"}}, "good": {Kind: CloudEvents, URL: "https://x", Mode: Binary, From: "start"},
	})
	for _, want := range []string{"outputs.A b", "outputs.c.dir", "outputs.c.kind", "outputs.e.url", "outputs.e.mode", "outputs.e.kind", "outputs.e.from", "outputs.f.kind: ", "outputs.f.kinds"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want it to name %s", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "good") {
		t.Errorf("Validate = %v, which names the good one", err)
	}
}
