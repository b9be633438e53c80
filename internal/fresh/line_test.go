package fresh

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBrokenFileNeverReplacesAGoodOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "the-first\n")
	v, err := Open(nil, func() (string, error) { return Line(path) }, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string // "-" takes the file away
		value      string
		changed    bool
		fault      string // "" for none
	}{
		{"another line's end", "the-first\r\n", "the-first", true, ""},
		{"changed", "the-second", "the-second", true, ""},
		{"empty", "\n", "the-second", false, "is empty"},
		{"still empty", "\r\n", "the-second", false, ""}, // told once
		{"two lines", "one\ntwo\n", "the-second", false, "more than one line"},
		{"gone", "-", "the-second", false, "no such file"},
		{"no text", "\xff\xfe\x00", "the-second", false, "no text"},
		{"back", "the-second", "the-second", true, ""},
		{"empty again", "", "the-second", false, "is empty"},
		{"right", "the-third", "the-third", true, ""},
	} {
		if c.text == "-" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, path, c.text)
		}
		value, changed, fault := v.Look()
		if value != c.value || changed != c.changed || v.Last() != value {
			t.Errorf("%s: Look = %q, %v; want %q, %v", c.name, value, changed, c.value, c.changed)
		}
		if c.fault == "" && fault != nil || c.fault != "" && (fault == nil || !strings.Contains(fault.Error(), c.fault) || !strings.Contains(fault.Error(), path)) {
			t.Errorf("%s: the fault is %v, want one with %q and the path", c.name, fault, c.fault)
		}
		if fault != nil && v.Fault() == nil || c.changed && v.Fault() != nil {
			t.Errorf("%s: Fault = %v after Look told %v", c.name, v.Fault(), fault)
		}
		if fault != nil && (strings.Contains(fault.Error(), "the-") || strings.Contains(fault.Error(), "two")) {
			t.Errorf("%s: the fault shows what the file holds: %v", c.name, fault)
		}
	}
}

func TestLineNeedsOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := Line(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Line of no file = %v", err)
	}
	write(t, path, "a secret with spaces \n")
	if got, err := Line(path); got != "a secret with spaces " || err != nil {
		t.Errorf("Line = %q, %v", got, err)
	}
}
