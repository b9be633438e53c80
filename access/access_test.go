package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	boardToken = "the-token-of-the-board-1"
	botToken   = "dGhlIGJvdCdzIHRva2Vu+/8="
)

func sumOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// configOf is the settings of a YAML text.
func configOf(t *testing.T, text string) Config {
	t.Helper()
	var config Config
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	return config
}

func open(t *testing.T, config Config) *Guard {
	t.Helper()
	g, err := Open(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTokensAreKnownByDigestTextAndFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, "first-token-of-the-admin\n\n  second-token-of-the-admin \n")
	g := open(t, configOf(t, fmt.Sprintf(`tokens:
  board: {role: viewer, sha256: [%s, %s]}
  bot: {role: caller, token: %q}
  ops: {role: admin, file: %s}`, sumOf(boardToken), strings.ToUpper(sumOf("the-next-token-of-the-board")), botToken, file)))
	for token, want := range map[string]Caller{
		boardToken:                    {Name: "board", Role: RoleViewer},
		"the-next-token-of-the-board": {Name: "board", Role: RoleViewer},
		botToken:                      {Name: "bot", Role: RoleCaller},
		"first-token-of-the-admin":    {Name: "ops", Role: RoleAdmin},
		"second-token-of-the-admin":   {Name: "ops", Role: RoleAdmin},
	} {
		if got, err := g.Authenticate(t.Context(), []string{"bearer  " + token}); err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", token, got, err, want)
		}
	}
	for header, want := range map[string]error{
		"Bearer " + sumOf(boardToken):      ErrRefused,
		"Bearer " + boardToken[1:]:         ErrRefused,
		"Bearer ":                          ErrMalformed,
		boardToken:                         ErrMalformed,
		"Bearer " + boardToken + " " + "x": ErrMalformed,
		"Bearer tökén-tökén-tökén":         ErrMalformed,
	} {
		if got, err := g.Authenticate(t.Context(), []string{header}); !errors.Is(err, want) || got != (Caller{}) {
			t.Errorf("%s: %+v (%v), want %v", header, got, err, want)
		}
	}
	if _, err := g.Authenticate(t.Context(), nil); !errors.Is(err, ErrMissing) {
		t.Errorf("no header: %v", err)
	}

	write(t, file, "third-token-of-the-admin\n") // rotation needs no restart
	if _, err := g.Authenticate(t.Context(), []string{"Bearer third-token-of-the-admin"}); err != nil {
		t.Errorf("a new token of the file: %v", err)
	}
	if _, err := g.Authenticate(t.Context(), []string{"Bearer first-token-of-the-admin"}); !errors.Is(err, ErrRefused) {
		t.Errorf("a token that was taken out of the file: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEachRoleMayDoWhatThoseBeforeItMay(t *testing.T) {
	t.Parallel()
	for have := Role(0); have <= RoleAdmin; have++ {
		for need := RoleViewer; need <= RoleAdmin; need++ {
			err := Caller{Name: "bot", Role: have}.MustHave(need)
			var forbidden *ForbiddenError
			if (err == nil) != (have >= need) || err != nil && (!errors.As(err, &forbidden) || forbidden.Needed != need || !errors.Is(err, ErrForbidden)) {
				t.Errorf("%v where %v is needed: %v", have, need, err)
			}
		}
		if have > 0 && RoleOf(have.String()) != have {
			t.Errorf("%v does not keep its name", have)
		}
	}
	if want, err := "this takes the role admin; board has viewer", (Caller{Name: "board", Role: RoleViewer}).MustHave(RoleAdmin); err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "short"), "short\n")
	write(t, filepath.Join(dir, "empty"), "\n")
	write(t, filepath.Join(dir, "same"), boardToken+"\n")
	for text, want := range map[string]string{
		`{}`: "nobody could call",
		`{tokens: {Board 1: {role: viewer, token: ` + boardToken + `}}}`:                                                        "small letters",
		`{tokens: {board: {token: ` + boardToken + `}}}`:                                                                        "role is missing",
		`{tokens: {board: {role: viewer}}}`:                                                                                     "there is no token",
		`{tokens: {board: {role: viewer, token: short}}}`:                                                                       "fewer than 16",
		`{tokens: {board: {role: viewer, token: "with blanks and more"}}}`:                                                      "letters, digits",
		`{tokens: {board: {role: viewer, token: ""}}}`:                                                                          "letters, digits", // as of a variable that is empty
		`{tokens: {board: {role: viewer, sha256: [abc]}}}`:                                                                      "64 hexadecimal digits",
		`{tokens: {board: {role: viewer, sha256: [` + boardToken + `]}}}`:                                                       "sha256[0] is not",
		`{tokens: {board: {role: viewer, file: ` + dir + `/none}}}`:                                                             "no such file",
		`{tokens: {board: {role: viewer, file: ` + dir + `/short}}}`:                                                            "fewer than 16",
		`{tokens: {board: {role: viewer, file: ` + dir + `/empty}}}`:                                                            "has no token",
		`{tokens: {board: {role: viewer, token: ` + boardToken + `}, ops: {role: admin, file: ` + dir + `/same}}}`:              "board and ops have the same token",
		`{tokens: {board: {role: viewer, token: ` + boardToken + `}, ops: {role: admin, sha256: [` + sumOf(boardToken) + `]}}}`: "board and ops have the same token",
	} {
		_, err := Open(configOf(t, text), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), boardToken) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	var config Config
	if err := yaml.Unmarshal([]byte(`{tokens: {board: {role: editor}}}`), &config); err == nil || !strings.Contains(err.Error(), "viewer, caller, builder, admin") {
		t.Errorf("an unknown role: %v", err)
	}
}

func TestTokenIsNeverShown(t *testing.T) {
	t.Parallel()
	config := configOf(t, `{tokens: {board: {role: viewer, token: `+boardToken+`}}}`)
	asJSON, _ := json.Marshal(config)
	asYAML, _ := yaml.Marshal(config)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", config, config, config), string(asJSON), string(asYAML)} {
		if strings.Contains(text, boardToken) || strings.Contains(text, hex.EncodeToString([]byte(boardToken))) {
			t.Errorf("the token shows in %s", text)
		}
	}
}
