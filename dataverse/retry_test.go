package dataverse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/internal/vacant"
)

// script is a transport that answers each request as it is told, tokens aside: for tests in which time is not real.
type script struct {
	t      *testing.T
	answer func(n int, r *http.Request) (*http.Response, error) // n counts from 1
	token  func(n int, r *http.Request) (*http.Response, error) // nil gives a token for an hour
	mu     sync.Mutex
	asked  int
	tokens int
}

// RoundTrip implements http.RoundTripper.
func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	counter, answer := &s.asked, s.answer
	if strings.HasSuffix(r.URL.Path, "/token") {
		counter, answer = &s.tokens, s.token
	}
	*counter++
	n := *counter
	s.mu.Unlock()
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	if answer == nil {
		return reply(http.StatusOK, fmt.Sprintf(`{"access_token":"%s-%d","token_type":"Bearer","expires_in":3600}`, plantedToken, n)), nil
	}
	return answer(n, r)
}

func (s *script) client() *Client {
	config := Default()
	config.URL, config.Timeout = "https://contoso.example", 30*time.Second
	config.SignIn = SignIn{Kind: OAuth, ClientID: "id", Credential: Credential{ClientSecret: plantedSecret, Password: plantedPassword}, Username: "bot@contoso.example", TokenURL: "https://login.example/token"}
	return s.clientOf(config)
}

func (s *script) clientOf(config Config) *Client {
	es, err := NewEnvironments(map[string]Config{"test": config}, "test", s)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := es.Client(context.Background(), "test")
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// reply is an answer with headers given as name, value, name, value.
func reply(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func refusal(status int, code, message string, header ...string) *http.Response {
	return reply(status, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message), header...)
}

const created = "https://contoso.example/api/data/v9.2/contacts(0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111)"

// read and write are the two kinds of call.
func read(ctx context.Context, c *Client) error {
	_, err := c.ListRecords(ctx, entity("contact"), nil)
	return err
}

func write(ctx context.Context, c *Client) error {
	_, err := c.CreateRecord(ctx, entity("contact"), Fields{"firstname": "Ada"}, CreateOptions{})
	return err
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	lostConnection := errors.New("connection reset by peer")
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, c := range []struct {
		name   string
		call   func(context.Context, *Client) error
		answer func() (*http.Response, error)
		times  int // the answer is given, before all is well
		asked  int
		want   error
		code   code.Code
	}{
		{"a write after 429", write, func() (*http.Response, error) { return refusal(429, "0x80072322", "too many", "Retry-After", "2"), nil }, 2, 3, nil, 0},
		{"a read after 429", read, func() (*http.Response, error) { return refusal(429, "0x80072322", "too many", "Retry-After", "2"), nil }, 2, 3, nil, 0},
		{"429 without Retry-After", write, func() (*http.Response, error) { return reply(429, "slow down"), nil }, 2, 3, nil, 0},
		{"429 without an end", write, func() (*http.Response, error) { return refusal(429, "0x80072326", "too many", "Retry-After", "2"), nil }, 99, maxTries, ErrThrottled, code.ThrottlingConcurrencyLimitExceeded},
		{"throttled by the code alone", read, func() (*http.Response, error) { return refusal(503, "0x80072321", "too long"), nil }, 1, 2, nil, 0},
		{"a read after 502", read, func() (*http.Response, error) { return reply(502, "<html>"), nil }, 1, 2, nil, 0},
		{"a read after 503", read, func() (*http.Response, error) { return reply(503, "<html>", "Retry-After", "3"), nil }, 3, 4, nil, 0},
		{"a read after 504", read, func() (*http.Response, error) { return reply(504, ""), nil }, 99, maxTries, ErrUnavailable, 0},
		{"a read after a lost connection", read, func() (*http.Response, error) { return nil, lostConnection }, 1, 2, nil, 0},
		{"a read after 500", read, func() (*http.Response, error) { return refusal(500, "0x80044150", "Generic SQL error."), nil }, 1, 2, nil, 0},
		{"a read after 500 again", read, func() (*http.Response, error) {
			return refusal(500, "0x80040216", "An unexpected error occurred."), nil
		}, 99, 2, ErrUnavailable, code.UnExpected},
		{"a read that took too long", read, func() (*http.Response, error) { return refusal(500, "0x80044151", "SQL timeout expired."), nil }, 99, 1, ErrUnavailable, code.SQLTimeout},
		{"a read that is refused", read, func() (*http.Response, error) { return refusal(400, "0x0", "Could not find a property named 'x'"), nil }, 99, 1, ErrRefused, 0},
		{"a write after 502", write, func() (*http.Response, error) { return reply(502, "<html>"), nil }, 99, 1, ErrInDoubt, 0},
		{"a write after 504", write, func() (*http.Response, error) { return refusal(504, "", "timeout"), nil }, 99, 1, ErrInDoubt, 0},
		{"a write after 503", write, func() (*http.Response, error) { return reply(503, "<html>"), nil }, 99, 1, ErrUnavailable, 0},
		{"a write after a proxy's 500", write, func() (*http.Response, error) { return reply(500, "<html>"), nil }, 99, 1, ErrInDoubt, 0},
		{"a write after 500", write, func() (*http.Response, error) {
			return refusal(500, "0x80040216", "An unexpected error occurred."), nil
		}, 99, 1, ErrUnavailable, code.UnExpected},
		{"a duplicate as 412", write, func() (*http.Response, error) { return refusal(412, "0x80040333", "a duplicate already exists"), nil }, 99, 1, ErrRefused, code.DuplicateRecordsFound},
		{"a duplicate as 500", write, func() (*http.Response, error) { return refusal(500, "0x80040333", "a duplicate already exists"), nil }, 99, 1, ErrRefused, code.DuplicateRecordsFound},
		{"a write whose answer was lost", write, func() (*http.Response, error) { return nil, lostConnection }, 99, 1, ErrInDoubt, 0},
		{"a write that was never sent", write, func() (*http.Response, error) { return nil, refused }, 99, 1, ErrUnavailable, 0},
		{"no such record", read, func() (*http.Response, error) {
			return refusal(404, "0x80040217", "contact With Id = … Does Not Exist"), nil
		}, 99, 1, ErrNotFound, code.ObjectDoesNotExist},
		{"no such record, from old samples", read, func() (*http.Response, error) { return refusal(404, "", "Does Not Exist"), nil }, 99, 1, ErrNotFound, 0},
		{"no such entity set", read, func() (*http.Response, error) {
			return refusal(404, "0x8006088a", "Resource not found for the segment"), nil
		}, 99, 1, ErrRefused, code.CrmHTTPError},
		{"a proxy's 404", read, func() (*http.Response, error) { return reply(404, "<html>"), nil }, 99, 1, ErrUnavailable, 0},
		{"a page where people sign in", read, func() (*http.Response, error) { return reply(302, "", "Location", "/login"), nil }, 99, 1, ErrUnavailable, 0},
		{"a page instead of a list", read, func() (*http.Response, error) { return reply(200, "<html>"), nil }, 99, 1, ErrUnavailable, 0},
		{"something instead of a list", read, func() (*http.Response, error) { return reply(200, "{}"), nil }, 99, 1, ErrUnavailable, 0},
		{"a create that names no record", write, func() (*http.Response, error) { return reply(200, "<html>"), nil }, 99, 1, ErrInDoubt, 0},
		{"a missing right", read, func() (*http.Response, error) {
			return refusal(403, "0x80040220", "is missing prvReadContact privilege"), nil
		}, 99, 1, ErrForbidden, code.PrivilegeDenied},
		{"an organization that is off", read, func() (*http.Response, error) { return refusal(403, "0x8004A104", "disabled"), nil }, 99, 1, ErrUnavailable, code.OrganizationDisabled},
		{"an old version", write, func() (*http.Response, error) { return refusal(412, "0x80060882", "The version doesn't match"), nil }, 99, 1, ErrRefused, code.ConcurrencyVersionMismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, answer: func(n int, r *http.Request) (*http.Response, error) {
					if n <= c.times {
						return c.answer()
					}
					if r.Method == http.MethodPost {
						return reply(204, "", "OData-EntityId", created), nil
					}
					return reply(200, `{"value":[]}`), nil
				}}
				err := c.call(t.Context(), s.client())
				if c.want == nil && err != nil || !errors.Is(err, c.want) {
					t.Errorf("the error is %v, want %v", err, c.want)
				}
				for _, other := range []error{ErrNotFound, ErrThrottled, ErrUnavailable, ErrForbidden, ErrRefused, ErrInDoubt} {
					if !errors.Is(c.want, other) && errors.Is(err, other) {
						t.Errorf("the error %v is also %v", err, other)
					}
				}
				var e *Error
				if errors.As(err, &e) && e.Code != c.code {
					t.Errorf("the code is %v, want %v", e.Code, c.code)
				}
				if s.asked != c.asked {
					t.Errorf("%d requests were sent, want %d", s.asked, c.asked)
				}
			})
		})
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"7", "1.5", ""} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{t: t, answer: func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return reply(429, "", "Retry-After", header), nil
				}
				return reply(204, "", "OData-EntityId", created), nil
			}}
			began := time.Now()
			if err := write(t.Context(), s.client()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			want := map[string][2]time.Duration{"7": {7 * time.Second, 7 * time.Second}, "1.5": {1500 * time.Millisecond, 1500 * time.Millisecond}, "": {500 * time.Millisecond, 1500 * time.Millisecond}}[header]
			if took < want[0] || took > want[1] {
				t.Errorf("Retry-After %q was waited for %v, want %v", header, took, want)
			}
		})
	}
}

func TestRetryAfterReadsDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 17, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Sat, 17 May 2031 10:00:20 GMT": 20 * time.Second,
		"Sat, 17 May 2031 09:00:20 GMT": 0,
		"soon":                          0,
		"-3":                            0,
		" 12 ":                          12 * time.Second,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestRetryAfterBeyondTheDeadlineFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) {
			return refusal(429, "0x80072322", "too many", "Retry-After", "30"), nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		err := write(ctx, s.client())
		var e *Error
		if !errors.Is(err, ErrThrottled) || !errors.As(err, &e) || e.RetryAfter != 30*time.Second {
			t.Errorf("the error is %v, want ErrThrottled with 30s", err)
		}
		if took := time.Since(began); took != 0 || s.asked != 1 {
			t.Errorf("it took %v and %d requests, want none and 1", took, s.asked)
		}
	})
}

// TestRetryAfterOfWhatIsFetchedForAll: what is remembered is fetched beyond the first caller's time, but nobody waits longer
// than it has.
func TestRetryAfterOfWhatIsFetchedForAll(t *testing.T) {
	t.Parallel()
	for name, get := range map[string]func(context.Context, *Client) error{
		"Entity":         func(ctx context.Context, c *Client) error { _, err := c.Entity(ctx, "contact"); return err },
		"RefreshEntity":  func(ctx context.Context, c *Client) error { _, err := c.RefreshEntity(ctx, "contact"); return err },
		"Entities":       func(ctx context.Context, c *Client) error { _, err := c.Entities(ctx); return err },
		"Organization":   func(ctx context.Context, c *Client) error { _, err := c.Organization(ctx); return err },
		"DuplicateRules": func(ctx context.Context, c *Client) error { _, err := c.DuplicateRules(ctx, "contact"); return err },
	} {
		for status, kind := range map[int]error{429: ErrThrottled, 503: ErrUnavailable} {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) {
					return reply(status, "", "Retry-After", "30"), nil
				}}
				c := s.client()
				for budget, want := range map[time.Duration]time.Duration{20 * time.Second: 0, 40 * time.Second: 30 * time.Second} {
					ctx, cancel := context.WithTimeout(t.Context(), budget)
					began := time.Now()
					err := get(ctx, c)
					cancel()
					var e *Error
					if took := time.Since(began); took != want || !errors.Is(err, kind) || !errors.As(err, &e) || e.RetryAfter != 30*time.Second {
						t.Errorf("%s with %v: %v after %v, want %v with 30s after %v", name, budget, err, took, kind, want)
					}
					time.Sleep(time.Minute)
				}
			})
		}
	}
}

func TestRetryAfterWithoutDeadlineIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) { return reply(429, "", "Retry-After", "300"), nil }}
		if err := write(context.WithoutCancel(t.Context()), s.client()); !errors.Is(err, ErrThrottled) || s.asked != 1 {
			t.Errorf("the error is %v after %d requests", err, s.asked)
		}
	})
}

// hang waits for the request's context, as a server that does not answer makes the transport do.
func hang(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestDeadlineOfTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: hang}
		c := s.client()
		for name, call := range map[string]struct {
			do   func(context.Context, *Client) error
			want []error
			not  []error
		}{
			"read":  {read, []error{context.DeadlineExceeded}, []error{ErrInDoubt, ErrUnavailable}},
			"write": {write, []error{context.DeadlineExceeded, ErrInDoubt}, []error{ErrUnavailable}},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			began := time.Now()
			err := call.do(ctx, c)
			cancel()
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s: it took %v, want 3s", name, took)
			}
			for _, want := range call.want {
				if !errors.Is(err, want) {
					t.Errorf("%s: the error is %v, want %v", name, err, want)
				}
			}
			for _, not := range call.not {
				if errors.Is(err, not) {
					t.Errorf("%s: the error is %v, want no %v", name, err, not)
				}
			}
		}
	})
}

func TestDeadlineWithACauseIsStillTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the answer must arrive in time")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		if err := read(ctx, (&script{t: t, answer: hang}).client()); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, why) {
			t.Errorf("the error is %v, want the deadline and its cause", err)
		}
	})
}

func TestTimeoutBoundsOneTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return hang(n, r)
			}
			return reply(200, `{"value":[]}`), nil
		}}
		began := time.Now()
		if err := read(t.Context(), s.client()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("a read that hung was repeated after %v, want its Timeout of 30s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answer: hang}
		err := write(t.Context(), s.client())
		if !errors.Is(err, ErrInDoubt) || errors.Is(err, context.DeadlineExceeded) || s.asked != 1 {
			t.Errorf("a write that hung ends in %v after %d requests, want ErrInDoubt and not the caller's deadline", err, s.asked)
		}
	})
}

func TestCancelledCallIsNotSent(t *testing.T) {
	t.Parallel()
	s := &script{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := s.client()
	if err := write(ctx, c); !errors.Is(err, context.Canceled) || errors.Is(err, ErrInDoubt) || s.asked != 0 {
		t.Errorf("the error is %v after %d requests", err, s.asked)
	}
}

// TestTimeThatIsOverIsNotInDoubt goes over a real transport, with a token and a connection at hand: nothing was sent all the same.
func TestTimeThatIsOverIsNotInDoubt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"value":[]}`) })
	c := s.client(t)
	if err := read(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if err := write(ctx, c); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrInDoubt) {
		t.Errorf("the error is %v, want the deadline and no doubt", err)
	}
}

// TestRefusedConnectionIsNotInDoubt goes over a real transport: nobody listens.
func TestRefusedConnectionIsNotInDoubt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	config := s.config()
	config.URL = "http://" + vacant.Always
	err := write(t.Context(), s.clientOf(t, config))
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrInDoubt) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("the error is %v, want ErrUnavailable, and why", err)
	}
}

// TestLostAnswerIsInDoubt goes over a real transport: the server hangs up once it has the request.
func TestLostAnswerIsInDoubt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	})
	err := write(t.Context(), s.client(t))
	if !errors.Is(err, ErrInDoubt) || len(s.requests()) != 1 {
		t.Errorf("the error is %v after %d requests, want ErrInDoubt after 1", err, len(s.requests()))
	}
}

// TestDeadlineBeforeTheConnectionIsNotInDoubt: what never had a connection was never sent.
func TestDeadlineBeforeTheConnectionIsNotInDoubt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	config := s.config()
	config.URL = "http://contoso.example"
	transport := NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "contoso.example") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dial(ctx, network, address)
	}
	defer transport.CloseIdleConnections()
	es, err := NewEnvironments(map[string]Config{"test": config}, "", transport)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := es.Client(t.Context(), "")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := write(ctx, c); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrInDoubt) {
		t.Errorf("the error is %v, want the deadline and no doubt", err)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) {
		r := reply(200, "")
		r.ContentLength, r.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader(`{"value":[`), io.LimitReader(blanks{}, 1<<40)))
		return r, nil
	}}
	synctest.Test(t, func(t *testing.T) {
		if err := read(t.Context(), s.client()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "larger than") || s.asked != 1 {
			t.Errorf("the error is %v after %d requests", err, s.asked)
		}
	})
}

// blanks is white space without end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestNotFoundNamesTheOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-service-request-id", "99999999-9999-4999-8999-999999999999")
		refuse(w, 404, "0x80040217", "contact With Id = 0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111 Does Not Exist")
	})
	_, err := s.client(t).GetRecord(t.Context(), &schema.Entity{LogicalName: "contact", EntitySetName: "contacts"}, adaID, nil)
	want := "GetRecord contact: no such record: contact With Id = 0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111 Does Not Exist" +
		" (status 404, code 0x80040217 ObjectDoesNotExist, request 99999999-9999-4999-8999-999999999999)"
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n  %v\nwant\n  %s", err, want)
	}
}
