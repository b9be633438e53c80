package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/botverse/botverse/internal/machine"
)

// OIDC is an issuer of tokens: JWTs that it signs (OpenID Connect Discovery 1.0, RFC 9068).
type OIDC struct {
	Issuer     string          `yaml:"issuer"`      // as https://login.example.com/realms/bots; its keys are found below it
	Audience   string          `yaml:"audience"`    // who we are to it: what a token must be for
	RolesClaim string          `yaml:"roles_claim"` // where a token has its roles, as "roles" or "realm_access.roles"
	Roles      map[string]Role `yaml:"roles"`       // what the claim's values mean; without it they are the roles' own names
}

// defaultRolesClaim is where Entra ID has an application's roles, and others can be told to.
const defaultRolesClaim = "roles"

func (o OIDC) given() bool {
	return o.Issuer != "" || o.Audience != "" || o.RolesClaim != "" || o.Roles != nil
}

func (o OIDC) validate() error {
	var faults []error
	u, err := url.Parse(o.Issuer)
	switch {
	case o.Issuer == "":
		faults = append(faults, errors.New("issuer is missing: the address of who signs the tokens, as https://login.example.com/realms/bots"))
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		faults = append(faults, fmt.Errorf("issuer %.200q is not an address, as https://login.example.com/realms/bots", o.Issuer))
	case u.Scheme != "https" && (u.Scheme != "http" || !machine.IsLoopback(u.Hostname())):
		faults = append(faults, fmt.Errorf("issuer %s must begin with https://: who is in between could sign tokens", o.Issuer))
	}
	if o.Audience == "" {
		faults = append(faults, errors.New("audience is missing: without it every token of the issuer would do, whomever it is for"))
	}
	return errors.Join(faults...)
}

// issuerTime bounds a request to the issuer.
const issuerTime = 10 * time.Second

// Tokens of strangers make us ask for new keys: how often we do at most.
const (
	issuerPause = 10 * time.Second
	issuerBurst = 5
)

// issuer checks tokens that somebody else signs.
type issuer struct {
	settings OIDC
	client   *http.Client
	answers  *answers
	opening  singleflight.Group
	verifier atomic.Pointer[oidc.IDTokenVerifier] // nil until the issuer was reached
}

func newIssuer(settings OIDC, transport http.RoundTripper) *issuer {
	answers := &answers{next: transport, limit: rate.NewLimiter(rate.Every(issuerPause), issuerBurst)}
	if transport == nil {
		answers.next = http.DefaultTransport
	}
	return &issuer{settings: settings, client: &http.Client{Transport: answers, Timeout: issuerTime}, answers: answers}
}

// caller is who a token says calls.
func (i *issuer) caller(ctx context.Context, token string) (Caller, error) {
	if strings.Count(token, ".") != 2 {
		return Caller{}, fmt.Errorf("%w: it is none that the settings name, and no JWT", ErrRefused)
	}
	verifier, err := i.reach(ctx)
	if err != nil {
		return Caller{}, err
	}
	verified, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Caller{}, fmt.Errorf("%w: at %s", ErrExpired, expired.Expiry.UTC().Format(time.RFC3339))
	case err != nil && ctx.Err() != nil:
		return Caller{}, ctx.Err()
	case err != nil && i.answers.fault() != nil: // the keys that it is signed with may be new ones
		return Caller{}, fmt.Errorf("%w: %.300s", ErrUnavailable, err.Error())
	case err != nil:
		return Caller{}, fmt.Errorf("%w: %.300s", ErrRefused, err.Error())
	case !slices.Contains(verified.Audience, i.settings.Audience):
		return Caller{}, fmt.Errorf("%w: %.300q, not %q", ErrAudience, verified.Audience, i.settings.Audience)
	case verified.Subject == "":
		return Caller{}, fmt.Errorf("%w: it has no claim sub, which says whose it is", ErrRefused)
	}
	var claims map[string]any
	if err := verified.Claims(&claims); err != nil {
		return Caller{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	// A subject is never taken for a caller that the settings name: their names have no colon.
	return Caller{Name: "oidc:" + verified.Subject, Role: i.settings.role(claims), Expires: verified.Expiry}, nil
}

// reach finds the issuer's keys, once; who comes meanwhile waits for that.
func (i *issuer) reach(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if verifier := i.verifier.Load(); verifier != nil {
		return verifier, nil
	}
	reached := i.opening.DoChan("", func() (any, error) {
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), i.client), i.settings.Issuer)
		if err != nil {
			return nil, fmt.Errorf("%w: %.300s", ErrUnavailable, err.Error())
		}
		// The library would not tell one fault from another of the audience.
		i.verifier.Store(provider.Verifier(&oidc.Config{SkipClientIDCheck: true}))
		return nil, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-reached:
		return i.verifier.Load(), result.Err
	}
}

// role is the highest of those that a token has.
func (o OIDC) role(claims map[string]any) Role {
	var highest Role
	for _, value := range textsOf(claimAt(claims, cmp.Or(o.RolesClaim, defaultRolesClaim))) {
		role := o.Roles[value]
		if o.Roles == nil {
			role = RoleOf(value)
		}
		highest = max(highest, role)
	}
	return highest
}

// claimAt is the claim of a name, or of a path to it within others. A name may have dots too: Auth0's are addresses.
func claimAt(claims map[string]any, name string) any {
	if value, ok := claims[name]; ok {
		return value
	}
	outer, inner, nested := strings.Cut(name, ".")
	within, ok := claims[outer].(map[string]any)
	if !nested || !ok {
		return nil
	}
	return claimAt(within, inner)
}

// textsOf are the texts of a claim: a list of them, or one with spaces between, as scopes are (RFC 6749, 3.3).
func textsOf(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		var texts []string
		for _, element := range claim {
			if text, ok := element.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// errTooOften is a request to the issuer that is not made.
var errTooOften = errors.New("the issuer was asked just now")

// answers asks the issuer, not too often, and remembers whether it answered.
type answers struct {
	next  http.RoundTripper
	limit *rate.Limiter
	last  atomic.Pointer[error]
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.limit.Allow() {
		return nil, errTooOften
	}
	resp, err := a.next.RoundTrip(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		told := errors.New(resp.Status)
		a.last.Store(&told)
		return resp, nil
	}
	a.last.Store(&err)
	return resp, err
}

// fault is why the issuer did not answer last; nil where it did.
func (a *answers) fault() error {
	if last := a.last.Load(); last != nil {
		return *last
	}
	return nil
}
