package local

import (
	"context"
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
)

// The entities whose records cannot be deleted: the platform needs them.
var undeletable = []string{"organization", "businessunit", "systemuser", "sdkmessage", "sdkmessagefilter", "activityparty", shares}

// remove deletes a record, and what its relationships say goes with it.
func (m *mutation) remove(ctx context.Context, t *table, before record) error {
	id := before.text(t.PrimaryID)
	if slices.Contains(undeletable, t.LogicalName) {
		return refuse(code.NotSupported, "The 'Delete' method does not support entities of type '%s'.", t.LogicalName)
	}
	if t.LogicalName == "activitypointer" {
		return m.removeActivity(ctx, before)
	}
	if m.removing[id] {
		return nil
	}
	m.removing[id] = true
	defer delete(m.removing, id)
	if err := m.release(ctx, t, id); err != nil {
		return err
	}
	if t.IsActivity {
		if err := m.deleteRow(ctx, m.s.tables["activitypointer"], id); err != nil {
			return err
		}
	}
	if err := m.deleteRow(ctx, t, id); err != nil {
		return err
	}
	return m.notify(ctx, t, "Delete", id, nil, before, nil)
}

// removeActivity deletes an activity that is named by its pointer only.
func (m *mutation) removeActivity(ctx context.Context, pointer record) error {
	id := pointer.text("activityid")
	t := m.s.tables[pointer.text("activitytypecode")]
	if t == nil || t.LogicalName == "activitypointer" {
		return m.deleteRow(ctx, m.s.tables["activitypointer"], id)
	}
	before, err := m.load(ctx, t, id)
	if err != nil || before == nil {
		return err
	}
	return m.remove(ctx, t, before)
}

func (m *mutation) deleteRow(ctx context.Context, t *table, id string) error {
	m.touched[t.LogicalName] = true
	_, err := m.conn.exec(ctx, "DELETE FROM "+quote(t.LogicalName)+" WHERE "+quote(t.PrimaryID)+" = ?", id)
	if err != nil {
		return err
	}
	return m.noteDeleted(ctx, t, id)
}

// release lets go of everything that points at a record. What restricts comes first, so that nothing is done in vain.
func (m *mutation) release(ctx context.Context, t *table, id string) error {
	for _, name := range sortedKeys(t.children) {
		if c := t.children[name]; c.intersect == nil && query.IsStored(c.field) && cascadeOf(c.entity, c.field.LogicalName) == restrict {
			if err := m.refuseWhileUsed(ctx, t, c, id); err != nil {
				return err
			}
		}
	}
	for _, name := range sortedKeys(t.children) {
		c := t.children[name]
		if c.intersect != nil {
			if _, err := m.conn.exec(ctx, "DELETE FROM "+quote(c.intersect.IntersectEntity)+" WHERE "+quote(c.own)+" = ?", id); err != nil {
				return err
			}
			continue
		}
		if !query.IsStored(c.field) {
			continue
		}
		if err := m.releaseFrom(ctx, c, id); err != nil {
			return err
		}
	}
	return m.unshare(ctx, t, id)
}

func (m *mutation) refuseWhileUsed(ctx context.Context, t *table, c collection, id string) error {
	_, used, err := m.conn.row(ctx, "SELECT 1 FROM "+quote(c.entity.LogicalName)+" WHERE "+quote(c.field.LogicalName)+" = ? LIMIT 1", id)
	if err == nil && used {
		err = refuse(code.CannotDeleteDueToAssociation, "The %s record with Id = %s cannot be deleted because it is associated with a record of %s.", t.LogicalName, id, c.entity.LogicalName)
	}
	return err
}

func (m *mutation) releaseFrom(ctx context.Context, c collection, id string) error {
	child, field := quote(c.entity.LogicalName), quote(c.field.LogicalName)
	switch cascadeOf(c.entity, c.field.LogicalName) {
	case cascadeAll:
		return m.removeChildren(ctx, c, id)
	case removeLink:
		m.touched[c.entity.LogicalName] = true
		statement := "UPDATE " + child + " SET " + field + " = NULL"
		if column := targetColumn(c.field); column != "" {
			statement += ", " + quote(column) + " = NULL"
		}
		if c.entity.Field("versionnumber") == nil {
			_, err := m.conn.exec(ctx, statement+" WHERE "+field+" = ?", id)
			return err
		}
		version, err := m.nextVersion(ctx) // they read otherwise now: who has the old version must not be told that nothing changed
		if err != nil {
			return err
		}
		_, err = m.conn.exec(ctx, statement+", versionnumber = ? WHERE "+field+" = ?", version, id)
		return err
	}
	return nil
}

// removeChildren deletes the records of a collection, each as if it were asked for.
func (m *mutation) removeChildren(ctx context.Context, c collection, id string) error {
	t := m.s.tables[c.entity.LogicalName]
	if t.LogicalName == "activityparty" { // no record of its own to clients
		m.touched[t.LogicalName] = true
		_, err := m.conn.exec(ctx, "DELETE FROM activityparty WHERE "+quote(c.field.LogicalName)+" = ?", id)
		return err
	}
	ids, err := m.pointingAt(ctx, t, c.field, id)
	if err != nil {
		return err
	}
	for _, child := range ids {
		before, err := m.load(ctx, t, child)
		if err != nil {
			return err
		}
		if before == nil {
			continue // it went with another of them
		}
		if err := m.remove(ctx, t, before); err != nil {
			return err
		}
	}
	return nil
}
