package query

import (
	"slices"
	"strconv"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// aggregates adds the groups and aggregates of the root and of its links, and orders them by their aliases.
func (t *translation) aggregates(q *Query) error {
	q.noCookie, q.maxInput = true, maxAggregateRows
	if limit := t.fetch.AggregateLimit; limit != nil && *limit > 0 {
		q.maxInput = min(*limit, maxAggregateRows)
	}
	out := &output{}
	if err := t.aggregated(out, t.root, t.fetch.Entity.Attributes); err != nil {
		return err
	}
	if err := t.aggregatedLinks(out, t.fetch.Entity.Links); err != nil {
		return err
	}
	q.Columns, t.statement.columns = out.columns, out.exprs
	return t.aggregateOrders(out)
}

func (t *translation) aggregatedLinks(out *output, links []*fetchxml.Link) error {
	for _, link := range links {
		if of := t.tables[link]; of != nil {
			if err := t.aggregated(out, of, link.Attributes); err != nil {
				return err
			}
		}
		if err := t.aggregatedLinks(out, link.Links); err != nil {
			return err
		}
	}
	return nil
}

func (t *translation) aggregated(out *output, of *table, attributes []fetchxml.Attribute) error {
	for _, a := range attributes {
		v, err := t.field(of, a.Name)
		if err != nil {
			return err
		}
		c := Column{Property: a.Alias, Aliased: true, Entity: v.entity, Field: v.field}
		switch {
		case a.GroupBy:
			err = t.group(out, v, a, c)
		case a.Aggregate != "":
			var x expr
			if x, err = aggregateOf(v, a.Aggregate, a.Distinct); err == nil {
				c.Aggregate = a.Aggregate
				out.add(c, x)
			}
		default:
			err = refuse(code.QueryBuilderAttributeWithAggregate, "Attribute %s can not be specified if an aggregate operation is requested.", a.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// group adds a group's key: lookups by ID, choices by number, dates by a part of them.
func (t *translation) group(out *output, v value, a fetchxml.Attribute, c Column) error {
	switch {
	case v.kind == schema.MultiSelectPicklist:
		return unfitGroup(v)
	case v.kind == schema.DateTime && a.DateGrouping == "":
		return refuse(code.QueryBuilderInvalidDateGrouping, "Invalid value '' for dategrouping.")
	case a.DateGrouping != "":
		v.x = t.dateGroup(v, a)
		c.DateGrouping, c.fiscal = a.DateGrouping, &t.b.opts.Fiscal
	}
	c.Grouped = true
	place := len(out.columns)
	out.show(t.b, v, c)
	t.statement.groupBy = append(t.statement.groupBy, literal(strconv.Itoa(place+1)))
	return nil
}

// dateGroup is a part of a date in the caller's zone; fields without a zone have theirs.
func (t *translation) dateGroup(v value, a fetchxml.Attribute) expr {
	zone := "UTC"
	if a.UserTimeZone == nil || *a.UserTimeZone {
		zone = t.b.zoneOf(v)
	}
	return call{name: "dataverse_datepart", args: []expr{param{t.b.opts.Fiscal.part(a.DateGrouping)}, v.x, param{zone}}}
}

// aggregateOrders sorts by aliases: grouped lookups by name, choices by label. Groups that no order names come in the
// order of their keys.
func (t *translation) aggregateOrders(out *output) error {
	orders := slices.Clone(t.fetch.Entity.Orders)
	var links func([]*fetchxml.Link)
	links = func(below []*fetchxml.Link) {
		for _, l := range below {
			orders = append(orders, l.Orders...)
			links(l.Links)
		}
	}
	links(t.fetch.Entity.Links)
	for _, o := range orders {
		i := slices.IndexFunc(out.columns, func(c Column) bool { return c.Role == Shown && c.Property == o.Alias })
		if i < 0 {
			return refuse(code.QueryBuilderAliasRequiredForAggregateOrderBy, "An order of an aggregate query names '%s', which is no alias of it.", o.Alias)
		}
		t.statement.orders = append(t.statement.orders, sorted{t.aggregateOrder(out, i), o.Descending})
	}
	for i, c := range out.columns {
		if c.Grouped && c.Role == Shown {
			t.statement.orders = append(t.statement.orders, sorted{x: literal(strconv.Itoa(i + 1))})
		}
	}
	return nil
}

func (t *translation) aggregateOrder(out *output, i int) expr {
	c := out.columns[i]
	stored, ok := out.exprs[i].(*column)
	if !ok || !c.Grouped {
		return literal(strconv.Itoa(i + 1))
	}
	v := t.b.sortedBy(t.b.field(stored.table, c.Field), !t.fetch.UseRawOrderBy)
	return v.x
}
