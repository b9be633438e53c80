package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/presence"
)

// registrar registers sources in one environment.
type registrar struct {
	place        *place
	environment  string
	client       *dataverse.Client
	keys         *keyring
	installation string
	base         string // where the webhook listener is for Dataverse; empty as the settings say
}

// registrar opens the registrar of an environment, the default one for an empty name.
func (c *place) registrar(ctx context.Context, all *dataverse.Environments, environment, base string, k *kept) (*registrar, error) {
	if environment == "" {
		environment = c.DefaultEnvironment
	}
	client, err := all.Client(ctx, environment)
	if err != nil {
		return nil, usageError{err}
	}
	installation, err := k.installation()
	if err != nil {
		return nil, err
	}
	return &registrar{
		place: c, environment: environment, client: client, keys: k.keys, installation: installation, base: base,
	}, nil
}

// source is a source's settings, with what they leave empty filled in.
func (r *registrar) source(name string) presence.Source {
	return r.place.Presence.settings().Filled().Sources[name]
}

// webhook is what is to be registered for a source. A key is made where there is none.
func (r *registrar) webhook(name string) (dataverse.Webhook, error) {
	url, err := r.place.deliveryURL(r.base, r.environment, name)
	if err != nil {
		return dataverse.Webhook{}, err
	}
	source := r.source(name)
	w := dataverse.Webhook{
		Name: endpointName(r.installation, name), URL: url, Message: source.Message, Entity: source.Entity,
		ImageAlias: source.ImageAlias, Fields: source.Columns(), Changed: source.Changed,
	}
	if len(source.Keys) > 0 {
		w.Key = dataverse.Secret(source.Keys[0])
		return w, nil
	}
	held, err := r.keys.ensure(name, r.environment)
	w.Key = dataverse.Secret(held.current)
	return w, err
}

// rotate makes a new key for a source. The old one stays accepted until dropOld. Where the key before has not come into
// force yet, because registering it failed, that is the new one: a key that Dataverse still shows is never forgotten.
func (r *registrar) rotate(ctx context.Context, name string) error {
	if len(r.source(name).Keys) > 0 {
		return usagef("the keys of %s stand in the configuration: put a new one before the old one in presence.sources.%[1]s.keys, restart serve, and register", name)
	}
	held, err := r.keys.ensure(name, r.environment)
	if err != nil {
		return err
	}
	inForce, err := r.inForce(ctx, name, held.current)
	if err != nil || !inForce {
		return err
	}
	return r.keys.store(name, r.environment, heldKeys{current: rand.Text(), previous: held.current})
}

// dropOld makes the old key of a source one that is refused, and says whether there was one.
func (r *registrar) dropOld(ctx context.Context, name string) (bool, error) {
	held, err := r.keys.held(name, r.environment)
	if err != nil || held.previous == "" {
		return false, err
	}
	inForce, err := r.inForce(ctx, name, held.current)
	if err != nil {
		return false, err
	}
	if !inForce {
		return false, fmt.Errorf("%s still shows the old key of %s: run `botverse webhook register` first", r.environment, name)
	}
	return true, r.keys.store(name, r.environment, heldKeys{current: held.current})
}

// inForce says whether a key is the one that Dataverse shows.
func (r *registrar) inForce(ctx context.Context, name, key string) (bool, error) {
	registered, err := r.registered(ctx, name)
	if err != nil || registered == nil {
		return false, err
	}
	w := dataverse.Webhook{Name: registered.Name, Key: dataverse.Secret(key)}
	return registered.Fingerprint == w.Fingerprint(), nil
}

// registered is what is registered for a source, nil where nothing is.
func (r *registrar) registered(ctx context.Context, name string) (*dataverse.RegisteredWebhook, error) {
	list, err := r.client.ListWebhooks(ctx, endpointName(r.installation, name))
	for _, w := range list {
		if w.Name == endpointName(r.installation, name) {
			return &w, err
		}
	}
	return nil, err
}

// register registers a source and returns what was not as it should be.
func (r *registrar) register(ctx context.Context, name string) (dataverse.Webhook, []dataverse.Difference, error) {
	w, err := r.webhook(name)
	if err != nil {
		return w, nil, err
	}
	mended, err := r.client.RegisterWebhook(ctx, w)
	return w, mended, err
}

// registerAll registers all sources in all environments.
func (c *place) registerAll(ctx context.Context, all *dataverse.Environments, k *kept, log *slog.Logger) error {
	names, err := c.sourceNames("")
	if err != nil {
		return err
	}
	var faults []error
	for _, environment := range c.environmentNames() {
		r, err := c.registrar(ctx, all, environment, "", k)
		if err != nil {
			return err
		}
		for _, name := range names {
			_, mended, err := r.register(ctx, name)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %s: %w", environment, name, err))
			}
			for _, d := range mended {
				log.DebugContext(ctx, "webhook registration mended", "environment", environment, "source", name, "difference", d.String())
			}
		}
	}
	return errors.Join(faults...)
}
