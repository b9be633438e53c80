package query

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// operand makes a column value of an operand's text, by the type of the field that it is compared with (FetchXML, "Filter
// rows").
func (b *builder) operand(v value, text string) (any, error) {
	if v.isText() {
		return text, nil
	}
	trimmed := strings.TrimSpace(text)
	switch v.kind {
	case schema.Integer, schema.Picklist, schema.State, schema.Status:
		return integerOperand(v, trimmed, 32)
	case schema.BigInt:
		return integerOperand(v, trimmed, 64)
	case schema.Boolean:
		return booleanOperand(v, trimmed)
	case schema.Double:
		if n, err := strconv.ParseFloat(trimmed, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return n, nil
		}
		return nil, unfit(v, trimmed, "System.Double")
	case schema.Decimal, schema.Money:
		return decimalOperand(v, trimmed)
	case schema.DateTime:
		return dateOperand(v, trimmed)
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		if id, ok := parseGUID(trimmed); ok {
			return id, nil
		}
		return nil, unfit(v, trimmed, "System.Guid")
	case schema.EntityName:
		return b.entityOperand(v, trimmed)
	}
	return text, nil
}

// unfit is the refusal of an operand's text.
func unfit(v value, text, want string) *Error {
	return refuse(code.InvalidArgument, "An exception System.FormatException was thrown while trying to convert input value '%s' to "+
		"attribute '%s.%s'. Expected type of attribute value: %s. Exception raised: Input string was not in a correct format.",
		text, v.entity.LogicalName, v.field.LogicalName, want)
}

func integerOperand(v value, text string, bits int) (any, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return nil, unfit(v, text, fmt.Sprintf("System.Int%d", bits))
	}
	return n, nil
}

func booleanOperand(v value, text string) (any, error) {
	switch strings.ToLower(text) {
	case "1", "true":
		return int64(1), nil
	case "0", "false":
		return int64(0), nil
	}
	return nil, unfit(v, text, "System.Boolean")
}

func decimalOperand(v value, text string) (any, error) {
	number, ok := parseDecimal(text)
	if !ok {
		return nil, unfit(v, text, "System.Decimal")
	}
	if v.kind == schema.Money {
		n, ok := scaledMoney(number)
		if !ok {
			return nil, unfit(v, text, "System.Decimal")
		}
		return n, nil
	}
	s, _ := canonicalDecimal(text)
	return s, nil
}

// dateOperand reads a date; without an offset it is UTC.
func dateOperand(v value, text string) (any, error) {
	t, ok := parseTime(text)
	if !ok || !inCalendar(t) {
		return nil, refuse(code.InvalidDateTime, "The date-time format for %s is invalid, or value is outside the supported range.", text)
	}
	switch v.field.Behavior {
	case schema.DateOnly:
		y, m, d := t.Date()
		return civil{y, m, d, 0, 0}.utc().UnixMicro(), nil
	case schema.TimeZoneIndependent:
		t = asClock(t)
	}
	return t.UnixMicro(), nil
}

// entityOperand makes an entity's name of its number, which is how FetchXML writes entities.
func (b *builder) entityOperand(v value, text string) (any, error) {
	number, err := strconv.Atoi(text)
	if err != nil {
		return nil, unfit(v, text, "System.Int32")
	}
	for _, name := range b.schema.Names() {
		if b.schema.Entity(name).ObjectTypeCode == number {
			return name, nil
		}
	}
	return "", nil
}

// operands makes column values of several operands.
func (b *builder) operands(v value, texts []string) ([]any, error) {
	values := make([]any, len(texts))
	for i, text := range texts {
		x, err := b.operand(v, text)
		if err != nil {
			return nil, err
		}
		values[i] = x
	}
	return values, nil
}

// selectedOperand is the column value of a set of options, in any order.
func selectedOperand(v value, texts []string) (any, error) {
	var selected []int
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				return nil, unfit(v, text, "System.Int32")
			}
			selected = append(selected, n)
		}
	}
	slices.Sort(selected)
	return selectedText(selected), nil
}
