package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// use sends one request, and tells how it was answered: the status, the error code, the seconds to wait.
func use(t *testing.T, c client, header ...string) (status int, code string, wait time.Duration, h http.Header) {
	t.Helper()
	status, h, b := c.send(http.MethodGet, "WhoAmI", "", header...)
	var refused struct{ Error struct{ Code string } }
	if err := json.Unmarshal(b, &refused); err != nil {
		t.Fatalf("%d %s", status, b)
	}
	seconds, _ := strconv.Atoi(h.Get("Retry-After"))
	return status, refused.Error.Code, time.Duration(seconds) * time.Second, h
}

func TestRequestsAboveTheLimitWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := openInBubble(t, local.Config{Limits: local.Limits{On: true, Requests: 3}})
		for _, want := range []string{"2", "1", "0"} {
			status, _, _, h := use(t, c)
			if got := h.Get("x-ms-ratelimit-burst-remaining-xrm-requests"); status != http.StatusOK || got != want {
				t.Errorf("answer = %d with %s requests left, want 200 and %s", status, got, want)
			}
			time.Sleep(time.Minute)
		}
		status, h, b := c.send(http.MethodGet, "WhoAmI", "")
		if want := `{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit of 3 over time window of 300 seconds."}}`; status != http.StatusTooManyRequests || string(b) != want {
			t.Errorf("answer = %d %s, want 429 %s", status, b, want)
		}
		if got := h.Get("Retry-After"); got != "120" {
			t.Errorf("Retry-After = %s, want the 120 seconds until the first request is 300 seconds old", got)
		}
		time.Sleep(2 * time.Minute)
		if status, _, _, h := use(t, c); status != http.StatusOK || h.Get("x-ms-ratelimit-burst-remaining-xrm-requests") != "0" {
			t.Errorf("after Retry-After: %d with %s left, want 200 and none", status, h.Get("x-ms-ratelimit-burst-remaining-xrm-requests"))
		}
	})
}

func TestWhoDoesNotWaitWaitsLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := openInBubble(t, local.Config{Limits: local.Limits{On: true, Requests: 1}})
		use(t, c)
		for _, want := range []time.Duration{300, 300} { // both may have been sent before the first was answered
			if _, _, wait, _ := use(t, c); wait != want*time.Second {
				t.Errorf("Retry-After = %s, want %d s", wait, want)
			}
		}
		time.Sleep(10 * time.Second)
		if _, _, wait, _ := use(t, c); wait != 291*time.Second {
			t.Errorf("Retry-After of somebody who came too early = %s, want a second more than the 290 that were left", wait)
		}
		time.Sleep(291 * time.Second)
		if status, _, _, _ := use(t, c); status != http.StatusOK {
			t.Errorf("after the wait: %d, want 200", status)
		}
	})
}

func TestExecutionTimeIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := openInBubble(t, local.Config{Limits: local.Limits{On: true, ExecutionTime: 3 * time.Minute}})
		server.SetFaults([]local.Fault{{Times: 2, Delay: 2 * time.Minute}})
		for _, want := range []string{"180.00", "60.00"} {
			if _, _, _, h := use(t, c); h.Get("x-ms-ratelimit-time-remaining-xrm-requests") != want {
				t.Errorf("%s seconds left, want %s", h.Get("x-ms-ratelimit-time-remaining-xrm-requests"), want)
			}
		}
		status, h, b := c.send(http.MethodGet, "WhoAmI", "")
		if status != http.StatusTooManyRequests || !strings.Contains(string(b), `"0x80072321"`) || !strings.Contains(string(b), "limit of 180,000 milliseconds over time window of 300 seconds") {
			t.Errorf("answer = %d %s, want 429 for the execution time", status, b)
		}
		if got := h.Get("Retry-After"); got != "180" {
			t.Errorf("Retry-After = %s, want the 180 seconds until the first of them is 300 seconds old", got)
		}
		time.Sleep(3 * time.Minute)
		if status, _, _, h := use(t, c); status != http.StatusOK || h.Get("x-ms-ratelimit-time-remaining-xrm-requests") != "60.00" {
			t.Errorf("after Retry-After: %d, %v", status, h)
		}
	})
}

func TestConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := openInBubble(t, local.Config{Limits: local.Limits{On: true, Concurrent: 2}})
		server.SetFaults([]local.Fault{{Times: 2, Delay: time.Minute}})
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if status, _, _, _ := use(t, c); status != http.StatusOK {
					t.Errorf("one of two at once = %d, want 200", status)
				}
			})
		}
		synctest.Wait()
		status, code, retry, h := use(t, c)
		if status != http.StatusTooManyRequests || code != "0x80072326" || retry != time.Second || h.Get("x-ms-dop-hint") != "2" {
			t.Errorf("a third at once = %d %s after %s, hint %s; want 429 0x80072326 after 1s, hint 2", status, code, retry, h.Get("x-ms-dop-hint"))
		}
		wait.Wait()
		if status, _, _, _ := use(t, c); status != http.StatusOK {
			t.Errorf("when they have ended = %d, want 200", status)
		}
	})
}

func TestLimitsAreOfEachUser(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Limits: local.Limits{On: true, Requests: 2}})
	c := newClient(t, base)
	c.create("systemusers", `{"firstname":"Second","lastname":"Bot","applicationid":"ab000000-0000-4000-8000-0000000000aa","businessunitid@odata.bind":"/businessunits(bb000000-0000-4000-8000-000000000001)"}`)
	use(t, c)
	status, code, wait, _ := use(t, c)
	if status != http.StatusTooManyRequests || code != "0x80072322" || wait <= 0 || wait > 300*time.Second {
		t.Errorf("a third request = %d %s after %s, want 429 0x80072322 after at most 300s", status, code, wait)
	}
	if status, _, _, _ := use(t, c, "Authorization: Bearer "+tokenFor(t, base, "ab000000-0000-4000-8000-0000000000aa")); status != http.StatusOK {
		t.Errorf("somebody else's first request = %d, want 200", status)
	}
}

func TestEveryAnswerHasTheHeadersOfTheLimits(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{RequireAuth: true})
	token := "Authorization: Bearer " + tokenOf(t, base)
	for path, header := range map[string][]string{"WhoAmI": {token}, "nowhere": {token}, "contacts": nil} {
		status, h, _ := newClient(t, base).send(http.MethodGet, path, "", header...)
		for name, want := range map[string]string{"x-ms-ratelimit-burst-remaining-xrm-requests": "5999", "x-ms-ratelimit-time-remaining-xrm-requests": "1,200.00", "x-ms-dop-hint": "16"} {
			if h.Get(name) != want {
				t.Errorf("%s of %s (%d) = %q, want %q", name, path, status, h.Get(name), want)
			}
		}
	}
}

// impatience notes what a client sends while it was told to wait.
type impatience struct {
	next  http.RoundTripper
	mu    sync.Mutex
	told  time.Time
	until time.Time
	early int
	calls map[int]int // by status
}

// RoundTrip implements http.RoundTripper.
func (i *impatience) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	if now := time.Now(); now.After(i.told) && now.Before(i.until) {
		i.early++
	}
	i.mu.Unlock()
	response, err := i.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls[response.StatusCode]++
	if seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")); seconds > 0 {
		i.told, i.until = time.Now(), time.Now().Add(time.Duration(seconds)*time.Second)
	}
	return response, nil
}

// TestOurClientWaitsAsItIsTold sends a burst of more calls than are let in.
func TestOurClientWaitsAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := openInBubble(t, local.Config{Seed: local.SeedDemo, Limits: local.Limits{On: true, Requests: 10}})
		wire := &impatience{next: localtest.InProcess(server.Handler()), calls: map[int]int{}}
		config := dataverse.Default()
		config.URL = bubbleURL
		config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: bubbleURL + "/contoso/oauth2/v2.0/token", ClientID: "x", Credential: dataverse.Credential{ClientSecret: "y"}, Scope: bubbleURL + "/.default"}
		environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"local": config}, "", wire)
		if err != nil {
			t.Fatal(err)
		}
		c, err := environments.Client(t.Context(), "local")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if _, err := c.ListRecords(ctx, schema.Standard().Entity("contact"), &odata.Query{Select: []string{"fullname"}}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if wire.early > 0 || wire.calls[http.StatusTooManyRequests] != 10 {
			t.Errorf("%d calls came while it was to wait, %d were refused; want none, and the 10 above the limit", wire.early, wire.calls[http.StatusTooManyRequests])
		}
	})
}

// TestOurClientSaysThatItsTokenIsNotTaken signs in for another environment.
func TestOurClientSaysThatItsTokenIsNotTaken(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{RequireAuth: true})
	config := dataverse.Default()
	config.URL = base
	config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: base + "/contoso/oauth2/v2.0/token", ClientID: "x", Credential: dataverse.Credential{ClientSecret: "y"}, Scope: "https://elsewhere.crm.dynamics.com/.default"}
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"local": config}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := environments.Client(t.Context(), "local")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Organization(t.Context()); !errors.Is(err, dataverse.ErrSignIn) || !strings.Contains(err.Error(), "the token is not taken") {
		t.Errorf("the error is %v, want ErrSignIn that says that the token is not taken", err)
	}
}
