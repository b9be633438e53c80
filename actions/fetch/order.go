package fetch

import (
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/dataverse/fetchxml"
)

// makeOrderTotal makes the order of the query's rows total, and returns it as an answer's OrderedBy has it. Orders of the
// root come before those of links, wherever they stand (FetchXML, "Order rows"): so those of links become orders of the
// root that name their link, and the primary key comes behind. Where that cannot be, the query stays as it is and the
// warning says so.
func (s *scope) makeOrderTotal() ([]string, *Warning) {
	orders, unnamed := s.orders()
	if unnamed != nil {
		return order.Texts(orders), notTotal(unnamed)
	}
	if len(orders) == 0 {
		// Choices would sort by their label, in the user's language (FetchXML, "Order rows"); active is the first number.
		s.fetch.UseRawOrderBy = true
	}
	keys, unnamed := s.rowKeys(&s.fetch.Entity.Contents, false)
	orders = append(order.Total(s.root(), orders), keys...)
	s.write(orders)
	if unnamed != nil {
		return order.Texts(orders), notTotal(unnamed)
	}
	return order.Texts(orders), nil
}

func notTotal(unnamed *fetchxml.Link) *Warning {
	return &Warning{
		Kind: OrderNotTotal, Place: place(unnamed.Pos),
		Message: "The query's order could not be made total: give this link-entity an alias. Until then rows that are equal in the order may come in any.",
	}
}

// orders are the query's orders in the order that they take effect. unnamed is the first link with orders that has no name
// to be named by.
func (s *scope) orders() (orders []order.By, unnamed *fetchxml.Link) {
	for _, o := range s.fetch.Entity.Orders {
		entity, name := s.root(), ""
		if link := s.byAlias[o.EntityName]; o.EntityName != "" && link != nil {
			entity, name = s.known[link.Name], o.EntityName
		}
		if f := entity.Field(o.Attribute); f != nil {
			orders = append(orders, order.By{Link: name, Field: f, Descending: o.Descending})
		}
	}
	for link := range joinedLinks(&s.fetch.Entity.Contents) {
		name := s.orderName(link)
		if name == "" && len(link.Orders) > 0 && unnamed == nil {
			unnamed = link
		}
		for _, o := range link.Orders {
			if f := s.known[link.Name].Field(o.Attribute); f != nil {
				orders = append(orders, order.By{Link: name, Field: f, Descending: o.Descending})
			}
		}
	}
	return orders, unnamed
}

// rowKeys are the primary keys of links that are selected from and can give a record several rows, be it by a link around
// them: they settle which of its rows is the first. A distinct query has none, as they would make other rows of it.
// unnamed is the first such link that cannot be named.
func (s *scope) rowKeys(c *fetchxml.Contents, many bool) (orders []order.By, unnamed *fetchxml.Link) {
	if s.fetch.Distinct {
		return nil, nil
	}
	for _, link := range c.Links {
		if link.OnlyTests() {
			continue
		}
		several := many || s.multiplying(link)
		if several && (link.AllAttributes || len(link.Attributes) > 0) {
			name, key := s.orderName(link), keyField(s.known[link.Name])
			if name == "" {
				return orders, link
			}
			orders = append(orders, order.By{Link: name, Field: key})
		}
		inner, unnamed := s.rowKeys(&link.Contents, several)
		orders = append(orders, inner...)
		if unnamed != nil {
			return orders, unnamed
		}
	}
	return orders, nil
}

// write replaces the query's orders.
func (s *scope) write(orders []order.By) {
	s.fetch.Entity.Orders = nil
	for link := range joinedLinks(&s.fetch.Entity.Contents) {
		link.Orders = nil
	}
	for _, o := range orders {
		s.fetch.Entity.Orders = append(s.fetch.Entity.Orders, fetchxml.Order{Attribute: o.Field.LogicalName, EntityName: o.Link, Descending: o.Descending})
		if o.Link == "" && s.fetch.Distinct {
			s.selectField(o.Field.LogicalName) // a distinct query sorts by what it selects only
		}
	}
}

// aggregateOrder is the order of an aggregate query, which is left as it is. Where it does not name every group the first
// row may be any.
func aggregateOrder(fetch *fetchxml.Fetch) ([]string, []Warning) {
	var texts []string
	ordered := map[string]bool{}
	groups := map[string]fetchxml.Pos{}
	each := func(c *fetchxml.Contents) {
		for _, o := range c.Orders {
			direction := " asc"
			if o.Descending {
				direction = " desc"
			}
			texts, ordered[o.Alias] = append(texts, o.Alias+direction), true
		}
		for _, a := range c.Attributes {
			if a.GroupBy {
				groups[a.Alias] = a.Pos
			}
		}
	}
	each(&fetch.Entity.Contents)
	for link := range joinedLinks(&fetch.Entity.Contents) {
		each(&link.Contents)
	}
	for alias := range groups {
		if !ordered[alias] {
			return texts, []Warning{{
				Kind: OrderNotTotal, Place: place(fetch.Entity.Pos),
				Message: "The query groups and does not order by all of its groups: which row comes first may change from call to call.",
			}}
		}
	}
	return texts, nil
}
