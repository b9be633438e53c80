package query

import "encoding/json"

// expr is a part of a statement. Whatever came from a caller is a param; the rest comes from metadata and from here.
type expr interface{ write(w *writer) }

type (
	// column is a column of a table of the statement.
	column struct {
		table *table
		name  string
	}
	// param is a value, bound to the statement.
	param struct{ value any }
	// literal is SQL that is the same for every query.
	literal string
	// compared compares two values: "=", "<>", "<", "<=", ">", ">=", "IS".
	compared struct {
		op   string
		l, r expr
	}
	// comparedRows compares the values of keys with others, the first ones first.
	comparedRows struct {
		op   string
		keys []orderKey
		with []any
	}
	// junction joins terms by "AND" or "OR".
	junction struct {
		op    string
		terms []expr
	}
	// negation is NOT, with SQL's three values.
	negation struct{ term expr }
	// isNull asks whether there is no value, or, negated, whether there is one.
	isNull struct {
		x       expr
		negated bool
	}
	// isNotTrue is true for false and for unknown.
	isNotTrue struct{ x expr }
	// in asks whether a value is one of a list, which is one parameter whatever its length.
	in struct {
		x       expr
		list    param
		negated bool
	}
	// inRows asks whether a value is one of a statement's.
	inRows struct {
		x    expr
		rows *statement
	}
	// call is a function call.
	call struct {
		name     string
		distinct bool
		args     []expr
	}
	// cast converts a value.
	cast struct {
		x  expr
		to string
	}
	// caseOf chooses a value by another; otherwise there is none.
	caseOf struct {
		x    expr
		arms []arm
	}
	// exists asks whether a statement has a row.
	exists struct {
		rows    *statement
		negated bool
	}
	// scalar is the one value of a statement.
	scalar struct{ rows *statement }
	// collated compares as text does.
	collated struct{ x expr }
)

// arm is one choice of a caseOf.
type arm struct{ when, then expr }

const (
	sqlNull  = literal("NULL")
	sqlTrue  = literal("1")
	sqlFalse = literal("0")
)

// and joins conditions; of none it is true.
func and(terms ...expr) expr { return join("AND", sqlTrue, terms) }

// or joins conditions; of none it is false.
func or(terms ...expr) expr { return join("OR", sqlFalse, terms) }

func join(op string, none expr, terms []expr) expr {
	kept := make([]expr, 0, len(terms))
	for _, t := range terms {
		if t != nil {
			kept = append(kept, t)
		}
	}
	switch len(kept) {
	case 0:
		return none
	case 1:
		return kept[0]
	}
	return junction{op: op, terms: kept}
}

// oneOf asks whether x is one of the values.
func oneOf(x expr, values []any) expr {
	if len(values) == 1 {
		return compared{"=", x, param{values[0]}}
	}
	return in{x: x, list: jsonParam(values)}
}

// jsonParam is a list as one parameter, for json_each.
func jsonParam(values []any) param {
	b, err := json.Marshal(values)
	if err != nil {
		b = []byte("[]") // column values are text and numbers: they always marshal
	}
	return param{string(b)}
}
