package local

import (
	"context"
	"slices"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
)

// The entities whose records cannot be deleted: the platform needs them.
var undeletable = []string{"organization", "businessunit", "systemuser", "sdkmessage", "sdkmessagefilter", "activityparty"}

// owned are the lookups whose records go with the record they point at, by entity. Those of other lookups stay and point
// at nothing: the schema does not tell the cascades that a customer may have set.
var owned = map[string]string{
	"activityparty":                 "activityid",
	"annotation":                    "objectid",
	"duplicaterulecondition":        "regardingobjectid",
	"sdkmessageprocessingstepimage": "sdkmessageprocessingstepid",
	"customeraddress":               "parentid",
}

// remove deletes a record.
func (m *mutation) remove(ctx context.Context, t *table, before record) error {
	id := before.text(t.PrimaryID)
	if slices.Contains(undeletable, t.LogicalName) {
		return refuse(code.NotSupported, "The 'Delete' method does not support entities of type '%s'.", t.LogicalName)
	}
	if err := m.release(ctx, t, id); err != nil {
		return err
	}
	if t.IsActivity {
		pointer := m.s.tables["activitypointer"]
		if err := m.deleteRow(ctx, pointer, id); err != nil {
			return err
		}
	}
	if err := m.deleteRow(ctx, t, id); err != nil {
		return err
	}
	return m.notify(ctx, t, "Delete", id, nil, before, nil)
}

func (m *mutation) deleteRow(ctx context.Context, t *table, id string) error {
	m.touched[t.LogicalName] = true
	_, err := m.conn.exec(ctx, "DELETE FROM "+quote(t.LogicalName)+" WHERE "+quote(t.PrimaryID)+" = ?", id)
	return err
}

// release lets go of everything that points at a record.
func (m *mutation) release(ctx context.Context, t *table, id string) error {
	for _, c := range t.children {
		if c.intersect != nil {
			if _, err := m.conn.exec(ctx, "DELETE FROM "+quote(c.intersect.IntersectEntity)+" WHERE "+quote(c.own)+" = ?", id); err != nil {
				return err
			}
			continue
		}
		if !query.IsStored(c.field) || isStamp(c.field.LogicalName) {
			continue
		}
		if err := m.releaseFrom(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// isStamp reports whether a lookup says who wrote a record: it stays, as the fact does.
func isStamp(name string) bool {
	switch name {
	case "createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "owninguser", "owningteam", "owningbusinessunit":
		return true
	}
	return false
}

func (m *mutation) releaseFrom(ctx context.Context, c collection, id string) error {
	child, field := quote(c.entity.LogicalName), quote(c.field.LogicalName)
	if c.entity.LogicalName == "sdkmessageprocessingstep" && c.field.LogicalName == "eventhandler" {
		_, used, err := m.conn.row(ctx, "SELECT 1 FROM "+child+" WHERE "+field+" = ? LIMIT 1", id)
		if err == nil && used {
			err = refuse(code.CannotDeleteDueToAssociation, "The serviceendpoint(%s) cannot be deleted: it is referenced by a sdkmessageprocessingstep.", id)
		}
		return err
	}
	m.touched[c.entity.LogicalName] = true
	statement := "UPDATE " + child + " SET " + field + " = NULL"
	if column := targetColumn(c.field); column != "" {
		statement += ", " + quote(column) + " = NULL"
	}
	if owned[c.entity.LogicalName] == c.field.LogicalName {
		statement = "DELETE FROM " + child
	}
	_, err := m.conn.exec(ctx, statement+" WHERE "+field+" = ?", id)
	return err
}
