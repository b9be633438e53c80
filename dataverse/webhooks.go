package dataverse

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Webhook is what Dataverse is to tell us of: a message of an entity, with an image of the record as it is afterwards.
type Webhook struct {
	Name       string   // of the service endpoint; several webhooks of one name, URL and key share it
	URL        string   // where Dataverse posts
	Key        Secret   // what it appends as ?code=
	Message    string   // "Create", "Update", "Delete"
	Entity     string   // logical name
	ImageAlias string   // "" for no image
	Fields     []string // what the image holds; empty for all fields
}

// Validate names all that is wrong with the Webhook, nil where nothing is.
func (w Webhook) Validate() error {
	errs := []error{checkURL("the webhook's URL", w.URL)}
	if w.Name == "" {
		errs = append(errs, errors.New("the webhook has no name"))
	}
	if w.Key == "" {
		errs = append(errs, errors.New("the webhook has no key; whoever receives it must be able to tell who posts"))
	}
	if !entityName.MatchString(w.Entity) {
		errs = append(errs, fmt.Errorf("the webhook's entity is %q; give a logical name, as contact", w.Entity))
	}
	if !slices.Contains([]string{"Create", "Update", "Delete"}, w.Message) {
		errs = append(errs, fmt.Errorf("the webhook's message is %q; it must be Create, Update or Delete", w.Message))
	}
	return errors.Join(errs...)
}

// RegisterWebhook makes Dataverse post what w asks for, asynchronously and after the commit. It may be repeated: what is
// already there as it should be is left alone, a changed URL or key or image is updated, a disabled step is enabled. The
// application user needs the right to write service endpoints and processing steps.
func (c *Client) RegisterWebhook(ctx context.Context, w Webhook) error {
	if err := w.Validate(); err != nil {
		return &Error{Op: "RegisterWebhook", Entity: w.Entity, Err: because(ErrRefused, err)}
	}
	r := registration{Client: c, webhook: w}
	for _, do := range []func(context.Context) error{r.findMessage, r.ensureEndpoint, r.ensureStep, r.ensureImage} {
		if err := do(ctx); err != nil {
			return fmt.Errorf("register webhook %s: %w", w.Name, err)
		}
	}
	return nil
}
