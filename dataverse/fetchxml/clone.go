package fetchxml

import "slices"

// Clone returns a deep copy.
func (f *Fetch) Clone() *Fetch {
	c := *f
	c.Node = f.cloneNode()
	c.Top, c.Count, c.Page, c.AggregateLimit = copied(f.Top), copied(f.Count), copied(f.Page), copied(f.AggregateLimit)
	if f.Entity != nil {
		c.Entity = &Entity{Node: f.Entity.cloneNode(), Name: f.Entity.Name, Contents: f.Entity.cloneContents()}
	}
	return &c
}

func (n Node) cloneNode() Node {
	n.Attrs, n.Extra = slices.Clone(n.Attrs), slices.Clone(n.Extra)
	return n
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// each is list with every element copied; nil stays nil.
func each[T any](list []T, clone func(T) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = clone(v)
	}
	return out
}

func (c Contents) cloneContents() Contents {
	c.Attributes = each(c.Attributes, func(a Attribute) Attribute {
		a.Node, a.UserTimeZone = a.cloneNode(), copied(a.UserTimeZone)
		return a
	})
	c.Orders = each(c.Orders, func(o Order) Order {
		o.Node = o.cloneNode()
		return o
	})
	c.Filters = each(c.Filters, (*Filter).clone)
	c.Links = each(c.Links, (*Link).clone)
	return c
}

func (l *Link) clone() *Link {
	c := *l
	c.Node, c.Contents = l.cloneNode(), l.cloneContents()
	return &c
}

func (f *Filter) clone() *Filter {
	c := *f
	c.Node = f.cloneNode()
	c.Conditions = each(f.Conditions, (*Condition).clone)
	c.Filters = each(f.Filters, (*Filter).clone)
	c.Links = each(f.Links, (*Link).clone)
	return &c
}

func (c *Condition) clone() *Condition {
	d := *c
	d.Node, d.Values = c.cloneNode(), slices.Clone(c.Values)
	return &d
}
