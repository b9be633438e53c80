package actions

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// An activity's parties are one list, whatever field they stand in, and Dataverse replaces it as a whole: a change of one
// field sends the parties of all others again, as they were read. A version guards the record's own fields and not the list.

// partyInRecord is a party as a record has it.
type partyInRecord struct {
	party
	Kind int
}

// partiesIn are the parties of an activity that was read with partiesExpand.
func partiesIn(e *schema.Entity, row dataverse.Record) []partyInRecord {
	value, _ := row.Value(partiesProperty(e))
	list, _ := value.([]any)
	var all []partyInRecord
	for _, item := range list {
		members, _ := item.(map[string]any)
		number, _ := members[partyKindField].(json.Number)
		kind, _ := strconv.Atoi(number.String())
		p := partyInRecord{Kind: kind}
		inner := dataverse.NewRecord(&schema.Entity{LogicalName: partyEntity}, members)
		id, _ := members["_"+partyLookup+"_value"].(string)
		p.ID, p.Entity = dataverse.ID(strings.ToLower(id)), inner.LookupEntity("_"+partyLookup+"_value")
		if id == "" {
			p.Address, _ = members[partyAddress].(string)
		}
		all = append(all, p)
	}
	return all
}

// partiesExpand is what reads an activity's parties.
func partiesExpand(e *schema.Entity) odata.Expand {
	return odata.Expand{Navigation: partiesProperty(e), Select: []string{partyKindField, partyAddress, "_" + partyLookup + "_value"}}
}

// partiesToWrite reports whether the parties of a field are to be written into an activity as it was read.
func (m *merge) partiesToWrite(name string, value any, row dataverse.Record) bool {
	wanted, _ := value.([]party)
	var there []party
	for _, p := range partiesIn(m.entity, row) {
		if p.Kind == partyKinds[name] {
			there = append(there, p.party)
		}
	}
	if m.policy == FillBlanks {
		return len(there) == 0 && len(wanted) > 0
	}
	return len(there) != len(wanted) || slices.ContainsFunc(wanted, func(p party) bool { return !slices.Contains(there, p) })
}

// writeParties replaces an activity's parties: those of the given fields by the values, all others by themselves.
func (m *merge) writeParties(ctx context.Context, row dataverse.Record, names []string) error {
	var list []any
	for _, name := range names {
		wanted, _ := m.values[name].([]party)
		added, err := wireParties(ctx, m.client, name, wanted)
		if err != nil {
			return err
		}
		list = append(list, added...)
	}
	for _, p := range partiesIn(m.entity, row) {
		if slices.ContainsFunc(names, func(name string) bool { return partyKinds[name] == p.Kind }) || p.Kind == ownerKind || p.Kind == regardingKind {
			continue
		}
		object := map[string]any{partyKindField: p.Kind}
		if p.ID == "" {
			object[partyAddress] = p.Address
		} else {
			property, address, err := partyBind(ctx, m.client, p.Reference, "fields."+names[0])
			if err != nil {
				return err
			}
			object[property] = address
		}
		list = append(list, object)
	}
	return m.client.ReplaceCollection(ctx, m.entity, m.id, partiesProperty(m.entity), list)
}

// splitParties takes the fields with parties out of a list of names.
func (m *merge) splitParties(names []string) (own, withParties []string) {
	for _, name := range names {
		if m.entity.Field(name).Type == schema.PartyList {
			withParties = append(withParties, name)
		} else {
			own = append(own, name)
		}
	}
	return own, withParties
}
