package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/presence/output"
	"github.com/botverse/botverse/server"
)

// house is all that runs. What was opened is closed in reverse order, after a failed start too.
type house struct {
	log          *slog.Logger
	traces       trace.TracerProvider
	journal      *journal.Journal
	local        *local.Server // nil where environments are configured
	environments *dataverse.Environments
	presence     *presence.Presence
	outputs      *output.Outputs
	saved        *saved.Library
	server       *server.Server
	// register tells all environments where to send their webhooks; nil where nobody asked for it.
	register func(context.Context) error
	started  atomic.Bool
	closers  []func() error
}

func (h *house) onClose(f func() error) { h.closers = append(h.closers, f) }

func (h *house) close() {
	for _, f := range slices.Backward(h.closers) {
		if err := f(); err != nil {
			h.log.Error("stop", "error", err)
		}
	}
}

// readiness says why the process cannot serve yet.
func (h *house) readiness(context.Context) error {
	if !h.started.Load() {
		return errors.New("starting")
	}
	if err := h.journal.Err(); err != nil {
		return err
	}
	return h.presence.Ready()
}

// drainTime bounds how long the end waits for a webhook of the local Dataverse that is on its way, and then for requests to
// it; with the server's own ten seconds it stays below what a container is given to stop.
const drainTime = 500 * time.Millisecond

// run runs all parts until ctx ends or one of them fails. It calls welcome when everything has started. What stands on
// another part ends before it: calls in flight still find the local Dataverse, and webhooks on their way the intake.
func (h *house) run(ctx context.Context, welcome func()) error {
	group, ctx := errgroup.WithContext(ctx)
	below, endBelow := context.WithCancel(context.WithoutCancel(ctx))
	above, endAbove := context.WithCancel(below)
	defer endBelow()
	if h.local != nil {
		group.Go(func() error { return h.local.Run(below) })
	}
	group.Go(func() error { return h.environments.Run(below) })
	group.Go(func() error { return h.presence.Run(below) })
	group.Go(func() error { return h.outputs.Run(below) })
	group.Go(func() error { return h.saved.Run(above) })
	group.Go(func() error {
		defer endBelow()
		return h.server.Run(above)
	})
	if h.local == nil && h.register != nil {
		group.Go(func() error { return h.registerPatiently(ctx) })
	}
	group.Go(func() error {
		<-ctx.Done()
		h.holdWebhooks()
		endAbove()
		return nil
	})
	group.Go(func() error {
		if err := h.start(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		h.started.Store(true)
		welcome()
		return nil
	})
	return group.Wait()
}

// holdWebhooks lets the webhook that is on its way arrive. Those behind it stay in the local Dataverse's records, and go out
// at the next start.
func (h *house) holdWebhooks() {
	if h.local == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	h.local.HoldWebhooks(ctx)
}

// readyPoll is how often a starting process looks whether presence has read the agents' first states.
const readyPoll = 2 * time.Millisecond

// start does what needs the parts running. A configured environment may be out of reach for a while, which must not keep
// the process from starting; the local Dataverse is ours, so that presence is there from the first moment.
func (h *house) start(ctx context.Context) error {
	if h.local == nil {
		return nil // registerPatiently does it
	}
	if err := h.register(ctx); err != nil {
		return fmt.Errorf("register the presence webhook: %w", err)
	}
	h.local.ReleaseWebhooks()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for h.presence.Ready() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// The pauses between two attempts to register in environments that do not answer, or do not let us.
const (
	registerPause    = 30 * time.Second
	maxRegisterPause = time.Hour
)

// registrationTTL is how long a process that was killed while it registered keeps the others from it.
const registrationTTL = 15 * time.Second

// registerAlone registers while no other process that shares the journal does: both would find that an endpoint is missing,
// and make it.
func (h *house) registerAlone(ctx context.Context, register func() error) error {
	return h.journal.Lead(ctx, "webhook-registration", registrationTTL, func(context.Context) error { return register() })
}

// registerPatiently registers in the configured environments until they all have taken it.
func (h *house) registerPatiently(ctx context.Context) error {
	for pause := registerPause; ; pause = min(2*pause, maxRegisterPause) {
		err := h.register(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		h.log.WarnContext(ctx, "not all webhooks are registered; trying again", "error", err, "in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
