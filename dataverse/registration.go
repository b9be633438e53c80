package dataverse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// The numbers that a webhook's records are made of (Dataverse, "Register a webhook", serviceendpoint and
// sdkmessageprocessingstep tables).
const (
	contractWebhook  = 8
	authWebhookKey   = 4
	messageFormat    = 2 // JSON
	afterCommit      = 40
	asynchronous     = 1
	preImage         = 0
	postImage        = 1
	stateEnabled     = 0
	statusEnabled    = 1
	imagePropertyBad = code.Code(0x8004416B) // the message property name is not one that the message takes an image by
)

// The entities of a webhook's records.
func endpoints() *schema.Entity { return platformEntity("serviceendpoint", "serviceendpoints") }
func messages() *schema.Entity  { return platformEntity("sdkmessage", "sdkmessages") }
func filters() *schema.Entity   { return platformEntity("sdkmessagefilter", "sdkmessagefilters") }
func steps() *schema.Entity {
	return platformEntity("sdkmessageprocessingstep", "sdkmessageprocessingsteps")
}
func images() *schema.Entity {
	return platformEntity("sdkmessageprocessingstepimage", "sdkmessageprocessingstepimages")
}

// registration is a Webhook on its way into Dataverse. Each step leaves what the next one binds to.
type registration struct {
	*Client
	webhook                         Webhook
	message, filter, endpoint, step ID
}

func (r *registration) findMessage(ctx context.Context) error {
	found, err := r.first(ctx, messages(), nil, equal("name", odata.String(r.webhook.Message)))
	if err != nil {
		return err
	}
	if found == nil {
		return r.refuse("the environment has no message " + r.webhook.Message)
	}
	r.message = found.ID()
	found, err = r.first(ctx, filters(), nil,
		equal("primaryobjecttypecode", odata.String(r.webhook.Entity)), equal("_sdkmessageid_value", odata.GUID(r.message)))
	if err != nil {
		return err
	}
	if found == nil {
		// For one of Omnichannel's entities that means that it is not installed.
		return r.refuse("the environment does not offer " + r.webhook.Message + " of " + r.webhook.Entity + " to webhooks; is the solution with that entity installed?")
	}
	r.filter = found.ID()
	return nil
}

func (r *registration) ensureEndpoint(ctx context.Context) error {
	want := Fields{
		"name": r.webhook.Name, "url": r.webhook.URL, "contract": contractWebhook, "authtype": authWebhookKey, "messageformat": messageFormat,
		// The key cannot be read back, so its fingerprint has to tell whether it is still the same.
		"description": "managed by Botverse; key " + fingerprint(r.webhook.Name, r.webhook.Key),
	}
	found, err := r.first(ctx, endpoints(), want, equal("contract", odata.Number("8")), equal("name", odata.String(r.webhook.Name)))
	if err != nil {
		return err
	}
	secret := Fields{"authvalue": string(r.webhook.Key)}
	r.endpoint, err = r.ensure(ctx, endpoints(), found, want, secret)
	return err
}

// fingerprint is too short to find a key by, and long enough to see that it changed.
func fingerprint(name string, key Secret) string {
	sum := sha256.Sum256([]byte(name + "\x00" + string(key)))
	return hex.EncodeToString(sum[:4])
}

func (r *registration) ensureStep(ctx context.Context) error {
	want := Fields{
		"name": r.webhook.Name + ": " + r.webhook.Message + " of " + r.webhook.Entity,
		"mode": asynchronous, "stage": afterCommit, "rank": 1, "supporteddeployment": 0, "asyncautodelete": true,
	}
	state := Fields{"statecode": stateEnabled, "statuscode": statusEnabled}
	found, err := r.first(ctx, steps(), with(want, state), equal("_eventhandler_value", odata.GUID(r.endpoint)),
		equal("_sdkmessageid_value", odata.GUID(r.message)), equal("_sdkmessagefilterid_value", odata.GUID(r.filter)))
	if err != nil {
		return err
	}
	if found != nil { // a new step is enabled by itself
		want = with(want, state)
	}
	r.step, err = r.ensure(ctx, steps(), found, want, Fields{
		"sdkmessageid@odata.bind":                 "/sdkmessages(" + string(r.message) + ")",
		"sdkmessagefilterid@odata.bind":           "/sdkmessagefilters(" + string(r.filter) + ")",
		"eventhandler_serviceendpoint@odata.bind": "/serviceendpoints(" + string(r.endpoint) + ")",
	})
	return err
}

func (r *registration) ensureImage(ctx context.Context) error {
	if r.webhook.ImageAlias == "" {
		return nil
	}
	want := Fields{"name": r.webhook.ImageAlias, "entityalias": r.webhook.ImageAlias, "imagetype": postImage}
	if r.webhook.Message == "Delete" {
		want["imagetype"] = preImage // there is nothing afterwards
	}
	want["attributes"] = nil // all fields; an empty text is refused
	if len(r.webhook.Fields) > 0 {
		want["attributes"] = strings.Join(r.webhook.Fields, ",")
	}
	found, err := r.first(ctx, images(), want,
		equal("_sdkmessageprocessingstepid_value", odata.GUID(r.step)), equal("entityalias", odata.String(r.webhook.ImageAlias)))
	if err != nil {
		return err
	}
	bind := Fields{"sdkmessageprocessingstepid@odata.bind": "/sdkmessageprocessingsteps(" + string(r.step) + ")"}
	return r.image(ctx, found, want, bind)
}

// image writes the image. Servers disagree on what the record is called in a Create's message: its documentation also lists Target,
// which some refuse.
func (r *registration) image(ctx context.Context, found *Record, want, bind Fields) error {
	property, other := "Target", "Id"
	if r.webhook.Message == "Create" {
		property, other = other, property
	}
	_, err := r.ensure(ctx, images(), found, want, with(bind, Fields{"messagepropertyname": property}))
	var refused *Error
	if errors.As(err, &refused) && refused.Code == imagePropertyBad {
		_, err = r.ensure(ctx, images(), found, want, with(bind, Fields{"messagepropertyname": other}))
	}
	return err
}

// ensure creates a record with want and more, or updates with both the one found where it is not as wanted.
func (r *registration) ensure(ctx context.Context, e *schema.Entity, found *Record, want, more Fields) (ID, error) {
	if found == nil {
		fields := with(want, more)
		maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil })
		return r.CreateRecord(ctx, e, fields, CreateOptions{})
	}
	if found.has(want) {
		return found.ID(), nil
	}
	return found.ID(), r.UpdateRecord(ctx, e, found.ID(), with(want, more))
}

// first finds the first record for which all conditions hold, with the fields of want; nil where there is none.
func (r *registration) first(ctx context.Context, e *schema.Entity, want Fields, conditions ...odata.Expr) (*Record, error) {
	one := 1
	fields := []string{e.PrimaryID}
	for name := range want {
		fields = append(fields, name)
	}
	slices.Sort(fields)
	var filter odata.Expr = &odata.Logical{Op: odata.And, Terms: conditions}
	if len(conditions) == 1 {
		filter = conditions[0]
	}
	page, err := r.ListRecords(ctx, e, &odata.Query{
		Select: fields, Filter: filter, Top: &one,
		OrderBy: []odata.Order{{Path: odata.Path{e.PrimaryID}}},
	})
	if err != nil || len(page.Records) == 0 {
		return nil, err
	}
	return &page.Records[0], nil
}

func equal(field string, value odata.Value) odata.Expr {
	return &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: value}
}

func (r *registration) refuse(message string) error {
	return &Error{Op: "RegisterWebhook", Entity: r.webhook.Entity, Message: message, Err: ErrRefused}
}

// with is both maps in a new one.
func with(a, b Fields) Fields {
	both := make(Fields, len(a)+len(b))
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
}

// has reports whether the record has the wanted values. The order of the fields of an image does not count.
func (r Record) has(want Fields) bool {
	for name, v := range want {
		got := r.values[name]
		switch v := v.(type) {
		case int:
			if number, ok := got.(json.Number); !ok || number.String() != strconv.Itoa(v) {
				return false
			}
		case string:
			text, _ := got.(string)
			if name == "attributes" && sameNames(text, v) {
				continue
			}
			if text != v {
				return false
			}
		default:
			if got != v {
				return false
			}
		}
	}
	return true
}

func sameNames(a, b string) bool {
	as, bs := strings.Split(a, ","), strings.Split(b, ",")
	slices.Sort(as)
	slices.Sort(bs)
	return slices.Equal(as, bs)
}
