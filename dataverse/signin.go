package dataverse

import (
	"context"
	"net/http"
	"time"
)

// token is what a token endpoint gave.
type token struct {
	value   string
	expires time.Time
}

// tokenSource gets a new token.
type tokenSource func(context.Context) (token, error)

func newTokenSource(Config, http.RoundTripper) (tokenSource, error) { return nil, nil }

type signer struct{}

func newSigner(tokenSource) *signer { return nil }
