package query

import (
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// filter makes a condition of $filter. Comparisons have SQL's three values: what has no value is neither equal nor
// unequal to anything but null.
func (s *scope) filter(e odata.Expr) (expr, error) {
	switch e := e.(type) {
	case *odata.Logical:
		return s.logical(e)
	case *odata.Not:
		if _, ok := e.Term.(*odata.QueryFunction); ok {
			return nil, refuse(code.UnsupportedQuery, "Not operator along with the Custom Named Condition operators is not allowed")
		}
		term, err := s.filter(e.Term)
		if err != nil {
			return nil, err
		}
		return negation{term}, nil
	case *odata.Compare:
		return s.compare(e)
	case *odata.Call:
		return s.call(e)
	case *odata.Lambda:
		return s.lambda(e)
	case *odata.QueryFunction:
		return s.queryFunction(e)
	}
	return nil, refuse(code.UnsupportedQuery, "The $filter has an expression that is not supported.")
}

func (s *scope) logical(e *odata.Logical) (expr, error) {
	terms := make([]expr, len(e.Terms))
	for i, t := range e.Terms {
		term, err := s.filter(t)
		if err != nil {
			return nil, err
		}
		terms[i] = term
	}
	if e.Op == odata.Or {
		return or(terms...), nil
	}
	return and(terms...), nil
}

func (s *scope) compare(e *odata.Compare) (expr, error) {
	v, err := s.resolve(e.Path)
	if err != nil {
		return nil, err
	}
	switch right := e.Value.(type) {
	case odata.Null:
		return compareNull(v, e.Op)
	case odata.PathValue:
		other, err := s.resolve(odata.Path(right))
		if err != nil {
			return nil, err
		}
		if other.table != v.table {
			return nil, refuse(code.UnsupportedQuery, "Fields can be compared within one record only.")
		}
		return compared{sqlOperators[string(e.Op)], v.x, other.x}, nil
	}
	if v.kind == schema.MultiSelectPicklist {
		return nil, refuse(code.UnsupportedQuery, "The field '%s' holds several choices: use Microsoft.Dynamics.CRM.ContainValues.", v.field.LogicalName)
	}
	operand, err := literalValue(v, e.Op, e.Value)
	if err != nil {
		return nil, err
	}
	return compare(v, string(e.Op), operand), nil
}

func compareNull(v value, op odata.Op) (expr, error) {
	switch op {
	case odata.Eq:
		return isNull{x: v.x}, nil
	case odata.Ne:
		return isNull{x: v.x, negated: true}, nil
	}
	return sqlFalse, nil // nothing is greater or less than no value
}

// call is contains, startswith or endswith. Wildcards of LIKE in the value are wildcards here too, as in Dataverse.
func (s *scope) call(e *odata.Call) (expr, error) {
	v, err := s.resolve(e.Path)
	if err != nil {
		return nil, err
	}
	text, ok := e.Value.(odata.String)
	if !v.isText() || !ok {
		return nil, refuse(code.UnsupportedQuery, "No function signature for the function with name '%s' matches the specified arguments. "+
			"The function signatures considered are: %s(Edm.String Nullable=true, Edm.String Nullable=true).", e.Func, e.Func)
	}
	pattern := string(text)
	switch e.Func {
	case "contains":
		pattern = "%" + pattern + "%"
	case "startswith":
		pattern += "%"
	case "endswith":
		pattern = "%" + pattern
	default:
		return nil, refuse(code.UnsupportedQuery, "The function '%s' is not supported.", e.Func)
	}
	return matches(v, pattern), nil
}

// lambda asks for any or all of a collection's records.
func (s *scope) lambda(e *odata.Lambda) (expr, error) {
	path := e.Collection
	if s.variable != "" || len(path) != 1 {
		return nil, refuse(code.UnsupportedQuery, "Only a collection of the record itself can be asked for any or all of its records.")
	}
	c, ok := s.b.collection(s.root.entity, path[0])
	if !ok {
		return nil, noProperty(s.root.entity, path[0])
	}
	inner := s.b.related(c, s.root)
	inner.variable = e.Variable
	inner.statement.columns = []expr{sqlTrue}
	if e.Body != nil {
		body, err := inner.filter(e.Body)
		if err != nil {
			return nil, err
		}
		if e.Kind == "all" {
			body = isNotTrue{body}
		}
		inner.statement.where = append(inner.statement.where, body)
	}
	return exists{rows: inner.statement, negated: e.Kind == "all"}, nil
}
