package dataverse

import (
	"errors"
	"net/http"
	"testing"
)

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestViaSeesCallsAndNotTheSignIn: what goes through wrap is what the client sends for its caller; writes can be told from reads.
func TestViaSeesCallsAndNotTheSignIn(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped before the first write")
	s := &script{t: t, answer: func(int, *http.Request) (*http.Response, error) { return reply(200, `{"value":[]}`), nil }}
	var seen []string
	base := s.client()
	dry := base.Via(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r.Method+" "+r.URL.Path)
			if !IsRead(r) {
				return nil, stopped
			}
			return next.RoundTrip(r)
		})
	})
	if err := read(t.Context(), dry); err != nil {
		t.Error(err)
	}
	if err := write(t.Context(), dry); !errors.Is(err, stopped) {
		t.Errorf("the write ends in %v, want what wrap said", err)
	}
	if err := read(t.Context(), base); err != nil {
		t.Error(err)
	}
	if len(seen) != 2 || seen[0] != "GET /api/data/v9.2/contacts" || seen[1] != "POST /api/data/v9.2/contacts" {
		t.Errorf("wrap saw %v", seen)
	}
	if s.tokens != 1 || s.asked != 2 {
		t.Errorf("%d tokens and %d requests, want the sign-in shared and the write stopped", s.tokens, s.asked)
	}
	if dry.Name() != base.Name() || dry.RecordURL("contact", adaID) != base.RecordURL("contact", adaID) {
		t.Error("the client via wrap is of another environment")
	}
}
