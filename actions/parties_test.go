package actions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestParties(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"EveryWayToWriteOne":         testEveryWayToWriteAParty,
		"AreReplacedByKind":          testPartiesAreReplacedByKind,
		"FaultsSayWhatIsRight":       testPartyFaults,
		"ThatAreNotFoundAreLeftOut":  testPartiesThatAreNotFound,
		"WhatIsPlannedIsWhatIsSent":  testPlannedPartiesAreSent,
		"OfAnUpsertAreMadeAndMerged": testPartiesOfAnUpsert,
	})
}

// partiesOf reads an activity's parties as "2 contact <ID>" or "3 x@example.org", in order. Those that Dataverse sets itself
// are left out.
func (w world) partiesOf(t *testing.T, r *Record) []string {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), r.Entity)
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.client(t).GetRecord(t.Context(), e, w.read(t, r).ID(), &odata.Query{Select: []string{"subject"}, Expand: []odata.Expand{partiesExpand(e)}})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range partiesIn(e, row) {
		if p.Kind != ownerKind && p.Kind != regardingKind {
			all = append(all, strings.Join(strings.Fields(fmt.Sprint(p.Kind, " ", p.Entity, " ", p.ID, " ", p.Address)), " "))
		}
	}
	slices.Sort(all)
	return all
}

// contact makes a contact and gives a reference to it, as "@record" saves one.
func (w world) contact(t *testing.T, lastname string) map[string]any {
	t.Helper()
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": lastname, "emailaddress1": lastname + "@parties.example"}, Save: map[string]string{"it": "@record"},
		OnDuplicate: CreateDuplicate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Variables["it"].(map[string]any)
}

func testEveryWayToWriteAParty(t *testing.T, w world) {
	ada, ben := w.contact(t, "PartyAda"), w.contact(t, "PartyBen")
	a, b := fmt.Sprint("contact ", ada["id"]), fmt.Sprint("contact ", ben["id"])
	tests := []struct {
		entity string
		fields map[string]any
		want   []string
	}{
		{"phonecall", map[string]any{"from": "{{ ada }}", "to": map[string]any{"entity": "contact", "id": "{{ ben.id }}"}}, []string{"1 " + a, "2 " + b}},
		{"phonecall", map[string]any{"to": "{{ both }}"}, []string{"2 " + a, "2 " + b}},
		{"phonecall", map[string]any{"to": []any{"{{ ada }}", "{{ ada }}"}}, []string{"2 " + a}},
		{"phonecall", map[string]any{"to": []any{}, "from": nil}, nil},
		{"phonecall", map[string]any{"to": map[string]any{"entity": "contact", "where": map[string]any{"emailaddress1": "{{ who }}@parties.example"}}}, []string{"2 " + b}},
		{"email", map[string]any{
			"to":  []any{map[string]any{"entity": "contact", "name": "PartyAda"}, "{{ mail }}"},
			"cc":  "c@example.org",
			"bcc": []any{map[string]any{"entity": "contact", "where": map[string]any{"lastname": "PartyBen"}}},
		}, []string{"2 " + a, "2 visitor@example.org", "3 c@example.org", "4 " + b}},
		{"appointment", map[string]any{
			"requiredattendees": "{{ ada }}", "optionalattendees": []any{"{{ ben }}"},
			"scheduledstart": "2026-05-17T10:00:00Z", "scheduledend": "2026-05-17T11:00:00Z",
		}, []string{"5 " + a, "6 " + b}},
	}
	for i, test := range tests {
		test.fields["subject"] = "S"
		got, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: test.entity, Fields: test.fields,
			Variables: map[string]any{"ada": ada, "ben": ben, "both": []any{ada, ben}, "mail": "visitor@example.org", "who": "PartyBen"},
		})
		if err != nil || got.Outcome != Created {
			t.Errorf("%d: %+v, %v", i, got, err)
			continue
		}
		slices.Sort(test.want)
		if diff := cmp.Diff(test.want, w.partiesOf(t, got.Record)); diff != "" {
			t.Errorf("%d: %s %v (-want +got):\n%s", i, test.entity, test.fields, diff)
		}
	}
}

func testPartiesAreReplacedByKind(t *testing.T, w world) {
	ada, ben := w.contact(t, "KindAda"), w.contact(t, "KindBen")
	a, b := fmt.Sprint("contact ", ada["id"]), fmt.Sprint("contact ", ben["id"])
	made, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "email", Fields: map[string]any{"subject": "S", "to": "{{ ada }}", "cc": []any{"x@example.org", "y@example.org"}}, Variables: map[string]any{"ada": ada},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		fields  map[string]any
		merge   Merge
		outcome Outcome
		want    []string
	}{
		{map[string]any{"to": "{{ ada }}"}, Overwrite, Unchanged, []string{"2 " + a, "3 x@example.org", "3 y@example.org"}},
		{map[string]any{"to": "{{ ben }}"}, Overwrite, Updated, []string{"2 " + b, "3 x@example.org", "3 y@example.org"}},
		{map[string]any{"to": "{{ ada }}", "bcc": "z@example.org"}, FillBlanks, Updated, []string{"2 " + b, "3 x@example.org", "3 y@example.org", "4 z@example.org"}},
		{map[string]any{"cc": nil, "subject": "T"}, Overwrite, Updated, []string{"2 " + b, "4 z@example.org"}},
		{map[string]any{"to": []any{}, "cc": []any{"{{ ada }}", "{{ ben }}"}}, Overwrite, Updated, []string{"3 " + a, "3 " + b, "4 z@example.org"}},
		{map[string]any{"cc": []any{"{{ ben }}", "{{ ada }}"}, "bcc": "{{ nobody }}"}, Overwrite, Unchanged, []string{"3 " + a, "3 " + b, "4 z@example.org"}},
	} {
		got, err := w.UpdateRecord(t.Context(), UpdateRecord{
			Entity: "email", RecordID: made.Record.ID, Fields: step.fields, Merge: step.merge, Variables: map[string]any{"ada": ada, "ben": ben},
		})
		if err != nil || got.Outcome != step.outcome {
			t.Fatalf("%d: %+v, %v; want %s", i, got, err, step.outcome)
		}
		slices.Sort(step.want)
		if diff := cmp.Diff(step.want, w.partiesOf(t, made.Record)); diff != "" {
			t.Errorf("%d: (-want +got):\n%s", i, diff)
		}
	}
	if subject, _ := w.read(t, made.Record).Value("subject"); subject != "T" {
		t.Errorf("the subject is %v: a change of parties loses the fields beside them", subject)
	}
}

func testPartyFaults(t *testing.T, w world) {
	for _, test := range []struct {
		entity, field string
		value         any
		path, part    string
	}{
		{"phonecall", "to", "+49 30 1234567", "fields.to", "it takes a record or a list of them"},
		{"phonecall", "to", "ada@example.com", "fields.to", "a party of an e-mail only"},
		{"phonecall", "to", []any{map[string]any{"entity": "contact", "id": someID}, 5.0}, "fields.to[1]", "it takes {"},
		{"phonecall", "to", map[string]any{"entity": "queue", "id": someID}, "fields.to", `account, contact, lead or systemuser, not at "queue"`},
		{"phonecall", "to", someID, "fields.to", "a record ID alone does not say which entity it is of"},
		{"phonecall", "to", []any{map[string]any{"entity": "contact", "name": "Nobody Of That Name"}}, "fields.to[0]", "no active record of contact"},
		{"phonecall", "to", map[string]any{"entity": "contact", "where": map[string]any{"lastnam": "x"}}, "fields.to.where.lastnam", "has no field"},
		{"email", "to", "not an@address", "fields.to", "an address is written as"},
		{"email", "to", "Ada <ada@example.com>", "fields.to", "an address is written as"},
		{"email", "to", slices.Repeat([]any{"a@example.org"}, 501), "fields.to", "500 at most"},
		{"email", "related", "ada@example.com", "fields.related", "a party of an e-mail only"},
		{"incidentresolution", "to", map[string]any{"entity": "account", "id": someID}, "fields.to", "Dataverse's own to set"},
	} {
		_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: test.entity, Fields: map[string]any{"subject": "S", test.field: test.value}})
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Field != test.path || !strings.Contains(faults[0].Message, test.part) {
			t.Errorf("%s.%s of %.80v: %v, want %s: …%s…", test.entity, test.field, test.value, err, test.path, test.part)
		}
	}
}

func testPartiesThatAreNotFound(t *testing.T, w world) {
	ada := w.contact(t, "FoundAda")
	nobody := map[string]any{"entity": "contact", "name": "Nobody Of That Name", "missing": "OMIT"}
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "phonecall", Fields: map[string]any{"subject": "S", "to": []any{nobody, "{{ ada }}"}, "from": nobody}, Variables: map[string]any{"ada": ada},
	})
	if err != nil || got.Outcome != Created {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{fmt.Sprint("2 contact ", ada["id"])}, w.partiesOf(t, got.Record)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var warned []string
	for _, warning := range got.Warnings {
		if warning.Code == LookupOmitted {
			warned = append(warned, warning.Field)
		}
	}
	if diff := cmp.Diff([]string{"fields.from", "fields.to[0]"}, warned); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func testPlannedPartiesAreSent(t *testing.T, w world) {
	ada := w.contact(t, "PlanAda")
	fields := map[string]any{"subject": "S", "to": "{{ ada }}", "from": "{{ ada }}"}
	planned, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "phonecall", Fields: fields, Variables: map[string]any{"ada": ada}, ValidateOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	bind := fmt.Sprintf("/contacts(%s)", ada["id"])
	body := planned.Requests[0].Body
	want := `[map[participationtypemask:1 partyid_contact@odata.bind:` + bind + `] map[participationtypemask:2 partyid_contact@odata.bind:` + bind + `]]`
	if got := fmt.Sprint(body["phonecall_activity_parties"]); got != want {
		t.Errorf("parties = %s, want %s", got, want)
	}
	made, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "phonecall", Fields: map[string]any{"subject": "S", "from": "{{ ada }}"}, Variables: map[string]any{"ada": ada}})
	if err != nil {
		t.Fatal(err)
	}
	planned, err = w.UpdateRecord(t.Context(), UpdateRecord{
		Entity: "phonecall", RecordID: made.Record.ID, Fields: map[string]any{"subject": "T", "to": "{{ ada }}"}, Variables: map[string]any{"ada": ada}, ValidateOnly: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, r := range planned.Requests {
		sent = append(sent, r.Method)
	}
	want = `[map[participationtypemask:2 partyid_contact@odata.bind:` + bind + `] map[participationtypemask:1 partyid_contact@odata.bind:` + bind + `]]`
	if diff := cmp.Diff([]string{"GET", "PATCH", "PUT", "GET"}, sent); diff != "" || fmt.Sprint(planned.Requests[2].Body["value"]) != want {
		t.Errorf("planned %+v, of the methods %v; want %s", planned.Requests, sent, want)
	}
}

func testPartiesOfAnUpsert(t *testing.T, w world) {
	ada, ben := w.contact(t, "UpsertAda"), w.contact(t, "UpsertBen")
	for _, step := range []struct {
		to      string
		outcome Outcome
		want    any
	}{{"{{ ada }}", Created, ada["id"]}, {"{{ ben }}", Updated, ben["id"]}, {"{{ ben }}", Unchanged, ben["id"]}} {
		got, err := w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{
			Entity: "phonecall", Where: map[string]any{"subject": "Upserted call"}, Fields: map[string]any{"to": step.to}, Variables: map[string]any{"ada": ada, "ben": ben},
		}})
		if err != nil || got.Outcome != step.outcome {
			t.Fatalf("%+v, %v; want %s", got, err, step.outcome)
		}
		if diff := cmp.Diff([]string{fmt.Sprint("2 contact ", step.want)}, w.partiesOf(t, got.Record)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// TestPartyFieldsAreDescribed: what GetEntity says of a field with parties is what CreateRecord and UpdateRecord do.
func TestPartyFieldsAreDescribed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		entity, field string
		writable      bool
	}{{"phonecall", "to", true}, {"email", "bcc", true}, {"appointment", "organizer", true}, {"msdyn_ocsession", "partners", false}, {"incidentresolution", "to", false}} {
		e := schema.Standard().Entity(test.entity)
		d := describeField(e, e.Field(test.field), 0)
		if d.Type != PartyListType || d.Creatable != test.writable || d.Updatable != test.writable || d.Searchable || test.writable == (len(d.Targets) == 0) && test.writable {
			t.Errorf("%s.%s = %+v, want writable %v", test.entity, test.field, d, test.writable)
		}
	}
}
