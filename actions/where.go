package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// unsearchable is the fault of a field that FindRecord does not compare; nil where it does.
func unsearchable(e *schema.Entity, f *schema.Field, path string) *input.Fault {
	switch {
	case translate.Searchable(f):
		return nil
	case !standsForItself(f):
		return input.NewFault(input.InvalidField, path, "only shows what %s holds; search by that", f.AttributeOf)
	}
	return input.NewFault(input.InvalidField, path, "%s.%s is of a kind that a search cannot compare (%s)", e.LogicalName, f.LogicalName, f.Type)
}

// comparer turns the pairs of a `where` into conditions.
type comparer struct {
	runtime   *Runtime
	client    *dataverse.Client
	entity    *schema.Entity
	variables map[string]any
	zone      *time.Location     // nil where the request names none
	member    string             // of the request, for faults; "" for "where"
	depth     int                // how many lookups by where stand around it
	notes     *notes             // of what becomes of the values; nil for none
	numbers   *translate.Numbers // how texts write numbers; nil where the request does not say it
	noValue   string             // how a search for records without a value is written; "" for writing null
}

// options are how a value that stands there is translated to be compared with.
func (c comparer) options(path string) translate.Options {
	return translate.Options{Path: path, Zone: c.zone, Numbers: c.numbers, Search: true}
}

// criteria is what a record must fulfil to be found.
type criteria struct {
	filter odata.Expr
	phone  *phoneSearch // nil without a phone number; else what the filter lets through is to be read
}

// where is the condition that all pairs hold. Every fault comes at once; err is Dataverse's, as it came.
func (c comparer) where(ctx context.Context, pairs map[string]any) (criteria, []input.Fault, error) {
	return c.filter(ctx, pairs, nil)
}

// terms are the conditions of all pairs.
func (c comparer) terms(ctx context.Context, pairs map[string]any) (terms []odata.Expr, faults []input.Fault, err error) {
	if fault := tooMany(c.entity, pairs, cmp.Or(c.member, "where")); fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	faults = translate.TwiceGiven(c.entity, pairs, cmp.Or(c.member, "where"))
	for _, name := range input.SortedNames(pairs) {
		pair, more, err := c.pair(ctx, name, pairs[name])
		if err != nil {
			return nil, nil, err
		}
		if len(more) == 0 {
			c.noteTerm(name, pairs[name], joined(odata.And, pair), cmp.Or(c.member, "where")+"."+name)
		}
		terms, faults = append(terms, pair...), append(faults, more...)
	}
	return terms, faults, nil
}

// pair is the conditions of one field and its value, all of which must hold.
func (c comparer) pair(ctx context.Context, name string, value any) ([]odata.Expr, []input.Fault, error) {
	path := cmp.Or(c.member, "where") + "." + name
	f, fault := c.field(name, path)
	if fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	if value == nil {
		return compare(f, odata.Null{}), nil, nil
	}
	value, fault = c.operand(f, value, path)
	if fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	return c.equalTo(ctx, f, value, path)
}

// field is the field of that name, which a search can compare.
func (c comparer) field(name, path string) (*schema.Field, *input.Fault) {
	f := translate.Field(c.entity, name)
	if f == nil {
		return nil, translate.UnknownField(c.entity, name, path)
	}
	return f, unsearchable(c.entity, f, path)
}

// operand is a value to compare a field with, rendered: it says something. A lookup by `where` becomes a lookupWhere.
func (c comparer) operand(f *schema.Field, value any, path string) (any, *input.Fault) {
	if rest, where, member := splitWhere(f, value); member != "" {
		return c.operandWhere(rest, where, member, path)
	}
	value, fault := c.given(value, path)
	if text, ok := value.(string); ok && fault == nil {
		fault = input.CheckSearched(text, path)
	}
	return value, fault
}

// equalTo is the conditions under which a field equals an operand, all of which must hold.
func (c comparer) equalTo(ctx context.Context, f *schema.Field, operand any, path string) ([]odata.Expr, []input.Fault, error) {
	o := c.options(path)
	if _, ok := operand.(lookupWhere); ok {
		ref, _, faults, err := resolveLookup(ctx, c.client, f, operand, o)
		return compare(f, odata.GUID(ref.ID)), faults, err
	}
	terms, fault, err := c.equals(ctx, f, operand, o)
	if fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	return terms, nil, err
}

// given is a rendered value that says something. What says nothing is refused, so that a search never turns into one for
// all records without a value.
func (c comparer) given(value any, path string) (any, *input.Fault) {
	if text, ok := value.(string); ok && input.HasTemplate(text) {
		return c.givenText(text, path)
	}
	rendered, fault := c.runtime.renderer.Render(value, c.variables, path)
	switch {
	case fault != nil:
		return nil, fault
	case rendered.State == input.Unset:
		return nil, input.NewFault(input.VariableUnset, path, "the variable %q is not set, and a search needs its value", rendered.Unset)
	case rendered.State == input.Null:
		return nil, input.NewFault(input.VariableUnset, path, "a part of the value is null, and a search needs it")
	case rendered.Templated && blankMember(rendered.Value):
		return nil, input.NewFault(input.VariableUnset, path, "a part of the value is blank, and a search needs it")
	case input.Blank(rendered.Value):
		return nil, input.NewFault(input.InvalidValue, path, "is blank; to search for records without a value %s", cmp.Or(c.noValue, "write null"))
	}
	return rendered.Value, nil
}

// blankMember reports whether a member of an object, or an element of a list, says nothing.
func blankMember(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if input.Blank(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, input.Blank)
	}
	return false
}

// givenText is given of a text with outputs.
func (c comparer) givenText(text, path string) (any, *input.Fault) {
	t, fault := c.runtime.renderer.Template(text, path)
	if fault != nil {
		return nil, fault
	}
	value, missing, err := input.RenderGiven(t, c.variables, nil)
	if err != nil {
		return nil, input.TemplateFault(path, err)
	}
	if missing != "" {
		return nil, input.NewFault(input.VariableUnset, path, "%s, and a search needs its value; to search for records without a value %s", missing, cmp.Or(c.noValue, "write null"))
	}
	return value, nil
}

// equals is the conditions under which a field equals a value of its type.
func (c comparer) equals(ctx context.Context, f *schema.Field, value any, o translate.Options) ([]odata.Expr, *input.Fault, error) {
	switch {
	case f.IsLookup():
		id, fault, err := c.lookup(ctx, f, value, o)
		return compare(f, odata.GUID(id)), fault, err
	case f.Type == schema.DateTime && f.Behavior != schema.DateOnly:
		terms, fault := c.onDay(f, value, o.Path)
		return terms, fault, nil
	}
	if object, ok := value.(map[string]any); ok && f.Type == schema.Uniqueidentifier {
		value = object["id"] // of a reference, as "@record" saves one
	}
	t, fault := translate.Value(f, value, o)
	if fault != nil {
		return nil, fault, nil
	}
	if options, ok := t.Wire.([]int); ok {
		return exactlySelected(f, options), nil, nil
	}
	return compare(f, literal(f, t.Wire)), nil, nil
}

// compare is the condition that a field equals a literal.
func compare(f *schema.Field, v odata.Value) []odata.Expr {
	return []odata.Expr{&odata.Compare{Path: odata.Path{f.Property()}, Op: odata.Eq, Value: v}}
}

// literal is a translated value as OData writes it.
func literal(f *schema.Field, wire any) odata.Value {
	switch v := wire.(type) {
	case bool:
		return odata.Bool(v)
	case int:
		return odata.Number(strconv.Itoa(v))
	case json.Number:
		return odata.Number(v.String())
	case string:
		switch f.Type {
		case schema.Uniqueidentifier:
			return odata.GUID(v)
		case schema.DateTime:
			return odata.Date(v)
		}
		return odata.String(v)
	}
	return odata.Null{}
}

// lookup is the ID of the record that a value names. A bare ID is enough here, also of a lookup with several targets: no
// two records have the same.
func (c comparer) lookup(ctx context.Context, f *schema.Field, value any, o translate.Options) (dataverse.ID, *input.Fault, error) {
	if text, ok := value.(string); ok {
		if id, err := dataverse.ParseID(text); err == nil {
			return id, nil, nil
		}
	}
	if object, ok := value.(map[string]any); ok && object["missing"] != nil {
		return "", missingInSearch(o.Path), nil
	}
	ref, found, faults, err := resolveLookup(ctx, c.client, f, value, o)
	switch {
	case len(faults) > 0:
		return "", &faults[0], err // there is one: only lookups by where, which are no variable's value, have more
	case err == nil && !found:
		return "", input.NewFault(input.LookupNotFound, o.Path, "names no record"), nil
	}
	return ref.ID, nil, err
}

// onDay is the condition that a point in time lies on a day. A day is the application user's, or the given zone's; that of
// a field without zones is its own.
func (c comparer) onDay(f *schema.Field, value any, path string) ([]odata.Expr, *input.Fault) {
	text, _ := value.(string)
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil {
		return nil, input.NewFault(input.InvalidValue, path, "%s holds a point in time, which a search by equality never meets: give a day as \"2026-05-17\", or search by FetchXML with the operators \"on\", \"ge\" and \"lt\"", f.LogicalName)
	}
	zone := c.zone
	if f.Behavior == schema.TimeZoneIndependent {
		zone = time.UTC
	}
	if zone == nil {
		return []odata.Expr{&odata.QueryFunction{Name: "On", Params: []odata.Param{
			{Name: "PropertyName", Value: odata.String(f.LogicalName)}, {Name: "PropertyValue", Value: odata.String(day.Format(time.DateOnly))},
		}}}, nil
	}
	start := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
	return []odata.Expr{
		&odata.Compare{Path: odata.Path{f.LogicalName}, Op: odata.Ge, Value: pointInTime(start)},
		&odata.Compare{Path: odata.Path{f.LogicalName}, Op: odata.Lt, Value: pointInTime(end)},
	}, nil
}

func pointInTime(t time.Time) odata.DateTime { return odata.DateTime(t.UTC().Format(time.RFC3339)) }

// exactlySelected is the conditions that a multi-select choice has these options and no others: Dataverse compares such a
// field by its query functions only (Web API, "Query data using the Web API").
func exactlySelected(f *schema.Field, options []int) []odata.Expr {
	var terms []odata.Expr
	var others odata.Array
	for _, option := range f.Options {
		value := odata.String(strconv.Itoa(option.Value))
		if slices.Contains(options, option.Value) {
			terms = append(terms, choiceFunction("ContainValues", f, odata.Array{value}))
		} else {
			others = append(others, value)
		}
	}
	if len(others) > 0 {
		terms = append(terms, choiceFunction("DoesNotContainValues", f, others))
	}
	return terms
}

func choiceFunction(name string, f *schema.Field, values odata.Array) odata.Expr {
	return &odata.QueryFunction{Name: name, Params: []odata.Param{
		{Name: "PropertyName", Value: odata.String(f.LogicalName)}, {Name: "PropertyValues", Value: values},
	}}
}
