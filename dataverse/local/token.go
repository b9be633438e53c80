package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tokens issues and checks the bearer tokens of the local Dataverse: signed JWTs, as Entra's, but by a key of its own that
// lives with the records, so that a token outlives a restart.
type tokens struct {
	key  []byte
	good sync.Map     // what tokens say, by token: of those whose signature was found right before
	held atomic.Int32 // how many there are in good
}

// maxHeld bounds the tokens that are remembered.
const maxHeld = 1000

// claims is what a token says.
type claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	AppID     string `json:"appid"`
	Tenant    string `json:"tid"`
}

func (t *tokens) issue(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := encode64([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + encode64(payload)
	return signed + "." + encode64(t.sign(signed)), nil
}

func (t *tokens) sign(text string) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// errToken says nothing about what is wrong with a token: who holds a wrong one must get a new one in any case.
var errToken = errors.New("the token is not of this server or has expired")

// check returns what a token of ours says while it is good.
func (t *tokens) check(token string, now time.Time) (claims, error) {
	c, err := t.read(token)
	if err != nil || now.Unix() >= c.Expires {
		return claims{}, errToken
	}
	return c, nil
}

// read returns what a token of ours says. Callers show the same token with every request: its signature is worked out once.
func (t *tokens) read(token string) (claims, error) {
	if c, ok := t.good.Load(token); ok {
		return c.(claims), nil
	}
	c, err := t.verify(token)
	if err != nil {
		return c, err
	}
	if t.held.Add(1) > maxHeld {
		t.good.Clear()
		t.held.Store(1)
	}
	t.good.Store(token, c)
	return c, nil
}

func (t *tokens) verify(token string) (claims, error) {
	var c claims
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return c, errToken
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil || !hmac.Equal(signature, t.sign(token[:end])) {
		return c, errToken
	}
	_, payload, _ := strings.Cut(token[:end], ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(text, &c) != nil {
		return claims{}, errToken
	}
	return c, nil
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
