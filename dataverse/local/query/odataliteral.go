package query

import (
	"math"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// operatorKinds are the comparisons' names in the words of the Web API's errors.
var operatorKinds = map[odata.Op]string{
	odata.Eq: "Equal", odata.Ne: "NotEqual", odata.Gt: "GreaterThan", odata.Ge: "GreaterThanOrEqual", odata.Lt: "LessThan", odata.Le: "LessThanOrEqual",
}

// incompatible is the refusal of a literal of another type than the field's.
func incompatible(v value, op odata.Op, literal odata.Value) *Error {
	return refuse(code.UnsupportedQuery, "A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		edmType(v), literalType(literal), operatorKinds[op])
}

func edmType(v value) string {
	switch v.kind {
	case schema.Integer, schema.Picklist, schema.State, schema.Status:
		return "Edm.Int32"
	case schema.BigInt:
		return "Edm.Int64"
	case schema.Boolean:
		return "Edm.Boolean"
	case schema.Double:
		return "Edm.Double"
	case schema.Decimal, schema.Money:
		return "Edm.Decimal"
	case schema.DateTime:
		if v.field.Behavior == schema.DateOnly {
			return "Edm.Date"
		}
		return "Edm.DateTimeOffset"
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		return "Edm.Guid"
	}
	return "Edm.String"
}

func literalType(literal odata.Value) string {
	switch n := literal.(type) {
	case odata.Bool:
		return "Edm.Boolean"
	case odata.Number:
		if strings.ContainsAny(string(n), ".eE") {
			return "Edm.Decimal"
		}
		return "Edm.Int32"
	case odata.GUID:
		return "Edm.Guid"
	case odata.DateTime:
		return "Edm.DateTimeOffset"
	case odata.Date:
		return "Edm.Date"
	}
	return "Edm.String"
}

// literalValue makes a column value of a literal, by the type of the field that it is compared with.
func literalValue(v value, op odata.Op, literal odata.Value) (any, error) {
	switch l := literal.(type) {
	case odata.String:
		if v.isText() || v.kind == schema.EntityName {
			return string(l), nil
		}
		if id, ok := parseGUID(string(l)); ok && edmType(v) == "Edm.Guid" { // documentation quotes it now and then
			return id, nil
		}
	case odata.GUID:
		if edmType(v) == "Edm.Guid" {
			return strings.ToLower(string(l)), nil
		}
	case odata.Bool:
		if v.kind == schema.Boolean {
			return boolean(bool(l)), nil
		}
	case odata.Number:
		if n, ok := numberValue(v, string(l)); ok {
			return n, nil
		}
	case odata.Date:
		if v.kind == schema.DateTime {
			return dateOperand(v, string(l))
		}
	case odata.DateTime:
		if v.kind == schema.DateTime && v.field.Behavior != schema.DateOnly {
			return dateOperand(v, string(l))
		}
	}
	return nil, incompatible(v, op, literal)
}

// numberValue makes a column value of a number: of an integer also of a fraction, which it may well be less than.
func numberValue(v value, text string) (any, bool) {
	number, ok := parseDecimal(text)
	if !ok {
		return nil, false
	}
	switch v.kind {
	case schema.Integer, schema.BigInt, schema.Picklist, schema.State, schema.Status:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
		n, _ := number.Float64()
		return n, !math.IsInf(n, 0)
	case schema.Double:
		n, _ := number.Float64()
		return n, !math.IsInf(n, 0)
	case schema.Decimal:
		return canonicalDecimal(text)
	case schema.Money:
		return scaledMoney(number)
	}
	return nil, false
}
