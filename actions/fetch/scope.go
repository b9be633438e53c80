package fetch

import (
	"iter"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// scope is a query with what its names mean.
type scope struct {
	fetch   *fetchxml.Fetch
	known   map[string]*schema.Entity // by logical name
	aliases map[*fetchxml.Link]string // the name each link is known by in the answer
	byAlias map[string]*fetchxml.Link
}

func newFetchScope(fetch *fetchxml.Fetch, known map[string]*schema.Entity) *scope {
	s := &scope{fetch: fetch, known: known, aliases: fetch.Aliases(), byAlias: map[string]*fetchxml.Link{}}
	for link := range joinedLinks(&fetch.Entity.Contents) {
		if name := s.orderName(link); name != "" {
			s.byAlias[name] = link
		}
	}
	return s
}

// root is the entity of the query's records.
func (s *scope) root() *schema.Entity { return s.known[s.fetch.Entity.Name] }

// orderName is the name by which conditions and orders of the root name a link: its alias, or its entity's name where it
// has none and that is not another's; "" where it has no such name.
func (s *scope) orderName(link *fetchxml.Link) string {
	if link.Alias != "" {
		return link.Alias
	}
	for other := range joinedLinks(&s.fetch.Entity.Contents) {
		if other != link && (other.Alias == link.Name || other.Alias == "" && other.Name == link.Name) {
			return ""
		}
	}
	return link.Name
}

// conditions are all conditions of the query with the entity whose field each tests, always in the same order.
func (s *scope) conditions() iter.Seq2[*fetchxml.Condition, *schema.Entity] {
	return func(yield func(*fetchxml.Condition, *schema.Entity) bool) {
		for c, entity := range scopedConditions(&s.fetch.Entity.Contents, s.fetch.Entity.Name) {
			if link := s.byAlias[c.EntityName]; c.EntityName != "" && link != nil {
				entity = link.Name
			}
			if !yield(c, s.known[entity]) {
				return
			}
		}
	}
}

// Multiplies reports whether a link can give one record of the root several rows: it joins to something else than the
// linked entity's primary key.
func (s *scope) multiplies() bool {
	for link := range joinedLinks(&s.fetch.Entity.Contents) {
		if s.multiplying(link) {
			return true
		}
	}
	return false
}

func (s *scope) multiplying(link *fetchxml.Link) bool {
	if link.Type() == "matchfirstrowusingcrossapply" {
		return false
	}
	return link.From == "" || link.From != s.known[link.Name].PrimaryID
}

// joinedLinks are the links whose fields rows can have, parents first: the others, as those inside filters, only test.
func joinedLinks(c *fetchxml.Contents) iter.Seq[*fetchxml.Link] {
	return func(yield func(*fetchxml.Link) bool) { yieldJoined(c, yield) }
}

func yieldJoined(c *fetchxml.Contents, yield func(*fetchxml.Link) bool) bool {
	for _, link := range c.Links {
		if !link.OnlyTests() && (!yield(link) || !yieldJoined(&link.Contents, yield)) {
			return false
		}
	}
	return true
}

// AllLinks are the links of a query, those inside filters too.
func AllLinks(c *fetchxml.Contents) iter.Seq[*fetchxml.Link] {
	return func(yield func(*fetchxml.Link) bool) { yieldLinks(c, yield) }
}

func yieldLinks(c *fetchxml.Contents, yield func(*fetchxml.Link) bool) bool {
	links := c.Links
	for _, filter := range c.Filters {
		links = append(links[:len(links):len(links)], filterLinks(filter)...)
	}
	for _, link := range links {
		if !yield(link) || !yieldLinks(&link.Contents, yield) {
			return false
		}
	}
	return true
}

// filterLinks are the links directly inside a filter and the filters in it.
func filterLinks(f *fetchxml.Filter) []*fetchxml.Link {
	links := f.Links[:len(f.Links):len(f.Links)]
	for _, inner := range f.Filters {
		links = append(links, filterLinks(inner)...)
	}
	return links
}

// allFilters are the filters of a query, at any depth.
func allFilters(c *fetchxml.Contents) iter.Seq[*fetchxml.Filter] {
	return func(yield func(*fetchxml.Filter) bool) {
		if !yieldFilters(c.Filters, yield) {
			return
		}
		for link := range AllLinks(c) {
			if !yieldFilters(link.Filters, yield) {
				return
			}
		}
	}
}

func yieldFilters(filters []*fetchxml.Filter, yield func(*fetchxml.Filter) bool) bool {
	for _, filter := range filters {
		if !yield(filter) || !yieldFilters(filter.Filters, yield) {
			return false
		}
	}
	return true
}

// scopedConditions are all conditions of a query in a fixed order, with the logical name of the entity around each.
func scopedConditions(c *fetchxml.Contents, entity string) iter.Seq2[*fetchxml.Condition, string] {
	return func(yield func(*fetchxml.Condition, string) bool) {
		if !yieldConditions(c.Filters, entity, yield) {
			return
		}
		for link := range AllLinks(c) {
			if !yieldConditions(link.Filters, link.Name, yield) {
				return
			}
		}
	}
}

func yieldConditions(filters []*fetchxml.Filter, entity string, yield func(*fetchxml.Condition, string) bool) bool {
	for filter := range func(y func(*fetchxml.Filter) bool) { yieldFilters(filters, y) } {
		for _, condition := range filter.Conditions {
			if !yield(condition, entity) {
				return false
			}
		}
	}
	return true
}
