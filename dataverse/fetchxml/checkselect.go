package fetchxml

import (
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// aliases checks that all aliases are names, and that each stands for one thing; it gathers those of attributes.
func (c *checker) aliases() {
	taken := map[string]bool{}
	check := func(alias string, pos Pos) {
		switch {
		case alias == "":
		case !isAlias(alias):
			c.fault(pos, code.QueryBuilderInvalidAlias, "Invalid character specified for alias: %s. Only characters within the ranges [A-Z], [a-z] or [0-9] or _ are allowed.  "+
				"The first character may only be in the ranges [A-Z], [a-z] or _.", alias)
		case taken[alias]:
			c.fault(pos, code.QueryBuilderDuplicateAlias, "FetchXML should have unique aliases. '%s' stands for two things.", alias)
		}
		taken[alias] = true
	}
	attributes := func(contents *Contents) {
		for _, a := range contents.Attributes {
			check(a.Alias, a.PosOf("alias"))
			if a.Alias != "" {
				c.outputs = append(c.outputs, a.Alias)
			}
		}
	}
	attributes(&c.fetch.Entity.Contents)
	for _, l := range allLinks(&c.fetch.Entity.Contents) {
		check(l.Alias, l.PosOf("alias"))
		attributes(&l.Contents)
	}
}

func isAlias(s string) bool {
	for i := range len(s) {
		b := s[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_'
		if !letter && (i == 0 || b < '0' || b > '9') {
			return false
		}
	}
	return s != ""
}

func (c *checker) attribute(s scope, a Attribute) {
	f := c.field(s.entity, a.Name, a.PosOf("name"))
	if c.fetch.Aggregate {
		c.returned(s, a.Node, "<attribute>")
		c.aggregated(a)
	} else {
		c.plain(a)
	}
	if f == nil {
		return
	}
	if a.GroupBy {
		c.groupBy(a, f)
	}
	if !aggregates(a.Aggregate, f) {
		c.fault(a.PosOf("aggregate"), code.QueryBuilderInvalidAggregateAttribute, "Aggregate %s is not supported for attribute of type %s.", a.Aggregate, f.Type)
	}
}

// aggregated checks an attribute of an aggregate query.
func (c *checker) aggregated(a Attribute) {
	switch {
	case a.Aggregate == "" && !a.GroupBy:
		c.fault(a.Pos, code.QueryBuilderAttributeWithAggregate, "the attribute '%s' of an aggregate query needs 'aggregate' or groupby='true'", a.Name)
	case a.Aggregate != "" && a.GroupBy:
		c.fault(a.PosOf("groupby"), code.QueryBuilderAttributeCannotBeGroupByAndAggregate, "the attribute '%s' cannot have both 'groupby' and 'aggregate'", a.Name)
	case a.Alias == "":
		c.fault(a.Pos, code.QueryBuilderInvalidAlias, "the attribute '%s' of an aggregate query needs an 'alias'", a.Name)
	}
	if a.Distinct && a.Aggregate != "countcolumn" {
		c.fault(a.PosOf("distinct"), code.QueryBuilderInvalidAttributeValue, "'distinct' goes with aggregate='countcolumn' only")
	}
	if a.RowAggregate != "" {
		c.fault(a.PosOf("rowaggregate"), code.QueryBuilderInvalidAttributeValue, "'rowaggregate' cannot stand in an aggregate query")
	}
}

// plain checks an attribute of a query that is not an aggregate one.
func (c *checker) plain(a Attribute) {
	switch {
	case a.Aggregate != "":
		c.fault(a.PosOf("aggregate"), code.QueryBuilderInvalidAggregate, "'aggregate' needs <fetch aggregate='true'>")
	case a.GroupBy:
		c.fault(a.PosOf("groupby"), code.QueryBuilderInvalidAggregate, "'groupby' needs <fetch aggregate='true'>")
	case a.RowAggregate != "" && a.Alias == "":
		c.fault(a.PosOf("rowaggregate"), code.QueryBuilderInvalidAlias, "'rowaggregate' needs an 'alias'")
	}
}

func (c *checker) groupBy(a Attribute, f *schema.Field) {
	switch {
	case f.Type == schema.MultiSelectPicklist:
		c.fault(a.PosOf("groupby"), code.AttributeTypeNotSupportedForGroupByOrderByQuery, "'%s' has several options: it cannot be grouped by", a.Name)
	case f.Type == schema.DateTime && a.DateGrouping == "":
		c.fault(a.Pos, code.QueryBuilderInvalidDateGrouping, "Invalid value '' for dategrouping. A date such as '%s' is grouped by day, week, month, quarter, year, fiscal-period or fiscal-year", a.Name)
	case f.Type != schema.DateTime && a.DateGrouping != "":
		c.fault(a.PosOf("dategrouping"), code.QueryBuilderInvalidDateGrouping, "Invalid value '%s' for dategrouping. '%s' is not a date", a.DateGrouping, a.Name)
	}
}

// aggregates reports whether values of a field can be aggregated so.
func aggregates(function string, f *schema.Field) bool {
	switch function {
	case "sum", "avg":
		return KindOf(f) == Numbers
	case "min", "max":
		return KindOf(f)&(Numbers|Dates|Texts) != 0
	}
	return true
}

// returned checks that a node stands where rows have something. What is merely selected there is left out of the rows.
func (c *checker) returned(s scope, n Node, name string) {
	if s.tests {
		c.fault(n.Pos, code.QueryBuilderInvalidNode, "%s cannot stand in a <link-entity> of link-type 'exists' or 'in', which returns nothing", name)
	}
}

func (c *checker) order(s scope, o Order) {
	c.returned(s, o.Node, "<order>")
	if c.fetch.Aggregate {
		c.aggregateOrder(o)
		return
	}
	if o.Alias != "" {
		c.fault(o.PosOf("alias"), code.QueryBuilderAliasNotAllowedForNonAggregateOrderBy, "an order by 'alias' needs <fetch aggregate='true'>; name the field with 'attribute'")
		return
	}
	if o.Attribute == "" {
		c.fault(o.Pos, code.QueryBuilderAttributeRequiredForNonAggregateOrderBy, "<order> needs the attribute 'attribute'")
		return
	}
	e := s.entity
	if o.EntityName != "" {
		var ok bool
		if e, ok = c.named(s, o.EntityName, o.PosOf("entityname")); !ok {
			return
		}
	}
	if f := c.field(e, o.Attribute, o.PosOf("attribute")); f != nil && f.Type == schema.MultiSelectPicklist {
		c.fault(o.PosOf("attribute"), code.AttributeTypeNotSupportedForGroupByOrderByQuery, "'%s' has several options: it cannot be ordered by", o.Attribute)
	}
}

func (c *checker) aggregateOrder(o Order) {
	switch {
	case o.Attribute != "":
		c.fault(o.PosOf("attribute"), code.QueryBuilderAttributeNotAllowedForAggregateOrderBy, "an aggregate query is ordered by 'alias', not by 'attribute'")
	case o.Alias == "":
		c.fault(o.Pos, code.QueryBuilderAliasRequiredForAggregateOrderBy, "<order> needs the attribute 'alias' in an aggregate query")
	default:
		if !slices.Contains(c.outputs, o.Alias) {
			c.unknown(o.Alias, c.outputs, o.PosOf("alias"), code.QueryBuilderInvalidAlias, "no attribute has the alias '%s'", o.Alias)
		}
	}
}
