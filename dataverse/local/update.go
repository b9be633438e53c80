package local

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
)

// update changes a record by a body. Before is the record as it is.
func (m *mutation) update(ctx context.Context, t *table, before record, b body, detectDuplicates bool) error {
	in, err := m.parse(ctx, t, b, false)
	if err != nil {
		return err
	}
	id := before.text(t.PrimaryID)
	if in.id != "" && in.id != id {
		return badPayload(t, "The ID in the body is not the one in the request's URI.")
	}
	if err := m.updateParsed(ctx, t, before, in.values, detectDuplicates); err != nil || t.LogicalName != "msdyn_agentstatus" {
		return err
	}
	return m.followStatus(ctx, before, in.values)
}

// change writes values to a record that is to be there.
func (m *mutation) change(ctx context.Context, t *table, id string, values record) error {
	before, err := m.load(ctx, t, id)
	if err != nil {
		return err
	}
	if before == nil {
		return noSuchRecord(t.LogicalName, id)
	}
	return m.updateParsed(ctx, t, before, values, false)
}

func (m *mutation) updateParsed(ctx context.Context, t *table, before, values record, detectDuplicates bool) error {
	r := maps.Clone(values)
	if err := m.completeChange(ctx, t, r, before); err != nil {
		return err
	}
	after := before.with(r)
	if detectDuplicates {
		if err := m.refuseDuplicate(ctx, t, after, values); err != nil {
			return err
		}
	}
	if err := m.store(ctx, t, before.text(t.PrimaryID), r); err != nil {
		return err
	}
	if err := m.mirrorChange(ctx, t, before.text(t.PrimaryID), r); err != nil {
		return err
	}
	return m.notify(ctx, t, "Update", before.text(t.PrimaryID), values, before, after)
}

// completeChange fills in what follows from a change, and refuses what the platform would refuse.
func (m *mutation) completeChange(ctx context.Context, t *table, r, before record) error {
	if err := setState(t, r, before); err != nil {
		return err
	}
	if r["ownerid"] != nil {
		if err := m.setOwner(ctx, t, r); err != nil {
			return err
		}
	}
	if err := m.setMoney(ctx, t, r, before.with(r)); err != nil {
		return err
	}
	setNames(m.s.settings.Load(), t, r, before.with(r))
	setAddresses(t, r, before.with(r))
	if err := cmp.Or(setImages(t, r, before.with(r)), setDocument(t, r)); err != nil {
		return err
	}
	stamps := record{"modifiedon": m.now(), "modifiedby": m.by.userID}
	for name, value := range stamps {
		if t.has(name) {
			r.put(t, name, "systemuser", value)
		}
	}
	if t.has("modifiedonbehalfby") {
		r["modifiedonbehalfby"] = nonEmpty(m.by.realUserID)
	}
	if err := m.stampVersion(ctx, t, r); err != nil {
		return err
	}
	return m.check(ctx, t, r, before)
}

// store writes the columns of r to a row.
func (m *mutation) store(ctx context.Context, t *table, id string, r record) error {
	m.touched[t.LogicalName] = true
	columns := slices.Sorted(maps.Keys(r))
	if len(columns) == 0 {
		return nil
	}
	args := make([]any, 0, len(columns)+1)
	for i, name := range columns {
		args = append(args, r[name])
		columns[i] = quote(name) + " = ?"
	}
	_, err := m.conn.exec(ctx, "UPDATE "+quote(t.LogicalName)+" SET "+strings.Join(columns, ", ")+" WHERE "+quote(t.PrimaryID)+" = ?", append(args, id)...)
	return keyFault(t, err)
}

// checkVersion refuses a write whose If-Match names another version of the record than the one that is there.
func checkVersion(t *table, ifMatch string, r record) error {
	if ifMatch == "" || ifMatch == "*" {
		return nil
	}
	if !t.has("versionnumber") {
		return refuse(code.OptimisticConcurrencyNotEnabled, "Optimistic concurrency isn't enabled for entity type %s. The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled.", t.LogicalName)
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if strings.TrimSpace(tag) == entityTag(r.number("versionnumber")) {
			return nil
		}
	}
	return refuse(code.ConcurrencyVersionMismatch, "The version of the existing record doesn't match the RowVersion property provided.")
}

// entityTag is a version as it stands in ETag and @odata.etag.
func entityTag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }
