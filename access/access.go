// Package access says who calls, by the token that a call shows, and what they may do. It does not know how calls come.
package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// Why a caller is not let in. The texts are for the caller, and hold nothing of the token.
var (
	ErrMissing   = errors.New("no token was given: this server wants the header `Authorization: Bearer TOKEN`")
	ErrMalformed = errors.New("the header Authorization must be `Bearer TOKEN`, once, with a token of letters, digits and -._~+/=")
	ErrExpired   = errors.New("the token has expired")
	ErrAudience  = errors.New("the token is for another audience")
	ErrRefused   = errors.New("the token is not accepted")
	ErrForbidden = errors.New("the caller may not do this")
	// ErrUnavailable says nothing of the token: its issuer cannot be asked.
	ErrUnavailable = errors.New("the issuer of tokens does not answer")
)

// Caller is who calls.
type Caller struct {
	// Name is the same in every call of a caller, and nobody else's.
	Name string
	Role Role
	// Expires is when the caller's token does; the zero time for never.
	Expires time.Time
}

// ForbiddenError is an ErrForbidden that knows what is missing.
type ForbiddenError struct {
	Caller Caller
	Needed Role
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("this takes the role %s; %s has %s", e.Needed, e.Caller.Name, e.Caller.Role)
}

func (e *ForbiddenError) Unwrap() error { return ErrForbidden }

// MustHave fails with a *ForbiddenError where the caller's role is less than needed.
func (c Caller) MustHave(needed Role) error {
	if c.Role >= needed {
		return nil
	}
	return &ForbiddenError{c, needed}
}

// Guard tells who calls. Any number of goroutines may use one.
type Guard struct {
	tokens *tokens
	issuer *issuer // nil for none
}

// Open reads what the settings name. logger is told of files that change.
func Open(config Config, logger *slog.Logger) (*Guard, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	tokens, err := openTokens(config.Tokens, logger)
	g := &Guard{tokens: tokens}
	if config.OIDC.given() {
		g.issuer = newIssuer(config.OIDC, config.Transport)
	}
	return g, err
}

// Reach asks the issuer for its keys, so that the first caller need not wait for them, and tells why it could not: then it is
// asked again when somebody calls.
func (g *Guard) Reach(ctx context.Context) error {
	if g.issuer == nil {
		return nil
	}
	_, err := g.issuer.reach(ctx)
	return err
}

// Authenticate tells who calls with these values of the header Authorization. All the errors above but ErrForbidden are its, and
// ctx's.
func (g *Guard) Authenticate(ctx context.Context, authorization []string) (Caller, error) {
	token, err := bearer(authorization)
	if err != nil {
		return Caller{}, err
	}
	if caller, ok := g.tokens.lookUp(token); ok {
		return caller, nil
	}
	if g.issuer == nil {
		return Caller{}, fmt.Errorf("%w: it is none that the settings name", ErrRefused)
	}
	return g.issuer.caller(ctx, token)
}

// maxToken bounds a token, in bytes.
const maxToken = 16 << 10

// b64token is what a token consists of (RFC 6750, 2.1).
var b64token = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// bearer is the token in a header.
func bearer(authorization []string) (string, error) {
	if len(authorization) == 0 {
		return "", ErrMissing
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	token = strings.Trim(token, " ")
	if len(authorization) > 1 || !strings.EqualFold(scheme, "Bearer") || len(token) > maxToken || !b64token.MatchString(token) {
		return "", ErrMalformed
	}
	return token, nil
}
