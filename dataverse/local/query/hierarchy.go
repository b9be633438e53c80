package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// maxDepth is how far a hierarchy is followed, which also ends a circle (Dataverse, "Query hierarchical data").
const maxDepth = 100

// tree is the records above or below a record in a hierarchy, itself included, for "x IN".
type tree struct {
	entity *schema.Entity
	parent string // the lookup to the record above
	root   expr   // its ID
	up     bool
	depth  int  // how many levels
	others bool // the root is left out
}

func (t tree) write(w *writer) {
	name, key, parent := quote(t.entity.LogicalName), quote(t.entity.PrimaryID), quote(t.parent)
	next, link := "e."+key, "e."+parent+" = tree.id"
	if t.up {
		next, link = "e."+parent, "e."+key+" = tree.id AND e."+parent+" IS NOT NULL"
	}
	w.WriteString("(WITH RECURSIVE tree(id, depth) AS (SELECT " + key + ", 0 FROM " + name + " WHERE " + key + " = ")
	t.root.write(w)
	w.WriteString(" UNION SELECT " + next + ", tree.depth + 1 FROM " + name + " AS e JOIN tree ON " + link +
		" WHERE tree.depth < " + strconv.Itoa(t.depth) + ") SELECT id FROM tree")
	if t.others {
		w.WriteString(" WHERE depth > 0")
	}
	w.WriteByte(')')
}

// inTree asks whether a value is a record of a tree.
type inTree struct {
	x    expr
	tree tree
}

func (i inTree) write(w *writer) { w.operator(i.x, "IN", i.tree) }

// inHierarchy tests a record ID, or a lookup, by its place in the hierarchy of the records that it is of.
func (b *builder) inHierarchy(v value, op, text string) (expr, error) {
	id, err := b.operand(v, text)
	if err != nil {
		return nil, err
	}
	e := v.entity
	if v.field.IsLookup() && len(v.field.Targets) == 1 {
		e = b.schema.Entity(v.field.Targets[0])
	}
	parent := HierarchyField(e)
	if parent == "" || (!v.field.IsLookup() && v.field.LogicalName != e.PrimaryID) {
		return nil, refuse(code.MissingHierarchicalRelationshipForOperator, "The operator '%s' needs a hierarchical relationship, which the entity has not.", op)
	}
	members := inTree{x: v.x, tree: tree{entity: e, parent: parent, root: param{id}, up: strings.HasSuffix(op, "above"), depth: maxDepth}}
	switch op {
	case "above", "under":
		return and(members, compared{"<>", v.x, param{id}}), nil
	case "not-under":
		return negation{members}, nil
	}
	return members, nil
}

// HierarchyField is the lookup of an entity's hierarchical relationship, "" where it has none. The schema does not carry
// which relationships are hierarchical; those of the standard tables go by these names: "parentaccountid", "parentsubject".
func HierarchyField(e *schema.Entity) string {
	if e == nil {
		return ""
	}
	for _, name := range []string{"parent" + e.LogicalName + "id", "parent" + e.LogicalName} {
		if f := e.Field(name); f != nil && IsStored(f) && slices.Equal(f.Targets, []string{e.LogicalName}) {
			return name
		}
	}
	return ""
}
