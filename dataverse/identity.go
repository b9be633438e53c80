package dataverse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botverse/botverse/internal/fresh"
)

// identity is how an environment signs in: by its credential, or by the next one where that is refused. It stays with the one
// that worked until that is refused too, or a file has changed.
type identity struct {
	environment string
	log         *slog.Logger
	credentials []*credential

	mu      sync.Mutex
	worked  *proof // the last token is its; it is kept though its file has changed, until the new one works
	changed bool   // a file has changed since
}

// credential is one of an environment's.
type credential struct {
	name     string // its setting, as sign_in.next.client_secret
	proof    *fresh.Files[*proof]
	refusals atomic.Int64
	warning  expiryWarning
}

// proof is a credential as its files had it when they were read.
type proof struct {
	of      *credential
	source  tokenSource
	expires time.Time   // zero where nobody knows
	told    atomic.Bool // that it was refused
}

// newIdentity reads the credentials of a valid Config.
func newIdentity(environment string, config Config, transport http.RoundTripper) (*identity, error) {
	// A token endpoint that redirects would have the secret posted elsewhere.
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	i := &identity{environment: environment, log: slog.New(slog.DiscardHandler)}
	for place, settings := range config.SignIn.named() {
		c := &credential{name: place + "." + settings.kind()}
		var err error
		c.proof, err = fresh.Open(nil, func() (*proof, error) {
			source, expires, err := newTokenSource(config, settings, client)
			return &proof{of: c, source: source, expires: expires}, err
		}, settings.files()...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		i.credentials = append(i.credentials, c)
	}
	return i, nil
}

// token signs in anew. Its error is that of the first credential that was tried.
func (i *identity) token(ctx context.Context) (token, error) {
	i.look(ctx)
	var refused []refusedProof
	for _, p := range i.order() {
		t, err := p.source(ctx)
		if err == nil {
			i.settle(ctx, p, refused)
			return t, nil
		}
		if !errors.Is(err, ErrSignIn) {
			return token{}, err // nobody was asked, or nobody answered: that is no reason to try another
		}
		p.of.refusals.Add(1)
		refused = append(refused, refusedProof{p, err})
	}
	return token{}, allRefused(refused)
}

// refusedProof is a credential that the token endpoint did not take, and why.
type refusedProof struct {
	*proof
	err error
}

// allRefused is the first refusal, with the messages of the others.
func allRefused(refused []refusedProof) error {
	err := refused[0].err
	var first *Error
	if !errors.As(err, &first) {
		return err
	}
	all := *first
	for _, r := range refused[1:] {
		var other *Error
		if errors.As(r.err, &other) && r.of != refused[0].of {
			all.Message += "; " + r.of.name + " is refused too: " + other.Message
		}
	}
	return &all
}

// look reads the files anew, and says whether one has changed.
func (i *identity) look(ctx context.Context) (changed bool) {
	for _, c := range i.credentials {
		_, other, fault := c.proof.Look()
		if fault != nil {
			i.log.WarnContext(ctx, "a credential's file cannot be used; what it held before stays in force",
				"environment", i.environment, "credential", c.name, "error", fault)
		}
		changed = changed || other
	}
	if changed {
		i.mu.Lock()
		i.changed = true
		i.mu.Unlock()
	}
	return changed
}

// order is in which order proofs are tried.
func (i *identity) order() []*proof {
	i.mu.Lock()
	defer i.mu.Unlock()
	var proofs []*proof
	for _, c := range i.credentials {
		proofs = append(proofs, c.proof.Last())
	}
	at := slices.Index(proofs, i.worked)
	switch {
	case i.worked != nil && at < 0: // its file has changed
		proofs = append(proofs, i.worked)
	case at > 0 && !i.changed:
		proofs[0], proofs[at] = proofs[at], proofs[0]
	}
	return proofs
}

// settle notes which proof works, and tells once of each that did not.
func (i *identity) settle(ctx context.Context, p *proof, refused []refusedProof) {
	i.mu.Lock()
	another := i.worked != nil && i.worked != p && refused == nil
	i.worked, i.changed = p, false
	i.mu.Unlock()
	for _, r := range refused {
		if r.told.Swap(true) {
			continue
		}
		instead := p.of.name
		if p.of == r.of {
			instead = "what its file held before"
		}
		i.log.WarnContext(ctx, "a credential is refused; another one signs in in its place",
			"environment", i.environment, "refused", r.of.name, "used", instead, "error", r.err)
	}
	if another {
		i.log.InfoContext(ctx, "signed in with a changed credential", "environment", i.environment, "credential", p.of.name)
	}
}
