package query

import (
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// condition tests a field by one of FetchXML's operators, whose operands are texts. OData's query functions are the same
// conditions under other names. A negative operator also matches where there is no value: FetchXML is not SQL here.
func (b *builder) condition(v value, op fetchxml.Operator, texts []string) (expr, error) {
	if err := checkArity(v, op, len(texts)); err != nil {
		return nil, err
	}
	x, err := b.test(v, op.Name, texts)
	if err != nil {
		return nil, err
	}
	if op.Negative {
		return or(x, isNull{x: v.x}), nil
	}
	return x, nil
}

func checkArity(v value, op fetchxml.Operator, n int) error {
	want := ""
	switch {
	case op.Operands == fetchxml.One && n != 1:
		want = "1 value/s"
	case op.Operands == fetchxml.Two && n != 2:
		want = "2 value/s"
	case op.Operands == fetchxml.AtLeastOne && n == 0:
		want = "at least 1 value/s"
	default:
		return nil
	}
	return refuse(code.QueryBuilderBadCondition, "The condition operator '%s' requires %s, not %d. Parameter Name: %s", op.Name, want, n, v.field.LogicalName)
}

func (b *builder) test(v value, op string, texts []string) (expr, error) {
	switch op {
	case "null":
		return isNull{x: v.x}, nil
	case "not-null":
		return isNull{x: v.x, negated: true}, nil
	case "eq", "ne", "neq", "gt", "ge", "lt", "le":
		return b.comparison(v, op, texts)
	case "in", "not-in":
		return b.membership(v, texts, op == "not-in")
	case "between", "not-between":
		return b.betweenness(v, texts, op == "not-between")
	case "like", "not-like", "begins-with", "not-begin-with", "ends-with", "not-end-with":
		return b.likeness(v, op, texts[0])
	case "contain-values", "not-contain-values":
		return containment(v, texts, op == "not-contain-values")
	case "on", "on-or-before", "on-or-after":
		return b.onDay(v, op, texts[0])
	case "eq-userid", "ne-userid", "eq-businessid", "ne-businessid", "eq-userteams", "eq-useroruserteams",
		"eq-useroruserhierarchy", "eq-useroruserhierarchyandteams", "eq-userlanguage":
		return b.ofCaller(v, op)
	case "above", "eq-or-above", "under", "eq-or-under", "not-under":
		return b.inHierarchy(v, op, texts[0])
	}
	if strings.HasPrefix(op, "in-") && v.kind == schema.DateTime {
		return b.inFiscal(v, op, texts)
	}
	return b.relativeDate(v, op, texts)
}

func (b *builder) comparison(v value, op string, texts []string) (expr, error) {
	operand, err := b.operand(v, texts[0])
	if v.kind == schema.MultiSelectPicklist {
		operand, err = selectedOperand(v, texts)
	}
	if err != nil {
		return nil, err
	}
	return compare(v, op, operand), nil
}

func (b *builder) membership(v value, texts []string, negated bool) (expr, error) {
	if v.kind == schema.MultiSelectPicklist { // all operands are one set
		set, err := selectedOperand(v, texts)
		if err != nil {
			return nil, err
		}
		return negatedIf(negated, compared{"=", v.x, param{set}}), nil
	}
	values, err := b.operands(v, texts)
	if err != nil {
		return nil, err
	}
	if v.kind == schema.DateTime && v.field.Behavior != schema.DateOnly {
		terms := make([]expr, len(values))
		for i, t := range values {
			terms[i] = compare(v, "eq", t)
		}
		return negatedIf(negated, or(terms...)), nil
	}
	return negatedIf(negated, oneOf(v.x, values)), nil
}

func negatedIf(negated bool, x expr) expr {
	if negated {
		return negation{x}
	}
	return x
}

func (b *builder) betweenness(v value, texts []string, negated bool) (expr, error) {
	values, err := b.operands(v, texts)
	if err != nil {
		return nil, err
	}
	return negatedIf(negated, and(compare(v, "ge", values[0]), compare(v, "le", values[1]))), nil
}

// likeness matches text. A lookup is matched by the name of what it points at; of other types the operand would have to be
// converted, which a pattern cannot be.
func (b *builder) likeness(v value, op, pattern string) (expr, error) {
	if v.field.IsLookup() {
		v.x, v.kind = collated{b.lookupName(v.table, v.field)}, schema.String
	}
	if !v.isText() {
		if _, err := b.operand(v, pattern); err != nil {
			return nil, err
		}
		return nil, unfit(v, pattern, "System.String")
	}
	switch {
	case strings.HasSuffix(op, "-with") && strings.Contains(op, "begin"):
		pattern += "%"
	case strings.HasSuffix(op, "-with"):
		pattern = "%" + pattern
	}
	return negatedIf(strings.HasPrefix(op, "not-"), matches(v, pattern)), nil
}

// containment tests a multi-select choice for options: any of them, or none.
func containment(v value, texts []string, negated bool) (expr, error) {
	if v.kind != schema.MultiSelectPicklist {
		return nil, refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator 'contain-values' is not valid for '%s', which is no multi-select choice.", v.field.LogicalName)
	}
	terms := make([]expr, len(texts))
	for i, text := range texts {
		option, err := selectedOperand(v, []string{text})
		if err != nil {
			return nil, err
		}
		terms[i] = compared{">", call{name: "instr", args: []expr{v.x, param{option}}}, sqlFalse}
	}
	return negatedIf(negated, or(terms...)), nil
}

// onDay compares by the day of an operand in the caller's calendar; its time does not count.
func (b *builder) onDay(v value, op, text string) (expr, error) {
	if v.kind != schema.DateTime {
		return nil, unfitOperator(v, op)
	}
	t, ok := parseTime(strings.TrimSpace(text))
	if !ok || !inCalendar(t) {
		return nil, refuse(code.InvalidDateTime, "The date-time format for %s is invalid, or value is outside the supported range.", text)
	}
	y, m, d := t.Date()
	day := civil{y, m, d, 0, 0}
	s := span{at(day), at(day.addDays(1))}
	switch op {
	case "on-or-before":
		s.from = nil
	case "on-or-after":
		s.to = nil
	}
	return b.calendar().within(v, s), nil
}

func unfitOperator(v value, op string) *Error {
	return refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not valid for '%s' of type %s.", op, v.field.LogicalName, v.field.Type)
}

// maxRelative keeps arithmetic on dates in bounds: nobody looks back ten million minutes and means it.
const maxRelative = 10_000_000

func (b *builder) relativeDate(v value, op string, texts []string) (expr, error) {
	if v.kind != schema.DateTime {
		return nil, unfitOperator(v, op)
	}
	calendar := b.calendar()
	if s, ok := calendar.span(op); ok {
		return calendar.within(v, s), nil
	}
	if len(texts) != 1 {
		return nil, refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not supported.", op)
	}
	x, err := strconv.Atoi(strings.TrimSpace(texts[0]))
	if err != nil {
		return nil, unfit(v, texts[0], "System.Int32")
	}
	if x <= 0 {
		return nil, refuse(code.QueryBuilderValueGreaterThanZero, "A value greater than zero is required for the condition operator '%s'.", op)
	}
	if strings.HasSuffix(op, "-hours") || strings.HasSuffix(op, "-minutes") {
		if v.field.Behavior == schema.DateOnly {
			return nil, unfitOperator(v, op)
		}
	}
	s, ok := calendar.spanOf(op, min(x, maxRelative))
	if !ok {
		return nil, refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not supported.", op)
	}
	return calendar.within(v, s), nil
}
