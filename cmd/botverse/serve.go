package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/presence/output"
	"github.com/botverse/botverse/server"
)

// localName is the environment's name where none is configured and the local Dataverse stands in.
const localName = "local"

// serveCommand runs everything.
type serveCommand struct {
	HTTPAddr string `name:"http-addr" default:"${http_addr}" help:"Serve REST here." placeholder:"ADDR"`
	GRPCAddr string `name:"grpc-addr" default:"${grpc_addr}" help:"Serve gRPC here." placeholder:"ADDR"`
	place    `embed:""`

	ActionsDir     string   `placeholder:"DIR" help:"Read saved actions from the *.yaml files of this directory, and follow their changes. Default: actions in the data directory."`
	AllowedHosts   []string `placeholder:"HOST" help:"Host names that REST answers to beside loopback's."`
	InsecureNoAuth bool     `help:"Listen on other addresses than loopback though callers are not authenticated."`
	OTLPEndpoint   string   `name:"otlp-endpoint" placeholder:"ADDR" help:"Send traces to this OpenTelemetry collector (OTLP over gRPC)."`
	logging        `embed:""`
}

// Run starts everything, says where it listens, and serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	if err := c.validate(); err != nil {
		return err
	}
	h := &house{log: c.logger(s.log)}
	defer h.close()
	if err := c.build(ctx, h); err != nil {
		return err
	}
	return h.run(ctx, func() { printWelcome(s.out, h) })
}

func (c *serveCommand) validate() error {
	faults := c.faults()
	if err := c.checkActionsDir(); err != nil {
		faults = append(faults, err)
	}
	if err := c.server().Validate(); err != nil {
		faults = append(faults, err)
	}
	if faults != nil {
		return usageError{errors.Join(faults...)}
	}
	return nil
}

func (c *serveCommand) server() server.Config {
	config := server.Default()
	config.HTTPAddr, config.GRPCAddr, config.WebhookAddr = c.HTTPAddr, c.GRPCAddr, c.WebhookAddr
	config.AllowedHosts = c.AllowedHosts
	config.InsecureNoAuth = c.InsecureNoAuth
	return config
}

// house is all that runs. What was opened is closed in reverse order, after a failed start too.
type house struct {
	log      *slog.Logger
	journal  *journal.Journal
	local    *local.Server // nil where environments are configured
	presence *presence.Presence
	outputs  *output.Outputs
	saved    *saved.Library
	server   *server.Server
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

// build opens all parts, from the ones that stand below to the ones that stand on them.
func (c *serveCommand) build(ctx context.Context, h *house) error {
	traces, err := openTraces(ctx, c.OTLPEndpoint, h)
	if err != nil {
		return err
	}
	if err := c.buildJournal(ctx, h); err != nil {
		return err
	}
	var k *kept
	err = h.journal.Patiently(ctx, func() (err error) {
		k, err = c.openKept(ctx, h.journal, h.log)
		return err
	})
	if err != nil {
		return err
	}
	h.onClose(func() error { k.close(); return nil })
	all, err := c.buildEnvironments(ctx, h)
	if err != nil {
		return err
	}
	all.Trace(traces)
	told := c.presenceConfig(k, h.log)
	told.Directory, told.TracerProvider = presenceDirectory{all}, traces
	err = h.journal.Patiently(ctx, func() (err error) {
		h.presence, err = presence.Open(ctx, told, h.journal, presenceReader{all})
		return err
	})
	if err != nil {
		return fmt.Errorf("open presence: %w", err)
	}
	err = h.journal.Patiently(ctx, func() (err error) {
		h.outputs, err = output.Open(ctx, c.Presence.Outputs, output.Deps{
			Presence: h.presence, Encode: server.EventJSON, Logger: h.log, TracerProvider: traces,
		})
		return err
	})
	if err != nil {
		return err
	}
	var runtime *actions.Runtime
	err = h.journal.Patiently(ctx, func() (err error) {
		runtime, err = openRuntime(ctx, all, h.journal)
		return err
	})
	if err != nil {
		return err
	}
	if h.saved, err = saved.Open(saved.Config{Dir: c.actionsDir(), Runtime: runtime, Logger: h.log}); err != nil {
		return err
	}
	h.server, err = server.New(c.server(), server.Deps{
		Runtime:        runtime,
		Saved:          h.saved,
		Presence:       h.presence,
		Logger:         h.log,
		Ready:          h.readiness,
		TracerProvider: traces,
		Version:        version(),
	})
	if err != nil {
		return err
	}
	if err := h.server.Listen(); err != nil {
		return err
	}
	c.WebhookAddr = h.server.WebhookAddr()
	if h.local != nil || c.Webhook.RegisterAtStart {
		h.register = func(ctx context.Context) error {
			return h.registerAlone(ctx, func() error { return c.registerAll(ctx, all, k, h.log) })
		}
	}
	return nil
}

func (c *serveCommand) buildJournal(ctx context.Context, h *house) error {
	j, err := journal.Open(ctx, c.journalConfig(h.log))
	if err != nil {
		return err
	}
	h.journal = j
	h.onClose(j.Close)
	return nil
}

// buildEnvironments opens the client's side, and a local Dataverse where no environment is configured.
func (c *serveCommand) buildEnvironments(ctx context.Context, h *house) (*dataverse.Environments, error) {
	configs := c.Environments
	if len(configs) == 0 {
		config := local.Default()
		config.Addr = c.LocalAddr
		config.DataDir = filepath.Join(c.DataDir, "dataverse")
		config.HoldWebhooks = true // until it is told where we take them
		config.DrainTimeout = drainTime
		config.Logger = h.log
		started, err := openLocal(ctx, config)
		if err != nil {
			return nil, err
		}
		h.local = started
		h.onClose(started.Close)
		configs = environments{localName: localEnvironment(localURL(started))}
	}
	return dataverse.NewEnvironments(configs, c.DefaultEnvironment, nil)
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
