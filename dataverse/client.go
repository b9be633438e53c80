package dataverse

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Client calls the Web API of one environment.
type Client struct {
	*environment
	transport http.RoundTripper
	// shared says that its calls are made for several callers. None of them waits here for as long as Dataverse asks: each
	// does by itself, if it has the time.
	shared  bool
	limited bool // to what allow has
}

// environment is what a Client shares with those that Via makes of it: how to sign in, and what it remembers.
type environment struct {
	name      string
	appID     string
	timeout   time.Duration     // of one try
	allow     Allow             // for clients that are limited
	site      *url.URL          // where people open records
	api       *url.URL          // the service root, without its last slash
	root      string            // the service root, with it
	transport http.RoundTripper // for what is remembered for all
	tracer    trace.Tracer
	sign      *signer

	metadata     *metadata
	organization *remembered[Organization]
	rules        *memory[Rules]
}

func newClient(name string, config Config, transport http.RoundTripper) (*Client, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	site, api, err := config.addresses()
	if err != nil {
		return nil, err
	}
	who, err := newIdentity(name, config, transport)
	if err != nil {
		return nil, err
	}
	e := &environment{
		name: name, appID: config.AppID, timeout: config.Timeout, allow: config.Allow, site: site, api: api, root: api.String() + "/", transport: transport,
		tracer: noop.NewTracerProvider().Tracer(tracerName),
		sign:   newSigner(who, config.Timeout),
	}
	c := &Client{environment: e, transport: transport, shared: true}
	e.metadata, e.organization, e.rules = newMetadata(c), newOrganization(c), newRules(c)
	return &Client{environment: e, transport: transport}, nil
}

// Name is the environment's name in the configuration.
func (c *Client) Name() string { return c.name }

// URL is where people open the environment, as configured, without a last slash.
func (c *Client) URL() string { return c.site.String() }

// RecordURL is the address where a person opens a record.
func (c *Client) RecordURL(entity string, id ID) string {
	query := "etn=" + url.QueryEscape(entity) + "&id=" + url.QueryEscape(string(id)) + "&pagetype=entityrecord"
	if c.appID != "" {
		query = "appid=" + url.QueryEscape(c.appID) + "&" + query
	}
	return c.URL() + "/main.aspx?" + query
}

// Via is the client with another transport: wrap gets the present one and returns what to send by. The sign-in and what is
// remembered of the environment stay shared, and are not fetched through wrap. The requests that wrap sees carry the
// Authorization header; IsRead tells which of them change nothing.
func (c *Client) Via(wrap func(http.RoundTripper) http.RoundTripper) *Client {
	return &Client{environment: c.environment, transport: wrap(c.transport), limited: c.limited}
}

// String names the environment, and shows nothing of how to sign in.
func (c *Client) String() string { return fmt.Sprintf("environment %s at %s", c.name, c.URL()) }

// GoString is String: %#v must not print what the client keeps.
func (c *Client) GoString() string { return c.String() }
