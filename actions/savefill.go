package actions

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// saved is what an answer offers to be saved.
type saved struct {
	Record *Record           // for "@id", "@url", "@record"; nil where there is none
	Row    *dataverse.Record // for fields; nil where none was read
	Count  *int              // for "@count"; nil where none was counted
	Phone  *PhoneMatch       // for "@phone_field", "@phone_number"; nil where the record was not found by a number
}

// Fill returns the request's variables with every target of the plan set: to what the answer has for its source, to its
// default, or to null. The map is the caller's to keep; the request's is not changed.
func (p *savePlan) Fill(answer saved) map[string]any {
	variables := copyVariables(p.variables)
	for _, t := range p.targets {
		value := t.source.value(answer)
		if value == nil {
			value = copyValue(p.defaults[t.variable])
		}
		setVariable(variables, t.variable, value)
	}
	return variables
}

// Fields returns the values of the fields that the plan saves, by their source.
func (p *savePlan) Fields(row dataverse.Record) map[string]any {
	fields := map[string]any{}
	for _, t := range p.targets {
		if t.source.kind == fieldSource {
			fields[t.source.text] = t.source.value(saved{Row: &row})
		}
	}
	return fields
}

// value is what an answer has for the source; nil for nothing.
func (s saveSource) value(answer saved) any {
	switch s.kind {
	case countSource:
		if answer.Count == nil {
			return nil
		}
		return float64(*answer.Count)
	case phoneFieldSource, phoneNumberSource:
		return s.phoneValue(answer.Phone)
	case fieldSource:
		if answer.Row == nil {
			return nil
		}
		return s.fieldValue(*answer.Row)
	}
	if answer.Record == nil {
		return nil
	}
	switch s.kind {
	case idSource:
		return textOrNil(answer.Record.ID)
	case urlSource:
		return textOrNil(answer.Record.URL)
	}
	return map[string]any{"entity": answer.Record.Entity, "id": answer.Record.ID, "name": textOrNil(answer.Record.Name)}
}

// phoneValue is what the source tells of a match by a phone number.
func (s saveSource) phoneValue(match *PhoneMatch) any {
	switch {
	case match == nil:
		return nil
	case s.kind == phoneFieldSource:
		return match.Field
	}
	return match.Number
}

// fieldValue is the value of the source's column in a row, as a variable holds it.
func (s saveSource) fieldValue(row dataverse.Record) any {
	if s.column.Navigation != "" {
		linked, ok := row.Expanded(s.column.Navigation)
		if !ok {
			return nil
		}
		row = linked
	}
	raw, _ := row.Value(s.column.Property)
	if raw == nil {
		return nil
	}
	if s.formatted {
		// Texts and GUIDs have no formatted value (Web API, "Formatted values"): people read them as they are.
		text := row.Formatted(s.column.Property)
		if text == "" {
			text, _ = translate.TextOf(raw)
		}
		return textOrNil(text)
	}
	return variableValue(s.column.Field.Type, raw)
}

// hasFormatted reports whether Dataverse prints a field's value for people: all but texts and GUIDs (Web API, "Formatted
// values").
func hasFormatted(f *schema.Field) bool { return !f.IsText() && f.Type != schema.Uniqueidentifier }

// variableValue is a value of Dataverse's JSON as a variable holds it: a number that a double holds exactly as a number,
// any other and every 64-bit integer as its digits, a multi-select choice as the list of its numbers.
func variableValue(t schema.Type, raw any) any {
	switch v := raw.(type) {
	case json.Number:
		if t == schema.BigInt {
			return v.String()
		}
		return exactNumber(v.String(), t == schema.Double)
	case string:
		if t == schema.MultiSelectPicklist {
			return optionNumbers(v)
		}
	}
	return raw
}

// exactNumber is a number as a float64 where that keeps all its digits, or where it was one before; else as text.
func exactNumber(digits string, isDouble bool) any {
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return digits
	}
	if isDouble || strings.ContainsAny(digits, "eE") {
		return f
	}
	written, ok := new(big.Rat).SetString(digits)
	held, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok || held == nil || written.Cmp(held) != 0 {
		return digits
	}
	return f
}

// optionNumbers is the list of a multi-select choice's numbers, which Dataverse writes as "1,9".
func optionNumbers(text string) any {
	var numbers []any
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return text
		}
		numbers = append(numbers, float64(n))
	}
	return numbers
}

func textOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}
