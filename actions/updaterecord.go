package actions

import (
	"context"
	"fmt"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// UpdateRecord asks for a record that is there to be changed. Exactly one of RecordID, Key, and Where with
// Conditions says which. What it
// holds is read only.
type UpdateRecord struct {
	Environment string // "" for the default
	Entity      string // logical name

	RecordID string         // an ID, or a template that gives one or a reference, as "@record" saves one
	Key      map[string]any // the fields of an alternate key, all of them
	Where    map[string]any // as FindRecord's
	// Conditions are FindRecord's, beside Where; an upsert has them beside a Where only.
	Conditions []Condition

	OrderBy       []string // as FindRecord's: which of several is the first
	UseFirst      bool     // of several that match take the first; Ambiguous else
	MaxCandidates int      // how many to list for Ambiguous; 0 for three

	Fields       map[string]any // by logical name or label: literals, templates, lookups; null clears
	Merge        Merge
	AsOf         string // of NewestWins, and of an upsert's UpdateIfNewer: when the values were true, RFC 3339, or a template that gives that
	Variables    map[string]any
	Save         map[string]string // variable to source
	SaveDefaults map[string]any    // by variable
	OnUnset      OnUnset
	CutLongText  bool
	TimeZone     string // IANA name, of points in time without an offset; "" refuses them
	Culture      string // language tag, of how texts write numbers; "" for digits and a point
	RequestID    string // the caller's key for a safe repeat; "" for none
	Namespace    string // the caller's own space of request IDs
	ValidateOnly bool
}

// UpsertRecord asks for what UpdateRecord does, and for the record to be made where there is none.
type UpsertRecord struct {
	UpdateRecord
	// OnDuplicate says what to do where the record is to be made, and Dataverse's rules find one that is like it.
	OnDuplicate OnDuplicate
	// ReportDuplicates is as CreateRecord's.
	ReportDuplicates bool
}

// UpdateRecord changes a record that is there, and never makes one. It reads the record, writes what differs, and begins
// anew where somebody else has changed the record in between: what they changed is seen, and not lost. Every fault of the
// request is found before anything is written, and comes in one *input.Error.
//
// The outcome is Updated, Unchanged, NotMatched, Ambiguous, or InDoubt where no answer came in time.
func (r *Runtime) UpdateRecord(ctx context.Context, spec UpdateRecord) (Result, error) {
	purpose := toChange
	if spec.Merge == FillBlanks {
		purpose = toFill
	}
	return r.change(ctx, &change{spec: spec, action: "UpdateRecord", purpose: purpose})
}

// UpsertRecord changes a record that is there as UpdateRecord does, and makes it where there is none as CreateRecord does:
// of the ID, or with the values of the key or of `where`, beside its fields. It looks before it makes: two calls at the same
// moment that mean a record by `where` may both make one. An ID and an alternate key prevent that.
//
// The outcome is one of UpdateRecord's but NotMatched, or one of CreateRecord's.
func (r *Runtime) UpsertRecord(ctx context.Context, spec UpsertRecord) (Result, error) {
	return r.change(ctx, &change{spec: spec.UpdateRecord, action: "UpsertRecord", purpose: toUpsert, upsert: true, onDuplicate: spec.OnDuplicate, reportDuplicates: spec.ReportDuplicates})
}

// change is one call of UpdateRecord or UpsertRecord.
type change struct {
	spec        UpdateRecord
	action      string
	purpose     purpose
	upsert      bool
	onDuplicate OnDuplicate
	// reportDuplicates is UpsertRecord's.
	reportDuplicates bool

	runtime  *Runtime
	client   *dataverse.Client
	plan     *plan
	entity   *schema.Entity
	target   target
	values   *recordValues
	asOf     time.Time // the zero time where no policy compares it
	claim    claim
	warnings []Warning
	wrote    bool         // whether something was written, or may have been
	randomID dataverse.ID // with ValidateOnly: the one of a record that would be made; "" for none
	// explainedRules are, with ValidateOnly, those that a record that would be made is checked by.
	explainedRules []DuplicateRule
}

// change carries a change out.
func (r *Runtime) change(ctx context.Context, c *change) (Result, error) {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	client, entity, err := r.describeFor(ctx, c.spec.Environment, c.spec.Entity, c.needs()...)
	if err != nil {
		return Result{}, err
	}
	c.plan = newPlan(c.spec.ValidateOnly)
	c.runtime, c.client, c.entity = r, c.plan.through(client), entity
	if err := c.prepare(ctx); err != nil {
		return Result{}, err
	}
	if c.spec.ValidateOnly {
		return c.validate(ctx)
	}
	return c.once(ctx)
}

// prepare does all that comes before the search for the record.
func (c *change) prepare(ctx context.Context) error {
	values, err := c.runtime.translateFields(ctx, c.client, c.entity, c.input())
	faults := input.FaultsOf(err)
	if err != nil && faults == nil {
		return err
	}
	if values != nil {
		c.entity, c.values, c.warnings = values.entity, values, values.warnings
	}
	found, err := withFreshMetadata(ctx, c.runtime, c.client, c.entity, func(e *schema.Entity) (target, error) {
		return c.prepareTarget(ctx, e)
	})
	more := input.FaultsOf(err)
	if err != nil && more == nil && len(faults) == 0 {
		return err
	}
	c.target = found
	asOf, fault := c.runtime.parseAsOf(c.entity, c.spec.AsOf, c.spec.Merge == NewestWins || c.onDuplicate == UpdateIfNewer, c.spec.Variables)
	if c.asOf = asOf; fault != nil {
		more = append(more, *fault)
	}
	return input.ErrorOf(append(faults, more...))
}

func (c *change) input() fieldInput {
	return fieldInput{
		fields: c.spec.Fields, variables: c.spec.Variables, onUnset: c.spec.OnUnset, cutLongText: c.spec.CutLongText,
		timeZone: c.spec.TimeZone, culture: c.spec.Culture, purpose: c.purpose, explain: c.spec.ValidateOnly,
	}
}

// request is what makes the call recognizable.
func (c *change) request() request {
	s := c.spec
	target := map[string]any{"record_id": s.RecordID, "key": s.Key, "where": s.Where}
	for i, condition := range s.Conditions {
		target[fmt.Sprintf("conditions[%d]", i)] = []any{fieldKey(c.entity, condition.Field), condition.Operator, condition.Value}
	}
	return request{
		action: c.action, namespace: s.Namespace, id: s.RequestID, variables: s.Variables, fields: s.Fields, target: target,
		options: []any{s.OrderBy, s.UseFirst, s.Merge, s.OnUnset, s.CutLongText, s.TimeZone, s.Culture, c.onDuplicate, s.AsOf},
	}
}
