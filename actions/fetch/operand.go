package fetch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// convert translates a rendered value into the text of an operand, by the operator and the field's type: a choice's label
// into its number, a point in time into UTC, a reference into its ID. A multi-select choice's value can be several.
func (p operandPlace) convert(ctx context.Context, value any, at string, values Values) ([]string, *input.Fault, error) {
	if input.Blank(value) {
		return nil, input.NewFault(input.VariableUnset, at, "an element of the list is null or blank, and the query needs its value"), nil
	}
	switch kind := operandKindOf(p.operator, p.field); kind {
	case textOperand:
		return p.text(value, at)
	case countOperand:
		return p.count(value, at)
	case dayOperand:
		return p.day(value, at)
	case recordOperand:
		return p.record(value, at)
	}
	o := values.options(at)
	if p.field.IsLookup() {
		id, fault, err := values.Lookup(ctx, p.field, value, o)
		return []string{string(id)}, fault, err
	}
	t, fault := translate.Value(p.field, value, o)
	if fault != nil {
		return nil, fault, nil
	}
	return operandTexts(t.Wire), nil, nil
}

// operandKind says what an operator's operand is.
type operandKind int

const (
	typedOperand  operandKind = iota // a value of the field's type
	textOperand                      // any text: patterns, and fields that only show another's text
	countOperand                     // a number of days, years, fiscal periods
	dayOperand                       // a day
	recordOperand                    // a record ID
)

// operandKindOf is what an operator's operand is on a field (FetchXML, "Operators").
func operandKindOf(op fetchxml.Operator, f *schema.Field) operandKind {
	switch {
	case isPattern(op.Name) || f == nil || f.AttributeOf != "":
		return textOperand
	case strings.Contains(op.Name, "-x-") || strings.Contains(op.Name, "fiscal"):
		return countOperand
	case op.Name == "on" || op.Name == "on-or-before" || op.Name == "on-or-after":
		return dayOperand
	case op.Name == "above" || op.Name == "under" || op.Name == "eq-or-above" || op.Name == "eq-or-under" || op.Name == "not-under":
		return recordOperand
	case f.Type == schema.Uniqueidentifier:
		return recordOperand
	case f.Type == schema.EntityName:
		return countOperand // FetchXML wants the object type code
	}
	return typedOperand
}

func (p operandPlace) text(value any, at string) ([]string, *input.Fault, error) {
	text, ok := translate.TextOf(value)
	if !ok {
		return nil, input.NewFault(input.InvalidValue, at, "the operator %q compares with a text, and the variable holds an object or a list", p.operator.Name), nil
	}
	return []string{text}, nil, nil
}

// count reads a whole number that is not negative.
func (p operandPlace) count(value any, at string) ([]string, *input.Fault, error) {
	text, _ := translate.TextOf(value)
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return nil, input.NewFault(input.InvalidValue, at, "the operator %q compares %s with a whole number", p.operator.Name, p.fieldName()), nil
	}
	return []string{strconv.FormatUint(n, 10)}, nil, nil
}

// day reads a day; of a point in time it takes the day that is written, as Dataverse does.
func (p operandPlace) day(value any, at string) ([]string, *input.Fault, error) {
	text, _ := value.(string)
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return []string{t.Format(time.DateOnly)}, nil, nil
		}
	}
	return nil, input.NewFault(input.InvalidValue, at, "the operator %q compares %s with a day, as \"2026-05-17\"", p.operator.Name, p.fieldName()), nil
}

// record reads a record ID, or takes it from a reference.
func (p operandPlace) record(value any, at string) ([]string, *input.Fault, error) {
	if object, ok := value.(map[string]any); ok {
		value = object["id"]
	}
	text, _ := value.(string)
	id, err := dataverse.ParseID(text)
	if err != nil {
		return nil, input.NewFault(input.InvalidValue, at, "%s is compared with a record ID (a GUID), or with a reference that has one", p.fieldName()), nil
	}
	return []string{string(id)}, nil, nil
}

func (p operandPlace) fieldName() string {
	if p.field == nil {
		return "the field"
	}
	return p.field.LogicalName
}

// operandTexts is a translated value as FetchXML writes it: yes and no as 1 and 0, each option of a multi-select choice by
// itself.
func operandTexts(wire any) []string {
	switch v := wire.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case int:
		return []string{strconv.Itoa(v)}
	case bool:
		if v {
			return []string{"1"}
		}
		return []string{"0"}
	case []int:
		texts := make([]string, len(v))
		for i, n := range v {
			texts[i] = strconv.Itoa(n)
		}
		return texts
	}
	return nil
}

// note tells what came of a value in a condition.
func (p operandPlace) note(values Values, value any, texts []string, at string) {
	if values.Note == nil {
		return
	}
	reason := "as given"
	switch operandKindOf(p.operator, p.field) {
	case typedOperand:
		reason = translate.Reason(p.field, value, values.options(at))
	case textOperand:
		if isPattern(p.operator.Name) {
			reason = "text, with its wildcards made literal"
		}
	case dayOperand:
		reason = fmt.Sprintf("the day, for the operator %q", p.operator.Name)
	case recordOperand:
		reason = "the record ID, or that of a reference"
	}
	values.Note(p.field, at, value, strings.Join(texts, ", "), reason)
}
