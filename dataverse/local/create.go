package local

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// notCreatable is the refusal to make records of an entity that nobody can make by asking for it; nil where it can be.
func notCreatable(t *table) error {
	if t.Creatable() {
		return nil
	}
	return refuse(code.NotSupported, "The 'Create' method does not support entities of type '%s'.", t.LogicalName)
}

// create makes a record of a body, with what is nested in it, and returns its ID.
func (m *mutation) create(ctx context.Context, t *table, b body, detectDuplicates bool) (string, error) {
	in, err := m.parse(ctx, t, b, true)
	if err != nil {
		return "", err
	}
	return m.createParsed(ctx, t, in, detectDuplicates)
}

func (m *mutation) createParsed(ctx context.Context, t *table, in *input, detectDuplicates bool) (string, error) {
	for _, parent := range in.parents {
		id, err := m.create(ctx, parent.target, parent.bodies[0], false)
		if err != nil {
			return "", err
		}
		in.values.set(parent.field, parent.target.LogicalName, id)
	}
	id := in.id
	if id == "" {
		id = newID()
	}
	r := maps.Clone(in.values)
	r[t.PrimaryID] = id
	if err := m.complete(ctx, t, r); err != nil {
		return "", err
	}
	if detectDuplicates {
		if err := m.refuseDuplicate(ctx, t, r, nil); err != nil {
			return "", err
		}
	}
	if err := m.insert(ctx, t, r); err != nil {
		return "", err
	}
	for _, child := range in.children {
		if err := m.createChildren(ctx, t, id, child); err != nil {
			return "", err
		}
	}
	if err := m.created(ctx, t, r); err != nil {
		return "", err
	}
	return id, m.notify(ctx, t, "Create", id, in.values, nil, r)
}

// newID is a new record ID. IDs that are made one after another are near each other, as Dataverse's are: a database likes
// that.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	return id.String()
}

// insert writes a row. A record that is there already is refused with the code for the kind of key that it repeats.
func (m *mutation) insert(ctx context.Context, t *table, r record) error {
	m.touched[t.LogicalName] = true
	columns := make([]string, 0, len(r))
	for name, value := range r {
		if value != nil {
			columns = append(columns, name)
		}
	}
	slices.Sort(columns)
	args := make([]any, len(columns))
	for i, name := range columns {
		args[i] = r[name]
		columns[i] = quote(name)
	}
	_, err := m.conn.exec(ctx, "INSERT INTO "+quote(t.LogicalName)+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")", args...)
	return keyFault(t, err)
}

// keyFault turns a broken constraint into Dataverse's refusal.
func keyFault(t *table, err error) error {
	var broken *sqlite.Error
	if !errors.As(err, &broken) {
		return err
	}
	switch broken.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return refuse(code.DuplicateRecord, "A record with matching key values already exists.")
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		names := brokenKey(t, broken.Error())
		return refuse(code.DuplicateRecordEntityKey, "Entity Key %s violated. A record with the same value for %s already exists. A duplicate record cannot be created. Select one or more unique values and try again.", names.Name, strings.Join(names.Fields, ", "))
	}
	return err
}

// brokenKey finds the alternate key that SQLite's message is about: it names the columns as "contact.emailaddress1".
func brokenKey(t *table, message string) schema.Key {
	for _, k := range t.Keys {
		if !slices.ContainsFunc(k.Fields, func(f string) bool { return !strings.Contains(message, "."+f) }) {
			return k
		}
	}
	return schema.Key{Name: "of " + t.LogicalName, Fields: []string{"a key field"}}
}

// createChildren makes, or takes, the records that are to point at a new one.
func (m *mutation) createChildren(ctx context.Context, t *table, id string, n nested) error {
	for _, b := range n.bodies {
		child, err := m.parse(ctx, n.target, b, true)
		if err != nil {
			return err
		}
		if n.collection.field != nil {
			child.values.set(n.collection.field, t.LogicalName, id)
		}
		childID, err := m.createParsed(ctx, n.target, child, false)
		if err != nil {
			return err
		}
		if err := m.associate(ctx, n.collection, id, childID); err != nil {
			return err
		}
	}
	for _, uri := range n.binds {
		target, childID, err := m.find(ctx, uri)
		if err != nil {
			return err
		}
		if target != n.target {
			return badPayload(t, "The collection '%s' cannot hold a record of '%s'.", n.navigation, target.EntitySetName)
		}
		if err := m.add(ctx, t, id, n.collection, childID); err != nil {
			return err
		}
	}
	return nil
}

// add puts a record that is there into a collection.
func (m *mutation) add(ctx context.Context, t *table, id string, c collection, childID string) error {
	if c.intersect != nil {
		return m.associate(ctx, c, id, childID)
	}
	change := record{}
	change.set(c.field, t.LogicalName, id)
	return m.change(ctx, m.s.tables[c.entity.LogicalName], childID, change)
}

// associate notes a pair of a many-to-many relationship; for any other it does nothing. A pair that is there stays.
func (m *mutation) associate(ctx context.Context, c collection, id, otherID string) error {
	if c.intersect == nil {
		return nil
	}
	e := query.Intersect(m.s.schema, c.intersect.IntersectEntity)
	m.touched[e.LogicalName] = true
	_, err := m.conn.exec(ctx, "INSERT INTO "+quote(e.LogicalName)+" ("+quote(e.PrimaryID)+", "+quote(c.own)+", "+quote(c.other)+") VALUES (?, ?, ?) ON CONFLICT DO NOTHING", newID(), id, otherID)
	return err
}

// dissociate takes a record out of a collection.
func (m *mutation) dissociate(ctx context.Context, id string, c collection, otherID string) error {
	if c.intersect == nil {
		change := record{}
		change.clear(c.field)
		return m.change(ctx, m.s.tables[c.entity.LogicalName], otherID, change)
	}
	e := query.Intersect(m.s.schema, c.intersect.IntersectEntity)
	m.touched[e.LogicalName] = true
	_, err := m.conn.exec(ctx, "DELETE FROM "+quote(e.LogicalName)+" WHERE "+quote(c.own)+" = ? AND "+quote(c.other)+" = ?", id, otherID)
	return err
}
