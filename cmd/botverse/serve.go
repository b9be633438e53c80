package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/botverse/botverse/access"
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

	ActionsDir     string       `placeholder:"DIR" help:"Read saved actions from the *.yaml files of this directory, and follow their changes. Default: actions in the data directory."`
	TLSCertFile    string       `name:"tls-cert-file" placeholder:"FILE" help:"The certificate, PEM, with which gRPC and REST speak TLS. Without it they speak plain text."`
	TLSKeyFile     string       `name:"tls-key-file" placeholder:"FILE" help:"The certificate's private key, PEM."`
	Auth           authSettings `placeholder:"YAML" help:"Whose calls are taken: a mapping in the configuration file. Without it everybody's, on this machine."`
	AllowedHosts   []string     `placeholder:"HOST" help:"Host names that REST answers to beside loopback's."`
	InsecureNoAuth bool         `help:"Listen on other addresses than loopback though callers are not authenticated."`
	OTLPEndpoint   string       `name:"otlp-endpoint" placeholder:"ADDR" help:"Send traces to this OpenTelemetry collector (OTLP over gRPC)."`
	logging        `embed:""`
}

// authSettings are the callers' settings as the file has them.
type authSettings struct {
	access.Config `yaml:",inline"`
	given         bool
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
	return h.run(ctx, func() { printWelcome(s.out, h, c.server()) })
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
	config.TLSCertFile, config.TLSKeyFile = c.TLSCertFile, c.TLSKeyFile
	if c.Auth.given {
		config.Auth = &c.Auth.Config
	}
	return config
}

// build opens all parts, from the ones that stand below to the ones that stand on them.
func (c *serveCommand) build(ctx context.Context, h *house) (err error) {
	if h.traces, err = openTraces(ctx, c.OTLPEndpoint, h); err != nil {
		return err
	}
	if err := c.buildJournal(ctx, h); err != nil {
		return err
	}
	kept, err := c.buildKept(ctx, h)
	if err != nil {
		return err
	}
	all, err := c.buildEnvironments(ctx, h)
	if err != nil {
		return err
	}
	all.Trace(h.traces)
	all.Log(h.log)
	h.environments = all
	if err := c.buildPresence(ctx, h, all, kept); err != nil {
		return err
	}
	runtime, err := c.buildActions(ctx, h, all)
	if err != nil {
		return err
	}
	if err := c.buildServer(h, runtime); err != nil {
		return err
	}
	if h.local != nil || c.Webhook.RegisterAtStart {
		h.register = func(ctx context.Context) error {
			return h.registerAlone(ctx, func() error { return c.registerAll(ctx, all, kept, h.log) })
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

// buildKept opens what this installation keeps: its ID and the webhooks' keys.
func (c *serveCommand) buildKept(ctx context.Context, h *house) (k *kept, err error) {
	err = h.journal.Patiently(ctx, func() (err error) {
		k, err = c.openKept(ctx, h.journal, h.log)
		return err
	})
	if err != nil {
		return nil, err
	}
	h.onClose(func() error { k.close(); return nil })
	return k, nil
}

// buildPresence opens presence, and the outputs that follow it.
func (c *serveCommand) buildPresence(ctx context.Context, h *house, all *dataverse.Environments, k *kept) error {
	config := c.presenceConfig(k, h.log)
	config.Directory, config.TracerProvider = presenceDirectory{all}, h.traces
	err := h.journal.Patiently(ctx, func() (err error) {
		h.presence, err = presence.Open(ctx, config, h.journal, presenceReader{all})
		return err
	})
	if err != nil {
		return fmt.Errorf("open presence: %w", err)
	}
	return h.journal.Patiently(ctx, func() (err error) {
		h.outputs, err = output.Open(ctx, c.Presence.Outputs, output.Deps{
			Presence: h.presence, Encode: server.EventJSON, Logger: h.log, TracerProvider: h.traces,
		})
		return err
	})
}

// buildActions opens what runs the actions, and those that are saved.
func (c *serveCommand) buildActions(ctx context.Context, h *house, all *dataverse.Environments) (runtime *actions.Runtime, err error) {
	err = h.journal.Patiently(ctx, func() (err error) {
		runtime, err = openRuntime(ctx, all, h.journal)
		return err
	})
	if err != nil {
		return nil, err
	}
	h.saved, err = saved.Open(saved.Config{Dir: c.actionsDir(), Runtime: runtime, Logger: h.log})
	return runtime, err
}

// buildServer makes the server and has it listen, so that a port that is taken is told before anything is ready.
func (c *serveCommand) buildServer(h *house, runtime *actions.Runtime) (err error) {
	h.server, err = server.New(c.server(), server.Deps{
		Runtime:        runtime,
		Saved:          h.saved,
		Presence:       h.presence,
		Logger:         h.log,
		Ready:          h.readiness,
		FaultyFiles:    func() []string { return append(h.journal.FaultyFiles(), h.outputs.FaultyFiles()...) },
		TracerProvider: h.traces,
		Version:        version(),
	})
	if err != nil {
		return err
	}
	if err := h.server.Listen(); err != nil {
		return err
	}
	c.WebhookAddr = h.server.WebhookAddr()
	return nil
}
