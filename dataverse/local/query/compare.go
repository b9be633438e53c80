package query

import (
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// sqlOperators are the comparisons of both languages.
var sqlOperators = map[string]string{"eq": "=", "ne": "<>", "neq": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}

// compare compares a field with a column value.
func compare(v value, op string, operand any) expr {
	if micros, ok := operand.(int64); ok && v.kind == schema.DateTime && v.field.Behavior != schema.DateOnly {
		return compareSeconds(v.x, op, micros)
	}
	return compared{sqlOperators[op], v.x, param{operand}}
}

// compareSeconds compares a time as Dataverse has it, of whole seconds, though the column has microseconds so that rows
// of one second keep their order. The column stays alone on its side, for the index's sake.
func compareSeconds(x expr, op string, micros int64) expr {
	second := time.Second.Microseconds()
	start := micros - floorMod(micros, second)
	next := start + second
	isWhole := start == micros
	atLeast := func(t int64) expr { return compared{">=", x, param{t}} }
	before := func(t int64) expr { return compared{"<", x, param{t}} }
	switch op {
	case "eq":
		if !isWhole {
			return and(before(start), atLeast(next)) // never
		}
		return and(atLeast(start), before(next))
	case "gt":
		return atLeast(next)
	case "le":
		return before(next)
	case "ge":
		if isWhole {
			return atLeast(start)
		}
		return atLeast(next)
	case "lt":
		if isWhole {
			return before(start)
		}
		return before(next)
	default:
		if !isWhole {
			return isNull{x: x, negated: true}
		}
		return or(before(start), atLeast(next))
	}
}

func floorMod(n, by int64) int64 { return ((n % by) + by) % by }

// matches tests a field with a LIKE pattern. Where the pattern begins with plain text, the index narrows the search.
func matches(v value, pattern string) expr {
	match := call{name: "dataverse_like", args: []expr{param{pattern}, v.x}}
	prefix := literalPrefix(pattern)
	if prefix == "" || !v.isText() {
		return match
	}
	return and(
		compared{">=", v.x, param{prefix}},
		compared{"<", v.x, param{prefix + "\U0010FFFF"}},
		match,
	)
}
