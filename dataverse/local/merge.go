package local

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// mergedState is the state, and the status where it is not the state's own, that a record gets when it is merged into another. Other
// entities cannot be merged ("Merge table rows using the Web API").
var mergedState = map[string]record{
	"account":  {"statecode": int64(1)},
	"contact":  {"statecode": int64(1)},
	"lead":     {"statecode": int64(2), "statuscode": int64(7)},
	"incident": {"statecode": int64(2), "statuscode": int64(2000)},
}

// merging is what Merge is asked for: one record is to take over what another has.
type merging struct {
	t                   *table
	target, subordinate record
	content             body // to write to the target
}

// merge answers Merge.
func (s *Server) merge(ctx context.Context, c *call) (reply, error) {
	b, err := readBody(s.tables["account"], c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		what, err := m.readMerging(ctx, b)
		if err != nil {
			return err
		}
		return m.mergeRecords(ctx, what)
	})
	return newReply(http.StatusNoContent), err
}

func (m *mutation) readMerging(ctx context.Context, b body) (merging, error) {
	t, target, err := m.mergeParameter(ctx, b, "Target")
	if err != nil {
		return merging{}, err
	}
	other, subordinate, err := m.mergeParameter(ctx, b, "Subordinate")
	switch {
	case err != nil:
		return merging{}, err
	case mergedState[t.LogicalName] == nil:
		return merging{}, refuse(code.NotSupported, "The 'Merge' method does not support entities of type '%s'.", t.LogicalName)
	case other != t:
		return merging{}, refuse(code.InvalidArgument, "Subordinate must be a record of '%s', as Target is.", t.LogicalName)
	case subordinate.text(t.PrimaryID) == target.text(t.PrimaryID):
		return merging{}, refuse(code.InvalidArgument, "A record cannot be merged with itself.")
	case subordinate.truth("merged"), target.truth("merged"):
		return merging{}, refuse(code.InvalidArgument, "A record that was merged into another cannot be merged again.")
	}
	what := merging{t: t, target: target, subordinate: subordinate}
	if content, ok := b["UpdateContent"].(map[string]any); ok && t.LogicalName != "incident" { // for cases it is not used
		what.content = maps.Clone(content)
		maps.DeleteFunc(what.content, func(name string, _ any) bool { return strings.HasPrefix(name, "@") || name == t.PrimaryID })
	}
	if check, _ := b["PerformParentingChecks"].(bool); check {
		return what, what.checkParents()
	}
	return what, nil
}

func (m *mutation) mergeParameter(ctx context.Context, b body, name string) (*table, record, error) {
	if b[name] == nil {
		return nil, nil, refuse(code.InvalidArgument, "Merge needs %s, a record with its @odata.type and its key.", name)
	}
	t, id, err := m.referenceOf(ctx, b[name])
	if err != nil {
		return nil, nil, err
	}
	r, err := m.load(ctx, t, id)
	if err == nil && r == nil {
		err = noSuchRecord(t.LogicalName, id)
	}
	return t, r, err
}

// checkParents refuses records of different parents.
func (w merging) checkParents() error {
	for _, name := range []string{"parentaccountid", "parentcustomerid", "parentcaseid"} {
		if w.t.has(name) && w.target.text(name) != w.subordinate.text(name) {
			return refuse(code.InvalidArgument, "The parents of the two records are different.")
		}
	}
	return nil
}

// mergeRecords gives the target what points at the subordinate, writes what was given with it, and closes the subordinate.
func (m *mutation) mergeRecords(ctx context.Context, w merging) error {
	target, subordinate := w.target.text(w.t.PrimaryID), w.subordinate.text(w.t.PrimaryID)
	for _, name := range sortedKeys(w.t.children) {
		if err := m.takeOver(ctx, w.t, w.t.children[name], subordinate, target); err != nil {
			return err
		}
	}
	if len(w.content) > 0 {
		before, err := m.load(ctx, w.t, target)
		if err != nil {
			return err
		}
		if err := m.update(ctx, w.t, before, w.content, false); err != nil {
			return err
		}
	}
	end := maps.Clone(mergedState[w.t.LogicalName])
	end["merged"] = int64(1)
	end.set(w.t.Field("masterid"), w.t.LogicalName, target)
	return m.change(ctx, w.t, subordinate, end)
}

// takeOver makes the records of a collection point at another record.
func (m *mutation) takeOver(ctx context.Context, t *table, c collection, from, to string) error {
	switch {
	case c.intersect != nil:
		name, own := quote(c.intersect.IntersectEntity), quote(c.own)
		if _, err := m.conn.exec(ctx, "UPDATE OR IGNORE "+name+" SET "+own+" = ? WHERE "+own+" = ?", to, from); err != nil {
			return err
		}
		_, err := m.conn.exec(ctx, "DELETE FROM "+name+" WHERE "+own+" = ?", from) // what both were associated with
		return err
	case !query.IsStored(c.field), c.field.LogicalName == "masterid", cascadeOf(c.entity, c.field.LogicalName) == noCascade, c.entity.LogicalName == "activitypointer":
		return nil // an activity's pointer follows the activity
	case c.entity.LogicalName == "activityparty": // no record of its own to clients
		m.touched[c.entity.LogicalName] = true
		_, err := m.conn.exec(ctx, "UPDATE activityparty SET "+quote(c.field.LogicalName)+" = ? WHERE "+quote(c.field.LogicalName)+" = ?", to, from)
		return err
	}
	child := m.s.tables[c.entity.LogicalName]
	ids, err := m.pointingAt(ctx, child, c.field, from)
	if err != nil {
		return err
	}
	for _, id := range ids {
		change := record{}
		if change.set(c.field, t.LogicalName, to); id == to { // it would be its own parent
			change.clear(c.field)
		}
		if err := m.change(ctx, child, id, change); err != nil {
			return err
		}
	}
	return nil
}

// pointingAt are the IDs of the records whose lookup points at a record.
func (m *mutation) pointingAt(ctx context.Context, t *table, f *schema.Field, id string) (ids []string, err error) {
	err = m.conn.query(ctx, "SELECT "+quote(t.PrimaryID)+" FROM "+quote(t.LogicalName)+" WHERE "+quote(f.LogicalName)+" = ?", []any{id}, func(row []any) error {
		if child, ok := row[0].(string); ok {
			ids = append(ids, child)
		}
		return nil
	})
	slices.Sort(ids)
	return ids, err
}
