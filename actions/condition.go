package actions

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Condition is what a field of a record must fulfil, for what equality cannot say.
type Condition struct {
	Field string // logical name, or label
	// Operator is one of eq, ne, gt, ge, lt, le, contains, begins_with, ends_with, in, not_in, between, is_null, not_null.
	Operator string
	Value    any // as in `where`; a list for in, not_in and between; nil for is_null and not_null
}

const (
	isNull  = "is_null"
	notNull = "not_null"
	// mostOperands bounds the values of one condition.
	mostOperands = 100
)

// operatorsFor are the operators that compare a field.
func operatorsFor(f *schema.Field) []string {
	var operators []string
	switch f.Type {
	case schema.MultiSelectPicklist: // Dataverse has no more for them, and none that can be negated
		return []string{"eq", "contains", isNull, notNull}
	case schema.String, schema.Memo:
		operators = []string{"contains", "begins_with", "ends_with"}
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money, schema.DateTime:
		operators = []string{"gt", "ge", "lt", "le", "between"}
	}
	return append([]string{"eq", "ne", "in", "not_in", isNull, notNull}, operators...)
}

// filter is the condition that all pairs and all conditions hold. Every fault comes at once; err is Dataverse's, as it came.
func (c comparer) filter(ctx context.Context, pairs map[string]any, conditions []Condition) (criteria, []input.Fault, error) {
	if len(pairs)+len(conditions) == 0 {
		return criteria{}, []input.Fault{*input.NewFault(input.InvalidRequest, cmp.Or(c.member, "where"), "needs at least one field: a search without one would match every record")}, nil
	}
	pairs, number, byPhone := splitPhone(pairs)
	terms, faults, err := c.terms(ctx, pairs)
	if err != nil {
		return criteria{}, nil, err
	}
	var found criteria
	place := len(terms) // of the number among the terms
	if byPhone {
		search, more := c.phone(number)
		if faults = append(faults, more...); search != nil {
			found.phone, terms = search, append(terms, search.filter())
			c.notePhone(search)
		}
	}
	for i, condition := range conditions {
		term, more, err := c.condition(ctx, condition, fmt.Sprintf("conditions[%d]", i))
		if err != nil {
			return criteria{}, nil, err
		}
		if len(more) == 0 {
			c.noteTerm(condition.Field, condition.Value, term, fmt.Sprintf("conditions[%d]", i))
		}
		terms, faults = append(terms, term), append(faults, more...)
	}
	found.filter = joined(odata.And, terms)
	if len(faults) == 0 {
		faults = listed(input.CheckQuery(odata.FormatFilter(found.filter), cmp.Or(c.member, "where")))
	}
	if found.phone != nil {
		found.phone.prepareUsual(terms, place)
	}
	return found, faults, nil
}

// joined is several conditions as one.
func joined(op odata.Junction, terms []odata.Expr) odata.Expr {
	if len(terms) == 1 {
		return terms[0]
	}
	return &odata.Logical{Op: op, Terms: terms}
}

// condition checks one condition and makes the query's of it.
func (c comparer) condition(ctx context.Context, condition Condition, path string) (odata.Expr, []input.Fault, error) {
	f, fault := c.field(condition.Field, path+".field")
	if fault == nil {
		fault = operatorFault(f, condition, path)
	}
	if fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	path += ".value"
	c.noValue = "use " + isNull
	switch operator := condition.Operator; operator {
	case isNull:
		return compare(f, odata.Null{})[0], nil, nil
	case notNull:
		return &odata.Compare{Path: odata.Path{f.Property()}, Op: odata.Ne, Value: odata.Null{}}, nil, nil
	case "eq", "ne":
		value, fault := c.operand(f, condition.Value, path)
		if fault != nil {
			return nil, []input.Fault{*fault}, nil
		}
		if operator == "ne" {
			return c.noneOf(ctx, f, []any{value}, path)
		}
		terms, faults, err := c.equalTo(ctx, f, value, path)
		return joined(odata.And, terms), faults, err
	case "in", "not_in", "between":
		values, faults := c.operands(f, condition.Value, path)
		switch {
		case len(faults) > 0:
			return nil, faults, nil
		case operator == "between":
			return c.between(f, values, path)
		case operator == "not_in":
			return c.noneOf(ctx, f, values, path)
		}
		return c.anyOf(ctx, f, values, path)
	}
	value, fault := c.operand(f, condition.Value, path)
	var term odata.Expr
	if fault == nil {
		term, fault = c.single(f, condition.Operator, value, path)
	}
	if fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	return term, nil, nil
}

// operatorFault is what is wrong with an operator on a field, or with having or lacking a value for it; nil where nothing is.
func operatorFault(f *schema.Field, condition Condition, path string) *input.Fault {
	allowed := operatorsFor(f)
	valueless := condition.Operator == isNull || condition.Operator == notNull
	switch {
	case !slices.Contains(allowed, condition.Operator):
		fault := input.NewFault(input.InvalidValue, path+".operator", "%q does not compare %s (%s); these do: %s", condition.Operator, translate.Named(f), f.Type, strings.Join(allowed, ", "))
		fault.Allowed, fault.Nearest = allowed, schema.Nearest(condition.Operator, allowed)
		return fault
	case valueless && condition.Value != nil:
		return input.NewFault(input.InvalidRequest, path+".value", "%s takes no value", condition.Operator)
	case !valueless && condition.Value == nil:
		return input.NewFault(input.InvalidRequest, path+".value", "%s needs a value; to search for records without one use is_null", condition.Operator)
	}
	return nil
}

// operands is a condition's values: those of a list, or of a variable that holds one.
func (c comparer) operands(f *schema.Field, value any, path string) ([]any, []input.Fault) {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var values []any
	var faults []input.Fault
	for _, element := range list {
		operand, fault := c.operand(f, element, path)
		if fault != nil {
			faults = append(faults, *fault)
		} else if several, ok := operand.([]any); ok {
			values = append(values, several...)
		} else {
			values = append(values, operand)
		}
	}
	switch {
	case len(faults) > 0:
	case slices.ContainsFunc(values, input.Blank):
		faults = append(faults, *input.NewFault(input.VariableUnset, path, "an element of the list is null or blank, and a search needs its value"))
	case len(values) == 0:
		faults = append(faults, *input.NewFault(input.InvalidValue, path, "is an empty list"))
	case len(values) > mostOperands:
		faults = append(faults, *input.NewFault(input.InvalidValue, path, "has %d values; a condition compares with %d at most", len(values), mostOperands))
	}
	return values, faults
}

// anyOf is the condition that a field equals one of several values.
func (c comparer) anyOf(ctx context.Context, f *schema.Field, values []any, path string) (odata.Expr, []input.Fault, error) {
	var each []odata.Expr
	var faults []input.Fault
	for _, value := range values {
		terms, more, err := c.equalTo(ctx, f, value, path)
		if err != nil {
			return nil, nil, err
		}
		each, faults = append(each, joined(odata.And, terms)), append(faults, more...)
	}
	return joined(odata.Or, each), faults, nil
}

// noneOf is the condition that a field equals none of several values. A record without a value equals none: Dataverse would
// leave it out (Web API, "Filter rows").
func (c comparer) noneOf(ctx context.Context, f *schema.Field, values []any, path string) (odata.Expr, []input.Fault, error) {
	var all []odata.Expr
	var faults []input.Fault
	for _, value := range values {
		terms, more, err := c.equalTo(ctx, f, value, path)
		if err != nil {
			return nil, nil, err
		}
		if faults = append(faults, more...); len(more) == 0 {
			all = append(all, c.unequal(f, terms, value, path))
		}
	}
	if len(faults) > 0 {
		return nil, faults, nil
	}
	none := joined(odata.And, all)
	if f.LogicalName == c.entity.PrimaryID {
		return none, nil, nil
	}
	return &odata.Logical{Op: odata.Or, Terms: append([]odata.Expr{none}, compare(f, odata.Null{})...)}, nil, nil
}

// unequal is the opposite of the terms by which a field equals a value. A day's are made anew, as Dataverse cannot negate
// its own functions: before it or after it.
func (c comparer) unequal(f *schema.Field, terms []odata.Expr, value any, path string) odata.Expr {
	if f.Type == schema.DateTime && f.Behavior != schema.DateOnly {
		before, _ := c.moment(f, odata.Lt, value, path)
		after, _ := c.moment(f, odata.Gt, value, path)
		return &odata.Logical{Op: odata.Or, Terms: []odata.Expr{before, after}}
	}
	if equal, ok := terms[0].(*odata.Compare); ok {
		return &odata.Compare{Path: equal.Path, Op: odata.Ne, Value: equal.Value}
	}
	return &odata.Not{Term: joined(odata.And, terms)}
}

// between is the condition that a field lies between two values, both included.
func (c comparer) between(f *schema.Field, values []any, path string) (odata.Expr, []input.Fault, error) {
	if len(values) != 2 {
		return nil, []input.Fault{*input.NewFault(input.InvalidValue, path, "between compares with two values, the least and the greatest, and was given %d", len(values))}, nil
	}
	var terms []odata.Expr
	var faults []input.Fault
	for i, op := range []odata.Op{odata.Ge, odata.Le} {
		term, fault := c.ordered(f, op, values[i], path)
		if fault != nil {
			faults = append(faults, *fault)
		}
		terms = append(terms, term)
	}
	return joined(odata.And, terms), faults, nil
}

// single is the condition of an operator that takes one value and is neither eq nor ne.
func (c comparer) single(f *schema.Field, operator string, value any, path string) (odata.Expr, *input.Fault) {
	function := map[string]string{"contains": "contains", "begins_with": "startswith", "ends_with": "endswith"}[operator]
	switch {
	case function == "":
		return c.ordered(f, odata.Op(operator), value, path)
	case f.Type == schema.MultiSelectPicklist:
		return c.selected(f, value, path)
	}
	text, ok := translate.TextOf(value)
	if !ok {
		return nil, translate.Misfit(f, value, translate.Options{Path: path}, "it takes a text")
	}
	return &odata.Call{Func: function, Path: odata.Path{f.Property()}, Value: odata.String(odata.EscapeWildcards(text))}, nil
}

// selected is the condition that a multi-select choice has these options, whatever others it has.
func (c comparer) selected(f *schema.Field, value any, path string) (odata.Expr, *input.Fault) {
	t, fault := translate.Value(f, value, translate.Options{Path: path, Search: true})
	if fault != nil {
		return nil, fault
	}
	options, _ := t.Wire.([]int)
	var terms []odata.Expr
	for _, option := range options {
		terms = append(terms, choiceFunction("ContainValues", f, odata.Array{odata.String(fmt.Sprint(option))}))
	}
	return joined(odata.And, terms), nil
}

// ordered is the condition that a field is less or greater than a value.
func (c comparer) ordered(f *schema.Field, op odata.Op, value any, path string) (odata.Expr, *input.Fault) {
	if f.Type == schema.DateTime && f.Behavior != schema.DateOnly {
		return c.moment(f, op, value, path)
	}
	t, fault := translate.Value(f, value, c.options(path))
	if fault != nil {
		return nil, fault
	}
	return &odata.Compare{Path: odata.Path{f.Property()}, Op: op, Value: literal(f, t.Wire)}, nil
}

// moment is the condition that a point in time lies before or after another, or a whole day. Whose day it is, onDay says.
func (c comparer) moment(f *schema.Field, op odata.Op, value any, path string) (odata.Expr, *input.Fault) {
	text, _ := value.(string)
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil {
		t, fault := translate.Value(f, value, c.options(path))
		if fault != nil {
			return nil, fault
		}
		return &odata.Compare{Path: odata.Path{f.LogicalName}, Op: op, Value: odata.DateTime(fmt.Sprint(t.Wire))}, nil
	}
	zone := c.zone
	if f.Behavior == schema.TimeZoneIndependent {
		zone = time.UTC
	}
	if zone == nil {
		return onDayFunction(f, op, day), nil
	}
	bound := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	if op == odata.Gt || op == odata.Le {
		bound = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
	}
	op = map[odata.Op]odata.Op{odata.Gt: odata.Ge, odata.Ge: odata.Ge, odata.Lt: odata.Lt, odata.Le: odata.Lt}[op]
	return &odata.Compare{Path: odata.Path{f.LogicalName}, Op: op, Value: pointInTime(bound)}, nil
}

// onDayFunction compares with a day of the application user's.
func onDayFunction(f *schema.Field, op odata.Op, day time.Time) odata.Expr {
	name := "OnOrAfter"
	switch op {
	case odata.Gt:
		day = day.AddDate(0, 0, 1)
	case odata.Lt:
		name, day = "OnOrBefore", day.AddDate(0, 0, -1)
	case odata.Le:
		name = "OnOrBefore"
	}
	return &odata.QueryFunction{Name: name, Params: []odata.Param{
		{Name: "PropertyName", Value: odata.String(f.LogicalName)}, {Name: "PropertyValue", Value: odata.String(day.Format(time.DateOnly))},
	}}
}
