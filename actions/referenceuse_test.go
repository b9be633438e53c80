package actions

import (
	"testing"

	"github.com/botverse/botverse/actions/input"
)

// TestAReferenceIsTakenWhereverARecordIsMeant: one variable that an action has saved is enough for all that follow.
func TestAReferenceIsTakenWhereverARecordIsMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.contact(t, "ReferenceAda")
	user, err := w.FindRecord(t.Context(), FindRecord{
		Entity: "systemuser", Where: map[string]any{"domainname": "dana.ruiz@harborlights.example.com"}, Save: map[string]string{"user": "@record"},
	})
	if err != nil || user.Outcome != Matched {
		t.Fatalf("%+v, %v", user, err)
	}
	variables := map[string]any{"ada": ada, "user": user.Variables["user"], "list": []any{ada}}
	made, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident", Variables: variables, Save: map[string]string{"case": "@record"},
		Fields: map[string]any{"title": "Referred", "customerid": "{{ ada }}", "primarycontactid": "{{ ada }}", "ownerid": "{{ user }}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	variables["case"] = made.Variables["case"]
	uses := map[string]func() (Result, error){
		"a regarding and the parties of an activity": func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "phonecall", Variables: variables, Fields: map[string]any{
				"subject": "S", "regardingobjectid": "{{ case }}", "to": "{{ ada }}", "from": []any{"{{ user }}"}, "ownerid": "{{ user }}",
			}})
		},
		"where": func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "incident", Variables: variables, Where: map[string]any{"customerid": "{{ ada }}", "incidentid": "{{ case }}", "ownerid": "{{ user }}"}})
		},
		"conditions": func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "incident", Variables: variables, Conditions: []Condition{
				{Field: "customerid", Operator: "eq", Value: "{{ ada }}"}, {Field: "primarycontactid", Operator: "in", Value: "{{ list }}"},
				{Field: "ownerid", Operator: "eq", Value: "{{ user }}"}, {Field: "incidentid", Operator: "in", Value: []any{"{{ case }}"}},
			}})
		},
		"the where of a lookup": func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "incident", Variables: variables, Where: map[string]any{
				"primarycontactid": map[string]any{"entity": "contact", "where": map[string]any{"contactid": "{{ ada }}", "ownerid": map[string]any{"entity": "systemuser", "where": map[string]any{"domainname": "action-bot@harborlights.example.com"}}}},
			}})
		},
		"FetchXML": func() (Result, error) {
			return w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: "incident", Variables: variables, FetchXML: `<fetch><entity name="incident"><attribute name="title"/>
<filter><condition attribute="customerid" operator="eq" value="{{ ada }}"/><condition attribute="primarycontactid" operator="in"><value>{{ list }}</value></condition>
<condition attribute="incidentid" operator="eq" value="{{ case }}"/><condition attribute="ownerid" operator="eq" value="{{ user }}"/></filter></entity></fetch>`})
		},
		"record_id": func() (Result, error) {
			return w.UpdateRecord(t.Context(), UpdateRecord{Entity: "incident", Variables: variables, RecordID: "{{ case }}", Fields: map[string]any{"customerid": "{{ ada }}", "description": "D"}})
		},
		"where of a change": func() (Result, error) {
			return w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{
				Entity: "incident", Variables: variables, Where: map[string]any{"customerid": "{{ ada }}"}, Fields: map[string]any{"prioritycode": "High"},
			}})
		},
		"match_on": func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{
				Entity: "incident", Variables: variables, Fields: map[string]any{"title": "Other", "customerid": "{{ ada }}"}, MatchOn: []string{"customerid"}, OnDuplicate: UseExisting, IgnoreRules: true,
			})
		},
	}
	want := map[Outcome]bool{Created: true, Matched: true, Updated: true, Unchanged: true, Existing: true}
	for name, use := range uses {
		got, err := use()
		switch {
		case err != nil || !want[got.Outcome]:
			t.Errorf("%s: %s, %v", name, got.Outcome, err)
		case got.Record.Entity == "incident" && got.Record.ID != made.Record.ID:
			t.Errorf("%s: the record is %s, want %s", name, got.Record.ID, made.Record.ID)
		}
	}
	row := w.read(t, made.Record)
	for property, want := range map[string]any{"_customerid_value": ada["id"], "_primarycontactid_value": ada["id"], "_ownerid_value": user.Record.ID} {
		if got, _ := row.Value(property); got != want {
			t.Errorf("%s = %v, want %v", property, got, want)
		}
	}
	if _, err := w.UpdateRecord(t.Context(), UpdateRecord{Entity: "incident", Variables: variables, RecordID: "{{ ada }}", Fields: map[string]any{"title": "X"}}); len(input.FaultsOf(err)) != 1 {
		t.Errorf("a reference to another entity's record: %v, want a fault", err)
	}
}

// TestAReferenceIsAnAlternateKey: a key may have a lookup, or an ID, among its fields.
func TestAReferenceIsAnAlternateKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	directory := map[string]any{"entity": "systemuser", "id": "aad00000-0000-4000-8000-00000000000b"}
	got, err := w.UpdateRecord(t.Context(), UpdateRecord{
		Entity: "systemuser", Key: map[string]any{"azureactivedirectoryobjectid": "{{ who }}"}, Variables: map[string]any{"who": directory}, Fields: map[string]any{"title": "Lead"},
	})
	if err != nil || got.Outcome != Updated {
		t.Errorf("%+v, %v", got, err)
	}
}
