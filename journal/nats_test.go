package journal_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// join opens a journal on servers.
func join(t *testing.T, nats journal.NATS) *journal.Journal {
	t.Helper()
	return openWith(t, journal.Config{NATS: nats, Logger: slog.New(slog.DiscardHandler)})
}

// TestTooFewServersAreTold: streams are not kept less safely than was asked for.
func TestTooFewServersAreTold(t *testing.T) {
	t.Parallel()
	nats := journaltest.Start(t, 1).NATS()
	nats.Replicas = 0
	j := join(t, nats)
	_, err := j.Bucket(t.Context(), jetstream.KeyValueConfig{Bucket: "B"})
	if err == nil || !strings.Contains(err.Error(), "nats.replicas") {
		t.Errorf("Bucket = %v, want an error that names the setting", err)
	}
	nats.Replicas = 1
	if _, err := join(t, nats).Bucket(t.Context(), jetstream.KeyValueConfig{Bucket: "B"}); err != nil {
		t.Errorf("Bucket on one server = %v", err)
	}
}

func TestServersOutOfReachAreTold(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		nats  journal.NATS
		wants string
	}{
		"nobody there":        {journal.NATS{URL: "nats://127.0.0.1:1"}, "NATS servers"},
		"missing credentials": {journal.NATS{URL: "nats://127.0.0.1:1", CredentialsFile: "/missing.creds"}, "missing.creds"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		j, err := journal.Open(ctx, journal.Config{NATS: c.nats, Logger: slog.New(slog.DiscardHandler)})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%s: Open = %v, %v; want an error with %q", what, j, err, c.wants)
		}
	}
}

// A limit of size sets room aside: where there is too little, for a stream that is new or one that is there, the error says
// which setting is at odds.
func TestRoomThatIsNotToBeHadIsNamed(t *testing.T) {
	t.Parallel()
	j := join(t, journaltest.Start(t, 1).NATS())
	large := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, MaxBytes: 1 << 50}
	refused := func(what string) {
		t.Helper()
		if _, err := j.Stream(t.Context(), large); err == nil || !strings.Contains(err.Error(), "presence.max_bytes") {
			t.Errorf("Stream, %s = %v, want an error that names presence.max_bytes", what, err)
		}
	}
	refused("a new one")
	for _, bytes := range []int64{0, 1 << 20, 0, 1 << 21} {
		limit := large
		limit.MaxBytes = bytes
		s, err := j.Stream(t.Context(), limit)
		if err != nil || max(s.CachedInfo().Config.MaxBytes, 0) != bytes {
			t.Fatalf("Stream with a limit of %d: %v", bytes, err)
		}
	}
	refused("one that is there")
}

// A token in a file is the one that the next connection is made with, whichever side knows of a new one first; a file that is
// broken takes the place of nothing.
func TestChangedTokenIsTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	servers := journaltest.Start(t, 1)
	restart := func(token string) {
		t.Helper()
		servers.Stop(0)
		servers.SetToken(token)
		servers.Restart(0)
		servers.AwaitReady()
	}
	restart("Pl4nted-1")
	write("Pl4nted-1\n")
	var log lockedBuffer
	nats := servers.NATS()
	nats.TokenFile = path
	j, err := journal.Open(t.Context(), journal.Config{NATS: nats, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	connected := func(times int) {
		t.Helper()
		await.Until(t, "it is connected again", func() bool { return strings.Count(log.String(), "connected to NATS again") == times })
	}
	restart("Pl4nted-2")
	await.Until(t, "it is refused more than twice", func() bool { return strings.Count(log.String(), "authorization violation") > 2 })
	write("Pl4nted-2\n")
	connected(1)
	write("")
	restart("Pl4nted-2")
	connected(2)
	if faulty := j.FaultyFiles(); !slices.Equal(faulty, []string{path}) || !strings.Contains(log.String(), "is empty; it must hold the secret") {
		t.Errorf("the faulty files are %q, want %s; the log says\n%s", faulty, path, log.String())
	}
	write("Pl4nted-3")
	restart("Pl4nted-3")
	connected(3)
	if told := strings.Count(log.String(), "NATS refuses"); told != 1 {
		t.Errorf("the log warns %d times of being refused, want once:\n%s", told, log.String())
	}
	if j.FaultyFiles() != nil || strings.Contains(log.String(), "Pl4nted") {
		t.Errorf("the faulty files are %q, want none; the log says\n%s", j.FaultyFiles(), log.String())
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestCredentialsThatAreBrokenAreTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(path, []byte("Pl4nted seed"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		nats journal.NATS
		want string
	}{
		"credentials":    {journal.NATS{CredentialsFile: path}, "nats.credentials_file: " + path + " has no user's JWT and seed"},
		"a certificate":  {journal.NATS{CertFile: path, KeyFile: path}, "nats.cert_file: "},
		"a missing file": {journal.NATS{TokenFile: path + ".no"}, "nats.token_file: "},
		"two tokens":     {journal.NATS{Token: "Pl4nted", TokenFile: path}, "token: there is a token_file too"},
	} {
		c.nats.URL = "nats://127.0.0.1:1"
		_, err := journal.Open(t.Context(), journal.Config{NATS: c.nats, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "Pl4nted") {
			t.Errorf("%s: Open = %v, want an error with %q and nothing of the file", name, err, c.want)
		}
	}
}
