package query

import (
	"cmp"
	"fmt"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/odata"
)

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

// conditionOperators has FetchXML's operator of each ConditionOperator that has no query function of its name ("ConditionOperator
// EnumType").
var conditionOperators = map[string]string{
	"Equal": "eq", "NotEqual": "ne", "GreaterThan": "gt", "GreaterEqual": "ge", "LessThan": "lt", "LessEqual": "le",
	"Like": "like", "NotLike": "not-like", "BeginsWith": "begins-with", "DoesNotBeginWith": "not-begin-with",
	"EndsWith": "ends-with", "DoesNotEndWith": "not-end-with", "Null": "null", "NotNull": "not-null",
}

// OperatorNamed is FetchXML's operator of the one that a QueryExpression names, as "Equal"; "" where there is none.
func OperatorNamed(name string) string { return cmp.Or(conditionOperators[name], queryFunctions[name]) }

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
