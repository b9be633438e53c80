package accesstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Audience is whom an Issuer's tokens are for, where the test says nothing else.
const Audience = "api://botverse"

// Issuer signs tokens, and serves its keys: over HTTP at a URL of its own, or as an http.RoundTripper for tests without network.
type Issuer struct {
	URL string

	mu    sync.Mutex
	n     int // of the key
	key   *ecdsa.PrivateKey
	down  bool
	asked int
}

// NewIssuer serves an issuer over HTTP until the test ends.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := NewIssuerAt(t, "")
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// NewIssuerAt is an issuer that only its RoundTrip reaches.
func NewIssuerAt(t testing.TB, url string) *Issuer {
	t.Helper()
	i := &Issuer{URL: url}
	i.Rotate(t)
	return i
}

// Rotate changes the key that tokens are signed with, and serves that alone.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n++
	i.key = key
}

// Fail has the issuer answer nothing but 503, or answer again.
func (i *Issuer) Fail(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Asked is how often somebody asked for something.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// Token is a token of a subject for an hour, with these claims over the usual ones; nil takes one away.
func (i *Issuer) Token(t testing.TB, subject string, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	all := map[string]any{
		"iss": i.URL, "sub": subject, "aud": Audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.keyID()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *Issuer) keyID() string { return fmt.Sprintf("key-%d", i.n) }

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	var answer any = map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if strings.HasSuffix(r.URL.Path, "/keys") {
		answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.keyID(), Algorithm: "ES256", Use: "sig"}}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the test sees what is missing
}

// RoundTrip implements http.RoundTripper.
func (i *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	i.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}
