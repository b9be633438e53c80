package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// lookupWhere is a lookup that says by {"entity": …, "where": {…}} which record it points at. Only a request can write one:
// what a variable holds is a value, and no search. A lookup by {"entity": …, "key": {…}} is one by the fields of an alternate
// key.
type lookupWhere struct {
	member string         // "where", or "key"
	object map[string]any // the lookup's other members, rendered
	pairs  map[string]any // of `where`, as the request writes them: they have the rules of a search
	values comparer       // renders and compares the pairs; its entity is still to come
	blank  bool           // whether a variable in the pairs is blank
}

// Member is where the search stands in the lookup.
func (w lookupWhere) Member() string { return w.member }

// Beside are the lookup's members beside the search.
func (w lookupWhere) Beside() map[string]any { return w.object }

// deepestLookup is how many lookups by `where` stand inside each other at most. Each is a request of its own.
const deepestLookup = 3

// splitWhere takes the `where`, or the `key`, out of a lookup's value, and says which; member is "" for a value that has none.
func splitWhere(f *schema.Field, value any) (rest map[string]any, where any, member string) {
	object, ok := value.(map[string]any)
	if !ok || !f.IsLookup() && f.Type != schema.PartyList {
		return nil, nil, ""
	}
	for _, member := range []string{"where", "key"} {
		if where, found := object[member]; found {
			rest = maps.Clone(object)
			delete(rest, member)
			return rest, where, member
		}
	}
	return nil, nil, ""
}

// renderField renders a value of `fields`. A lookup's `where` is rendered when it is compared, and here only to learn
// whether a variable in it is not set: the field is not set then.
func (c comparer) renderField(f *schema.Field, value any, path string) (input.Rendered, *input.Fault) {
	if list, ok := value.([]any); ok && f.Type == schema.PartyList {
		return c.renderParties(f, list, path)
	}
	rest, where, member := splitWhere(f, value)
	if member == "" {
		return c.runtime.renderer.Render(value, c.variables, path)
	}
	rendered, fault := c.runtime.renderer.Render(rest, c.variables, path)
	if fault != nil {
		return input.Rendered{}, fault
	}
	inner, fault := c.runtime.renderer.Render(where, c.variables, path+"."+member)
	if fault != nil {
		return input.Rendered{}, fault
	}
	rendered.Join(inner)
	object, _ := rendered.Value.(map[string]any)
	w, fault := c.lookupWhere(object, where, member, path)
	w.blank = inner.Templated && blankMember(inner.Value)
	rendered.Value = w
	return rendered, fault
}

// lookupWhere is the lookup of these members and this `where`.
func (c comparer) lookupWhere(object map[string]any, where any, member, path string) (lookupWhere, *input.Fault) {
	path += "." + member
	pairs, ok := where.(map[string]any)
	switch {
	case !ok:
		return lookupWhere{}, input.NewFault(input.InvalidValue, path, "takes an object: fields of the record that is meant, and what they equal")
	case c.depth >= deepestLookup:
		return lookupWhere{}, input.NewFault(input.InvalidValue, path, "stands in too many others: %d lookups by where may stand inside each other", deepestLookup)
	}
	c.depth++
	return lookupWhere{member: member, object: object, pairs: pairs, values: c}, nil
}

// operandWhere is a lookup by `where` that a search compares with.
func (c comparer) operandWhere(rest map[string]any, where any, member, path string) (any, *input.Fault) {
	var object map[string]any
	if len(rest) > 0 {
		given, fault := c.given(rest, path)
		if fault != nil {
			return nil, fault
		}
		object, _ = given.(map[string]any)
	}
	if object["missing"] != nil {
		return nil, missingInSearch(path)
	}
	return c.lookupWhere(object, where, member, path)
}

// whereSearch is the search for the record of a lookup.
type whereSearch struct {
	entity *schema.Entity
	criteria
}

// find finds the one record that a lookup's `where` matches, active or not: whoever means active ones says so there.
func (w lookupWhere) find(ctx context.Context, client *dataverse.Client, l translate.Lookup, o translate.Options) (ref translate.Reference, found bool, faults []input.Fault, err error) {
	e, err := client.Entity(ctx, l.Entity)
	if errors.Is(err, dataverse.ErrUnknownEntity) {
		return ref, false, []input.Fault{*input.NewFault(input.InvalidValue, o.Path, "the environment has no entity %q", l.Entity)}, nil
	}
	if err != nil {
		return ref, false, nil, fmt.Errorf("look up a record by where: %w", err)
	}
	if fault := notAllowed(client, l.Entity, o.Path, dataverse.Find); fault != nil {
		return ref, false, []input.Fault{*fault}, nil
	}
	search, err := withFreshMetadata(ctx, w.values.runtime, client, e, func(e *schema.Entity) (whereSearch, error) {
		values := w.values
		values.client, values.entity, values.member = client, e, o.Path+"."+w.member
		values.noValue = ""
		if faults := w.keyFaults(e, values.member); faults != nil {
			return whereSearch{}, input.ErrorOf(faults)
		}
		wanted, faults, err := values.where(ctx, w.pairs)
		if err == nil {
			err = input.ErrorOf(faults)
		}
		return whereSearch{entity: e, criteria: wanted}, err
	})
	if faults := input.FaultsOf(err); faults != nil {
		if l.Omit && allUnset(faults) {
			faults = nil // nothing to look for finds nothing
		}
		return ref, false, faults, nil
	}
	if err != nil {
		return ref, false, nil, err
	}
	return w.only(ctx, client, l, search, o)
}

// keyFaults is what is wrong with the fields of a lookup by key, which must be those of one that the entity has.
func (w lookupWhere) keyFaults(e *schema.Entity, path string) []input.Fault {
	if w.member != "key" {
		return nil
	}
	faults := checkKey(e, w.pairs)
	for i := range faults {
		faults[i].Field = path + strings.TrimPrefix(faults[i].Field, "key")
	}
	return faults
}

// only is the one record that a search finds.
func (w lookupWhere) only(ctx context.Context, client *dataverse.Client, l translate.Lookup, s whereSearch, o translate.Options) (ref translate.Reference, found bool, faults []input.Fault, err error) {
	records, capped, err := s.two(ctx, client)
	switch {
	case err != nil:
		return ref, false, nil, fmt.Errorf("look up a record by where: %w", err)
	case capped && len(records) < 2:
		return ref, false, []input.Fault{*input.NewFault(input.LookupAmbiguous, o.Path, "more records of %s than can be read have the digits of the number: another field in the lookup's where beside it says which one is meant", l.Entity)}, nil
	case len(records) == 1:
		return translate.Reference{Entity: l.Entity, ID: records[0].ID()}, true, nil, nil
	case len(records) > 1:
		return ref, false, []input.Fault{*input.NewFault(input.LookupAmbiguous, o.Path, "several records of %s match the lookup's %s; it must match one", l.Entity, w.member)}, nil
	case l.Omit:
		return ref, false, nil, nil
	}
	return ref, false, []input.Fault{*input.NewFault(input.LookupNotFound, o.Path, "no record of %s matches the lookup's %s", l.Entity, w.member)}, nil
}

// two are the first two records that the search finds: the second tells that it does not find one only. capped says that
// there are records beyond those that could be read.
func (s whereSearch) two(ctx context.Context, client *dataverse.Client) (records []dataverse.Record, capped bool, err error) {
	two := 2
	query := &odata.Query{Select: s.phone.selecting([]string{s.entity.PrimaryID}), Filter: s.filter, Top: &two}
	if s.phone != nil {
		found, err := s.phone.list(ctx, client, s.entity, query, phoneWanted{least: two, usual: two})
		return found.records, found.capped, err
	}
	page, err := client.ListRecords(ctx, s.entity, query)
	return page.Records, false, err
}

// allUnset reports whether faults come of variables that say nothing, and of nothing else.
func allUnset(faults []input.Fault) bool {
	return !slices.ContainsFunc(faults, func(f input.Fault) bool { return f.Reason != input.VariableUnset })
}

// missingInSearch is the fault of a lookup that may be missing in a search.
func missingInSearch(path string) *input.Fault {
	return input.NewFault(input.InvalidValue, path, "\"missing\" has no place in a search: leaving the field out would find other records")
}
