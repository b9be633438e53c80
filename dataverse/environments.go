package dataverse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Environments are the environments that can be reached, by name.
type Environments struct {
	clients     map[string]*Client
	defaultName string
}

// NewEnvironments makes a client for each Config. defaultName names the one that "" stands for; it may be empty where there is only
// one. transport carries all requests, token requests included; nil means NewTransport's. Nothing is sent yet. The
// error names all that is wrong with all of them.
func NewEnvironments(configs map[string]Config, defaultName string, transport http.RoundTripper) (*Environments, error) {
	if transport == nil {
		transport = NewTransport()
	}
	if defaultName == "" && len(configs) == 1 {
		for name := range configs {
			defaultName = name
		}
	}
	es := &Environments{clients: make(map[string]*Client, len(configs)), defaultName: defaultName}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		c, err := newClient(name, configs[name], transport)
		if err != nil {
			errs = append(errs, fmt.Errorf("environment %s: %w", name, err))
		}
		es.clients[name] = c
	}
	if _, ok := configs[defaultName]; !ok && defaultName != "" {
		errs = append(errs, fmt.Errorf("default environment: %w", es.unknown(defaultName)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return es, nil
}

// Client is the client of the environment of that name; "" names the default one. An unknown name is an error that wraps
// ErrUnknownEnvironment and lists the known ones.
func (es *Environments) Client(_ context.Context, name string) (*Client, error) {
	if name == "" {
		name = es.defaultName
	}
	if c, ok := es.clients[name]; ok {
		return c, nil
	}
	return nil, es.unknown(name)
}

// Log has logger told of credentials: files that changed or cannot be used, one that stands in for another, expiry. Without it
// nothing is logged. Call it before the first request.
func (es *Environments) Log(logger *slog.Logger) {
	for _, c := range es.clients {
		c.sign.log = logger
	}
}

// Names are the names of all environments, sorted.
func (es *Environments) Names() []string { return slices.Sorted(maps.Keys(es.clients)) }

// Default is the name that "" stands for.
func (es *Environments) Default() string { return es.defaultName }

// String names the environments and nothing else of them.
func (es *Environments) String() string { return "environments " + strings.Join(es.Names(), ", ") }

func (es *Environments) unknown(name string) error {
	known := "no environment is configured"
	if names := es.Names(); len(names) > 0 {
		known = "known are " + strings.Join(names, ", ")
	}
	if name == "" {
		return fmt.Errorf("%w: none was named and there is no default; %s", ErrUnknownEnvironment, known)
	}
	return fmt.Errorf("%w %q; %s", ErrUnknownEnvironment, name, known)
}
