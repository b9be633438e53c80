package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/internal/machine"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/presence/output"
)

// place is the settings that serve and the commands beside it share: which environments there are, what they tell us of, and
// where the state of this installation stands.
type place struct {
	WebhookAddr string `default:"${webhook_addr}" help:"Take Dataverse's webhooks here: nothing else is served on this address, so that it may be exposed." placeholder:"ADDR"`
	LocalAddr   string `default:"${local_addr}" help:"The local Dataverse's address, where no environment is configured." placeholder:"ADDR"`
	DataDir     string `default:"${data_dir}" help:"Keep what must outlive the process in this directory." placeholder:"DIR"`

	Environments       environments     `placeholder:"YAML" help:"The Dataverse environments by name: a mapping in the configuration file. Without any, a local Dataverse is started."`
	DefaultEnvironment string           `placeholder:"NAME" help:"The environment of calls that name none. Where there is only one, that is it."`
	Presence           presenceSettings `placeholder:"YAML" help:"What Dataverse tells us of, by source: a mapping in the configuration file."`
	NATS               natsSettings     `name:"nats" placeholder:"YAML" help:"The NATS servers on which several processes share the journal: a mapping in the configuration file. Without them it lies in the data directory."`
	Webhook            webhookSettings  `placeholder:"YAML" help:"How Dataverse reaches the webhook listener: a mapping in the configuration file."`
}

// webhookSettings is how Dataverse reaches us.
type webhookSettings struct {
	PublicURL       string `yaml:"public_url"`        // as https://bots.example.com: where the webhook listener is for Dataverse
	RegisterAtStart bool   `yaml:"register_at_start"` // serve registers all sources in all environments
}

// presenceSettings are presence's settings as the file has them.
type presenceSettings struct {
	presence.Config `yaml:",inline"`
	Outputs         map[string]output.Config `yaml:"outputs"`
	given           bool
}

// settings are the default ones where none were given.
func (p presenceSettings) settings() presence.Config {
	if !p.given {
		return presence.Default()
	}
	return p.Config
}

// natsSettings are the journal's servers.
type natsSettings journal.NATS

// journalConfig is where the journal is.
func (c *place) journalConfig(log *slog.Logger) journal.Config {
	config := journal.Default()
	config.Dir = c.DataDir
	config.NATS = journal.NATS(c.NATS)
	config.Logger = log
	return config
}

// faults names all that is wrong with the settings.
func (c *place) faults() []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		if err := c.Environments[name].Validate(); err != nil {
			faults = append(faults, fmt.Errorf("environments.%s: %w", name, err))
		}
	}
	if err := c.chooseDefault(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Presence.settings().Validate(); err != nil {
		faults = append(faults, fmt.Errorf("presence: %w", err))
	}
	if err := output.Validate(c.Presence.Outputs); err != nil {
		faults = append(faults, fmt.Errorf("presence: %w", err))
	}
	if err := journal.NATS(c.NATS).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("nats: %w", err))
	}
	if err := c.Webhook.validate(len(c.Environments) > 0); err != nil {
		faults = append(faults, fmt.Errorf("webhook: %w", err))
	}
	return faults
}

// chooseDefault settles which environment a call means that names none.
func (c *place) chooseDefault() error {
	names := c.environmentNames()
	switch {
	case c.DefaultEnvironment == "" && len(names) == 1:
		c.DefaultEnvironment = names[0]
	case c.DefaultEnvironment == "":
		return fmt.Errorf("default_environment must be one of %s", strings.Join(names, ", "))
	case !slices.Contains(names, c.DefaultEnvironment):
		return fmt.Errorf("default_environment is %q, which is none of %s", c.DefaultEnvironment, alternatives(c.DefaultEnvironment, names))
	}
	return nil
}

// alternatives lists names, and the one that was probably meant.
func alternatives(name string, among []string) string {
	list := strings.Join(among, ", ")
	if nearest := schema.Nearest(name, among); len(nearest) > 0 {
		return fmt.Sprintf("%s; did you mean %q?", list, nearest[0])
	}
	return list
}

// environmentNames are the configured environments, or the local one that stands in.
func (c *place) environmentNames() []string {
	if len(c.Environments) == 0 {
		return []string{localName}
	}
	return slices.Sorted(maps.Keys(c.Environments))
}

// presenceConfig is presence's settings, with the keys that this installation keeps.
func (c *place) presenceConfig(k *kept, log *slog.Logger) presence.Config {
	config := c.Presence.settings()
	config.Logger = log
	config.KeptKeys = k.keys.keys
	return config
}

// validate names what is wrong. At a start somebody must have said where Dataverse is to post.
func (w webhookSettings) validate(environments bool) error {
	var faults []error
	if w.PublicURL != "" {
		if u, err := url.Parse(w.PublicURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
			faults = append(faults, fmt.Errorf("public_url is %q; it must be an address, as https://bots.example.com", w.PublicURL))
		}
	}
	if w.RegisterAtStart && environments && w.PublicURL == "" {
		faults = append(faults, errors.New("register_at_start needs public_url: where Dataverse reaches the webhook listener"))
	}
	return errors.Join(faults...)
}

// webhookPath is where the intake takes a source's deliveries.
func webhookPath(source string) string { return "/webhooks/dataverse/" + source }

// deliveryURL is where an environment posts what a source tells: below base, else below public_url, else, for a Dataverse on
// this machine, at the listener itself.
func (c *place) deliveryURL(base, environment, source string) (string, error) {
	config, configured := c.Environments[environment]
	private := !configured || onLoopback(config.URL)
	if base == "" && configured { // our own local Dataverse is beside the listener
		base = c.Webhook.PublicURL
	}
	if base == "" && private {
		base = "http://" + c.WebhookAddr
	}
	if base == "" {
		return "", usagef("where does %s reach the webhook listener? Give --url, or webhook.public_url in the configuration, as https://bots.example.com", environment)
	}
	full := strings.TrimSuffix(base, "/")
	if !strings.HasSuffix(full, webhookPath(source)) {
		full += webhookPath(source)
	}
	if private {
		return full, nil
	}
	return full, reachable(full)
}

// reachable refuses an address to which Dataverse does not post ("Register a webhook": ports 80 and 443).
func reachable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return usagef("%q is no address; give one as https://bots.example.com", address)
	}
	switch {
	case u.Scheme == "https" && (u.Port() == "" || u.Port() == "443"), u.Scheme == "http" && (u.Port() == "" || u.Port() == "80"):
	default:
		return usagef("%s cannot be reached by Dataverse: it posts to https on port 443, or http on port 80, only", address)
	}
	if onLoopback(address) {
		return usagef("%s is this machine's own: Dataverse needs an address that it can reach, as https://bots.example.com", address)
	}
	return nil
}

// onLoopback says whether an address is of this machine only.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && machine.IsLoopback(u.Hostname())
}

// sourceNames are the configured sources, or the one that was asked for.
func (c *place) sourceNames(asked string) ([]string, error) {
	names := slices.Sorted(maps.Keys(c.Presence.settings().Sources))
	if asked == "" {
		return names, nil
	}
	if !slices.Contains(names, asked) {
		return nil, usagef("there is no source %q; there are %s", asked, alternatives(asked, names))
	}
	return []string{asked}, nil
}

// openEnvironments is the client's side of the configured environments, or of the local Dataverse that serve runs.
func (c *place) openEnvironments() (*dataverse.Environments, error) {
	configs := c.Environments
	if len(configs) == 0 {
		configs = environments{localName: localEnvironment("http://" + c.LocalAddr)}
	}
	return dataverse.NewEnvironments(configs, c.DefaultEnvironment, nil)
}

// endpointPrefix is what the names of all our service endpoints begin with.
const endpointPrefix = "botverse "

// endpointName names the service endpoint of a source: another installation's must not be taken for ours.
func endpointName(installation, source string) string {
	return endpointPrefix + installation + " " + source
}
