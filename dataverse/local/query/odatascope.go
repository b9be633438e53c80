package query

import (
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// scope is where OData's paths begin: a table of a statement, to which the tables are joined that paths lead through.
type scope struct {
	b         *builder
	statement *statement
	root      *table
	variable  string            // what paths begin with inside a lambda
	joins     map[string]*table // by the path to them
}

func newScope(b *builder, e *schema.Entity) *scope {
	root := b.table(e)
	return &scope{b: b, root: root, statement: &statement{from: root}, joins: map[string]*table{}}
}

// noProperty is the refusal of an unknown name, in the words of the Web API.
func noProperty(e *schema.Entity, name string) *Error {
	return refuse(0, "Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, e.LogicalName)
}

// property is the field of a property's name, nil where there is none: "name", "_ownerid_value".
func property(e *schema.Entity, name string) *schema.Field {
	if inner, ok := strings.CutPrefix(name, "_"); ok {
		if f := e.Field(strings.TrimSuffix(inner, "_value")); f != nil && f.IsLookup() && f.Property() == name {
			return f
		}
	}
	if name == ownerKey && isPrincipal(e) {
		return e.Field(e.PrimaryID)
	}
	f := e.Field(name)
	if f == nil || f.IsLookup() || !isProperty(f) {
		return nil
	}
	return f
}

// isProperty reports whether a field is a property of the Web API's entity type.
func isProperty(f *schema.Field) bool {
	return IsStored(f) || f.Type == schema.Image || f.Type == schema.File
}

// leadsTo is where a single-valued navigation property leads: over a field, to one of these entities.
type leadsTo struct {
	field   *schema.Field
	targets []*schema.Entity
}

// navigation finds a single-valued navigation property. Activities have those of their base type too, whose own have the
// entity's name behind them: "ownerid" is a task's "ownerid_task".
func (b *builder) navigation(e *schema.Entity, name string) (leadsTo, bool) {
	to, ok := b.ownNavigation(e, name)
	if !ok && e.IsActivity {
		return b.ownNavigation(e, name+"_"+e.LogicalName)
	}
	return to, ok
}

func (b *builder) ownNavigation(e *schema.Entity, name string) (leadsTo, bool) {
	f := e.FieldOfNavigation(name)
	var targets []string
	if f != nil {
		for _, target := range f.Targets {
			if f.Navigation[target] == name {
				targets = append(targets, target)
			}
		}
	} else {
		for _, r := range e.ManyToOne { // a relationship on a plain GUID field
			if r.Navigation == name && e.Field(r.Field) != nil {
				f, targets = e.Field(r.Field), []string{r.ReferencedEntity}
			}
		}
	}
	if f == nil || !IsStored(f) {
		return leadsTo{}, false
	}
	to := leadsTo{field: f}
	for _, target := range targets {
		if t := b.schema.Entity(target); t != nil {
			to.targets = append(to.targets, t)
		}
	}
	return to, len(to.targets) > 0
}

// follow joins a navigation property's target to the table it starts from, once however many paths lead there.
func (s *scope) follow(from *table, path []string, to leadsTo, target *schema.Entity) *table {
	key := strings.Join(path, "/") + "!" + target.LogicalName
	if t := s.joins[key]; t != nil {
		return t
	}
	t := s.b.table(target)
	on := []expr{compared{"=", t.key(), from.col(to.field.LogicalName)}}
	if name := TargetColumn(to.field); name != "" {
		on = append(on, compared{"=", from.col(name), param{target.LogicalName}})
	}
	s.statement.joins = append(s.statement.joins, joined{table: t, outer: true, on: and(on...)})
	s.joins[key] = t
	return t
}

// resolve finds the field that a path leads to, over single-valued navigation properties.
func (s *scope) resolve(path odata.Path) (value, error) {
	if s.variable != "" {
		if len(path) < 2 || path[0] != s.variable {
			return value{}, refuse(code.UnsupportedQuery, "The path '%s' must begin with the variable '%s' of the lambda around it.", strings.Join(path, "/"), s.variable)
		}
		path = path[1:]
	}
	from := s.root
	for i, name := range path {
		if i == len(path)-1 {
			return s.last(from, name)
		}
		to, ok := s.b.navigation(from.entity, name)
		if !ok {
			return value{}, noProperty(from.entity, name)
		}
		if i == len(path)-2 {
			if v, ok := ownKey(s.b, from, to, path[i+1]); ok {
				return v, nil
			}
		}
		from = s.follow(from, path[:i+1], to, targetWith(to, path[i+1]))
	}
	return value{}, refuse(code.UnsupportedQuery, "A path is empty.")
}

// last is the field that a path ends with. A lookup may be named by its navigation property too.
func (s *scope) last(from *table, name string) (value, error) {
	if f := property(from.entity, name); f != nil {
		return s.b.field(from, f), nil
	}
	if to, ok := s.b.navigation(from.entity, name); ok {
		return s.b.field(from, to.field), nil
	}
	return value{}, noProperty(from.entity, name)
}

// ownKey is the lookup itself where a path asks for the ID of the record behind it, for the index's sake.
func ownKey(b *builder, from *table, to leadsTo, name string) (value, bool) {
	if len(to.targets) != 1 || name != to.targets[0].PrimaryID || TargetColumn(to.field) != "" {
		return value{}, false
	}
	return b.field(from, to.field), true
}

// targetWith is the target that has the next name of a path; the first where none has.
func targetWith(to leadsTo, next string) *schema.Entity {
	has := func(e *schema.Entity) bool { return property(e, next) != nil || e.FieldOfNavigation(next) != nil }
	if i := slices.IndexFunc(to.targets, has); i >= 0 {
		return to.targets[i]
	}
	return to.targets[0]
}

// collection is a collection-valued navigation property: related records, by their lookup or over an intersect table.
type collection struct {
	entity    *schema.Entity
	field     string         // of the related entity: the lookup to here; "" over an intersect table
	intersect *schema.Entity // the intersect table
	near, far string         // its fields for this side and the other
}

// collection finds a collection-valued navigation property.
func (b *builder) collection(e *schema.Entity, name string) (collection, bool) {
	for _, r := range e.OneToMany {
		if child := b.schema.Entity(r.ReferencingEntity); r.Navigation == name && child != nil && stored(child, r.ReferencingField) {
			return collection{entity: child, field: r.ReferencingField}, true
		}
	}
	for _, r := range e.ManyToMany {
		if r.Navigation1 == name && r.Entity1 == e.LogicalName {
			return b.across(r, r.Entity2, r.Field1, r.Field2)
		}
		if r.Navigation2 == name && r.Entity2 == e.LogicalName {
			return b.across(r, r.Entity1, r.Field2, r.Field1)
		}
	}
	return collection{}, false
}

func (b *builder) across(r schema.ManyToMany, other, near, far string) (collection, bool) {
	c := collection{entity: b.schema.Entity(other), intersect: Intersect(b.schema, r.IntersectEntity), near: near, far: far}
	return c, c.entity != nil && c.intersect != nil
}

// related is a scope of the records of a collection that belong to a record of a table.
func (b *builder) related(c collection, to *table) *scope {
	s := newScope(b, c.entity)
	if c.intersect == nil {
		s.statement.where = []expr{compared{"=", s.root.col(c.field), to.key()}}
		return s
	}
	between := b.table(c.intersect)
	s.statement.joins = []joined{{table: between, on: compared{"=", between.col(c.far), s.root.key()}}}
	s.statement.where = []expr{compared{"=", between.col(c.near), to.key()}}
	return s
}
