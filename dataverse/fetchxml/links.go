package fetchxml

import (
	"fmt"
	"strconv"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// Type returns the link's type, "inner" where none is written and for its synonym "natural".
func (l *Link) Type() string {
	if l.LinkType == "" || l.LinkType == "natural" {
		return "inner"
	}
	return l.LinkType
}

// OnlyTests reports whether a link does nothing but test that there is a record behind it: rows have none of its fields, and
// nothing outside of it can name it (FetchXML, "Join tables").
func (l *Link) OnlyTests() bool { return l.Type() == "exists" || l.Type() == "in" }

// Aliases returns the name by which each link is known: its alias, else the one that Dataverse makes of the entity's name and
// the link's number, as "account1". Links count from 1 in the order of the tree, depth first, those in filters last.
func (f *Fetch) Aliases() map[*Link]string {
	names := map[*Link]string{}
	if f.Entity == nil {
		return names
	}
	for i, l := range allLinks(&f.Entity.Contents) {
		names[l] = l.Alias
		if l.Alias == "" {
			names[l] = l.Name + strconv.Itoa(i+1)
		}
	}
	return names
}

// LinkNamed returns the joined link that a condition or order means by entityname: the one of that alias, else the first
// without an alias that joins the entity of that name, or that Dataverse would give that name. It is nil where there is none.
func (f *Fetch) LinkNamed(name string) *Link {
	if f.Entity == nil || name == "" {
		return nil
	}
	links := rowLinks(&f.Entity.Contents)
	for _, l := range links {
		if l.Alias == name {
			return l
		}
	}
	aliases := f.Aliases()
	for _, l := range links {
		if l.Alias == "" && (l.Name == name || aliases[l] == name) {
			return l
		}
	}
	return nil
}

// rowLinks are the joined links whose records are part of the rows, depth first.
func rowLinks(c *Contents) []*Link {
	var links []*Link
	for _, l := range c.Links {
		if !l.OnlyTests() {
			links = append(append(links, l), rowLinks(&l.Contents)...)
		}
	}
	return links
}

// joinedLinks are the links that are joined, depth first; those in filters are not.
func joinedLinks(c *Contents) []*Link {
	var links []*Link
	for _, l := range c.Links {
		links = append(append(links, l), joinedLinks(&l.Contents)...)
	}
	return links
}

// allLinks are the joined links and then those in filters.
func allLinks(c *Contents) []*Link {
	links := joinedLinks(c)
	for _, holder := range append([]*Contents{c}, contentsOf(links)...) {
		for _, filter := range holder.Filters {
			links = append(links, filterLinks(filter)...)
		}
	}
	return links
}

func contentsOf(links []*Link) []*Contents {
	var list []*Contents
	for _, l := range links {
		list = append(list, &l.Contents)
	}
	return list
}

func filterLinks(f *Filter) []*Link {
	var links []*Link
	for _, inner := range f.Filters {
		links = append(links, filterLinks(inner)...)
	}
	for _, l := range f.Links {
		links = append(append(links, l), allLinks(&l.Contents)...)
	}
	return links
}

// Join is how a link's records belong to those of the entity around it: Parent.To = Linked.From, or through an intersect
// entity: Parent.To = Intersect.ParentField and Intersect.LinkedField = Linked.From.
type Join struct {
	From, To                            string
	Intersect, ParentField, LinkedField string // "" where the join is direct
}

// Join finds the link's fields: as written, or by the relationship of the two entities where one or both are left out.
func (l *Link) Join(parent, linked *schema.Entity) (Join, *Fault) {
	switch {
	case l.From != "" && l.To != "":
		return Join{From: l.From, To: l.To}, nil
	case l.From == "" && l.To == "":
		return l.joinThrough(parent, linked)
	case l.From == "":
		if from, ok := otherSide(parent, linked, l.To); ok {
			return Join{From: from, To: l.To}, nil
		}
	default:
		if to, ok := otherSide(linked, parent, l.From); ok {
			return Join{From: l.From, To: to}, nil
		}
	}
	return Join{}, &Fault{
		Pos: l.Pos, Code: code.QueryBuilderAttributePairMismatch,
		Message: fmt.Sprintf("the link to %s needs both 'from' and 'to': no single relationship with %s says what the other one is", linked.LogicalName, parent.LogicalName),
	}
}

// otherSide is the field of there that a field of here joins: the primary key that a lookup points at, or the only lookup
// that points at a primary key.
func otherSide(here, there *schema.Entity, field string) (string, bool) {
	if f := here.Field(field); f != nil && pointsAt(f, there.LogicalName) {
		return there.PrimaryID, true
	}
	if field != here.PrimaryID {
		return "", false
	}
	found := ""
	for _, f := range there.Fields {
		if pointsAt(f, here.LogicalName) {
			if found != "" {
				return "", false
			}
			found = f.LogicalName
		}
	}
	return found, found != ""
}

func pointsAt(f *schema.Field, entity string) bool {
	if !f.IsLookup() {
		return false
	}
	for _, t := range f.Targets {
		if t == entity {
			return true
		}
	}
	return false
}

func (l *Link) joinThrough(parent, linked *schema.Entity) (Join, *Fault) {
	var found []Join
	for _, r := range parent.ManyToMany {
		j := Join{To: parent.PrimaryID, From: linked.PrimaryID, Intersect: r.IntersectEntity, ParentField: r.Field1, LinkedField: r.Field2}
		switch {
		case r.Entity1 == parent.LogicalName && r.Entity2 == linked.LogicalName:
			found = append(found, j)
		case r.Entity2 == parent.LogicalName && r.Entity1 == linked.LogicalName:
			j.ParentField, j.LinkedField = r.Field2, r.Field1
			found = append(found, j)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Join{}, &Fault{Pos: l.Pos, Code: code.QueryBuilderNoEntity, Message: fmt.Sprintf("No system many-to-many relationship exists between %s and %s.  "+
			"If attempting to link through a custom many-to-many relationship ensure that you provide the from and to attributes.", parent.LogicalName, linked.LogicalName)}
	}
	return Join{}, &Fault{
		Pos: l.Pos, Code: code.QueryBuilderMultipleIntersectEntities,
		Message: fmt.Sprintf("%d many-to-many relationships exist between %s and %s: name the intersect entity in a link of its own, with from and to", len(found), parent.LogicalName, linked.LogicalName),
	}
}
