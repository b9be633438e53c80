package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

func TestMain(m *testing.M) { journaltest.Main(m) }

// settings are those of a quiet journal in a directory.
func settings(dir string) journal.Config {
	c := journal.Default()
	c.Dir, c.Logger = dir, slog.New(slog.DiscardHandler)
	return c
}

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	return openWith(t, settings(dir))
}

func openWith(t *testing.T, c journal.Config) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func TestWhatWasAcknowledgedIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	j := open(t, dir)
	stream := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}
	if _, err := j.JetStream().CreateStream(t.Context(), stream); err != nil {
		t.Fatal(err)
	}
	if _, err := j.JetStream().Publish(t.Context(), "s.a", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j.Err() == nil {
		t.Error("a closed journal says that all is well")
	}
	again := open(t, dir)
	s, err := again.JetStream().Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := s.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != "kept" {
		t.Errorf("message 1 = %v, %v; want what was published", msg, err)
	}
	if err := again.Err(); err != nil {
		t.Error(err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	_, err := journal.Open(t.Context(), settings(dir))
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second open = %v, want ErrLocked with the directory's name", err)
	}
	if err := first.Err(); err != nil {
		t.Errorf("the first one suffers: %v", err)
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "format"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), settings(dir))
	if !errors.Is(err, journal.ErrFormat) || !strings.Contains(err.Error(), `"99"`) {
		t.Errorf("open = %v, want ErrFormat with the format found", err)
	}
	if err := os.Remove(filepath.Join(dir, "format")); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // the refused open has let the lock go
}

func TestFailedStartIsToldAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nats"), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), settings(dir)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("open = %v, want an error that names the directory", err)
	}
	if err := os.Remove(filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestDirectoryThatCannotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "below")
	if _, err := journal.Open(t.Context(), settings(dir)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("open = %v, want an error that names %s", err, dir)
	}
}

func TestEndedContextEndsOpen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := journal.Open(ctx, settings(t.TempDir())); !errors.Is(err, context.Canceled) {
		t.Errorf("open = %v, want the context's error", err)
	}
}

func TestStartIsLoggedAtDebugOnly(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	config := settings(t.TempDir())
	config.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo}))
	j, err := journal.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("start and stop logged above debug:\n%s", &out)
	}
}

func TestValidateNamesAllFaults(t *testing.T) {
	t.Parallel()
	if err := settings("somewhere").Validate(); err != nil {
		t.Errorf("Validate of the default with a directory = %v", err)
	}
	for _, c := range []struct {
		config journal.Config
		names  []string
	}{
		{journal.Config{MaxBytes: 1}, []string{"dir:", "max_bytes:"}},
		{journal.Config{NATS: journal.NATS{Replicas: 3}}, []string{"url:"}},
		{journal.Config{NATS: journal.NATS{URL: "https://a,b"}}, []string{`url: "https://a"`, `url: "b"`}},
		{journal.Config{NATS: journal.NATS{
			URL: "nats://a:4222, tls://b", CredentialsFile: "c", Token: "t", KeyFile: "k", Replicas: 9,
		}}, []string{"token:", "cert_file:", "replicas:"}},
	} {
		err := c.config.Validate()
		for _, want := range c.names {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Validate = %v, want it to name %s", err, want)
			}
		}
	}
}

// TestSecretsAreNotShown: an address may have a password in it.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	config := journal.Config{NATS: journal.NATS{URL: "https://user:hush@a", Token: "hush"}}
	text := fmt.Sprintf("%v %+v %#v %s %q %v", config, config, config, config.NATS.URL, config.NATS.Token, config.Validate())
	if strings.Contains(text, "hush") {
		t.Errorf("a secret shows: %s", text)
	}
}

// TestCallsWaitForABusyDisk: a call without a deadline has the client's own, five seconds, after which a start would fail.
func TestCallsWaitForABusyDisk(t *testing.T) {
	t.Parallel()
	if got := open(t, t.TempDir()).JetStream().Options().DefaultTimeout; got < 30*time.Second {
		t.Errorf("a call without a deadline may take %v, want it to outlast a disk that is busy", got)
	}
}
