package query

import (
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// aggregateOf is an aggregate of a field over the rows of a group. Its value is a column value of the field, but for
// counts (FetchXML, "Aggregate data").
func aggregateOf(v value, function string, distinct bool) (expr, error) {
	switch function {
	case "count":
		return literal("COUNT(*)"), nil
	case "countcolumn":
		return call{name: "COUNT", distinct: distinct, args: []expr{v.x}}, nil
	case "sum", "avg":
		if !isNumber(v.kind) {
			return nil, unfitAggregate(v, function)
		}
		return sumOrAverage(v, function), nil
	case "min", "max":
		if !isNumber(v.kind) && v.kind != schema.DateTime && !v.isText() {
			return nil, unfitAggregate(v, function)
		}
		return call{name: function, args: []expr{v.x}}, nil
	}
	return nil, refuse(code.QueryBuilderInvalidAggregate, "The aggregate '%s' is not supported.", function)
}

func isNumber(t schema.Type) bool {
	switch t {
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
		return true
	}
	return false
}

func unfitAggregate(v value, function string) *Error {
	return refuse(code.QueryBuilderInvalidAggregateAttribute, "Aggregate %s is not supported for attribute of type %s.", function, v.field.Type)
}

// sumOrAverage leaves out what has no value. A sum of nothing but such is 0, and there is none of no rows at all. The mean
// of integers is cut to an integer, that of money rounded to its smallest unit.
func sumOrAverage(v value, function string) expr {
	x := v.x
	if function == "sum" {
		switch v.kind {
		case schema.Decimal:
			return call{name: "dataverse_decimal_sum", args: []expr{call{name: "COALESCE", args: []expr{x, literal("'0'")}}}}
		default:
			return call{name: "SUM", args: []expr{call{name: "COALESCE", args: []expr{x, sqlFalse}}}}
		}
	}
	switch v.kind {
	case schema.Integer, schema.BigInt:
		return cast{call{name: "AVG", args: []expr{x}}, "INTEGER"}
	case schema.Money:
		return cast{call{name: "ROUND", args: []expr{call{name: "AVG", args: []expr{x}}}}, "INTEGER"}
	case schema.Decimal:
		return call{name: "AVG", args: []expr{cast{x, "REAL"}}}
	}
	return call{name: "AVG", args: []expr{x}}
}
