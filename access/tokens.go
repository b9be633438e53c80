package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/botverse/botverse/internal/fresh"
)

type digest = [sha256.Size]byte

// leastToken is how long a token must be whose text we see, in characters: what is shorter can be guessed.
const leastToken = 16

// Plain is a token of which only the digest is kept, so that it cannot be shown. The zero Plain is none.
type Plain struct {
	sum   digest
	short bool
	odd   bool // has characters that no header can carry
}

// PlainToken is the Plain of a text.
func PlainToken(text string) Plain {
	return Plain{sha256.Sum256([]byte(text)), len(text) < leastToken, !b64token.MatchString(text)}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Plain) UnmarshalText(text []byte) error {
	*p = PlainToken(string(text))
	return nil
}

func (p Plain) check() error {
	switch {
	case p.odd:
		return errors.New("a token has letters, digits and -._~+/ only, and may end with =")
	case p.short:
		return fmt.Errorf("it has fewer than %d characters and could be guessed; `openssl rand -hex 32` makes a good one", leastToken)
	}
	return nil
}

// tokens are those that the settings name.
type tokens struct {
	fixed []known
	files []*fresh.Files[[]known]
}

// known is a token that we know, by its digest.
type known struct {
	sum    digest
	caller Caller
}

func openTokens(settings map[string]Token, logger *slog.Logger) (*tokens, error) {
	t := &tokens{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s, caller := settings[name], Caller{Name: name, Role: settings[name].Role}
		if s.Token != (Plain{}) {
			t.fixed = append(t.fixed, known{s.Token.sum, caller})
		}
		for _, text := range s.SHA256 {
			sum, err := hex.DecodeString(text)
			if err != nil {
				return nil, fmt.Errorf("tokens.%s: %w", name, err)
			}
			t.fixed = append(t.fixed, known{digest(sum), caller})
		}
		if s.File != "" {
			file, err := fresh.Open(logger, func() ([]known, error) { return readTokens(s.File, caller) }, s.File)
			if err != nil {
				return nil, fmt.Errorf("tokens.%s: %w", name, err)
			}
			t.files = append(t.files, file)
		}
	}
	return t, t.checkUnique()
}

// readTokens reads a file with a token a line.
func readTokens(file string, caller Caller) ([]known, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []known
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		token := strings.TrimSpace(lines.Text())
		if token == "" {
			continue
		}
		plain := PlainToken(token)
		if err := plain.check(); err != nil {
			return nil, fmt.Errorf("%s: a token cannot be used: %w", file, err)
		}
		list = append(list, known{plain.sum, caller})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no token", file)
	}
	return list, lines.Err()
}

// checkUnique refuses a token that is two callers'.
func (t *tokens) checkUnique() error {
	names := map[digest]string{}
	for _, k := range t.all() {
		if other := names[k.sum]; other != "" && other != k.caller.Name {
			return fmt.Errorf("tokens: %s and %s have the same token", other, k.caller.Name)
		}
		names[k.sum] = k.caller.Name
	}
	return nil
}

func (t *tokens) all() []known {
	if len(t.files) == 0 {
		return t.fixed
	}
	all := slices.Clone(t.fixed)
	for _, file := range t.files {
		all = append(all, file.Get()...)
	}
	return all
}

// lookUp finds the caller of a token. It compares with each that there is, so that the time it takes says nothing.
func (t *tokens) lookUp(token string) (caller Caller, ok bool) {
	sum := sha256.Sum256([]byte(token))
	for _, k := range t.all() {
		if subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 {
			caller, ok = k.caller, true
		}
	}
	return caller, ok
}
