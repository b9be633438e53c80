package journal_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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
