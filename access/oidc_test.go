package access

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/access/accesstest"
)

// trusting is the settings of who trusts an issuer.
func trusting(issuer *accesstest.Issuer) Config {
	return Config{OIDC: OIDC{Issuer: issuer.URL, Audience: accesstest.Audience}, Transport: issuer}
}

func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer, other := accesstest.NewIssuerAt(t, "https://login.example.com/bots"), accesstest.NewIssuerAt(t, "https://login.example.com/bots")
	g := open(t, trusting(issuer))
	roles := map[string]any{"roles": []string{"caller"}}
	with := func(claim string, value any) map[string]any {
		return map[string]any{"roles": []string{"caller"}, claim: value}
	}
	unsigned := func(header string) string {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(header)) + "." + strings.Split(issuer.Token(t, "bot-1", roles), ".")[1] + "."
	}
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"good":                  {issuer.Token(t, "bot-1", roles), nil},
		"several audiences":     {issuer.Token(t, "bot-1", with("aud", []string{"other", accesstest.Audience})), nil},
		"expired":               {issuer.Token(t, "bot-1", with("exp", time.Now().Add(-time.Minute).Unix())), ErrExpired},
		"never expires":         {issuer.Token(t, "bot-1", with("exp", nil)), ErrExpired},
		"not yet valid":         {issuer.Token(t, "bot-1", with("nbf", time.Now().Add(time.Hour).Unix())), ErrRefused},
		"for another":           {issuer.Token(t, "bot-1", with("aud", "api://other")), ErrAudience},
		"for nobody":            {issuer.Token(t, "bot-1", with("aud", nil)), ErrAudience},
		"another issuer's":      {issuer.Token(t, "bot-1", with("iss", "https://login.example.com/other")), ErrRefused},
		"another one's key":     {other.Token(t, "bot-1", roles), ErrRefused},
		"of nobody":             {issuer.Token(t, "", roles), ErrRefused},
		"alg none":              {unsigned(`{"alg":"none"}`), ErrRefused},
		"alg none, a signature": {unsigned(`{"alg":"none"}`) + "AAAA", ErrRefused},
		"alg HS256":             {unsigned(`{"alg":"HS256","kid":"key-1"}`) + "AAAA", ErrRefused},
		"changed":               {issuer.Token(t, "bot-1", roles)[:60] + "A" + issuer.Token(t, "bot-1", roles)[61:], ErrRefused},
		"no JWT":                {"some-token-or-other", ErrRefused},
	} {
		got, err := g.Authenticate(t.Context(), []string{"Bearer " + test.token})
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if test.want == nil && (got.Name != "oidc:bot-1" || got.Role != RoleCaller || time.Until(got.Expires) < 50*time.Minute) {
			t.Errorf("%s: %+v", name, got)
		}
		if err != nil && strings.Contains(err.Error(), test.token) {
			t.Errorf("%s: the error has the token: %v", name, err)
		}
	}
}

// Both kinds of callers may be known at once, and neither is taken for the other.
func TestTokensOfBothKinds(t *testing.T) {
	t.Parallel()
	issuer := accesstest.NewIssuer(t)
	config := trusting(issuer)
	config.Transport = nil // over HTTP
	config.Tokens = map[string]Token{"board": {Role: RoleViewer, Token: PlainToken(boardToken)}}
	g := open(t, config)
	for token, want := range map[string]string{boardToken: "board", issuer.Token(t, "board", nil): "oidc:board"} {
		if got, err := g.Authenticate(t.Context(), []string{"Bearer " + token}); err != nil || got.Name != want {
			t.Errorf("%+v (%v), want %s", got, err, want)
		}
	}
}

func TestRolesOfATokenAreReadWhereTheSettingsSay(t *testing.T) {
	t.Parallel()
	issuer := accesstest.NewIssuerAt(t, "https://login.example.com")
	for name, test := range map[string]struct {
		claim  string
		roles  map[string]Role
		claims map[string]any
		want   Role
	}{
		"a list":                 {"", nil, map[string]any{"roles": []any{"viewer", "builder", 7, "superuser"}}, RoleBuilder},
		"a text":                 {"scp", nil, map[string]any{"scp": "openid caller"}, RoleCaller},
		"none":                   {"", nil, nil, 0},
		"another form":           {"", nil, map[string]any{"roles": map[string]any{"admin": true}}, 0},
		"within another":         {"realm_access.roles", nil, map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}, RoleAdmin},
		"a name with dots":       {"https://example.com/roles", nil, map[string]any{"https://example.com/roles": []string{"viewer"}}, RoleViewer},
		"other names":            {"groups", map[string]Role{"0a1b": RoleCaller, "2c3d": RoleAdmin}, map[string]any{"groups": []string{"0a1b", "ffff"}}, RoleCaller},
		"names that we know not": {"groups", map[string]Role{"0a1b": RoleCaller}, map[string]any{"groups": []string{"admin"}}, 0},
	} {
		config := trusting(issuer)
		config.OIDC.RolesClaim, config.OIDC.Roles = test.claim, test.roles
		got, err := open(t, config).Authenticate(t.Context(), []string{"Bearer " + issuer.Token(t, "bot-1", test.claims)})
		if err != nil || got.Role != test.want {
			t.Errorf("%s: %v (%v), want %v", name, got.Role, err, test.want)
		}
	}
}

// A key that is new is asked for; the tokens of strangers do not make us ask without end, nor keep new keys from being seen.
func TestNewKeysAreAskedForNotTooOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer, stranger := accesstest.NewIssuerAt(t, "https://login.example.com"), accesstest.NewIssuerAt(t, "https://login.example.com")
		g := open(t, trusting(issuer))
		knows := func(i *accesstest.Issuer) bool {
			_, err := g.Authenticate(t.Context(), []string{"Bearer " + i.Token(t, "bot-1", nil)})
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("a token is refused with %v", err)
			}
			return err == nil
		}
		if !knows(issuer) {
			t.Error("the first key is not known")
		}
		issuer.Rotate(t)
		if !knows(issuer) {
			t.Error("a new key is not known")
		}
		for range 100 {
			if knows(stranger) {
				t.Fatal("a stranger is let in")
			}
		}
		if n := issuer.Asked(); n > 1+issuerBurst {
			t.Errorf("the issuer was asked %d times", n)
		}
		if !knows(issuer) {
			t.Error("a key that is known is asked for")
		}
		issuer.Rotate(t)
		time.Sleep(issuerPause)
		if !knows(issuer) {
			t.Error("a new key is not known after a pause")
		}
	})
}

// An issuer that does not answer lets nobody in, and is asked again; what needs no asking goes on.
func TestIssuerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := accesstest.NewIssuerAt(t, "https://login.example.com")
		issuer.Fail(true)
		g := open(t, trusting(issuer))
		authenticate := func() error {
			_, err := g.Authenticate(t.Context(), []string{"Bearer " + issuer.Token(t, "bot-1", nil)})
			return err
		}
		if err := authenticate(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("before it was ever reached: %v", err)
		}
		issuer.Fail(false)
		if err := authenticate(); err != nil {
			t.Errorf("once it answers: %v", err)
		}
		issuer.Fail(true)
		if err := authenticate(); err != nil {
			t.Errorf("with keys that are known: %v", err)
		}
		issuer.Rotate(t)
		if err := authenticate(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("with a key that is not: %v", err)
		}
		issuer.Fail(false)
		time.Sleep(issuerPause)
		if err := authenticate(); err != nil {
			t.Errorf("once it answers again: %v", err)
		}
	})
}

func TestIssuersAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{oidc: {audience: us}}`:                                     "issuer is missing",
		`{oidc: {issuer: "https://login.example.com"}}`:              "audience is missing",
		`{oidc: {issuer: "login.example.com", audience: us}}`:        "not an address",
		`{oidc: {issuer: "http://login.example.com", audience: us}}`: "https://",
		`{oidc: {roles_claim: groups}}`:                              "issuer is missing",
	} {
		if _, err := Open(configOf(t, text), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "oidc: ") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	good := configOf(t, `{oidc: {issuer: "http://127.0.0.1:1/x", audience: us, roles_claim: groups, roles: {0a1b: admin}}}`)
	if err := good.Validate(); err != nil || good.OIDC.Roles["0a1b"] != RoleAdmin {
		t.Error(fmt.Sprint(good.OIDC), err)
	}
}
