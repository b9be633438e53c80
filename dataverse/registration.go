package dataverse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// keyMark stands before the key's fingerprint in an endpoint's description.
const keyMark = "managed by Botverse; key "

// registration is a Webhook and where its records are. Each step of the inspection leaves what the next one needs; what is
// missing is left by its repair.
type registration struct {
	*Client
	op                              string
	webhook                         Webhook
	message, filter, endpoint, step ID
}

// repair is what puts some differences right. Repairs are done in their order.
type repair struct {
	differences []Difference
	mend        func(context.Context) error
}

// inspect compares what is registered with what should be.
func (r *registration) inspect(ctx context.Context) ([]repair, error) {
	var all []repair
	for _, look := range []func(context.Context) ([]repair, error){r.findMessage, r.inspectEndpoints, r.inspectSteps, r.inspectImages} {
		repairs, err := look(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, repairs...)
	}
	return all, nil
}

func (r *registration) findMessage(ctx context.Context) ([]repair, error) {
	found, err := r.all(ctx, messages(), nil, equal("name", odata.String(r.webhook.Message)))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, r.refuse("the environment has no message " + r.webhook.Message)
	}
	r.message = found[0].ID()
	found, err = r.all(ctx, filters(), nil,
		equal("primaryobjecttypecode", odata.String(r.webhook.Entity)), equal("_sdkmessageid_value", odata.GUID(r.message)))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		// For one of Omnichannel's entities that means that it is not installed.
		return nil, r.refuse("the environment does not offer " + r.webhook.Message + " of " + r.webhook.Entity + " to webhooks; is the solution with that entity installed?")
	}
	r.filter = found[0].ID()
	return nil, nil
}

func (r *registration) inspectEndpoints(ctx context.Context) ([]repair, error) {
	want := Fields{
		"name": r.webhook.Name, "url": r.webhook.URL, "contract": contractWebhook, "authtype": authWebhookKey, "messageformat": messageFormat,
		// The key cannot be read back, so its fingerprint has to tell whether it is still the same.
		"description": keyMark + r.webhook.Fingerprint(), "isauthvalueset": true,
	}
	found, err := r.all(ctx, endpoints(), slices.Collect(maps.Keys(want)), isWebhook(), equal("name", odata.String(r.webhook.Name)))
	if err != nil {
		return nil, err
	}
	one, repairs := r.surplus("service endpoint", found, r.removeEndpoint)
	write := with(want, Fields{"authvalue": string(r.webhook.Key)})
	delete(write, "isauthvalueset") // Dataverse's own to say
	return append(repairs, r.compare("", r.webhook.Name, one, want, &r.endpoint, func(ctx context.Context, id ID) (ID, error) {
		return r.put(ctx, endpoints(), id, write)
	})...), nil
}

// fingerprint is too short to find a key by, and long enough to see that it changed.
func fingerprint(name string, key Secret) string {
	sum := sha256.Sum256([]byte(name + "\x00" + string(key)))
	return hex.EncodeToString(sum[:4])
}

func (r *registration) inspectSteps(ctx context.Context) ([]repair, error) {
	want := Fields{
		"name": r.webhook.Name + ": " + r.webhook.Message + " of " + r.webhook.Entity,
		"mode": asynchronous, "stage": afterCommit, "rank": 1, "supporteddeployment": 0, "asyncautodelete": true,
		"filteringattributes": nil,
		"statecode":           stateEnabled, "statuscode": statusEnabled,
	}
	if len(r.webhook.Changed) > 0 {
		want["filteringattributes"] = strings.Join(r.webhook.Changed, ",")
	}
	var found []Record
	if r.endpoint != "" {
		var err error
		if found, err = r.stepsOf(ctx, r.endpoint, want); err != nil {
			return nil, err
		}
	}
	ours := slices.DeleteFunc(slices.Clone(found), r.strange)
	var repairs []repair
	for _, step := range slices.DeleteFunc(found, func(s Record) bool { return !r.strange(s) }) {
		message, entity := subjectOf(step)
		repairs = append(repairs, repair{
			[]Difference{{"a step", message + " of " + entity, "not there"}},
			func(ctx context.Context) error { return r.removeStep(ctx, step.ID()) },
		})
	}
	one, more := r.surplus("step", ours, r.removeStep)
	repairs = append(repairs, more...)
	return append(repairs, r.compare("step", r.webhook.Message+" of "+r.webhook.Entity, one, want, &r.step, func(ctx context.Context, id ID) (ID, error) {
		return r.putStep(ctx, id, want)
	})...), nil
}

// strange says whether a step is for anything else than what is wanted.
func (r *registration) strange(step Record) bool {
	return !strings.EqualFold(step.text("_sdkmessageid_value"), string(r.message)) ||
		!strings.EqualFold(step.text("_sdkmessagefilterid_value"), string(r.filter))
}

func (r *registration) putStep(ctx context.Context, id ID, want Fields) (ID, error) {
	fields := with(want, Fields{
		"sdkmessageid@odata.bind":                 "/sdkmessages(" + string(r.message) + ")",
		"sdkmessagefilterid@odata.bind":           "/sdkmessagefilters(" + string(r.filter) + ")",
		"eventhandler_serviceendpoint@odata.bind": "/serviceendpoints(" + string(r.endpoint) + ")",
	})
	if id == "" { // a new step is enabled by itself
		delete(fields, "statecode")
		delete(fields, "statuscode")
	}
	return r.put(ctx, steps(), id, fields)
}

func (r *registration) inspectImages(ctx context.Context) ([]repair, error) {
	var found []Record
	want := r.wantedImage()
	if r.step != "" {
		var err error
		found, err = r.all(ctx, images(), []string{"name", "entityalias", "imagetype", "attributes"}, equal("_sdkmessageprocessingstepid_value", odata.GUID(r.step)))
		if err != nil {
			return nil, err
		}
	}
	// The one of the wanted alias first; without it, another one is taken and renamed.
	slices.SortStableFunc(found, func(a, b Record) int {
		switch r.webhook.ImageAlias {
		case a.text("entityalias"):
			return -1
		case b.text("entityalias"):
			return 1
		}
		return 0
	})
	if want == nil {
		var repairs []repair
		for _, image := range found {
			repairs = append(repairs, r.unwanted("an image", image.text("entityalias"), image.ID(), r.removeImage))
		}
		return repairs, nil
	}
	one, repairs := r.surplus("image", found, r.removeImage)
	return append(repairs, r.compare("image", r.webhook.ImageAlias, one, want, new(ID), func(ctx context.Context, id ID) (ID, error) {
		return r.putImage(ctx, id, want)
	})...), nil
}

// wantedImage is nil where no image is wanted.
func (r *registration) wantedImage() Fields {
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
	return want
}

// putImage writes the image. Servers disagree on what the record is called in a Create's message: its documentation also lists
// Target, which some refuse.
func (r *registration) putImage(ctx context.Context, id ID, want Fields) (ID, error) {
	property, other := "Target", "Id"
	if r.webhook.Message == "Create" {
		property, other = other, property
	}
	fields := with(want, Fields{
		"sdkmessageprocessingstepid@odata.bind": "/sdkmessageprocessingsteps(" + string(r.step) + ")", "messagepropertyname": property,
	})
	written, err := r.put(ctx, images(), id, fields)
	var refused *Error
	if errors.As(err, &refused) && refused.Code == imagePropertyBad {
		fields["messagepropertyname"] = other
		return r.put(ctx, images(), id, fields)
	}
	return written, err
}

// put creates a record, or updates the one of an ID.
func (r *registration) put(ctx context.Context, e *schema.Entity, id ID, fields Fields) (ID, error) {
	if id != "" {
		return id, r.UpdateRecord(ctx, e, id, fields)
	}
	fields = maps.Clone(fields)
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil })
	return r.CreateRecord(ctx, e, fields, CreateOptions{})
}

// compare says what writing would put right: that the record is missing, or which of its fields are other than wanted. It
// leaves in at where the record is.
func (r *registration) compare(kind, name string, found *Record, want Fields, at *ID, write func(context.Context, ID) (ID, error)) []repair {
	var differences []Difference
	if found == nil {
		differences = []Difference{{cmp.Or(kind, "service endpoint"), "missing", name}}
	} else {
		*at = found.ID()
		if differences = found.differences(kind, want); len(differences) == 0 {
			return nil
		}
	}
	return []repair{{differences, func(ctx context.Context) (err error) {
		*at, err = write(ctx, *at)
		return err
	}}}
}

// surplus keeps the first of some records, of which there should be one; nil where there is none.
func (r *registration) surplus(kind string, found []Record, remove func(context.Context, ID) error) (*Record, []repair) {
	if len(found) == 0 {
		return nil, nil
	}
	var repairs []repair
	for _, more := range found[1:] {
		repairs = append(repairs, r.unwanted("a second "+kind, cmp.Or(more.text("entityalias"), more.text("name")), more.ID(), remove))
	}
	return &found[0], repairs
}

func (r *registration) unwanted(what, name string, id ID, remove func(context.Context, ID) error) repair {
	return repair{
		[]Difference{{what, strconv.Quote(name), "not there"}},
		func(ctx context.Context) error { return remove(ctx, id) },
	}
}

func (r *registration) removeEndpoint(ctx context.Context, id ID) error {
	found, err := r.stepsOf(ctx, id, nil)
	if err != nil {
		return err
	}
	for _, step := range found {
		if err := r.removeStep(ctx, step.ID()); err != nil {
			return err
		}
	}
	return r.remove(ctx, endpoints(), id)
}

func (r *registration) removeStep(ctx context.Context, id ID) error {
	found, err := r.all(ctx, images(), nil, equal("_sdkmessageprocessingstepid_value", odata.GUID(id)))
	if err != nil {
		return err
	}
	for _, image := range found {
		if err := r.removeImage(ctx, image.ID()); err != nil {
			return err
		}
	}
	return r.remove(ctx, steps(), id)
}

func (r *registration) removeImage(ctx context.Context, id ID) error {
	return r.remove(ctx, images(), id)
}

// remove deletes a record, which another may have done meanwhile.
func (r *registration) remove(ctx context.Context, e *schema.Entity, id ID) error {
	err := r.DeleteRecord(ctx, e, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// stepsOf reads the steps of an endpoint with the fields of want.
func (r *registration) stepsOf(ctx context.Context, endpoint ID, want Fields) ([]Record, error) {
	fields := append(slices.Collect(maps.Keys(want)), "name", "statecode", "_sdkmessageid_value", "_sdkmessagefilterid_value")
	return r.list(ctx, steps(), &odata.Query{
		Select: fields, Filter: equal("_eventhandler_value", odata.GUID(endpoint)),
		Expand: []odata.Expand{
			{Navigation: "sdkmessageid", Select: []string{"name"}},
			{Navigation: "sdkmessagefilterid", Select: []string{"primaryobjecttypecode"}},
		},
	})
}

// subjectOf is what a step that stepsOf read is for.
func subjectOf(step Record) (message, entity string) {
	m, _ := step.Expanded("sdkmessageid")
	f, _ := step.Expanded("sdkmessagefilterid")
	return m.text("name"), cmp.Or(f.text("primaryobjecttypecode"), "every entity")
}

// all reads the records for which all conditions hold, in an order that is always the same.
func (r *registration) all(ctx context.Context, e *schema.Entity, fields []string, conditions ...odata.Expr) ([]Record, error) {
	var filter odata.Expr = &odata.Logical{Op: odata.And, Terms: conditions}
	if len(conditions) == 1 {
		filter = conditions[0]
	}
	return r.list(ctx, e, &odata.Query{Select: fields, Filter: filter})
}

func (r *registration) list(ctx context.Context, e *schema.Entity, q *odata.Query) ([]Record, error) {
	q.Select = append(slices.Clone(q.Select), e.PrimaryID)
	slices.Sort(q.Select)
	q.Select = slices.Compact(q.Select)
	q.OrderBy = []odata.Order{{Path: odata.Path{e.PrimaryID}}}
	page, err := r.ListRecords(ctx, e, q)
	found := page.Records
	for err == nil && page.More {
		page, err = r.NextPage(ctx, e, page)
		found = append(found, page.Records...)
	}
	return found, err
}

func isWebhook() odata.Expr { return equal("contract", odata.Number(strconv.Itoa(contractWebhook))) }

func equal(field string, value odata.Value) odata.Expr {
	return &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: value}
}

func (r *registration) refuse(message string) error {
	return &Error{Op: r.op, Entity: r.webhook.Entity, Message: message, Err: ErrRefused}
}

// with is both maps in a new one.
func with(a, b Fields) Fields {
	both := make(Fields, len(a)+len(b))
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
}
