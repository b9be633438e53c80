package actions

import (
	"context"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// target is which record a change means, and what is to be saved of it.
type target struct {
	search
	id    dataverse.ID // "" where the query finds it
	query *odata.Query
}

// prepareTarget checks which record is meant, and what to save. The error is an *input.Error with all faults, or
// Dataverse's.
func (c *change) prepareTarget(ctx context.Context, e *schema.Entity) (target, error) {
	multiple := TakeNone
	if c.spec.UseFirst {
		multiple = TakeFirst
	}
	s, faults := newSearch(c.client, e, multiple, c.spec.MaxCandidates)
	save, more, err := planSave(ctx, c.client, e, saveRequest{Save: c.spec.Save, Defaults: c.spec.SaveDefaults, Variables: c.spec.Variables})
	if err != nil {
		return target{}, err
	}
	s.save, faults = save, append(faults, more...)
	orders, more := order.Parse(e, c.spec.OrderBy)
	orders = order.Total(e, orders)
	t := target{search: s}
	wanted, found, err := c.which(ctx, e, &t)
	if err != nil {
		return target{}, err
	}
	top := t.top()
	t.phone, t.orderedBy = wanted.phone, wanted.phone.ordered(order.Texts(orders))
	t.query = &odata.Query{Select: wanted.phone.selecting(save.Select()), Filter: wanted.filter, OrderBy: order.OData(orders), Top: &top, Expand: save.Expand()}
	return t, input.ErrorOf(slices.Concat(found, more, faults))
}

// whichFault is what is wrong with how the request says which record it means; nil where nothing is.
func (c *change) whichFault() *input.Fault {
	given := 0
	for _, is := range []bool{c.spec.RecordID != "", len(c.spec.Key) > 0, len(c.spec.Where) > 0 || len(c.spec.Conditions) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return input.NewFault(input.InvalidRequest, "record_id", "which record is meant is said by exactly one of record_id, key and where")
	case c.upsert && len(c.spec.Conditions) > 0 && len(c.spec.Where) == 0:
		return input.NewFault(input.InvalidRequest, "conditions", "need where beside them: a new record has the values of where, so that the next call finds it")
	}
	return nil
}

// which is the record's ID, or the condition that finds it.
func (c *change) which(ctx context.Context, e *schema.Entity, t *target) (criteria, []input.Fault, error) {
	if fault := c.whichFault(); fault != nil {
		return criteria{}, []input.Fault{*fault}, nil
	}
	zone, _ := translate.ZoneOf(c.spec.TimeZone) // what is wrong with it is told with the fields
	comparing := comparer{runtime: c.runtime, client: c.client, entity: e, variables: c.spec.Variables, zone: zone}
	comparing.numbers, _ = translate.NumbersOf(c.spec.Culture)
	t.notes = newNotes(c.spec.ValidateOnly)
	comparing.notes = t.notes
	switch {
	case c.spec.RecordID != "":
		id, fault := c.recordID(e)
		if fault != nil {
			return criteria{}, []input.Fault{*fault}, nil
		}
		t.id = id
		if t.notes != nil {
			t.notes.add(Conversion{Field: "record_id", Given: string(id), Sent: string(id), Reason: "the record ID, or that of a reference"})
		}
		return criteria{}, nil, nil
	case len(c.spec.Key) > 0:
		if faults := checkKey(e, c.spec.Key); faults != nil {
			return criteria{}, faults, nil
		}
		comparing.member = "key"
		return comparing.where(ctx, c.spec.Key)
	}
	wanted, faults, err := comparing.filter(ctx, c.spec.Where, c.spec.Conditions)
	if c.upsert && wanted.phone != nil {
		faults = append(faults, c.phoneIdentityFaults(e, wanted.phone)...)
	}
	return wanted, faults, err
}

// recordID is the ID that the request gives: as a text, or as a reference.
func (c *change) recordID(e *schema.Entity) (dataverse.ID, *input.Fault) {
	const path = "record_id"
	rendered, fault := c.runtime.renderer.Render(c.spec.RecordID, c.spec.Variables, path)
	switch {
	case fault != nil:
		return "", fault
	case rendered.State == input.Unset:
		return "", input.NewFault(input.VariableUnset, path, "the variable %q is not set", rendered.Unset)
	case rendered.State == input.Null, input.Blank(rendered.Value):
		return "", input.NewFault(input.VariableUnset, path, "its variable is null or blank")
	}
	value := rendered.Value
	if object, ok := value.(map[string]any); ok {
		if entity, given := object["entity"].(string); given && translate.LowerName(entity) != e.LogicalName {
			return "", input.NewFault(input.InvalidValue, path, "is a reference to a record of %q, and the request is for one of %q", entity, e.LogicalName)
		}
		value = object["id"]
	}
	text, _ := value.(string)
	id, err := dataverse.ParseID(text)
	if err != nil {
		return "", input.NewFault(input.InvalidValue, path, "takes a record ID, as 7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11, or a template that gives one or a reference")
	}
	return id, nil
}

// checkKey finds what is wrong with an alternate key: its fields must be those of one that the entity has, and all must have
// a value, for Dataverse lets several records have none.
func checkKey(e *schema.Entity, key map[string]any) []input.Fault {
	var names []string
	var faults []input.Fault
	for _, name := range input.SortedNames(key) {
		if key[name] == nil {
			faults = append(faults, *input.NewFault(input.InvalidValue, "key."+name, "is null; every field of a key has a value"))
		}
		names = append(names, fieldKey(e, translate.LowerName(name)))
	}
	slices.Sort(names)
	var allowed []string
	for _, k := range e.Keys {
		fields := slices.Sorted(slices.Values(k.Fields))
		if slices.Equal(fields, names) {
			return faults
		}
		allowed = append(allowed, strings.Join(fields, ", "))
	}
	fault := input.NewFault(input.InvalidField, "key", "%s has no alternate key of %s", e.LogicalName, strings.Join(names, ", "))
	if len(allowed) == 0 {
		fault.Message += "; it has none at all: say by `where` which record is meant"
	} else {
		fault.Message += "; its keys are: " + strings.Join(allowed, "; ")
	}
	fault.Allowed = allowed
	return append(faults, *fault)
}

// find is the record that is meant. id is "" where there is none, or where several match and none is to be taken: answer is
// what is told then.
func (t target) find(ctx context.Context) (id dataverse.ID, answer Result, err error) {
	if t.id != "" {
		return t.id, Result{}, nil
	}
	records, all, err := t.list(ctx)
	if err != nil {
		return "", Result{}, err
	}
	answer = t.answer(records, all)
	if answer.Outcome != Matched {
		return "", answer, nil
	}
	return records[0].ID(), answer, nil
}

// list reads the first records that the query finds.
func (t target) list(ctx context.Context) ([]dataverse.Record, tally, error) {
	if t.phone != nil {
		return t.listByPhone(ctx, t.query, false)
	}
	page, err := t.client.ListRecords(ctx, t.entity, t.query)
	return page.Records, seen(page.Records, page.More || len(page.Records) >= t.top()), err
}

// identity is the values by which the record is meant, as fields of a new one: so that the next call finds it. What no new
// record can be given, and what says only that a field has no value, stays out.
func (c *change) identity() map[string]any {
	identity := map[string]any{}
	for _, pairs := range []map[string]any{c.spec.Key, c.spec.Where} {
		for name, value := range pairs {
			if name == phoneMember {
				continue
			}
			f := translate.Field(c.entity, name)
			if value == nil || !creatable(c.entity, f) || f.Type == schema.DateTime && f.Behavior != schema.DateOnly {
				continue
			}
			identity[f.LogicalName] = value
		}
	}
	if f := c.phoneIdentity(c.entity, c.target.phone); f != nil {
		identity[f.LogicalName] = c.target.phone.number.E164()
	}
	return identity
}

// phoneIdentity is the field that a new record gets the number in by which it was looked for: the first that the request names
// in `where`, unless `fields` fills one of them; nil for none.
func (c *change) phoneIdentity(e *schema.Entity, p *phoneSearch) *schema.Field {
	if p == nil || !p.named || c.fillsPhone(p) || !creatable(e, p.fields[0]) {
		return nil
	}
	return p.fields[0]
}

// fillsPhone reports whether `fields` has a value for a field that is looked into.
func (c *change) fillsPhone(p *phoneSearch) bool {
	return slices.ContainsFunc(p.fields, func(f *schema.Field) bool { return c.values != nil && !isBlank(c.values.values[f.LogicalName]) })
}

// phoneIdentityFaults is what is wrong with a new record that would not have the number by which it is looked for.
func (c *change) phoneIdentityFaults(e *schema.Entity, p *phoneSearch) []input.Fault {
	if c.fillsPhone(p) || c.phoneIdentity(e, p) != nil {
		return nil
	}
	return []input.Fault{*input.NewFault(input.InvalidRequest, "where."+phoneMember, "a new record needs the number, so that the next call finds it: write it in `fields`, or name the field first in where.%s.fields", phoneMember)}
}
