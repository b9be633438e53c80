package access

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// Config says whose calls are taken.
type Config struct {
	OIDC   OIDC             `yaml:"oidc"`
	Tokens map[string]Token `yaml:"tokens"` // by their callers' names

	Transport http.RoundTripper `yaml:"-"` // to the issuer; nil for http.DefaultTransport
}

// Token is how one caller is known: each of the tokens that are given will do.
type Token struct {
	Role   Role     `yaml:"role"`
	SHA256 []string `yaml:"sha256"` // of the tokens, in hexadecimal
	Token  Plain    `yaml:"token"`
	File   string   `yaml:"file"` // has a token a line, and is read again when it changes
}

// Validate names all that is wrong with the settings.
func (c Config) Validate() error {
	if len(c.Tokens) == 0 && !c.OIDC.given() {
		return errors.New("nobody could call: oidc must name an issuer of tokens, or tokens a caller")
	}
	var faults []error
	if c.OIDC.given() {
		if err := c.OIDC.validate(); err != nil {
			faults = append(faults, fmt.Errorf("oidc: %w", err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tokens)) {
		if err := c.Tokens[name].validate(name); err != nil {
			faults = append(faults, fmt.Errorf("tokens.%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// callerName is what a caller may be called: it stands in logs, and never looks like a name that others give.
var callerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (t Token) validate(name string) error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !callerName.MatchString(name) {
		refuse("a caller's name has small letters, digits and -, and begins with a letter")
	}
	if t.Role == 0 {
		refuse("role is missing: viewer, caller, builder or admin")
	}
	if t.Token == (Plain{}) && t.File == "" && len(t.SHA256) == 0 {
		refuse("there is no token: give sha256, token or file")
	}
	for i, sum := range t.SHA256 {
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != len(digest{}) { // it may be the token itself
			refuse("sha256[%d] is not the 64 hexadecimal digits of a SHA-256", i)
		}
	}
	if t.Token != (Plain{}) {
		if err := t.Token.check(); err != nil {
			refuse("token: %w", err)
		}
	}
	return errors.Join(faults...)
}
