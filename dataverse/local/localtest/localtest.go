// Package localtest starts a local Dataverse for tests of other packages.
package localtest

import (
	"cmp"
	"context"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
)

// Start runs a local Dataverse in memory, on a loopback port of its own, until the test ends. It returns the Server and its
// base URL, as "http://127.0.0.1:40123". What cfg leaves open is as Complete has it.
func Start(t testing.TB, cfg local.Config) (*local.Server, string) {
	t.Helper()
	cfg = Complete(cfg)
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

// Complete gives the zero fields of cfg the values of local.Default, but for Seed: "" is "none". Records are kept in memory.
func Complete(cfg local.Config) local.Config {
	defaults := local.Default()
	cfg.Addr, cfg.InMemory, cfg.DataDir = "127.0.0.1:0", true, ""
	cfg.Seed = cmp.Or(cfg.Seed, local.SeedNone)
	cfg.Limits.Requests = cmp.Or(cfg.Limits.Requests, defaults.Limits.Requests)
	cfg.Limits.ExecutionTime = cmp.Or(cfg.Limits.ExecutionTime, defaults.Limits.ExecutionTime)
	cfg.Limits.Concurrent = cmp.Or(cfg.Limits.Concurrent, defaults.Limits.Concurrent)
	cfg.Limits.Window = cmp.Or(cfg.Limits.Window, defaults.Limits.Window)
	cfg.TokenLifetime = cmp.Or(cfg.TokenLifetime, defaults.TokenLifetime)
	cfg.WebhookTimeout = cmp.Or(cfg.WebhookTimeout, defaults.WebhookTimeout)
	cfg.DrainTimeout = cmp.Or(cfg.DrainTimeout, defaults.DrainTimeout)
	return cfg
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
