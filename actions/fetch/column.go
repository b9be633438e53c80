package fetch

import (
	"fmt"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// Column is where in a row of the answer a value stands.
type Column struct {
	Property string
	Field    *schema.Field
}

// columns are what the query selects, by the name that an answer has it under.
func (s *scope) columns() map[string]Column {
	columns := map[string]Column{}
	s.rootColumns(columns)
	for link := range joinedLinks(&s.fetch.Entity.Contents) {
		s.linkColumns(link, columns)
	}
	return columns
}

// rootColumns adds the root's fields. A query that selects nothing anywhere selects all fields of the root, and every
// query but an aggregate one the primary key (FetchXML, "Select columns").
func (s *scope) rootColumns(columns map[string]Column) {
	root := s.root()
	if s.fetch.Entity.AllAttributes || s.selectsNothing() {
		for _, f := range root.Fields {
			addColumn(columns, f.LogicalName, f.Property(), f)
		}
	}
	for i := range s.fetch.Entity.Attributes {
		a := &s.fetch.Entity.Attributes[i]
		if a.Alias != "" {
			addColumn(columns, a.Alias, a.Alias, resultField(a, root.Field(a.Name)))
		} else if f := root.Field(a.Name); f != nil {
			addColumn(columns, a.Name, f.Property(), f)
		}
	}
	if !s.fetch.Aggregate {
		columns[root.PrimaryID] = Column{Property: root.PrimaryID, Field: keyField(root)}
	}
}

// linkColumns adds a link's fields, as "alias.field".
func (s *scope) linkColumns(link *fetchxml.Link, columns map[string]Column) {
	alias, e := s.aliases[link], s.known[link.Name]
	add := func(f *schema.Field) {
		property := alias + "." + f.LogicalName
		if link.Type() == "matchfirstrowusingcrossapply" {
			property = f.SchemaName // such a link's fields come without a prefix (FetchXML, "Join tables")
		}
		addColumn(columns, alias+"."+f.LogicalName, property, f)
	}
	if link.AllAttributes {
		for _, f := range e.Fields {
			add(f)
		}
	}
	for i := range link.Attributes {
		a := &link.Attributes[i]
		if a.Alias != "" {
			addColumn(columns, a.Alias, a.Alias, resultField(a, e.Field(a.Name)))
		} else if f := e.Field(a.Name); f != nil {
			add(f)
		}
	}
}

// addColumn adds a field unless it is of a kind that a variable cannot hold.
func addColumn(columns map[string]Column, name, property string, f *schema.Field) {
	if f != nil && f.AttributeOf == "" && translate.Savable(f) {
		columns[name] = Column{Property: property, Field: f}
	}
}

// resultField is the field, or what aggregating or grouping makes of it: counts and parts of dates are whole numbers.
func resultField(a *fetchxml.Attribute, f *schema.Field) *schema.Field {
	if a.Aggregate == "count" || a.Aggregate == "countcolumn" || a.RowAggregate != "" || a.DateGrouping != "" {
		return &schema.Field{LogicalName: a.Alias, Type: schema.Integer, Readable: true}
	}
	return f
}

// keyField is the entity's primary key, also where metadata does not list it.
func keyField(e *schema.Entity) *schema.Field {
	if f := e.Field(e.PrimaryID); f != nil {
		return f
	}
	return &schema.Field{LogicalName: e.PrimaryID, Type: schema.Uniqueidentifier, Readable: true}
}

// selectsNothing reports whether no field is selected anywhere in the query.
func (s *scope) selectsNothing() bool {
	root := s.fetch.Entity
	if root.AllAttributes || root.NoAttributes || len(root.Attributes) > 0 {
		return false
	}
	for link := range joinedLinks(&root.Contents) {
		if link.AllAttributes || len(link.Attributes) > 0 {
			return false
		}
	}
	return true
}

// selectKeys has the query select the record's ID and name, without which it names no record. A distinct query would
// leave them out.
func selectKeys(s *scope) {
	if s.selectsNothing() || s.fetch.Entity.AllAttributes {
		return
	}
	s.fetch.Entity.NoAttributes = false
	s.selectField(s.root().PrimaryID)
	if name := s.root().PrimaryName; name != "" {
		s.selectField(name)
	}
}

// selectField adds a field of the root to what is selected, under its own name.
func (s *scope) selectField(name string) {
	selected := slices.ContainsFunc(s.fetch.Entity.Attributes, func(a fetchxml.Attribute) bool { return a.Name == name && a.Alias == "" })
	if !selected && !s.fetch.Entity.AllAttributes && !s.selectsNothing() {
		s.fetch.Entity.Attributes = append(s.fetch.Entity.Attributes, fetchxml.Attribute{Name: name})
	}
}

// Column finds what a source names among what the query selects.
func (q *Query) Column(name, path string) (Column, *input.Fault) {
	if c, ok := q.columns[name]; ok {
		return c, nil
	}
	fault := input.NewFault(input.InvalidField, path, "the query does not select %q%s", name, q.hint(name))
	return Column{}, fault.NearestTo(schema.Nearest(name, input.SortedNames(q.columns)))
}

// hint says how the query would select a name.
func (q *Query) hint(name string) string {
	if f := q.root.Field(name); f != nil && !q.fetch.Aggregate {
		return fmt.Sprintf(": add <attribute name=%q/> to its entity", name)
	}
	return "; a source is a selected field, a link's as \"alias.field\", or an attribute's alias"
}
