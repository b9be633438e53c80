package presence

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/url"
)

// Key is the secret by which a source is known. It prints as [key] under every verb, in JSON and in logs.
type Key string

const hiddenKey = "[key]"

// String hides the key.
func (Key) String() string { return hiddenKey }

// GoString hides the key.
func (Key) GoString() string { return hiddenKey }

// MarshalText hides the key.
func (Key) MarshalText() ([]byte, error) { return []byte(hiddenKey), nil }

// LogValue hides the key.
func (Key) LogValue() slog.Value { return slog.StringValue(hiddenKey) }

// Authenticate says whether any of the presented keys is a live key of the source. A source without keys, like one that
// does not exist, has none. It takes as long for a wrong key as for a right one.
func (p *Presence) Authenticate(source string, presented ...string) bool {
	s, known := p.config.Sources[source]
	keys := s.Keys
	if known && len(keys) == 0 && p.config.KeptKeys != nil {
		keys = p.config.KeptKeys(source)
	}
	match := 0
	for _, want := range keys {
		for _, got := range presented {
			match |= equal(string(want), got)
		}
	}
	return match == 1
}

// AuthenticateRequest looks for the key in all three places where Dataverse can put it: the query parameter code
// (WebhookKey), the source's header (HttpHeader), the source's query parameter (HttpQueryString).
func (p *Presence) AuthenticateRequest(source string, query url.Values, header http.Header) bool {
	s := p.config.Sources[source]
	presented := append([]string(nil), query["code"]...)
	if s.KeyHeader != "" {
		presented = append(presented, header.Values(s.KeyHeader)...)
	}
	if s.KeyQuery != "" {
		presented = append(presented, query[s.KeyQuery]...)
	}
	return p.Authenticate(source, presented...)
}

// equal compares digests, so that not even the keys' lengths show in the time it takes. The empty key equals none.
func equal(want, got string) int {
	if want == "" || got == "" {
		return 0
	}
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(a[:], b[:])
}
