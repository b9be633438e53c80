package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// The data that a new local Dataverse begins with.
const (
	SeedDemo = "demo" // a small service desk: accounts, contacts, cases, agents and their presence, duplicate rules
	SeedNone = "none" // the platform's own records alone
)

// Config says where a local Dataverse listens and where it keeps its records.
type Config struct {
	Addr         string       `yaml:"addr"`          // host:port to listen on; port 0 takes a free one
	DataDir      string       `yaml:"data_dir"`      // where the records are kept; one process at a time
	InMemory     bool         `yaml:"in_memory"`     // keeps nothing: records live as long as the Server, and DataDir is not used
	Seed         string       `yaml:"seed"`          // what a new data directory begins with: "demo", "none" or a file of records
	RequireAuth  bool         `yaml:"require_auth"`  // refuses requests without a token of its own token endpoint
	AllowControl bool         `yaml:"allow_control"` // serves /local/: faults, reset, snapshot and restore, for tests
	ClientID     string       `yaml:"client_id"`     // the one client ID that may sign in; "" for any
	HoldWebhooks bool         `yaml:"-"`             // holds asynchronous webhooks back until ReleaseWebhooks: for an owner that receives them itself
	Audience     string       `yaml:"audience"`      // what tokens may be for beside the server's own address; "" for nothing else
	Faults       string       `yaml:"faults"`        // a file with a fault plan to begin with; "" for none
	Limits       Limits       `yaml:"limits"`        // service protection limits; off unless On
	Logger       *slog.Logger `yaml:"-"`             // nil logs nothing

	ClientSecrets []ClientSecret `yaml:"client_secrets"` // those that may be signed in with; none for any

	TokenLifetime  time.Duration `yaml:"token_lifetime"`  // how long a token is good for, in whole seconds
	WebhookTimeout time.Duration `yaml:"webhook_timeout"` // bounds one delivery of a webhook
	DrainTimeout   time.Duration `yaml:"drain_timeout"`   // bounds the wait for deliveries in flight at the end of Run
}

// ClientSecret is a secret of the client's.
type ClientSecret struct {
	Value   string    `yaml:"value"`
	Expires time.Time `yaml:"expires"` // zero for never
}

// Default is a local Dataverse on loopback with demo data.
func Default() Config {
	return Config{
		Addr:           "127.0.0.1:8090",
		Seed:           SeedDemo,
		Limits:         Limits{Requests: 6000, ExecutionTime: 20 * time.Minute, Concurrent: 52, Window: 5 * time.Minute},
		TokenLifetime:  time.Hour,        // as Entra's
		WebhookTimeout: 60 * time.Second, // as Dataverse waits (Use webhooks, "Time-out")
		DrainTimeout:   5 * time.Second,
	}
}

// Validate names all that is wrong with the settings.
func (c Config) Validate() error {
	var faults []error
	if err := c.validateAddr(); err != nil {
		faults = append(faults, err)
	}
	if !c.InMemory && c.DataDir == "" {
		faults = append(faults, errors.New("the local Dataverse needs a data directory, or must be told to keep its records in memory"))
	}
	if err := c.validateSeed(); err != nil {
		faults = append(faults, err)
	}
	if _, err := c.readFaults(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Limits.validate(); err != nil {
		faults = append(faults, err)
	}
	if c.TokenLifetime < time.Second {
		faults = append(faults, errors.New("the lifetime of tokens must be at least 1s"))
	}
	if c.WebhookTimeout <= 0 || c.DrainTimeout <= 0 {
		faults = append(faults, errors.New("the webhook and drain time-outs must be above zero"))
	}
	return errors.Join(faults...)
}

// validateAddr refuses an address that others can reach where everybody would be let in.
func (c Config) validateAddr() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("address %q of the local Dataverse is not host:port, as 127.0.0.1:8090", c.Addr)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() || c.RequireAuth {
		return nil
	}
	return fmt.Errorf("the local Dataverse listens beyond this machine on %q only when it requires sign-in (require_auth)", c.Addr)
}

// logger never is nil.
func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
