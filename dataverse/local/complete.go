package local

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// complete fills in what the platform itself sets on a new record, and refuses what it would refuse.
func (m *mutation) complete(ctx context.Context, t *table, r record) error {
	m.setDefaults(t, r)
	if err := m.stampCreated(ctx, t, r); err != nil {
		return err
	}
	if err := m.setOwner(ctx, t, r); err != nil {
		return err
	}
	if err := setState(t, r, nil); err != nil {
		return err
	}
	if err := m.setNumbers(ctx, t, r); err != nil {
		return err
	}
	if err := m.setMoney(ctx, t, r, r); err != nil {
		return err
	}
	if t.IsActivity && t.LogicalName != "activitypointer" && t.has("activitytypecode") {
		r["activitytypecode"] = t.LogicalName
	}
	setNames(m.s.settings.Load(), t, r, r)
	setAddresses(t, r, r)
	if err := cmp.Or(setImages(t, r, r), setDocument(t, r)); err != nil {
		return err
	}
	return m.check(ctx, t, r, nil)
}

func (m *mutation) setDefaults(t *table, r record) {
	for _, f := range t.Fields {
		if f.Default == nil || r[f.LogicalName] != nil || !query.IsStored(f) {
			continue
		}
		if encoded, err := query.Encode(t.Entity, f, f.Default); err == nil {
			r[f.LogicalName] = encoded
		}
	}
}

// stampCreated says when the record was made, and by whom.
func (m *mutation) stampCreated(ctx context.Context, t *table, r record) error {
	now := m.now()
	created := now
	if overridden, ok := r["overriddencreatedon"].(int64); ok {
		created = overridden // a record that comes from elsewhere keeps its date
	}
	stamps := record{"createdon": created, "createdby": m.by.userID, "modifiedon": max(created, now), "modifiedby": m.by.userID}
	if m.by.realUserID != "" {
		stamps["createdonbehalfby"], stamps["modifiedonbehalfby"] = m.by.realUserID, m.by.realUserID
	}
	for name, value := range stamps {
		if t.has(name) && (!m.trusted || r[name] == nil) {
			r.put(t, name, "systemuser", value)
		}
	}
	if t.has("organizationid") && t.Field("organizationid").IsLookup() && r["organizationid"] == nil {
		r["organizationid"] = m.organizationID()
	}
	return m.stampVersion(ctx, t, r)
}

func (m *mutation) organizationID() any {
	if s := m.s.settings.Load(); s != nil {
		return s.organizationID
	}
	return nil
}

// put sets a field; a lookup points at a record of target.
func (r record) put(t *table, name, target string, value any) {
	id, isID := value.(string)
	if f := t.Field(name); f.IsLookup() && isID {
		if id != "" {
			r.set(f, target, id)
		}
		return
	}
	r[name] = value
}

func (m *mutation) stampVersion(ctx context.Context, t *table, r record) error {
	if !t.has("versionnumber") {
		return nil
	}
	version, err := m.nextVersion(ctx)
	r["versionnumber"] = version
	return err
}

// setOwner gives a record that has none to the caller, and notes what follows from its owner.
func (m *mutation) setOwner(ctx context.Context, t *table, r record) error {
	owner := t.Field("ownerid")
	if owner == nil || owner.Type != schema.Owner || !query.IsStored(owner) {
		return nil
	}
	if r["ownerid"] == nil {
		if m.by.userID == "" {
			return nil // the platform's first records have nobody to own them
		}
		r.set(owner, "systemuser", m.by.userID)
	}
	kind, id := "systemuser", r.text("ownerid")
	if r.text(targetColumn(owner)) == "team" {
		kind = "team"
	}
	unit, err := m.unitOf(ctx, kind, id)
	if err != nil {
		return err
	}
	follow := map[string]any{"owninguser": id, "owningteam": nil, "owningbusinessunit": nonEmpty(unit)}
	if kind == "team" {
		follow["owninguser"], follow["owningteam"] = nil, id
	}
	for name, value := range follow {
		if t.has(name) {
			r[name] = value
		}
	}
	return nil
}

// unitOf is the business unit of a user or a team.
func (m *mutation) unitOf(ctx context.Context, kind, id string) (string, error) {
	if id == m.by.userID {
		return m.by.businessUnitID, nil
	}
	row, found, err := m.conn.row(ctx, "SELECT businessunitid FROM "+quote(kind)+" WHERE "+quote(m.s.tables[kind].PrimaryID)+" = ?", id)
	if err != nil || !found || row[0] == nil {
		return m.by.businessUnitID, err
	}
	unit, _ := row[0].(string)
	return unit, nil
}

// setState makes state and status belong together. Before is the record as it was, nil for a new one.
func setState(t *table, r, before record) error {
	status := t.Field("statuscode")
	if !t.HasState() || status == nil {
		return nil
	}
	if before != nil && r["statecode"] == nil && r["statuscode"] == nil {
		return nil
	}
	state := before.number("statecode")
	if s, ok := r["statecode"].(int64); ok {
		state = s
	}
	r["statecode"] = state
	if r["statuscode"] == nil {
		r["statuscode"] = defaultStatus(t, int(state))
		return nil
	}
	option := status.Option(int(r.number("statuscode")))
	if option == nil || option.State == nil || *option.State == int(state) {
		return nil
	}
	return refuse(code.InvalidStateCodeStatusCode, "%d is not a valid status code for state code %sState.%s on %s with Id %s.",
		r.number("statuscode"), t.SchemaName, stateLabel(t, int(state)), t.LogicalName, r.with(before).text(t.PrimaryID))
}

func stateLabel(t *table, state int) string {
	if o := t.Field("statecode").Option(state); o != nil {
		return o.Label.String()
	}
	return fmt.Sprint(state)
}

// defaultStatus is the status that goes with a state when none is named.
func defaultStatus(t *table, state int) any {
	if status, ok := t.DefaultStatus[state]; ok {
		return int64(status)
	}
	for _, o := range t.Field("statuscode").Options {
		if o.State != nil && *o.State == state {
			return int64(o.Value)
		}
	}
	return nil
}

// setNumbers gives a case its number, as CAS-01016-B2C3D4.
func (m *mutation) setNumbers(ctx context.Context, t *table, r record) error {
	if t.LogicalName != "incident" || r["ticketnumber"] != nil {
		return nil
	}
	n, err := m.nextTicket(ctx)
	if err != nil {
		return err
	}
	const letters, digits = "ABCDEFGHJKLMNPQRSTVWXZ", "0123456789"
	suffix := make([]byte, 6)
	for i := range suffix {
		set := letters
		if i%2 == 1 {
			set = digits
		}
		suffix[i] = set[rand.IntN(len(set))]
	}
	r["ticketnumber"] = fmt.Sprintf("CAS-%05d-%s", n, suffix)
	return nil
}
