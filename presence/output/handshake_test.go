package output

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/presence"
)

// cautious is a receiver that takes no event before it has agreed.
type cautious struct {
	*httptest.Server
	mu     sync.Mutex
	agreed bool
	asked  []http.Header
	got    []string
	early  int // events that came before it had agreed, or without our name
}

func startCautious(t *testing.T) *cautious {
	c := &cautious{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if q.Method == http.MethodOptions {
			c.asked = append(c.asked, q.Header)
			if c.agreed {
				w.Header().Set(allowedOrigin, q.Header.Get(requestOrigin))
				w.Header().Set(allowedRate, "60000")
			}
			return // 200 in either case: the status says nothing
		}
		if !c.agreed || q.Header.Get(requestOrigin) != "bots.example.com" {
			c.early++
			w.WriteHeader(http.StatusForbidden)
			return
		}
		event, err := cehttp.NewEventFromHTTPRequest(q)
		if err != nil {
			t.Error(err)
			return
		}
		c.got = append(c.got, event.ID())
	}))
	t.Cleanup(func() { http.DefaultTransport.(*http.Transport).CloseIdleConnections(); c.Close() })
	return c
}

// read looks at it while it is not served.
func (c *cautious) read(look func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	look()
}

// Nothing is sent before the receiver has agreed, however often it must be asked; then everything is.
func TestNothingIsSentBeforeTheReceiverAgrees(t *testing.T) {
	t.Parallel()
	c := startCautious(t)
	r := startRig(t, t.TempDir(), map[string]Config{"topic": {
		Kind: CloudEvents, URL: c.URL, Handshake: true, Origin: "bots.example.com", Rate: 120, Headers: map[string]presence.Key{"Authorization": "Bearer x"},
	}})
	want := []string{r.change(1), r.change(2)}
	asked := func(times int) func() bool {
		return func() (enough bool) {
			c.read(func() { enough = len(c.asked) >= times })
			return enough
		}
	}
	await.Until(t, "a second question", asked(2))
	c.read(func() {
		if len(c.got)+c.early > 0 {
			t.Errorf("events came before the receiver agreed: %v and %d", c.got, c.early)
		}
		if h := c.asked[0]; h.Get(requestOrigin) != "bots.example.com" || h.Get(requestRate) != "120" || h.Get("Authorization") != "Bearer x" || h.Get("WebHook-Request-Callback") != "" {
			t.Errorf("it is asked with %v", h)
		}
		c.agreed = true
	})
	await.Until(t, "the events", func() (all bool) {
		c.read(func() { all = slices.Equal(c.got, want) })
		return all
	})
	third := r.change(3)
	await.Until(t, "a third event", func() (all bool) {
		c.read(func() { all = slices.Contains(c.got, third) })
		return all
	})
	c.read(func() {
		if agreements := len(c.asked); c.early > 0 || agreements > 4 {
			t.Errorf("%d events came early; it was asked %d times, also after it had agreed", c.early, agreements)
		}
	})
	if letters, err := r.DeadLetters(t.Context(), 1); err != nil || len(letters) != 0 {
		t.Errorf("dead letters %v, %v; want none: nothing was sent", letters, err)
	}
}

// polite is a poster to a transport that is asked first.
func polite(t *testing.T, rate int, transport roundTrip) *poster {
	t.Helper()
	p := openPoster(t, Config{URL: "https://example.com/events?key=hidden", Handshake: true, Origin: "bots.example.com", Rate: rate},
		Deps{Encode: encode, Transport: transport}, posterTo(t, transport).logger)
	if err := p.begin(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswersThatAreNoAgreement(t *testing.T) {
	t.Parallel()
	for want, headers := range map[string][]string{
		"without WebHook-Allowed-Origin": {"Allow", "POST"},
		`by "others.example.com"`:        {allowedOrigin, "others.example.com", allowedRate, "*"},
		"neither a number":               {allowedOrigin, "*", allowedRate, "-5"},
	} {
		p := polite(t, 0, func(*http.Request) (*http.Response, error) { return answer(200, headers...) })
		if err := p.once(t.Context(), anEvent()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("headers %q: %v, want %q", headers, err, want)
		}
	}
	p := polite(t, 0, func(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed })
	if err := p.once(t.Context(), anEvent()); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("a receiver that is away: %v", err)
	}
}

// The receiver's rate holds, and its agreement for a day.
func TestRateAndAgreementAreHonoured(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked   int
		allowed string
		want    time.Duration // for five events
	}{{0, "30", 8 * time.Second}, {600, "120", 2 * time.Second}, {60, "*", 4 * time.Second}, {0, "*", 0}, {60, "", 4 * time.Second}, {0, "", 0}} {
		synctest.Test(t, func(t *testing.T) {
			questions := 0
			p := polite(t, test.asked, func(q *http.Request) (*http.Response, error) {
				if q.Method == http.MethodOptions {
					questions++
					return answer(204, allowedOrigin, "*", allowedRate, test.allowed)
				}
				return answer(204)
			})
			begin := time.Now()
			for range 5 {
				if err := p.once(t.Context(), anEvent()); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(begin); took != test.want || questions != 1 {
				t.Errorf("asked for %d, allowed %q: five events in %v after %d questions, want %v after one", test.asked, test.allowed, took, questions, test.want)
			}
			<-time.After(grantValid)
			if err := p.once(t.Context(), anEvent()); err != nil || questions != 2 {
				t.Errorf("after a day: %v, %d questions, want a second one", err, questions)
			}
		})
	}
}

// Events wait for the agreement: they do not age meanwhile.
func TestEventsDoNotAgeBeforeTheAgreement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		agreed, sent := false, 0
		p := polite(t, 0, func(q *http.Request) (*http.Response, error) {
			if q.Method != http.MethodOptions {
				if sent++; sent == 1 {
					return answer(503)
				}
				return answer(204)
			}
			if !agreed {
				return answer(405)
			}
			return answer(204, allowedOrigin, "*")
		})
		e := anEvent()
		if err := p.agree(t.Context()); err == nil {
			t.Fatal("it agreed by a 405")
		}
		<-time.After(2 * maxAge)
		agreed = true
		if err := p.agree(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.deliver(t.Context(), e); err != nil || sent != 2 {
			t.Errorf("an event that waited for the agreement: %v after %d attempts, want the second one to get through", err, sent)
		}
	})
}

func TestHandshakeSettings(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"origin: it is":  {Kind: CloudEvents, URL: "https://example.com", Handshake: true},
		"DNS name":       {Kind: CloudEvents, URL: "https://example.com", Handshake: true, Origin: "https://bots.example.com"},
		"set it to true": {Kind: CloudEvents, URL: "https://example.com", Origin: "bots.example.com"},
		"rate: it is":    {Kind: CloudEvents, URL: "https://example.com", Handshake: true, Origin: "bots.example.com", Rate: -1},
		"csv has no url": {Kind: CSV, Dir: "x", Handshake: true},
		"":               {Kind: CloudEvents, URL: "https://example.com", Handshake: true, Origin: "bots.example.com", Rate: 60},
	} {
		err := Validate(map[string]Config{"x": c})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}
