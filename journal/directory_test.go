package journal

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestFatalErrorIsRemembered(t *testing.T) {
	t.Parallel()
	log := newLog(slog.New(slog.DiscardHandler))
	log.Fatalf("can't start %s", "JetStream")
	log.Fatalf("later")
	if err := log.err(); err == nil || err.Error() != "can't start JetStream" {
		t.Errorf("err = %v, want the first fatal error", err)
	}
}

func TestLockFrees(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	first, second := create(t, name), create(t, name)
	if err := tryLock(first); err != nil {
		t.Fatal(err)
	}
	if err := tryLock(second); !errors.Is(err, errHeld) {
		t.Fatalf("second lock = %v, want %v", err, errHeld)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tryLock(second); err != nil {
		t.Errorf("lock after the first was freed = %v", err)
	}
}

func create(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
