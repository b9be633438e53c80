package query

import (
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// apply makes the query of $apply: groups and aggregates (Web API, "Aggregate data").
func (b *builder) apply(e *schema.Entity, o *odata.Query) (*Query, error) {
	s := newScope(b, e)
	q := &Query{Entity: e, statement: s.statement, page: 1, PageSize: pageSize(b.opts.PageSize), noCookie: true, maxInput: maxAggregateRows}
	for _, filter := range []odata.Expr{o.Apply.Filter, o.Filter} {
		if filter == nil {
			continue
		}
		where, err := s.filter(filter)
		if err != nil {
			return nil, err
		}
		s.statement.where = append(s.statement.where, where)
	}
	if len(o.OrderBy) > 0 {
		return nil, refuse(code.UnsupportedQuery, "The query node SingleValueOpenPropertyAccess is not supported.")
	}
	out := &output{scope: s}
	for _, path := range o.Apply.GroupBy {
		if err := s.group(out, path); err != nil {
			return nil, err
		}
	}
	for _, a := range o.Apply.Aggregates {
		if err := s.aggregate(out, a); err != nil {
			return nil, err
		}
	}
	q.Columns, s.statement.columns = out.columns, out.exprs
	return q, nil
}

// group adds a group's key. That of a related record goes by its entity's name: "contact_fullname".
func (s *scope) group(out *output, path odata.Path) error {
	v, err := s.resolve(path)
	if err != nil {
		return err
	}
	switch v.kind {
	case schema.MultiSelectPicklist:
		return unfitGroup(v)
	case schema.DateTime:
		return refuse(code.UnsupportedQuery, "The attribute '%s' is a date: it cannot be grouped by. Use FetchXML with dategrouping.", v.field.LogicalName)
	}
	name := v.field.Property()
	if len(path) > 1 {
		name = v.entity.LogicalName + "_" + v.field.LogicalName
	}
	s.statement.groupBy = append(s.statement.groupBy, v.x)
	s.statement.orders = append(s.statement.orders, sorted{x: v.x})
	out.show(s.b, v, Column{Property: name, Grouped: true, Aliased: len(path) > 1})
	return nil
}

func (s *scope) aggregate(out *output, a odata.Aggregate) error {
	if a.Method == "count" {
		out.add(Column{Property: a.As, Aliased: true, Aggregate: "count"}, literal("COUNT(*)"))
		return nil
	}
	v, err := s.resolve(a.Path)
	if err != nil {
		return err
	}
	method := strings.Replace(a.Method, "average", "avg", 1)
	x, err := aggregateOf(v, method, false)
	if err != nil {
		return err
	}
	out.add(Column{Property: a.As, Aliased: true, Entity: v.entity, Field: v.field, Aggregate: method, longMoney: v.kind == schema.Money && (method == "sum" || method == "avg")}, x)
	return nil
}
