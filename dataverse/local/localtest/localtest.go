// Package localtest starts a local Dataverse for tests of other packages.
package localtest

import (
	"context"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
)

// Start runs a local Dataverse in memory, on a loopback port of its own, until the test ends. It returns the Server and its
// base URL, as "http://127.0.0.1:40123". Zero fields of cfg have the values of local.Default, but for Seed: "" is "none".
func Start(t testing.TB, cfg local.Config) (*local.Server, string) {
	t.Helper()
	defaults := local.Default()
	cfg.Addr, cfg.InMemory, cfg.DataDir = "127.0.0.1:0", true, ""
	if cfg.Seed == "" {
		cfg.Seed = local.SeedNone
	}
	if on := cfg.Limits.On; cfg.Limits == (local.Limits{On: on}) {
		cfg.Limits = defaults.Limits
		cfg.Limits.On = on
	}
	if cfg.TokenLifetime == 0 {
		cfg.TokenLifetime = defaults.TokenLifetime
	}
	if cfg.WebhookTimeout == 0 {
		cfg.WebhookTimeout = defaults.WebhookTimeout
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = defaults.DrainTimeout
	}
	server, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start a local Dataverse: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the local Dataverse: %v", err)
		}
	})
	if err := server.Listen(); err != nil {
		t.Fatalf("start a local Dataverse: %v", err)
	}
	run(t, server)
	return server, "http://" + server.Addr()
}

// run serves until the test ends.
func run(t testing.TB, server *local.Server) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run the local Dataverse: %v", err)
		}
	})
}
