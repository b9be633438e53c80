package local

import (
	"context"
)

// Activities of every kind are also records of activitypointer, with the fields that all kinds share.

// created does what the platform does after a record was made.
func (m *mutation) created(ctx context.Context, t *table, r record) error {
	if !t.IsActivity {
		return nil
	}
	pointer := m.s.tables["activitypointer"]
	shared := m.shared(t, r)
	shared["activityid"] = r["activityid"]
	shared["activitytypecode"] = t.LogicalName
	return m.insert(ctx, pointer, shared)
}

// mirrorChange carries a change of an activity over to activitypointer.
func (m *mutation) mirrorChange(ctx context.Context, t *table, id string, r record) error {
	if !t.IsActivity {
		return nil
	}
	return m.store(ctx, m.s.tables["activitypointer"], id, m.shared(t, r))
}

// shared are the values that activitypointer has too, and in the same type.
func (m *mutation) shared(t *table, r record) record {
	pointer := m.s.tables["activitypointer"]
	both := record{}
	for _, c := range pointer.columns {
		value, ok := r[c.Name]
		own := t.Field(c.Field.LogicalName)
		if !ok || own == nil || own.Type != c.Field.Type || c.Field.LogicalName == pointer.PrimaryID {
			continue
		}
		both[c.Name] = value
	}
	return both
}
