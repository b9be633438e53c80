package dataverse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wellAnswered answers reads, and remembers the tokens they came with.
func wellAnswered(seen *[]string) func(int, *http.Request) (*http.Response, error) {
	var mu sync.Mutex
	return func(_ int, r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		*seen = append(*seen, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		return reply(200, `{"value":[]}`), nil
	}
}

func grant(n int, seconds int) *http.Response {
	return reply(200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, seconds))
}

func TestOneTokenForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := &script{t: t, answer: wellAnswered(&seen), token: func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return grant(n, 3600), nil
		}}
		c := s.client()
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if err := read(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if s.tokens != 1 || s.asked != 50 {
			t.Errorf("50 callers made %d token requests and %d calls, want 1 and 50", s.tokens, s.asked)
		}
	})
}

func TestWaiterForTheTokenLeavesAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := &script{t: t, answer: wellAnswered(&seen), token: func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(10 * time.Second)
			return grant(n, 3600), nil
		}}
		c := s.client()
		patient := make(chan error, 1)
		go func() { patient <- read(t.Context(), c) }()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := write(ctx, c)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrInDoubt) || errors.Is(err, ErrSignIn) {
			t.Errorf("the error is %v, want the caller's deadline", err)
		}
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("the waiter left after %v, want 100ms", took)
		}
		if err := <-patient; err != nil || s.tokens != 1 {
			t.Errorf("who waited got %v after %d token requests", err, s.tokens)
		}
	})
}

func TestTokenIsRenewedBehindTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := &script{t: t, answer: wellAnswered(&seen), token: func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(5 * time.Second)
			return grant(n, 1000), nil
		}}
		c := s.client()
		at := func(seconds int) {
			t.Helper()
			began := time.Now()
			if err := read(t.Context(), c); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 0 && len(seen) > 1 {
				t.Errorf("a call waited %v for a token", took)
			}
			time.Sleep(time.Duration(seconds) * time.Second)
		}
		at(799) // the first token
		at(1)   // still fresh
		at(0)   // 80 % of its life are over: renewed behind this call
		at(0)   // while that is under way
		time.Sleep(6 * time.Second)
		at(0)
		synctest.Wait()
		want := []string{"token-1", "token-1", "token-1", "token-1", "token-2"}
		if diff := cmp.Diff(want, seen); diff != "" || s.tokens != 2 {
			t.Errorf("%d tokens were asked for, the calls came with (-want +got):\n%s", s.tokens, diff)
		}
	})
}

func TestOldTokenIsKeptWhileItIsValid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := &script{t: t, answer: wellAnswered(&seen), token: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return grant(n, 1000), nil
			}
			return reply(503, "down"), nil
		}}
		c := s.client()
		var failed error
		for range 1000 { // seconds, which is past the token's end less its margin
			if failed = read(t.Context(), c); failed != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if !errors.Is(failed, ErrUnavailable) || len(seen) != 990 {
			t.Errorf("%d calls were done with the old token, then %v; want 990, then ErrUnavailable", len(seen), failed)
		}
		if s.tokens > 45 {
			t.Errorf("%d token requests were made in 190 s of outage; a pause is missing", s.tokens)
		}
	})
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		good   string // the token that is taken
		want   error
		tokens int
		asked  int
	}{
		{"a revoked token", "Bearer token-2", nil, 2, 2},
		{"no token at all", "Bearer none", ErrSignIn, 2, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{
				t:     t,
				token: func(n int, _ *http.Request) (*http.Response, error) { return grant(n, 3600), nil },
				answer: func(_ int, r *http.Request) (*http.Response, error) {
					if r.Header.Get("Authorization") != c.good {
						return reply(401, ""), nil
					}
					return reply(204, "", "OData-EntityId", created), nil
				},
			}
			if err := write(t.Context(), s.client()); c.want == nil && err != nil || !errors.Is(err, c.want) {
				t.Errorf("%s: the error is %v, want %v", c.name, err, c.want)
			}
			if s.tokens != c.tokens || s.asked != c.asked {
				t.Errorf("%s: %d token requests and %d calls, want %d and %d", c.name, s.tokens, s.asked, c.tokens, c.asked)
			}
		})
	}
}

func TestManyRefusedCallersShareTheNewToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{
			t: t,
			token: func(n int, _ *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return grant(n, 3600), nil
			},
			answer: func(_ int, r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				if r.Header.Get("Authorization") == "Bearer token-1" {
					return reply(401, ""), nil
				}
				return reply(200, `{"value":[]}`), nil
			},
		}
		c := s.client()
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if err := read(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if s.tokens != 2 {
			t.Errorf("%d tokens were asked for, want 2", s.tokens)
		}
	})
}

func TestSignInSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	echo := fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: %s for bot@contoso.example, %s"}`, plantedSecret, plantedPassword)
	for _, c := range []struct {
		name   string
		answer func(int, *http.Request) (*http.Response, error)
		want   error
		text   string
	}{
		{"a wrong secret", func(int, *http.Request) (*http.Response, error) { return reply(401, echo), nil }, ErrSignIn, "AADSTS7000215"},
		{"AD FS 2012", func(int, *http.Request) (*http.Response, error) {
			return reply(400, `{"error":"unsupported_grant_type","error_description":"MSIS9611: The authorization server does not support it"}`), nil
		}, ErrSignIn, "MSIS9611"},
		{"a page", func(int, *http.Request) (*http.Response, error) { return reply(404, "<html>"+plantedSecret), nil }, ErrSignIn, "status 404"},
		{"a redirect", func(int, *http.Request) (*http.Response, error) {
			return reply(307, "", "Location", "https://evil.example/token"), nil
		}, ErrSignIn, "status 307"},
		{"no token", func(int, *http.Request) (*http.Response, error) { return reply(200, `{"token_type":"Bearer"}`), nil }, ErrSignIn, "without a token"},
		{"an outage", func(int, *http.Request) (*http.Response, error) { return reply(503, plantedSecret), nil }, ErrUnavailable, "status 503"},
		{"nobody there", func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, ErrUnavailable, "connection refused"},
		{"nobody answering", hang, ErrUnavailable, "no answer within 30s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{t: t, token: c.answer}
			err := write(t.Context(), s.client())
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) || !strings.Contains(fmt.Sprint(err), "CreateRecord contact") {
				t.Errorf("%s: the error is %v, want %v with %q", c.name, err, c.want, c.text)
			}
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrInDoubt) {
				t.Errorf("%s: the error %v looks like another", c.name, err)
			}
			if found := leaks(shown(t, err)); len(found) > 0 || strings.Contains(err.Error(), "bot@contoso.example") {
				t.Errorf("%s: the error shows %q: %v", c.name, found, err)
			}
			if s.asked != 0 {
				t.Errorf("%s: a call was sent without a token", c.name)
			}
		})
	}
}

// TestTokenRequests holds the forms that token endpoints take to what they document: RFC 6749, 4.4, for client credentials, and AD
// FS' password grant of a confidential client with a resource.
func TestTokenRequests(t *testing.T) {
	t.Parallel()
	credentials := url.Values{"grant_type": {"client_credentials"}, "client_id": {"11111111-1111-4111-8111-111111111111"}, "client_secret": {plantedSecret}}
	for _, c := range []struct {
		name   string
		change func(*SignIn)
		more   url.Values
	}{
		{"client credentials", func(*SignIn) {}, nil},
		{"with a scope", func(s *SignIn) { s.Scope = "https://contoso.example/.default" }, url.Values{"scope": {"https://contoso.example/.default"}}},
		{"AD FS", func(s *SignIn) {
			s.Username, s.Password, s.Resource = `CONTOSO\bot`, plantedPassword, "https://crm.contoso.example/"
		}, url.Values{"grant_type": {"password"}, "username": {`CONTOSO\bot`}, "password": {plantedPassword}, "resource": {"https://crm.contoso.example/"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, `{"value":[]}`) })
			var form url.Values
			var authorization string
			s.tokens = func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				form, authorization = r.PostForm, r.Header.Get("Authorization")
				answerJSON(w, 200, `{"access_token":"a","token_type":"bearer","expires_in":"3600"}`)
			}
			config := s.config()
			c.change(&config.SignIn)
			if err := read(t.Context(), s.clientOf(t, config)); err != nil {
				t.Fatal(err)
			}
			want := url.Values{}
			for _, values := range []url.Values{credentials, c.more} {
				for name, v := range values {
					want[name] = v
				}
			}
			if diff := cmp.Diff(want, form); diff != "" || authorization != "" {
				t.Errorf("Authorization is %q, the form differs (-want +got):\n%s", authorization, diff)
			}
		})
	}
}
