package query

import (
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// builder makes statements of a schema for a caller.
type builder struct {
	schema *schema.Schema
	opts   Options
	tables int
}

// table is an entity's table under the next free name: t0, t1, …
func (b *builder) table(e *schema.Entity) *table {
	t := &table{entity: e, alias: tableName(b.tables)}
	b.tables++
	return t
}

// tableNames are the names of a statement's first tables.
var tableNames = [...]string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"}

func tableName(n int) string {
	if n < len(tableNames) {
		return tableNames[n]
	}
	return "t" + strconv.Itoa(n)
}

// value is a field as a statement sees it.
type value struct {
	entity *schema.Entity
	field  *schema.Field
	x      expr
	kind   schema.Type // the field's, but String for the names of choices and lookups that shadow them
	table  *table
}

// isText reports whether it compares as text.
func (v value) isText() bool { return v.kind == schema.String || v.kind == schema.Memo }

// isKeyOf reports whether it is the record ID of a table.
func (v value) isKeyOf(t *table) bool {
	return v.table == t && v.field.LogicalName == t.entity.PrimaryID
}

// field is a field of a table, also one that only shadows another: a lookup's name and type, a choice's label.
func (b *builder) field(t *table, f *schema.Field) value {
	v := value{entity: t.entity, field: f, kind: f.Type, table: t, x: sqlNull}
	if !f.Readable && f.LogicalName != t.entity.PrimaryID {
		return v // what cannot be read cannot be guessed by conditions or told by an order either, as a webhook's secret
	}
	if IsStored(f) {
		v.x = t.col(f.LogicalName)
		return v
	}
	base := t.entity.Field(f.AttributeOf)
	if base == nil || !IsStored(base) {
		return v
	}
	switch {
	case base.IsLookup() && f.Type == schema.EntityName:
		v.x = lookupTarget(t, base)
	case base.IsLookup() && f.IsText():
		v.x, v.kind = collated{b.lookupName(t, base)}, schema.String
	case f.Type == schema.Virtual && strings.HasSuffix(f.LogicalName, "name"):
		v.x, v.kind = b.label(t, base), schema.String
	}
	return v
}

// lookupTarget is the logical name of the entity that a lookup points at.
func lookupTarget(t *table, f *schema.Field) expr {
	if name := TargetColumn(f); name != "" {
		return t.col(name)
	}
	if len(f.Targets) == 0 {
		return sqlNull
	}
	return caseOf{x: isNull{x: t.col(f.LogicalName)}, arms: []arm{{sqlFalse, param{f.Targets[0]}}}}
}

// lookupName is the primary name of the record that a lookup points at.
func (b *builder) lookupName(t *table, f *schema.Field) expr {
	arms := make([]arm, 0, len(f.Targets))
	for _, target := range f.Targets {
		e := b.schema.Entity(target)
		if e == nil || !stored(e, e.PrimaryName) {
			continue
		}
		other := b.table(e)
		name := scalar{&statement{
			columns: []expr{other.col(e.PrimaryName)},
			from:    other,
			where:   []expr{compared{"=", other.key(), t.col(f.LogicalName)}},
		}}
		arms = append(arms, arm{param{target}, name})
	}
	if len(arms) == 0 {
		return sqlNull
	}
	if TargetColumn(f) == "" {
		return arms[0].then
	}
	return caseOf{x: t.col(TargetColumn(f)), arms: arms}
}

// label is the label of a choice or yes/no field in the caller's language.
func (b *builder) label(t *table, f *schema.Field) expr {
	var arms []arm
	add := func(number int, label string) {
		arms = append(arms, arm{literal(strconv.Itoa(number)), param{label}})
	}
	if f.Type == schema.Boolean {
		add(0, labelOr(f.FalseLabel, b.opts.Language, "No"))
		add(1, labelOr(f.TrueLabel, b.opts.Language, "Yes"))
	}
	for _, o := range f.Options {
		add(o.Value, o.Label.In(b.opts.Language))
	}
	return collated{caseOf{x: t.col(f.LogicalName), arms: arms}}
}

// sortedBy is what a field is sorted by: lookups by the name of what they point at, choices by their label or number.
func (b *builder) sortedBy(v value, choicesByLabel bool) value {
	switch {
	case v.field.IsLookup():
		v.x, v.kind = collated{b.lookupName(v.table, v.field)}, schema.String
	case choicesByLabel && (v.field.IsChoice() || v.field.Type == schema.Boolean):
		v.x, v.kind = b.label(v.table, v.field), schema.String
	}
	return v
}
