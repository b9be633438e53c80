package dataverse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
)

// Webhook is what Dataverse is to tell us of: a message of an entity, with an image of the record as it is afterwards. Its
// service endpoint is its own: whatever else is registered there is not as it should be.
type Webhook struct {
	Name       string   // of the service endpoint
	URL        string   // where Dataverse posts
	Key        Secret   // what it appends as ?code=
	Message    string   // "Create", "Update", "Delete"
	Entity     string   // logical name
	ImageAlias string   // "" for no image
	Fields     []string // what the image holds; empty for all fields
	Changed    []string // on Update: only where one of these is written; empty for every update
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
	if len(w.Changed) > 0 && w.Message != "Update" {
		errs = append(errs, fmt.Errorf("the webhook is to look at what changed; only Update knows that, not %s", w.Message))
	}
	return errors.Join(errs...)
}

// Fingerprint tells the webhook's key from other keys without telling the key. RegisteredWebhook has the one in force.
func (w Webhook) Fingerprint() string { return fingerprint(w.Name, w.Key) }

// Difference is one thing about a registration that is not as it should be.
type Difference struct {
	What string // as "url", "step", "image: fields"
	Got  string
	Want string
}

// String is the difference in a line.
func (d Difference) String() string {
	return fmt.Sprintf("%s is %s; it should be %s", d.What, d.Got, d.Want)
}

// RegisterWebhook makes Dataverse post what w asks for, asynchronously and after the commit. It may be repeated, and goes on
// where it was cut off: what is already there as it should be is left alone, the rest is mended. It returns what was not as it
// should be; nothing means that nothing was written. The application user needs the right to write service endpoints and
// processing steps.
func (c *Client) RegisterWebhook(ctx context.Context, w Webhook) ([]Difference, error) {
	repairs, err := c.inspectWebhook(ctx, "RegisterWebhook", w)
	if err != nil {
		return nil, err
	}
	for _, r := range repairs {
		if err := r.mend(ctx); err != nil {
			return nil, fmt.Errorf("register webhook %s: %w", w.Name, err)
		}
	}
	return differencesOf(repairs), nil
}

// VerifyWebhook names what RegisterWebhook would mend, and writes nothing. The key cannot be read back; what is compared is its
// fingerprint, which RegisterWebhook leaves in the endpoint's description.
func (c *Client) VerifyWebhook(ctx context.Context, w Webhook) ([]Difference, error) {
	repairs, err := c.inspectWebhook(ctx, "VerifyWebhook", w)
	return differencesOf(repairs), err
}

func (c *Client) inspectWebhook(ctx context.Context, op string, w Webhook) ([]repair, error) {
	if err := w.Validate(); err != nil {
		return nil, &Error{Op: op, Entity: w.Entity, Err: because(ErrRefused, err)}
	}
	r := &registration{Client: c, op: op, webhook: w}
	repairs, err := r.inspect(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at webhook %s: %w", w.Name, err)
	}
	return repairs, nil
}

func differencesOf(repairs []repair) []Difference {
	var all []Difference
	for _, r := range repairs {
		all = append(all, r.differences...)
	}
	return all
}

// RemoveWebhook deletes the service endpoints of that name with all that is registered on them: images, then steps, then the
// endpoint. It returns how many endpoints there were; none is no error.
func (c *Client) RemoveWebhook(ctx context.Context, name string) (int, error) {
	r := &registration{Client: c, op: "RemoveWebhook"}
	found, err := r.all(ctx, endpoints(), nil, isWebhook(), equal("name", odata.String(name)))
	if err != nil {
		return 0, err
	}
	for _, endpoint := range found {
		if err := r.removeEndpoint(ctx, endpoint.ID()); err != nil {
			return 0, fmt.Errorf("remove webhook %s: %w", name, err)
		}
	}
	return len(found), nil
}

// RegisteredWebhook is a service endpoint that Dataverse posts to.
type RegisteredWebhook struct {
	Name        string
	URL         string
	Fingerprint string // of the key, as Webhook.Fingerprint; "" where Botverse did not register it
	Steps       []RegisteredStep
}

// RegisteredStep is what is posted to a RegisteredWebhook.
type RegisteredStep struct {
	ID       ID
	Message  string
	Entity   string
	Disabled bool
}

// ListWebhooks lists the webhooks whose names begin with a prefix, by name.
func (c *Client) ListWebhooks(ctx context.Context, prefix string) ([]RegisteredWebhook, error) {
	r := &registration{Client: c, op: "ListWebhooks"}
	found, err := r.all(ctx, endpoints(), []string{"name", "url", "description"}, isWebhook(),
		&odata.Call{Func: "startswith", Path: odata.Path{"name"}, Value: odata.String(prefix)})
	if err != nil {
		return nil, err
	}
	var list []RegisteredWebhook
	for _, endpoint := range found {
		steps, err := r.stepsOf(ctx, endpoint.ID(), nil)
		if err != nil {
			return nil, err
		}
		_, digits, _ := strings.Cut(endpoint.text("description"), keyMark)
		w := RegisteredWebhook{Name: endpoint.text("name"), URL: endpoint.text("url"), Fingerprint: digits}
		for _, step := range steps {
			message, entity := subjectOf(step)
			w.Steps = append(w.Steps, RegisteredStep{ID: step.ID(), Message: message, Entity: entity, Disabled: step.int("statecode") != stateEnabled})
		}
		list = append(list, w)
	}
	slices.SortStableFunc(list, func(a, b RegisteredWebhook) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// FailedDelivery is a system job that did not get through to a webhook. Dataverse does not send it again.
type FailedDelivery struct {
	Time    time.Time
	Message string // Dataverse's
}

// FailedDeliveries returns the last failed deliveries of a step, limit of them at most, the newest first.
func (c *Client) FailedDeliveries(ctx context.Context, step ID, limit int) ([]FailedDelivery, error) {
	page, err := c.ListRecords(ctx, platformEntity("asyncoperation", "asyncoperations"), &odata.Query{
		Select: []string{"completedon", "friendlymessage", "message"}, Top: &limit,
		Filter: &odata.Logical{Op: odata.And, Terms: []odata.Expr{
			equal("statuscode", odata.Number("31")), equal("_owningextensionid_value", odata.GUID(step)),
		}},
		OrderBy: []odata.Order{{Path: odata.Path{"completedon"}, Desc: true}},
	})
	var failed []FailedDelivery
	for _, job := range page.Records {
		f := FailedDelivery{Message: job.text("friendlymessage")}
		if f.Message == "" {
			f.Message = job.text("message")
		}
		f.Time, _ = time.Parse(time.RFC3339, job.text("completedon"))
		failed = append(failed, f)
	}
	return failed, err
}
