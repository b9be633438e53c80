package actions

import (
	"slices"
	"strings"
	"testing"
)

// TestNoCallMakesMoreRequestsThanItsCost: what a call then sends lies between the least and the most that it was said to cost.
func TestNoCallMakesMoreRequestsThanItsCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	ada := w.make(t, map[string]any{"lastname": "Cost", "emailaddress1": "cost@example.com", "mobilephone": "+1 317 555 0125"})
	account := map[string]any{"entity": "account", "name": demoAccount}
	contact := func(mail string, on OnDuplicate) func(bool) (Result, error) {
		return func(validate bool) (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{
				Entity: "contact", OnDuplicate: on, ValidateOnly: validate, Save: map[string]string{"name": "fullname"},
				Fields: map[string]any{"lastname": "Cost", "jobtitle": string(rune('A' + on)), "emailaddress1": mail, "parentcustomerid": account},
			})
		}
	}
	update := func(spec UpdateRecord) func(bool) (Result, error) {
		return func(validate bool) (Result, error) {
			spec.ValidateOnly = validate
			return w.UpdateRecord(t.Context(), spec)
		}
	}
	find := func(spec FindRecord) func(bool) (Result, error) {
		return func(validate bool) (Result, error) {
			spec.ValidateOnly = validate
			return w.FindRecord(t.Context(), spec)
		}
	}
	var call Record
	for _, test := range []struct {
		name        string
		call        func(validate bool) (Result, error)
		least, most int
	}{
		{"a creation", contact("new@example.com", DoNotCreate), 2, 5},
		{"a duplicate", contact("cost@example.com", DoNotCreate), 2, 5},
		{"an existing record", contact("cost@example.com", UseExisting), 2, 5},
		{"an existing record to be changed", contact("cost@example.com", UpdateExisting), 2, 7},
		{"a duplicate on purpose", contact("cost@example.com", CreateDuplicate), 2, 3},
		{"a match", func(validate bool) (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{
				Entity: "contact", OnDuplicate: UpdateExisting, MatchOn: []string{"mobilephone"}, IgnoreRules: true, ValidateOnly: validate,
				Fields: map[string]any{"lastname": "Matched", "mobilephone": "+1 317 555 0125"},
			})
		}, 3, 3},
		{"a change", update(UpdateRecord{Entity: "contact", RecordID: ada.ID, Fields: map[string]any{"jobtitle": "Chief"}}), 2, 2},
		{"a change of nothing", update(UpdateRecord{Entity: "contact", RecordID: ada.ID, Fields: map[string]any{"jobtitle": "Chief"}}), 1, 1},
		{"a change by where", update(UpdateRecord{Entity: "contact", Where: map[string]any{"emailaddress1": "new@example.com"}, Fields: map[string]any{"jobtitle": "B", "parentcustomerid": account}, Save: map[string]string{"n": "fullname"}}), 4, 4},
		{"no record", update(UpdateRecord{Entity: "contact", Where: map[string]any{"emailaddress1": "nobody@example.com"}, Fields: map[string]any{"jobtitle": "B"}}), 1, 1},
		{"parties", func(validate bool) (Result, error) {
			got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "phonecall", ValidateOnly: validate, Fields: map[string]any{"subject": "Cost", "to": map[string]any{"entity": "contact", "id": ada.ID}}})
			if got.Record != nil {
				call = *got.Record
			}
			return got, err
		}, 1, 2},
		{"other parties", func(validate bool) (Result, error) {
			return w.UpdateRecord(t.Context(), UpdateRecord{Entity: "phonecall", RecordID: call.ID, ValidateOnly: validate, Save: map[string]string{"s": "subject"}, Fields: map[string]any{"subject": "Costly", "from": map[string]any{"entity": "contact", "id": ada.ID}}})
		}, 4, 4},
		{"an upsert that creates", func(validate bool) (Result, error) {
			return w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"lastname": "Cost Upserted"}, Fields: map[string]any{"jobtitle": "B"}, ValidateOnly: validate}})
		}, 2, 3},
		{"a search", find(FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Cost"}, CountMatches: true}), 1, 2},
		{"a number", find(FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+13175550125"}}), 1, 3},
		{"numbers", find(FindRecord{Entity: "contact", Where: map[string]any{"@phone": "+13175550125"}, CountMatches: true}), 2, 3},
		{"a query", func(validate bool) (Result, error) {
			return w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: "contact", FetchXML: `<fetch><entity name="contact"><attribute name="fullname"/></entity></fetch>`, ValidateOnly: validate})
		}, 1, 1},
	} {
		planned, err := test.call(true)
		if err != nil {
			t.Fatal(test.name, err)
		}
		w.wire.take()
		if _, err := test.call(false); err != nil {
			t.Fatal(test.name, err)
		}
		sent := slices.DeleteFunc(w.wire.take(), func(request string) bool { return strings.Contains(request, "EntityDefinitions") })
		cost := planned.Explanation.Cost
		if got := len(sent); got < cost.Least || got > cost.Most || cost.Least != test.least || cost.Most != test.most {
			t.Errorf("%s: sent %d requests, %v, said %+v; want from %d to %d\n%+v", test.name, got, sent, cost, test.least, test.most, planned.Requests)
		}
	}
}
