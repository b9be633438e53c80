package actions

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

func testDuplicates(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Lovelace", "emailaddress1": "ada@duplicates.example.com"},
		Save: map[string]string{"id": "@id"}, Variables: map[string]any{"id": "old"},
	}
	first, err := w.CreateRecord(t.Context(), spec)
	if err != nil || first.Outcome != Created {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := w.CreateRecord(t.Context(), spec)
	if err != nil || again.Outcome != Duplicate || again.Record == nil || again.Record.ID != first.Record.ID || len(again.Existing) != 1 || again.Variables["id"] != first.Record.ID {
		t.Fatalf("a duplicate: %+v, %v", again, err)
	}
	spec.OnDuplicate = CreateDuplicate
	forced, err := w.CreateRecord(t.Context(), spec)
	if err != nil || forced.Outcome != Created || forced.Record.ID == first.Record.ID {
		t.Fatalf("a forced duplicate: %+v, %v", forced, err)
	}
	spec.OnDuplicate = DoNotCreate
	several, err := w.CreateRecord(t.Context(), spec)
	if err != nil || several.Outcome != Duplicate || several.Record != nil || len(several.Existing) != 2 || several.Variables["id"] != nil {
		t.Fatalf("a duplicate of two: %+v, %v", several, err)
	}
	if n := w.count(t, "contact", "emailaddress1", "ada@duplicates.example.com"); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// publishRule publishes a rule that compares contacts with leads by their e-mail address.
func (w world) publishRule(t *testing.T) {
	t.Helper()
	rule, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "duplicaterule", OnDuplicate: CreateDuplicate, Fields: map[string]any{
		"name": "Contacts and leads", "baseentityname": "contact", "matchingentityname": "lead",
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "duplicaterulecondition", OnDuplicate: CreateDuplicate, Fields: map[string]any{
		"baseattributename": "emailaddress1", "matchingattributename": "emailaddress1", "operatorcode": 0.0, "regardingobjectid": rule.Record.ID,
	}})
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + w.server.Addr() + "/api/data/v9.2/duplicaterules(" + rule.Record.ID + ")/Microsoft.Dynamics.CRM.PublishDuplicateRule"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("publish the rule: %v, %v", answer, err)
	}
	answer.Body.Close()
}

func TestDuplicatesOfAnotherEntityAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	lead, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "lead", Fields: map[string]any{"subject": "S", "lastname": "L", "emailaddress1": "cross@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "C", "emailaddress1": "cross@example.com"}, Save: map[string]string{"id": "@id"}}
	got, err := w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != Duplicate || len(got.Existing) != 1 || got.Existing[0].ID != lead.Record.ID || got.Record != nil || got.Variables["id"] != nil {
		t.Fatalf("a lead of that address: %+v, %v; want it listed and not answered as the record", got, err)
	}
	spec.OnDuplicate = CreateDuplicate
	contact, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.OnDuplicate = DoNotCreate
	got, err = w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != Duplicate || len(got.Existing) != 2 || got.Record == nil || got.Record.ID != contact.Record.ID {
		t.Errorf("a lead and a contact of that address: %+v, %v; want the contact as the record", got, err)
	}
}

func testDuplicateWarnings(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "X", "emailaddress1": "{{ emial }}"}})
	if err != nil || len(got.Warnings) != 1 || got.Warnings[0].Code != DuplicateRuleNotApplied || got.Warnings[0].Field != "fields.emailaddress1" {
		t.Errorf("a rule's field left out: %+v, %v", got.Warnings, err)
	}
	got, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "task", Fields: map[string]any{"subject": "X"}})
	if err != nil || !slices.Equal(warningCodes(got), []WarningCode{NoDuplicateRule}) {
		t.Errorf("no rule in force: %+v, %v", got.Warnings, err)
	}
	got, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "task", Fields: map[string]any{"subject": "X"}, OnDuplicate: CreateDuplicate})
	if err != nil || len(got.Warnings) > 0 {
		t.Errorf("no rule asked for: %+v, %v", got.Warnings, err)
	}
	got, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "task", Fields: map[string]any{"subject": strings.Repeat("ä", 300)}, OnDuplicate: CreateDuplicate, CutLongText: true})
	if err != nil || !slices.Equal(warningCodes(got), []WarningCode{TextCut}) {
		t.Errorf("a text cut: %+v, %v", got.Warnings, err)
	}
}

// refusalBody is how Dataverse refuses.
func refusalBody(code string) string { return `{"error":{"code":"` + code + `","message":"refused"}}` }

func testRefusalsAreJudgedByTheirCode(t *testing.T, w world) {
	const email = "code@example.com"
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Code", "emailaddress1": email}}
	first, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		code     string
		status   int
		existing int
		warnings []WarningCode
	}{
		{"0x80040333", http.StatusInternalServerError, 1, nil},
		{"0x80040333", http.StatusPreconditionFailed, 1, nil},
		{"0x80040237", http.StatusPreconditionFailed, 0, []WarningCode{DuplicatesNotReadable}},
		{"0x80060892", http.StatusPreconditionFailed, 0, []WarningCode{DuplicatesNotReadable}},
	}
	for _, test := range tests {
		for _, requestID := range []string{"", "new " + test.code} {
			spec.RequestID = requestID
			w.wire.answer("POST /contacts", test.status, nil, refusalBody(test.code))
			got, err := w.CreateRecord(t.Context(), spec)
			if err != nil || got.Outcome != Duplicate || len(got.Existing) != test.existing || !slices.Equal(warningCodes(got), test.warnings) {
				t.Errorf("%s: %+v, %v", test.code, got, err)
			}
			if test.existing == 1 && (got.Record == nil || got.Record.ID != first.Record.ID) {
				t.Errorf("%s: the record is %+v, want %s", test.code, got.Record, first.Record.ID)
			}
		}
	}
	w.wire.answer("POST /contacts", http.StatusBadRequest, nil, refusalBody("0x80040203"))
	if _, err := w.CreateRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrRefused) {
		t.Errorf("another refusal: %v", err)
	}
}

func testAlternateKeyMeetsTheRecordThatHasIt(t *testing.T, w world) {
	client := w.client(t)
	e, err := client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	keyed := *e
	keyed.Keys = []schema.Key{{Name: "new_mail", Fields: []string{"emailaddress1", "lastname"}}}
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Key", "emailaddress1": "key@example.com"}, OnDuplicate: CreateDuplicate}
	first, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c := &creation{spec: spec, client: client, entity: &keyed}
	if err := c.prepare(t.Context(), w.Runtime); err != nil {
		t.Fatal(err)
	}
	w.wire.answer("POST /contacts", http.StatusPreconditionFailed, nil, refusalBody("0x80060892"))
	got, err := c.create(t.Context())
	if err != nil || got.Outcome != Duplicate || got.Record == nil || got.Record.ID != first.Record.ID || len(got.Warnings) > 0 {
		t.Errorf("%+v, %v; want the record %s", got, err, first.Record.ID)
	}
	plan := newPlan(true)
	c.client = plan.through(client)
	planned, err := c.validate(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	last := planned.Requests[len(planned.Requests)-1]
	if last.Condition != "if an alternate key refuses the record" || !strings.Contains(last.URL, "$filter=emailaddress1%20eq%20'key%40example.com'%20and%20lastname%20eq%20'Key'") {
		t.Errorf("the last request planned is %+v, want the one for the record that has the key", last)
	}
}

func testRefusalWithoutAKnownRuleIsADuplicate(t *testing.T, w world) {
	w.wire.answer("POST /tasks", http.StatusPreconditionFailed, nil, refusalBody("0x80040333"))
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "task", Fields: map[string]any{"subject": "Twice"}})
	want := []WarningCode{NoDuplicateRule, DuplicatesNotReadable}
	if err != nil || got.Outcome != Duplicate || got.Record != nil || len(got.Existing) > 0 || !slices.Equal(warningCodes(got), want) {
		t.Errorf("%+v, %v", got, err)
	}
}
