package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
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
	mismatch := incompatible(v, op, literal)
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
	return nil, mismatch
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

// queryFunctions has FetchXML's operator of each query function.
var queryFunctions = map[string]string{
	"Today": "today", "Yesterday": "yesterday", "Tomorrow": "tomorrow",
	"Last7Days": "last-seven-days", "Next7Days": "next-seven-days",
	"LastWeek": "last-week", "ThisWeek": "this-week", "NextWeek": "next-week",
	"LastMonth": "last-month", "ThisMonth": "this-month", "NextMonth": "next-month",
	"LastYear": "last-year", "ThisYear": "this-year", "NextYear": "next-year",
	"LastXHours": "last-x-hours", "LastXDays": "last-x-days", "LastXWeeks": "last-x-weeks", "LastXMonths": "last-x-months", "LastXYears": "last-x-years",
	"NextXHours": "next-x-hours", "NextXDays": "next-x-days", "NextXWeeks": "next-x-weeks", "NextXMonths": "next-x-months", "NextXYears": "next-x-years",
	"OlderThanXMinutes": "olderthan-x-minutes", "OlderThanXHours": "olderthan-x-hours", "OlderThanXDays": "olderthan-x-days",
	"OlderThanXWeeks": "olderthan-x-weeks", "OlderThanXMonths": "olderthan-x-months", "OlderThanXYears": "olderthan-x-years",
	"On": "on", "OnOrAfter": "on-or-after", "OnOrBefore": "on-or-before",
	"ThisFiscalYear": "this-fiscal-year", "ThisFiscalPeriod": "this-fiscal-period", "LastFiscalYear": "last-fiscal-year",
	"LastFiscalPeriod": "last-fiscal-period", "NextFiscalYear": "next-fiscal-year", "NextFiscalPeriod": "next-fiscal-period",
	"LastXFiscalYears": "last-x-fiscal-years", "LastXFiscalPeriods": "last-x-fiscal-periods",
	"InFiscalYear": "in-fiscal-year", "InFiscalPeriod": "in-fiscal-period", "InFiscalPeriodAndYear": "in-fiscal-period-and-year",
	"InOrAfterFiscalPeriodAndYear": "in-or-after-fiscal-period-and-year", "InOrBeforeFiscalPeriodAndYear": "in-or-before-fiscal-period-and-year",
	"Above": "above", "AboveOrEqual": "eq-or-above", "Under": "under", "UnderOrEqual": "eq-or-under", "NotUnder": "not-under",
	"NextXFiscalYears": "next-x-fiscal-years", "NextXFiscalPeriods": "next-x-fiscal-periods",
	"EqualUserId": "eq-userid", "NotEqualUserId": "ne-userid", "EqualUserTeams": "eq-userteams", "EqualUserOrUserTeams": "eq-useroruserteams",
	"EqualUserOrUserHierarchy": "eq-useroruserhierarchy", "EqualUserOrUserHierarchyAndTeams": "eq-useroruserhierarchyandteams",
	"EqualBusinessId": "eq-businessid", "NotEqualBusinessId": "ne-businessid", "EqualUserLanguage": "eq-userlanguage",
	"In": "in", "NotIn": "not-in", "Between": "between", "NotBetween": "not-between",
	"ContainValues": "contain-values", "DoesNotContainValues": "not-contain-values",
}

// queryFunction is one of Dataverse's own conditions: FetchXML's, under another name.
func (s *scope) queryFunction(e *odata.QueryFunction) (expr, error) {
	op, ok := fetchxml.LookupOperator(queryFunctions[e.Name])
	if !ok {
		return nil, refuse(code.UnsupportedQuery, "The query function 'Microsoft.Dynamics.CRM.%s' is not supported.", e.Name)
	}
	name, _ := e.Param("PropertyName").(odata.String)
	v, err := s.resolveNamed(string(name))
	if err != nil {
		return nil, err
	}
	texts, err := functionOperands(e)
	if err != nil {
		return nil, err
	}
	return s.b.condition(v, op, texts)
}

// resolveNamed finds the field that a query function names: by its logical name, also of a lookup, or its property.
func (s *scope) resolveNamed(name string) (value, error) {
	if f := s.root.entity.Field(name); f != nil && IsStored(f) {
		return s.b.field(s.root, f), nil
	}
	if f := property(s.root.entity, name); f != nil {
		return s.b.field(s.root, f), nil
	}
	return value{}, noProperty(s.root.entity, name)
}

// functionOperands are the operands of a query function as FetchXML would have them.
func functionOperands(e *odata.QueryFunction) ([]string, error) {
	var texts []string
	for _, p := range e.Params {
		if p.Name == "PropertyName" {
			continue
		}
		values, ok := p.Value.(odata.Array)
		if !ok {
			values = odata.Array{p.Value}
		}
		for _, v := range values {
			text, ok := literalText(v)
			if !ok {
				return nil, refuse(code.UnsupportedQuery, "The parameter '%s' of Microsoft.Dynamics.CRM.%s is not a value.", p.Name, e.Name)
			}
			texts = append(texts, text)
		}
	}
	return texts, nil
}

func literalText(v odata.Value) (string, bool) {
	switch v := v.(type) {
	case odata.String, odata.Number, odata.GUID, odata.DateTime, odata.Date, odata.Bool:
		return fmt.Sprint(v), true
	}
	return "", false
}
