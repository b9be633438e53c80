package actions

import (
	"context"
	"slices"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// OnDuplicate says what to do where the record exists already: as Dataverse's published duplicate rules find, or the
// request's own match fields, or both.
type OnDuplicate int

// What to do about duplicates.
const (
	DoNotCreate     OnDuplicate = iota // create nothing and answer Duplicate
	CreateDuplicate                    // create all the same: the rules are not asked
	UseExisting                        // create nothing and answer Existing with the record that exists
	UpdateExisting                     // give the record that exists the values, and answer Updated or Unchanged
	FillExisting                       // give the record that exists the values where it has none, likewise
	UpdateIfNewer                      // as UpdateExisting, but that a record that was changed since AsOf is left as it is
)

// OnUnset says what to do with a field whose value names a variable that is not set.
type OnUnset int

// What to do about variables that are not set.
const (
	Omit   OnUnset = iota // leave the field out and name it in Result.Omitted
	Refuse                // refuse the call with VariableUnset
)

// CreateRecord asks for a record to be created. What it holds is read only.
type CreateRecord struct {
	Environment  string         // "" for the default
	Entity       string         // logical name
	Fields       map[string]any // by logical name or label: literals, templates, lookups
	Variables    map[string]any
	Save         map[string]string // variable to source
	SaveDefaults map[string]any    // by variable
	OnDuplicate  OnDuplicate
	MatchOn      []string // fields that tell, all of them equal, that a record exists already; nil for the rules alone
	IgnoreRules  bool     // look by MatchOn alone
	UseFirst     bool     // of several records that exist take the first in FindRecord's order; Ambiguous else
	// ReportDuplicates has the records looked for that CreateDuplicate creates another of, so that the answer tells them.
	ReportDuplicates bool
	AsOf             string // of UpdateIfNewer: when the values were true, RFC 3339, or a template that gives that
	OnUnset          OnUnset
	CutLongText      bool
	TimeZone         string // IANA name, of points in time without an offset; "" refuses them
	Culture          string // language tag, of how texts write numbers; "" for digits and a point
	RequestID        string // the caller's key for a safe repeat; "" for none
	Namespace        string // the caller's own space of request IDs
	ValidateOnly     bool
}

// CreateRecord creates a record from the flow's variables. Every fault of the request is found before anything is
// written, and comes in one *input.Error. What is written is written once: a repeat with the same request ID meets the
// record that the first call made, and a lost answer is looked up by the ID that was sent.
//
// The outcome is Created, AlreadyCreated, Duplicate, or InDoubt where no answer came in time; and, where OnDuplicate takes
// a record that exists, Existing, Updated, Unchanged, or Ambiguous where several do. A creation costs one request, also where
// what Dataverse computes is saved, beside what the client remembers of the environment; MatchOn costs one more. MatchOn looks before the creation: two calls
// at the same moment, with different request IDs, may both find nothing. Dataverse's rules and keys are what prevents that.
func (r *Runtime) CreateRecord(ctx context.Context, spec CreateRecord) (Result, error) {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	client, entity, err := r.describeFor(ctx, spec.Environment, spec.Entity, spec.needs()...)
	if err != nil {
		return Result{}, err
	}
	plan := newPlan(spec.ValidateOnly)
	c := &creation{spec: spec, client: plan.through(client), entity: entity}
	if err := c.prepare(ctx, r); err != nil {
		return Result{}, err
	}
	if spec.ValidateOnly {
		return c.validate(ctx, plan)
	}
	return c.once(ctx, r)
}

// creation is one call of CreateRecord.
type creation struct {
	spec    CreateRecord
	client  *dataverse.Client
	entity  *schema.Entity
	save    *savePlan
	values  *recordValues
	fields  dataverse.Fields // what is sent
	id      dataverse.ID     // the record's, chosen by us
	givenID dataverse.ID     // the one that the record is to have; "" for one of our choice
	rules   dataverse.Rules  // in force for the entity, where duplicates are to be found
	match   odata.Expr       // what an existing record must fulfil; nil where the rules alone decide
	// matchNames are the fields of match.
	matchNames []string
	reported   rowList // the duplicates that exist though the record is created all the same, where that is to be told
	warnings   []Warning
	sends      int // how often it was sent
	// doubt says that a creation was sent of which it is not known whether it was done.
	doubt bool
	asOf  time.Time // the zero time without UpdateIfNewer
	// blind says that the record may not be read: its creation was refused once for that, maybe after it was done.
	blind bool
	gone  bool // whether an existing record was deleted since it was found
	// made says that the record is there, by this call or by another with the same request ID.
	made         bool
	organization dataverse.ID // "" without a request ID
	claim        claim
}

// prepare does all that comes before the first write.
func (c *creation) prepare(ctx context.Context, r *Runtime) error {
	values, err := r.translateFields(ctx, c.client, c.entity, c.spec.input())
	faults := input.FaultsOf(err)
	if err != nil && faults == nil {
		return err
	}
	if values != nil {
		c.entity, c.values, c.warnings = values.entity, values, values.warnings
	}
	more, err := c.prepareSave(ctx, r)
	if err != nil && len(faults) == 0 {
		return err
	}
	asOf, fault := r.parseAsOf(c.entity, c.spec.AsOf, c.spec.OnDuplicate == UpdateIfNewer, c.spec.Variables)
	if c.asOf = asOf; fault != nil {
		more = append(more, *fault)
	}
	if err := input.ErrorOf(slices.Concat(faults, more, c.matchFaults())); err != nil {
		return err
	}
	if c.fields, err = c.values.wire(ctx, c.client); err != nil {
		return err
	}
	return c.prepareID(ctx)
}

// prepareSave plans what to save. A source that is not known has the metadata read again, as a field has.
func (c *creation) prepareSave(ctx context.Context, r *Runtime) (faults []input.Fault, err error) {
	request := saveRequest{Save: c.spec.Save, Defaults: c.spec.SaveDefaults, Variables: c.spec.Variables}
	c.save, faults, err = planSave(ctx, c.client, c.entity, request)
	if err != nil || !maybeStale(input.ErrorOf(faults)) || !r.mayRefresh(c.client, c.entity) {
		return faults, err
	}
	fresh, err := c.client.RefreshEntity(ctx, c.entity.LogicalName)
	if err != nil {
		return nil, err
	}
	c.save, faults, err = planSave(ctx, c.client, fresh, request)
	return faults, err
}

// prepareID chooses the record's ID, and learns which duplicate rules it will meet.
func (c *creation) prepareID(ctx context.Context) error {
	var organization dataverse.Organization
	var err error
	if c.spec.RequestID != "" {
		if organization, err = c.client.Organization(ctx); err != nil {
			return err
		}
	}
	c.organization = organization.ID
	c.id = newRecordID(organization.ID, c.client, c.spec, c.entity.LogicalName)
	if c.givenID != "" {
		c.id = c.givenID
	}
	c.fields[c.entity.PrimaryID] = string(c.id)
	c.prepareMatch()
	if !c.detects() && !c.spec.ReportDuplicates {
		return nil
	}
	if c.rules, err = c.client.DuplicateRules(ctx, c.entity.LogicalName); err != nil {
		return err
	}
	c.warnings = append(c.warnings, c.ruleWarnings()...)
	return nil
}

// detects reports whether Dataverse's rules are to look for duplicates.
func (c *creation) detects() bool {
	return c.spec.OnDuplicate != CreateDuplicate && !c.spec.IgnoreRules
}
