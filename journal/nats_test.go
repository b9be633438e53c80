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
	j, err := journal.Open(t.Context(), journal.Config{NATS: nats, Logger: slog.New(slog.DiscardHandler)})
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
