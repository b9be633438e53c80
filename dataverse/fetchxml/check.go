package fetchxml

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// Dataverse's limits of a query (FetchXML, "Join tables", "Filter rows"). How many operands a condition can have is not
// published.
const (
	maxLinks      = 15
	maxConditions = 500 // with links
)

// maxFaults is how many faults anybody wants to read; a document of nothing else must not cost more.
const maxFaults = 100

// Check finds what is wrong with a query by the metadata that entity returns for a logical name, nil where there is none.
// It looks at names, types and rules, not at the texts of values. The faults come in the order of the document, at most 100;
// of a query that is beyond Dataverse's limits nothing more is said than that.
func Check(f *Fetch, entity func(name string) *schema.Entity) []*Fault {
	c := &checker{fetch: f, entity: entity, entities: map[*Link]*schema.Entity{}}
	if f.Entity == nil {
		c.fault(f.Pos, code.InvalidXML, "<fetch> needs an <entity>")
		return c.faults
	}
	if c.limits(); len(c.faults) > 0 {
		return c.faults
	}
	c.root = c.known(f.Entity.Name, f.Entity.Node)
	c.resolve(&f.Entity.Contents)
	c.aliases()
	c.contents(scope{entity: c.root, root: true}, &f.Entity.Contents)
	slices.SortStableFunc(c.faults, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return c.faults
}

type checker struct {
	fetch    *Fetch
	entity   func(string) *schema.Entity
	root     *schema.Entity           // nil where unknown
	entities map[*Link]*schema.Entity // those that are known
	outputs  []string                 // the aliases of attributes
	faults   []*Fault
}

// scope is where a condition or attribute stands.
type scope struct {
	entity *schema.Entity // nil where unknown: then its fields cannot be checked
	root   bool
	tests  bool // it only tests: rows have nothing of it
}

func (c *checker) fault(pos Pos, number code.Code, format string, args ...any) {
	if !c.full() {
		c.faults = append(c.faults, &Fault{Pos: pos, Code: number, Message: fmt.Sprintf(format, args...)})
	}
}

// silent is a fault that Dataverse does not tell of.
func (c *checker) silent(pos Pos, number code.Code, message string) {
	if !c.full() {
		c.fault(pos, number, "%s", message)
		c.faults[len(c.faults)-1].Silent = true
	}
}

// unknown is a fault of a name that is none of those there are.
func (c *checker) unknown(name string, among []string, pos Pos, number code.Code, format string, args ...any) {
	if !c.full() {
		c.fault(pos, number, format, args...)
		last := c.faults[len(c.faults)-1]
		last.Name, last.Nearest = name, schema.Nearest(name, among)
	}
}

func (c *checker) full() bool { return len(c.faults) >= maxFaults }

// known is the entity of a node, with a fault where there is none.
func (c *checker) known(name string, n Node) *schema.Entity {
	e := c.entity(name)
	if e == nil {
		c.fault(n.PosOf("name"), code.QueryBuilderNoEntity, "The entity with a name = '%s' with namemapping = 'Logical' was not found in the MetadataCache.", name)
	}
	return e
}

// resolve finds the entities of all links.
func (c *checker) resolve(contents *Contents) {
	for _, l := range allLinks(contents) {
		if e := c.known(l.Name, l.Node); e != nil {
			c.entities[l] = e
		}
	}
}

func (c *checker) limits() {
	links := allLinks(&c.fetch.Entity.Contents)
	if len(links) > maxLinks {
		c.fault(links[maxLinks].Pos, code.TooManyLinkEntitiesInQuery, "Number of link entities in query exceeded maximum limit.")
	}
	conditions := countConditions(&c.fetch.Entity.Contents)
	for _, l := range links {
		conditions += countConditions(&l.Contents)
	}
	if conditions+len(links) > maxConditions {
		c.fault(c.fetch.Pos, code.TooManyConditionsInQuery, "Number of conditions in query exceeded maximum limit.")
	}
}

// countConditions counts what stands in the filters themselves; their links are counted as links.
func countConditions(contents *Contents) int {
	n := 0
	for _, f := range contents.Filters {
		n += f.count()
	}
	return n
}

func (f *Filter) count() int {
	n := len(f.Conditions)
	for _, inner := range f.Filters {
		n += inner.count()
	}
	return n
}

// field is a field by its name, with a fault where the entity has none of it; nil for that and for an unknown entity.
func (c *checker) field(e *schema.Entity, name string, pos Pos) *schema.Field {
	if e == nil {
		return nil
	}
	f := e.Field(name)
	if f == nil && !c.full() { // gathering the names costs more than looking for one
		c.unknown(name, e.FieldNames(), pos, code.QueryBuilderNoAttribute, "'%s' entity doesn't contain attribute with Name = '%s' and NameMapping = 'Logical'.", e.LogicalName, name)
		c.faults[len(c.faults)-1].Entity = e.LogicalName
	}
	return f
}

func (c *checker) contents(s scope, contents *Contents) {
	if contents.AllAttributes && c.fetch.Aggregate {
		c.fault(c.fetch.PosOf("aggregate"), code.QueryBuilderAttributeWithAggregate, "<all-attributes> cannot stand in an aggregate query")
	}
	if contents.NoAttributes && c.fetch.Distinct {
		c.fault(c.fetch.PosOf("distinct"), code.QueryBuilderNoAttrsDistinctConflict, "<no-attrs> cannot stand in a distinct query")
	}
	for _, a := range contents.Attributes {
		c.attribute(s, a)
	}
	for _, o := range contents.Orders {
		c.order(s, o)
	}
	for _, f := range contents.Filters {
		c.filter(s, f)
	}
	for _, l := range contents.Links {
		c.link(s, l)
	}
}

func (c *checker) link(parent scope, l *Link) {
	e := c.entities[l]
	if e != nil && parent.entity != nil {
		c.join(parent.entity, e, l)
	}
	c.contents(scope{entity: e, tests: parent.tests || l.OnlyTests()}, &l.Contents)
}

// join checks the fields that a link joins.
func (c *checker) join(parent, linked *schema.Entity, l *Link) {
	j, fault := l.Join(parent, linked)
	if fault != nil {
		c.faults = append(c.faults, fault) // there are no more of these than links
		return
	}
	if j.Intersect != "" {
		return
	}
	from := c.field(linked, j.From, l.PosOf("from"))
	to := c.field(parent, j.To, l.PosOf("to"))
	for _, side := range []struct {
		field *schema.Field
		name  string
	}{{from, "from"}, {to, "to"}} {
		if side.field != nil && KindOf(side.field)&(Multi|Others) != 0 {
			c.fault(l.PosOf(side.name), code.QueryBuilderInvalidJoinOperator, "a link cannot join by '%s', which is a %s field", side.field.LogicalName, side.field.Type)
			return
		}
	}
	if from != nil && to != nil && !canEqual(from, to) {
		c.fault(l.PosOf("from"), code.QueryBuilderInvalidJoinOperator, "a link cannot join '%s', a %s field, with '%s', a %s field", j.From, from.Type, j.To, to.Type)
	}
}

// canEqual reports whether the values of two fields can be equal.
func canEqual(a, b *schema.Field) bool {
	kind := func(f *schema.Field) Kinds {
		k := KindOf(f)
		if k == Owners {
			return IDs
		}
		return k
	}
	return kind(a) == kind(b)
}
