package fresh

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A value follows its files; while they cannot be used it stays as it was, which is told once.
func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	write(t, one, "1")
	write(t, other, "a")
	var log bytes.Buffer
	reads := 0
	read := func() (string, error) {
		reads++
		x, err1 := os.ReadFile(one)
		y, err2 := os.ReadFile(other)
		if err := errors.Join(err1, err2); err != nil {
			return "", err
		}
		if strings.Contains(string(x), "broken") {
			return "", errors.New("half a change")
		}
		return string(x) + string(y), nil
	}
	f, err := Open(slog.New(slog.NewTextHandler(&log, nil)), read, one, other)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "1a"},
		{func() { write(t, other, "bb") }, "1bb"},
		{func() { write(t, one, "broken") }, "1bb"},
		{func() { write(t, one, "22") }, "22bb"},
		{func() { os.Remove(other) }, "22bb"},
		{func() { // a new file in the old one's place, of the same size
			write(t, other+".new", "cc")
			if err := os.Rename(other+".new", other); err != nil {
				t.Fatal(err)
			}
		}, "22cc"},
	} {
		step.change()
		for range 3 {
			if got := f.Get(); got != step.want {
				t.Errorf("step %d: %q, want %q", i, got, step.want)
			}
		}
	}
	if reads != 10 || strings.Count(log.String(), "half a change") != 1 {
		t.Errorf("it read %d times, want 10: once a change, and at each look while they cannot be used; it logged:\n%s", reads, &log)
	}
}

func TestOpenTellsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "none")
	if _, err := Open(slog.New(slog.DiscardHandler), func() ([]byte, error) { return os.ReadFile(name) }, name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open = %v", err)
	}
}
