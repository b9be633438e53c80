package query

import (
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// join adds a link to a statement: its table, the links below it, and its filters, which belong to the join so that an
// outer one keeps its parent.
//
// An inner link below an outer one is joined after it, so parents without the record in between disappear, as SQL does.
func (t *translation) join(s *statement, parent *table, link *fetchxml.Link) error {
	switch link.Type() {
	case "exists", "in":
		found, err := t.subquery(parent, link, true)
		if err != nil {
			return err
		}
		s.where = append(s.where, exists{rows: found})
		return nil
	case "matchfirstrowusingcrossapply":
		return t.joinFirst(s, parent, link)
	}
	before := len(s.joins)
	child, on, err := t.ends(s, parent, link)
	if err != nil {
		return err
	}
	for _, between := range s.joins[before:] {
		t.hidden = append(t.hidden, between.table)
	}
	filters, err := t.linkFilters(child, link)
	if err != nil {
		return err
	}
	s.joins = append(s.joins, joined{table: child, outer: link.Type() == "outer", on: and(append([]expr{on}, filters...)...)})
	if !t.isUnique(link, child) {
		t.hidden = append(t.hidden, child)
	}
	return t.joinBelow(s, child, link)
}

func (t *translation) joinBelow(s *statement, child *table, link *fetchxml.Link) error {
	for _, below := range link.Links {
		if err := t.join(s, child, below); err != nil {
			return err
		}
	}
	return nil
}

// isUnique reports whether a parent has one record behind the link at most.
func (t *translation) isUnique(link *fetchxml.Link, child *table) bool {
	return link.From == child.entity.PrimaryID
}

// ends makes a link's table and the condition that ties it to its parent's. Where the fields are left out, the
// relationship tells them; a many-to-many relationship's intersect table is joined on the way.
func (t *translation) ends(s *statement, parent *table, link *fetchxml.Link) (child *table, on expr, err error) {
	entity := Intersect(t.b.schema, link.Name)
	if entity == nil {
		return nil, nil, noEntity(link.Name)
	}
	from, to := link.From, link.To
	switch {
	case from == "" && to == "":
		return t.across(s, parent, link, entity)
	case from == "":
		from = entity.PrimaryID
	case to == "":
		to = parent.entity.PrimaryID
	}
	child = t.open(link, entity)
	left, err := t.field(child, from)
	if err != nil {
		return nil, nil, err
	}
	right, err := t.field(parent, to)
	if err != nil {
		return nil, nil, err
	}
	return child, compared{"=", left.x, right.x}, nil
}

// open gives a link a table, and its names to it.
func (t *translation) open(link *fetchxml.Link, entity *schema.Entity) *table {
	child := t.b.table(entity)
	t.tables[link] = child
	if alias := t.aliases[link]; alias != "" {
		t.named[alias] = child
	}
	if link.Alias == "" && t.named[link.Name] == nil {
		t.named[link.Name] = child
	}
	return child
}

// across joins two entities over the one many-to-many relationship that they have.
func (t *translation) across(s *statement, parent *table, link *fetchxml.Link, entity *schema.Entity) (*table, expr, error) {
	var found []collection
	for _, r := range parent.entity.ManyToMany {
		if r.Entity1 == parent.entity.LogicalName && r.Entity2 == entity.LogicalName {
			c, _ := t.b.across(r, r.Entity2, r.Field1, r.Field2)
			found = append(found, c)
		} else if r.Entity2 == parent.entity.LogicalName && r.Entity1 == entity.LogicalName {
			c, _ := t.b.across(r, r.Entity1, r.Field2, r.Field1)
			found = append(found, c)
		}
	}
	switch {
	case len(found) > 1:
		return nil, nil, refuse(code.QueryBuilderMultipleIntersectEntities, "There are several many-to-many relationships between %s and %s.", parent.entity.LogicalName, entity.LogicalName)
	case len(found) == 0 || found[0].intersect == nil:
		return nil, nil, refuse(code.QueryBuilderNoEntity, "No system many-to-many relationship exists between %s and %s.  If attempting to link through a "+
			"custom many-to-many relationship ensure that you provide the from and to attributes.", parent.entity.LogicalName, entity.LogicalName)
	}
	between := t.b.table(found[0].intersect)
	s.joins = append(s.joins, joined{
		table: between, outer: link.Type() == "outer", on: compared{"=", between.col(found[0].near), parent.key()},
	})
	child := t.open(link, entity)
	return child, compared{"=", child.key(), between.col(found[0].far)}, nil
}

func (t *translation) linkFilters(child *table, link *fetchxml.Link) ([]expr, error) {
	var terms []expr
	for _, f := range link.Filters {
		term, err := t.filter(child, f, false)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	return terms, nil
}

// subquery is the rows behind a link that belong to a parent, with or without the link's own filters and links.
func (t *translation) subquery(parent *table, link *fetchxml.Link, filtered bool) (*statement, error) {
	s := &statement{columns: []expr{sqlTrue}}
	child, on, err := t.ends(s, parent, link)
	if err != nil {
		return nil, err
	}
	s.from, s.where = child, []expr{on}
	if !filtered {
		return s, nil
	}
	filters, err := t.linkFilters(child, link)
	if err != nil {
		return nil, err
	}
	s.where = append(s.where, filters...)
	hidden := t.hidden
	defer func() { t.hidden = hidden }() // rows of a subquery need no order
	return s, t.joinBelow(s, child, link)
}

// quantified is a link inside a filter. "all" and "not all" mean the opposite of what they say: "not all" is "any", and
// "all" is true where there are records behind the link and none of them matches (FetchXML, "Filter rows").
func (t *translation) quantified(parent *table, link *fetchxml.Link) (expr, error) {
	matching, err := t.subquery(parent, link, true)
	if err != nil {
		return nil, err
	}
	switch link.Type() {
	case "any", "not all":
		return exists{rows: matching}, nil
	case "not any":
		return exists{rows: matching, negated: true}, nil
	case "all":
		some, err := t.subquery(parent, link, false)
		if err != nil {
			return nil, err
		}
		return and(exists{rows: some}, exists{rows: matching, negated: true}), nil
	}
	return nil, refuse(code.QueryBuilderInvalidLinkType, "The link-type '%s' is not valid inside a filter.", link.LinkType)
}

// joinFirst joins one of the records behind a link: the one with the lowest ID, so that it is always the same.
func (t *translation) joinFirst(s *statement, parent *table, link *fetchxml.Link) error {
	candidates := &statement{}
	first, on, err := t.ends(candidates, parent, link)
	if err != nil {
		return err
	}
	filters, err := t.linkFilters(first, link)
	if err != nil {
		return err
	}
	candidates.from, candidates.columns = first, []expr{first.key()}
	candidates.where = append([]expr{on}, filters...)
	candidates.orders, candidates.limit = []sorted{{x: first.key()}}, sqlTrue
	child := t.open(link, first.entity)
	s.joins = append(s.joins, joined{table: child, on: compared{"=", child.key(), scalar{candidates}}})
	return t.joinBelow(s, child, link)
}
