package dataverse

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// token is what a token endpoint gave.
type token struct {
	header  string // of Authorization
	expires time.Time
}

// tokenSource gets a new token, never one that it remembers. Its errors are *Error.
type tokenSource func(context.Context) (token, error)

// newTokenSource is the sign-in of a valid Config by one of its credentials, as its files are now. expires is when the
// credential does, the zero time where nobody knows.
func newTokenSource(c Config, with Credential, client *http.Client) (source tokenSource, expires time.Time, err error) {
	with, err = with.filled()
	if err != nil {
		return nil, time.Time{}, err
	}
	if c.SignIn.Kind == OAuth {
		return oauthSource(c.SignIn, with, client), with.Expires.Time, nil
	}
	return entraSource(c, with, client)
}

// signer keeps the token of an environment: one request for it however many calls wait, and a new one before the old one ends.
type signer struct {
	*identity
	tokens remembered[token]
}

func newSigner(who *identity, timeout time.Duration) *signer {
	s := &signer{identity: who}
	s.tokens.timeout = timeout
	s.tokens.fetch = func(ctx context.Context) (token, life, error) {
		t, err := who.token(ctx)
		if err != nil {
			return token{}, life{}, err
		}
		left := time.Until(t.expires)
		// At 80 % of its life a token is renewed behind the caller; one in its last seconds could end on the way.
		return t, life{fresh: left * 8 / 10, valid: left - min(10*time.Second, left/10)}, nil
	}
	return s
}

// authorization is the value of the Authorization header.
func (s *signer) authorization(ctx context.Context) (string, error) {
	t, err := s.tokens.get(ctx)
	return t.header, err
}

// refused forgets a token that Dataverse did not take, so that the next call signs in anew.
func (s *signer) refused(authorization string) {
	s.tokens.drop(func(t token) bool { return t.header == authorization })
}

// signInError is the error of a token endpoint that answered with a status, or did not answer at all (status 0). message must
// not hold a secret.
func signInError(status int, message string, cause error) *Error {
	e := &Error{Op: "sign in", Status: status, Message: message, Err: ErrSignIn}
	switch {
	case status == 0 && cause != nil:
		e.Err, e.Message = because(ErrUnavailable, cause), "the token endpoint gave no answer"
	case status == http.StatusTooManyRequests, status >= 500:
		e.Err = ErrUnavailable
		if e.Message == "" {
			e.Message = "the token endpoint does not work"
		}
	}
	return e
}

// errorText is what a token endpoint says of a refusal: a code and a description (RFC 6749, section 5.2).
func errorText(code, description string, secrets ...string) string {
	text := code
	if description != "" {
		if text != "" {
			text += ": "
		}
		text += description
	}
	if text == "" {
		return "the token endpoint refused without giving a reason"
	}
	return mask(text, secrets)
}

var errNoToken = errors.New("the token endpoint answered without a token")
