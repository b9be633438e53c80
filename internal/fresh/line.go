package fresh

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is the secret in a file that holds nothing else: its one line, without the line's end. The error does not show it.
func Line(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	line := strings.TrimRight(string(text), "\r\n")
	switch {
	case strings.TrimSpace(line) == "":
		return "", fmt.Errorf("%s is empty; it must hold the secret", name)
	case !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl):
		return "", fmt.Errorf("%s holds more than one line, or no text; it must hold the secret and nothing else", name)
	}
	return line, nil
}
