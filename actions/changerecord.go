package actions

import (
	"context"
	"slices"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
)

// once carries a change out that may be a repeat: what the ledger has of the first call decides. Without an entry the change
// is made again, of which nothing is left to do where it was done.
func (c *change) once(ctx context.Context) (Result, error) {
	var organization dataverse.Organization
	var err error
	if c.spec.RequestID != "" {
		if organization, err = c.client.Organization(ctx); err != nil {
			return Result{}, err
		}
	}
	if c.claim, err = c.runtime.claim(ctx, c.client, organization.ID, c.entity, c.request()); err != nil {
		return Result{}, err
	}
	if settled := c.claim.settled(); settled != nil {
		return c.repeated(ctx, *settled)
	}
	result, err := c.run(ctx)
	c.claim.end(ctx, result, err, c.wrote)
	result.Warnings = append(result.Warnings, c.claim.warnings()...)
	return result, err
}

// repeated is the answer of a repeat: the first call's, with the record as it is now.
func (c *change) repeated(ctx context.Context, first LedgerEntry) (Result, error) {
	id := dataverse.ID(first.RecordID)
	row, warning, err := reread(ctx, c.client, c.entity, id, c.target.query)
	if err != nil {
		return Result{}, err
	}
	if warning != nil {
		c.warnings = append(c.warnings, *warning)
	}
	return c.answer(repeatedOutcome(first.Outcome), c.named(id, row), row), nil
}

// run finds the record and changes it, or makes it. A record that comes, or goes, between the two has it looked for once
// more.
func (c *change) run(ctx context.Context) (result Result, err error) {
	for range 2 {
		id, answer, err := c.target.find(ctx)
		if err != nil {
			return Result{}, err
		}
		result = c.answer(NotMatched, nil, nil)
		result.Candidates, result.OrderedBy, result.MatchCount, result.MoreMatches = answer.Candidates, answer.OrderedBy, answer.MatchCount, answer.MoreMatches
		if answer.Outcome == Ambiguous {
			result.Outcome = Ambiguous
			return result, nil
		}
		if id != "" {
			merged, err := c.merge(ctx, id)
			if err != nil || merged.Outcome != NotMatched {
				merged.OrderedBy, merged.MatchCount, merged.MoreMatches = answer.OrderedBy, answer.MatchCount, answer.MoreMatches
				return merged, err
			}
		}
		if !c.upsert {
			return result, nil
		}
		result, err = c.create(ctx)
		if err != nil || !c.cameMeanwhile(result) {
			return result, err
		}
	}
	return result, nil
}

// cameMeanwhile reports whether somebody else made the very record that was meant, since it was looked for.
func (c *change) cameMeanwhile(result Result) bool {
	switch {
	case len(c.spec.Where) > 0:
		return false
	case result.Outcome == AlreadyCreated:
		return c.spec.RequestID == "" // else an earlier call with the same request ID made it
	}
	return result.Outcome == Duplicate && len(c.spec.Key) > 0 && c.onDuplicate == CreateDuplicate // which a key alone refuses
}

// merge changes the record of an ID.
func (c *change) merge(ctx context.Context, id dataverse.ID) (Result, error) {
	m := &merge{client: c.client, entity: c.entity, id: id, values: map[string]any{}, policy: c.spec.Merge, asOf: c.asOf, save: c.target.save, paths: c.values.path}
	for name, value := range c.values.withState() {
		if f := c.entity.Field(name); changeable(c.entity, f) {
			m.values[name] = value
		} else if name != stateField {
			c.warnings = append(c.warnings, fieldKept(f, c.values.path(name)))
		}
	}
	outcome, row, err := m.run(ctx)
	c.wrote = c.wrote || m.wrote
	c.warnings = append(c.warnings, m.warnings()...)
	switch {
	case err != nil:
		return Result{}, err
	case outcome == NotMatched:
		return Result{Outcome: NotMatched}, nil
	case outcome == InDoubt:
		result := c.answer(InDoubt, nil, nil)
		result.Record = c.named(id, nil)
		return result, nil
	case m.unreadable:
		return c.answer(outcome, c.named(id, nil), nil), nil
	}
	return c.answer(outcome, c.named(id, &row), &row), nil
}

// create makes the record that is meant.
func (c *change) create(ctx context.Context) (Result, error) {
	made, err := c.creation(ctx)
	if err != nil {
		return Result{}, err
	}
	if c.plan.active {
		c.explainedRules = made.explainedRules()
		if c.spec.RequestID == "" && c.target.id == "" {
			c.randomID = made.id
		}
		err := made.list(ctx, c.plan)
		planned := made.answer("", nil, nil)
		made.report(&planned)
		c.warnings = planned.Warnings
		return planned, err
	}
	result, err := made.resume(ctx)
	c.wrote = c.wrote || made.made || made.doubt
	return result, err
}

// creation is the creation of the record that is meant. What it lacks for that is an *input.Error.
func (c *change) creation(ctx context.Context) (*creation, error) {
	s := c.spec
	fields := c.identity()
	for name, value := range s.Fields {
		if f := translate.Field(c.entity, name); f != nil {
			name = f.LogicalName
		}
		fields[name] = value
	}
	made := &creation{client: c.client, entity: c.entity, claim: c.claim, givenID: c.target.id, spec: CreateRecord{
		Environment: s.Environment, Entity: s.Entity, Fields: fields, Variables: s.Variables, Save: s.Save, SaveDefaults: s.SaveDefaults,
		OnDuplicate: c.onDuplicate, OnUnset: s.OnUnset, CutLongText: s.CutLongText, TimeZone: s.TimeZone, Culture: s.Culture,
		RequestID: s.RequestID, Namespace: s.Namespace, ValidateOnly: s.ValidateOnly, UseFirst: s.UseFirst, ReportDuplicates: c.reportDuplicates,
	}}
	if c.onDuplicate == UpdateIfNewer {
		made.spec.AsOf = s.AsOf
	}
	return made, made.prepare(ctx, c.runtime)
}

// validate lists the requests that the call would send. Reads are sent: what they find decides what is listed.
func (c *change) validate(ctx context.Context) (Result, error) {
	result, err := c.run(ctx)
	if err := c.plan.heldOrDone(err); err != nil {
		return Result{}, err
	}
	planned := c.answer("", nil, nil)
	planned.OrderedBy, planned.Requests = result.OrderedBy, c.plan.Requests()
	planned.Existing, planned.Matches = result.Existing, result.Matches
	if c.randomID != "" {
		hideID(planned.Requests, string(c.randomID), newIDShown)
	}
	hideID(planned.Requests, string(anyRecord), anyRecordShown)
	planned.Explanation = &Explanation{Conversions: slices.Concat(c.target.notes.all(), c.values.notes.all()), DuplicateRules: c.explainedRules}
	return c.plan.explain(ctx, c.client, planned)
}

func (c *change) answer(outcome Outcome, record *Record, row *dataverse.Record) Result {
	return Result{
		Outcome: outcome, Record: record, Omitted: c.values.omitted, Warnings: c.warnings,
		Variables: c.target.save.Fill(saved{Record: record, Row: row}),
	}
}

// named names a record as far as it was read.
func (c *change) named(id dataverse.ID, row *dataverse.Record) *Record {
	if row == nil {
		return &Record{Entity: c.entity.LogicalName, ID: string(id), URL: c.client.RecordURL(c.entity.LogicalName, id)}
	}
	record := recordOf(c.client, c.entity, *row)
	return &record
}
