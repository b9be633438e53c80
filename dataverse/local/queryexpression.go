package local

import (
	"fmt"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local/query"
)

// queryExpression is a query as actions take it as a parameter (Web API, "QueryExpression ComplexType"). What it selects and how it is
// ordered does not matter to them.
type queryExpression struct {
	EntityName   string
	Criteria     filterExpression
	LinkEntities []struct{}
	TopCount     *int
}

type filterExpression struct {
	FilterOperator string // "And" or "Or"
	Conditions     []conditionExpression
	Filters        []filterExpression
}

type conditionExpression struct {
	AttributeName string
	Operator      string // as "Equal"
	Values        []struct{ Value any }
}

// fetch is the same query as a document of FetchXML, which is held to the limits of those.
func (q queryExpression) fetch(t *table) (string, error) {
	if len(q.LinkEntities) > 0 || q.TopCount != nil {
		return "", refuse(code.NotSupported, "A query with LinkEntities or a TopCount is not supported here.")
	}
	filter, err := q.Criteria.filter()
	if err != nil {
		return "", err
	}
	f := &fetchxml.Fetch{Entity: &fetchxml.Entity{Name: q.EntityName}}
	f.Entity.Attributes = []fetchxml.Attribute{{Name: t.PrimaryID}}
	f.Entity.Filters = []*fetchxml.Filter{filter}
	return f.XML(), nil
}

func (e filterExpression) filter() (*fetchxml.Filter, error) {
	f := &fetchxml.Filter{Type: "and"}
	switch e.FilterOperator {
	case "", "And":
	case "Or":
		f.Type = "or"
	default:
		return nil, refuse(code.InvalidArgument, "FilterOperator must be And or Or, not '%s'.", e.FilterOperator)
	}
	for _, c := range e.Conditions {
		condition, err := c.condition()
		if err != nil {
			return nil, err
		}
		f.Conditions = append(f.Conditions, condition)
	}
	for _, inner := range e.Filters {
		filter, err := inner.filter()
		if err != nil {
			return nil, err
		}
		f.Filters = append(f.Filters, filter)
	}
	return f, nil
}

func (e conditionExpression) condition() (*fetchxml.Condition, error) {
	operator := query.OperatorNamed(e.Operator)
	if operator == "" {
		return nil, refuse(code.QueryBuilderInvalidConditionOperator, "The condition operator '%s' is not supported.", e.Operator)
	}
	c := &fetchxml.Condition{Attribute: e.AttributeName, Operator: operator}
	for _, v := range e.Values {
		if v.Value != nil {
			c.Values = append(c.Values, fetchxml.Text{Text: fmt.Sprint(v.Value)})
		}
	}
	return c, nil
}
