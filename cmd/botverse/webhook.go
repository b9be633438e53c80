package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse"
)

// webhookCommands are the commands about what Dataverse is told to post to us.
type webhookCommands struct {
	Register webhookRegister `cmd:"" help:"Tell an environment to post what the sources are for. A second run changes nothing."`
	Verify   webhookVerify   `cmd:"" help:"Name each difference between what is registered and what should be."`
	Remove   webhookRemove   `cmd:"" help:"Remove what was registered."`
	List     webhookList     `cmd:"" help:"List what is registered."`
	Test     webhookTest     `cmd:"" help:"Post a probe to each URL and see whether the intake answers; tell the last failed deliveries."`
}

// webhookTarget says which registrations a command is about.
type webhookTarget struct {
	place       `embed:""`
	Environment string `placeholder:"NAME" help:"The environment; without it the default one."`
	Source      string `placeholder:"NAME" help:"The source; without it all that are configured."`
	URL         string `name:"url" placeholder:"URL" help:"Where Dataverse reaches the webhook listener, as https://bots.example.com; without it webhook.public_url."`
}

// each opens the registrar and does something for each source.
func (c *webhookTarget) each(ctx context.Context, s streams, do func(*registrar, string) error) error {
	r, done, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	names, err := c.sourceNames(c.Source)
	if err != nil {
		return err
	}
	if len(names) > 1 && strings.Contains(c.URL, webhookPath("")) {
		return usagef("--url %s is one source's; name it with --source, or give the address without the path", c.URL)
	}
	for _, name := range names {
		if err := do(r, name); err != nil {
			return c.explain(err)
		}
	}
	return nil
}

// open opens the registrar; call done when it is no longer needed.
func (c *webhookTarget) open(ctx context.Context, s streams) (r *registrar, done func(), err error) {
	if known := c.environmentNames(); c.Environment != "" && !slices.Contains(known, c.Environment) {
		return nil, nil, usagef("there is no environment %q; there is %s", c.Environment, strings.Join(known, ", "))
	}
	if c.DefaultEnvironment == "" {
		c.DefaultEnvironment = c.Environment // the only one that matters here
	}
	if faults := c.faults(); faults != nil {
		return nil, nil, usageError{errors.Join(faults...)}
	}
	all, err := c.openEnvironments()
	if err != nil {
		return nil, nil, usageError{err}
	}
	k, done, err := c.reachKept(ctx, logging{LogLevel: "info"}.logger(s.log))
	if err != nil {
		return nil, nil, err
	}
	if r, err = c.registrar(ctx, all, c.Environment, c.URL, k); err != nil {
		done()
	}
	return r, done, err
}

// explain says what to do about an error.
func (c *webhookTarget) explain(err error) error {
	switch {
	case errors.Is(err, dataverse.ErrUnavailable) && len(c.Environments) == 0:
		return fmt.Errorf("no local Dataverse answers at %s, and no environment is configured: is `botverse serve` running? (%w)", c.LocalAddr, err)
	case errors.Is(err, dataverse.ErrForbidden):
		return fmt.Errorf("the application user needs the right to write service endpoints and processing steps, as System Customizer has: %w", err)
	}
	return err
}

// webhookRegister registers sources.
type webhookRegister struct {
	webhookTarget `embed:""`
	Rotate        bool `xor:"keys" help:"Make a new key. The old one stays accepted until --drop-old-key, so that nothing on its way is lost."`
	DropOldKey    bool `xor:"keys" help:"Refuse the old key from now on."`
}

// Run registers, and says what it changed.
func (c *webhookRegister) Run(ctx context.Context, s streams) error {
	return c.each(ctx, s, func(r *registrar, name string) error {
		if c.Rotate {
			if err := r.rotate(ctx, name); err != nil {
				return err
			}
		}
		w, mended, err := r.register(ctx, name)
		if err != nil {
			return err
		}
		dropped := false
		if c.DropOldKey {
			if dropped, err = r.dropOld(ctx, name); err != nil {
				return err
			}
		}
		c.print(s, r.environment, name, w, mended, dropped)
		return nil
	})
}

func (c *webhookRegister) print(s streams, environment, name string, w dataverse.Webhook, mended []dataverse.Difference, dropped bool) {
	switch {
	case len(mended) > 0:
		fmt.Fprintf(s.out, "%s: %s is registered: %s of %s goes to %s\n", environment, name, w.Message, w.Entity, w.URL)
		printDifferences(s, "changed", mended)
	case dropped:
		fmt.Fprintf(s.out, "%s: %s is registered\n", environment, name)
	default:
		fmt.Fprintf(s.out, "%s: %s is registered; nothing was changed\n", environment, name)
	}
	switch {
	case dropped:
		fmt.Fprintln(s.out, "  the old key is refused from now on")
	case c.DropOldKey:
		fmt.Fprintln(s.out, "  there was no old key")
	}
}

func printDifferences(s streams, verb string, differences []dataverse.Difference) {
	for _, d := range differences {
		fmt.Fprintf(s.out, "  %s: %s was %s, is %s\n", verb, d.What, d.Got, d.Want)
	}
}

// webhookVerify compares what is registered with what should be.
type webhookVerify struct {
	webhookTarget `embed:""`
	Fix           bool `help:"Mend each difference."`
}

// errDiffers ends verify with status 1.
var errDiffers = errors.New("the registration is not as it should be; `botverse webhook verify --fix` mends it")

// Run names each difference. Without --fix it fails where there is one.
func (c *webhookVerify) Run(ctx context.Context, s streams) error {
	differs := false
	err := c.each(ctx, s, func(r *registrar, name string) error {
		w, err := r.webhook(name)
		if err != nil {
			return err
		}
		differences, err := c.look(ctx, r.client, w)
		if err != nil {
			return err
		}
		if len(differences) == 0 {
			fmt.Fprintf(s.out, "%s: %s is registered as it should be\n", r.environment, name)
			return nil
		}
		fmt.Fprintf(s.out, "%s: %s\n", r.environment, name)
		if c.Fix {
			printDifferences(s, "mended", differences)
			return nil
		}
		differs = true
		for _, d := range differences {
			fmt.Fprintf(s.out, "  %s\n", d)
		}
		return nil
	})
	if err == nil && differs {
		return errDiffers
	}
	return err
}

func (c *webhookVerify) look(ctx context.Context, client *dataverse.Client, w dataverse.Webhook) ([]dataverse.Difference, error) {
	if c.Fix {
		return client.RegisterWebhook(ctx, w)
	}
	return client.VerifyWebhook(ctx, w)
}

// webhookRemove removes registrations.
type webhookRemove struct {
	webhookTarget `embed:""`
}

// Run removes image, step and endpoint of each source, and forgets its keys.
func (c *webhookRemove) Run(ctx context.Context, s streams) error {
	return c.each(ctx, s, func(r *registrar, name string) error {
		n, err := r.client.RemoveWebhook(ctx, endpointName(r.installation, name))
		if err != nil {
			return err
		}
		if n == 0 {
			fmt.Fprintf(s.out, "%s: %s was not registered\n", r.environment, name)
		} else {
			fmt.Fprintf(s.out, "%s: %s is no longer registered\n", r.environment, name)
		}
		return r.keys.remove(name, r.environment)
	})
}

// webhookList lists registrations.
type webhookList struct {
	place       `embed:""`
	Environment string `placeholder:"NAME" help:"The environment; without it the default one."`
	All         bool   `help:"Those of other installations too."`
}

// Run prints a paragraph for each service endpoint.
func (c *webhookList) Run(ctx context.Context, s streams) error {
	target := webhookTarget{place: c.place, Environment: c.Environment}
	r, done, err := target.open(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	prefix := endpointName(r.installation, "")
	if c.All {
		prefix = endpointPrefix
	}
	list, err := r.client.ListWebhooks(ctx, prefix)
	if err != nil {
		return target.explain(err)
	}
	if len(list) == 0 {
		fmt.Fprintf(s.out, "%s: nothing is registered\n", r.environment)
	}
	for _, w := range list {
		fmt.Fprintf(s.out, "%s: %s\n  %s\n", r.environment, w.Name, w.URL)
		for _, step := range w.Steps {
			state := ""
			if step.Disabled {
				state = " (disabled)"
			}
			fmt.Fprintf(s.out, "  %s of %s%s\n", step.Message, step.Entity, state)
		}
	}
	return nil
}
