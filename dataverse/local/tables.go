package local

import (
	"strings"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// table is an entity with what is worked out once about how its records are read and written.
type table struct {
	*schema.Entity
	columns   []query.StoredColumn
	selectRow string                // all columns of the record whose ID is the one parameter
	parties   *schema.OneToMany     // an activity's parties; nil for what is no activity
	children  map[string]collection // by collection-valued navigation property
}

// collection is where a collection-valued navigation property leads.
type collection struct {
	entity    *schema.Entity
	field     *schema.Field      // the lookup that points back; nil for many-to-many
	intersect *schema.ManyToMany // nil for one-to-many
	own       string             // the intersect entity's field of this side
	other     string             // and of the other side
}

func newTables(s *schema.Schema) map[string]*table {
	tables := map[string]*table{}
	for _, name := range s.Names() {
		tables[name] = newTable(s, s.Entity(name))
	}
	return tables
}

func newTable(s *schema.Schema, e *schema.Entity) *table {
	t := &table{Entity: e, columns: query.StoredColumns(e), children: map[string]collection{}}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = quote(c.Name)
	}
	t.selectRow = "SELECT " + strings.Join(names, ", ") + " FROM " + quote(e.LogicalName) + " WHERE " + quote(e.PrimaryID) + " = ?"
	for i, r := range e.OneToMany {
		child := s.Entity(r.ReferencingEntity)
		if child == nil || child.Field(r.ReferencingField) == nil || r.Navigation == "" {
			continue
		}
		if r.ReferencingEntity == "activityparty" && strings.HasSuffix(r.Navigation, "_activity_parties") {
			t.parties = &e.OneToMany[i]
		}
		t.children[r.Navigation] = collection{entity: child, field: child.Field(r.ReferencingField)}
	}
	for i := range e.ManyToMany {
		r := &e.ManyToMany[i]
		if r.Entity1 == e.LogicalName && s.Entity(r.Entity2) != nil {
			t.children[r.Navigation1] = collection{entity: s.Entity(r.Entity2), intersect: r, own: r.Field1, other: r.Field2}
		} else if r.Entity2 == e.LogicalName && s.Entity(r.Entity1) != nil {
			t.children[r.Navigation2] = collection{entity: s.Entity(r.Entity1), intersect: r, own: r.Field2, other: r.Field1}
		}
	}
	return t
}

// has reports whether the entity stores a field of that name.
func (t *table) has(name string) bool {
	f := t.Field(name)
	return f != nil && query.IsStored(f)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
