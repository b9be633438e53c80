package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// demoAccount is the name of an active account of the demo data.
const demoAccount = "Dunmore Dental Group"

// TestCreateRecord holds what can be looked at side by side in one environment.
func TestCreateRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, world){
		"TranslatesAndSaves":                          testCreateRecordTranslatesAndSaves,
		"TextsArriveAsTheyAre":                        testTextsArriveAsTheyAre,
		"EveryTypeIsStored":                           testEveryTypeIsStored,
		"ReferenceSavedByOneActionIsALookupOfTheNext": testReferenceSavedByOneActionIsALookupOfTheNext,
		"UnknownNames":                                testUnknownNames,
		"NewFieldWorksAtOnce":                         testNewFieldWorksAtOnce,
		"LookupsByName":                               testLookupsByName,
		"Duplicates":                                  testDuplicates,
		"DuplicateWarnings":                           testDuplicateWarnings,
		"RepeatWithTheSameRequestID":                  testRepeatWithTheSameRequestID,
		"ValidateOnlyListsAndWritesNothing":           testValidateOnlyListsAndWritesNothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// TestCreateRecordUndisturbed holds what counts requests or makes the environment misbehave: one after the other.
func TestCreateRecordUndisturbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"PlainCreationIsOneRequest", testPlainCreationIsOneRequest},
		{"TellsAllFaultsAndWritesNothing", testCreateRecordTellsAllFaultsAndWritesNothing},
		{"UnknownFieldReadsMetadataOnceMore", testUnknownFieldReadsMetadataOnceMore},
		{"LostAnswerIsLookedUp", testLostAnswerIsLookedUp},
		{"ManyRepeatsWithLostAnswersMakeOneRecord", testManyRepeatsWithLostAnswersMakeOneRecord},
		{"NoAnswerInTimeIsInDoubt", testNoAnswerInTimeIsInDoubt},
		{"OutagesAreErrors", testOutagesAreErrors},
		{"RefusalsAreJudgedByTheirCode", testRefusalsAreJudgedByTheirCode},
		{"AlternateKeyMeetsTheRecordThatHasIt", testAlternateKeyMeetsTheRecordThatHasIt},
		{"AnotherIDThanTheOneSentIsTold", testAnotherIDThanTheOneSentIsTold},
		{"RefusalWithoutAKnownRuleIsADuplicate", testRefusalWithoutAKnownRuleIsADuplicate},
		{"StateIsSetThoughAnswersAreLost", testStateIsSetThoughAnswersAreLost},
		{"UnreadableSaveIsAWarning", testUnreadableSaveIsAWarning},
		{"WhatIsPlannedIsWhatIsSent", testPlannedCreationIsWhatIsSent},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.server.SetFaults(nil)
			w.wire.take()
			test.run(t, w)
		})
	}
}

// count is how many records of an entity have a value in a field.
func (w world) count(t *testing.T, entity, field, value string) int {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), entity)
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.client(t).ListRecords(t.Context(), e, &odata.Query{
		Select: []string{e.PrimaryID}, Filter: &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: odata.String(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Records)
}

// read reads a record with everything that it has.
func (w world) read(t *testing.T, r *Record) dataverse.Record {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), r.Entity)
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.client(t).GetRecord(t.Context(), e, dataverse.ID(r.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func warningCodes(result Result) []WarningCode {
	var codes []WarningCode
	for _, w := range result.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

func testCreateRecordTranslatesAndSaves(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "contact",
		Fields: map[string]any{
			"firstname": "{{ visitor.first }}", "lastname": "{{ visitor.last }}", "emailaddress1": "{{ visitor.email | downcase }}",
			"preferredcontactmethodcode": "Email", "birthdate": "{{ visitor.born }}", "creditlimit": "1234567890.12", "donotfax": "yes",
			"numberofchildren": 2.0, "jobtitle": "{{ visitor.job }}", "description": nil,
			"parentcustomerid": map[string]any{"entity": "account", "name": "{{ visitor.company }}"},
			"ownerid":          "tomas.ferreira@harborlights.example.com",
		},
		Variables: map[string]any{"visitor": map[string]any{
			"first": "Ada", "last": "O'Neill & Sons", "email": "ADA@example.com", "born": "1980-05-17", "company": demoAccount,
		}, "full": "the customer before"},
		Save:         map[string]string{"id": "@id", "url": "@url", "ref": "@record", "full": "fullname", "how": "preferredcontactmethodcode@formatted", "job": "jobtitle"},
		SaveDefaults: map[string]any{"job": "unknown"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != Created || got.Record == nil || got.Record.Name != "Ada O'Neill & Sons" || !slices.Equal(got.Omitted, []string{"jobtitle"}) || len(got.Warnings) > 0 {
		t.Errorf("result = %+v", got)
	}
	row := w.read(t, got.Record)
	for property, want := range map[string]any{"emailaddress1": "ada@example.com", "birthdate": "1980-05-17", "donotfax": true, "lastname": "O'Neill & Sons"} {
		if value, _ := row.Value(property); value != want {
			t.Errorf("%s = %v, want %v", property, value, want)
		}
	}
	if limit, _ := row.Value("creditlimit"); !strings.HasPrefix(fmt.Sprint(limit), "1234567890.12") {
		t.Errorf("creditlimit = %v", limit)
	}
	if row.Formatted("_ownerid_value") != "Tomás Ferreira" || row.LookupEntity("_parentcustomerid_value") != "account" {
		t.Errorf("the owner is %q, the company's entity %q", row.Formatted("_ownerid_value"), row.LookupEntity("_parentcustomerid_value"))
	}
	delete(got.Variables, "visitor")
	want := map[string]any{
		"id": got.Record.ID, "url": got.Record.URL, "full": "Ada O'Neill & Sons", "how": "Email", "job": "unknown",
		"ref": map[string]any{"entity": "contact", "id": got.Record.ID, "name": "Ada O'Neill & Sons"},
	}
	if diff := cmp.Diff(want, got.Variables); diff != "" {
		t.Errorf("variables, -want +got:\n%s", diff)
	}
}

func testEveryTypeIsStored(t *testing.T, w world) {
	tests := []struct {
		entity string
		fields map[string]any
		want   map[string]string // property to the beginning of its value
	}{
		{"account", map[string]any{
			"name": "T", "numberofemployees": "1200", "revenue": "98765432109876.54", "address1_latitude": "-0.25", "industrycode": "Accounting",
			"creditonhold": "yes", "description": "a\nb 😀", "accountcategorycode": nil, "lastonholdtime": "2026-05-17T15:30:00+02:00",
		}, map[string]string{
			"numberofemployees": "1200", "revenue": "98765432109876.54", "address1_latitude": "-0.25", "industrycode": "1", "creditonhold": "true",
			"description": "a\nb 😀", "accountcategorycode": "<nil>", "lastonholdtime": "2026-05-17T13:30:00Z",
		}},
		{"opportunity", map[string]any{
			"name": "O", "customerid": map[string]any{"entity": "account", "name": demoAccount}, "discountpercentage": "12.34", "estimatedclosedate": "2026-12-31",
		}, map[string]string{"discountpercentage": "12.34", "estimatedclosedate": "2026-12-31"}},
		{"msdyn_ocliveworkitem", map[string]any{"subject": "S", "msdyn_channel": []any{"Entity Records"}}, map[string]string{"msdyn_channel": "192350000"}},
		{"annotation", map[string]any{
			"subject": "N", "notetext": "text", "objectid": map[string]any{"entity": "account", "name": demoAccount},
		}, map[string]string{"notetext": "text"}},
		{"contact", map[string]any{"lastname": "I", "statuscode": "Inactive"}, map[string]string{"statecode": "1", "statuscode": "2"}},
		{"incident", map[string]any{
			"title": "C", "customerid": map[string]any{"entity": "account", "name": demoAccount}, "statuscode": "Waiting for Details",
		}, map[string]string{"statecode": "0", "statuscode": "3"}},
	}
	for _, test := range tests {
		got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: test.entity, Fields: test.fields, OnDuplicate: CreateDuplicate})
		if err != nil || got.Outcome != Created {
			t.Errorf("%s: %+v, %v", test.entity, got, err)
			continue
		}
		row := w.read(t, got.Record)
		for property, want := range test.want {
			if value, _ := row.Value(property); !strings.HasPrefix(fmt.Sprint(value), want) {
				t.Errorf("%s.%s = %v, want %s", test.entity, property, value, want)
			}
		}
	}
}

func testPlainCreationIsOneRequest(t *testing.T, w world) {
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Once"}, Save: map[string]string{"id": "@id", "url": "@url"}, RequestID: "1"}
	for i := range 2 {
		w.wire.take()
		spec.RequestID = fmt.Sprint(i)
		if got, err := w.CreateRecord(t.Context(), spec); err != nil || got.Outcome != Created || got.Variables["id"] != got.Record.ID {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if sent := w.wire.take(); !slices.Equal(sent, []string{"POST /contacts"}) {
		t.Errorf("a creation sends %v, want one request", sent)
	}
}

func testReferenceSavedByOneActionIsALookupOfTheNext(t *testing.T, w world) {
	first, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Caller"}, Save: map[string]string{"caller": "@record"}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident", Fields: map[string]any{"title": "Broken", "customerid": "{{ caller }}", "statuscode": "On Hold"}, Variables: first.Variables,
	})
	if err != nil || second.Outcome != Created {
		t.Fatalf("%+v, %v", second, err)
	}
	row := w.read(t, second.Record)
	if id, _ := row.Value("_customerid_value"); id != first.Record.ID || row.LookupEntity("_customerid_value") != "contact" {
		t.Errorf("the customer is %v of %s", id, row.LookupEntity("_customerid_value"))
	}
	third, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity:   "task",
		Fields:   map[string]any{"subject": "Call", "regardingobjectid": "{{ caller }}", "scheduledend": "2026-05-17T15:30", "ownerid": map[string]any{"entity": "team", "name": "Escalations"}},
		TimeZone: "Europe/Berlin", Variables: first.Variables,
	})
	if err != nil || third.Outcome != Created {
		t.Fatalf("%+v, %v", third, err)
	}
	row = w.read(t, third.Record)
	if due, _ := row.Value("scheduledend"); due != "2026-05-17T13:30:00Z" || row.LookupEntity("_ownerid_value") != "team" {
		t.Errorf("the task is due %v, and its owner is a %s", due, row.LookupEntity("_ownerid_value"))
	}
}

func testCreateRecordTellsAllFaultsAndWritesNothing(t *testing.T, w world) {
	_, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident",
		Fields: map[string]any{
			"title": "{{ nope }}", "customerid": map[string]any{"entity": "account", "name": "Nobody at all"}, "ownerid": "nobody@example.com",
			"caseorigincode": "Pigeon", "subjcetid": "x",
		},
		Save: map[string]string{"x": "nosuchfield"}, TimeZone: "Mars/Base",
	})
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("the error is %v, want an *InputError", err)
	}
	got := map[string]Reason{}
	for _, f := range input.Faults {
		got[f.Field] = f.Reason
	}
	want := map[string]Reason{
		"fields.title": MissingRequired, "fields.customerid": LookupNotFound, "fields.ownerid": LookupNotFound,
		"fields.caseorigincode": InvalidValue, "fields.subjcetid": InvalidField, "save.x": InvalidField,
		"time_zone": InvalidRequest,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if slices.ContainsFunc(w.wire.take(), func(r string) bool { return strings.HasPrefix(r, "POST /incidents") }) {
		t.Error("a request with faults was sent")
	}
	if strings.Contains(input.LogValue().String(), "nobody@") {
		t.Errorf("the log gets a value: %v", input.LogValue())
	}
}

func testUnknownNames(t *testing.T, w world) {
	var input *InputError
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contcat", Fields: map[string]any{"x": 1.0}}); !errors.As(err, &input) ||
		input.Faults[0].Reason != UnknownEntity || !slices.Contains(input.Faults[0].Nearest, "contact") || !errors.Is(err, dataverse.ErrUnknownEntity) {
		t.Errorf("an unknown entity: %v", err)
	}
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Environment: "live", Entity: "contact"}); !errors.Is(err, dataverse.ErrUnknownEnvironment) {
		t.Errorf("an unknown environment: %v", err)
	}
}

func testUnknownFieldReadsMetadataOnceMore(t *testing.T, w world) {
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "A", "new_colour": "x"}}
	if _, err := w.client(t).Entity(t.Context(), "contact"); err != nil {
		t.Fatal(err)
	}
	w.wire.take()
	began := time.Now()
	for range 3 {
		if _, err := w.CreateRecord(t.Context(), spec); err == nil {
			t.Fatal("an unknown field is taken")
		}
	}
	batches := 0
	for _, request := range w.wire.take() {
		if request == "POST /$batch" {
			batches++
		}
	}
	if most := 1 + int(time.Since(began)/refreshInterval); batches < 1 || batches > most { // most is 1 but on a very busy machine
		t.Errorf("three calls at once read the metadata %d times more, want once", batches)
	}
}

func testNewFieldWorksAtOnce(t *testing.T, w world) {
	client := w.client(t)
	e, err := client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	old := *e
	old.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(f *schema.Field) bool { return f.LogicalName == "jobtitle" })
	old.Index()
	values, err := w.translateFields(t.Context(), client, &old, fieldInput{fields: map[string]any{"lastname": "A", "jobtitle": "Clerk"}})
	if err != nil || values.values["jobtitle"] != "Clerk" {
		t.Errorf("a field that the remembered metadata lacks: %+v, %v", values, err)
	}
}

func testLookupsByName(t *testing.T, w world) {
	for range 2 {
		if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "account", Fields: map[string]any{"name": "Twin Ltd"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "account", Fields: map[string]any{"name": "Closed Ltd", "statuscode": "Inactive"}}); err != nil {
		t.Fatal(err)
	}
	create := func(lookup map[string]any) (Result, error) {
		return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "X", "parentcustomerid": lookup}})
	}
	for name, want := range map[string]Reason{"Twin Ltd": LookupAmbiguous, "Closed Ltd": LookupNotFound, "No'body": LookupNotFound, " ": InvalidValue, "a\x01": InvalidValue} {
		_, err := create(map[string]any{"entity": "account", "name": name})
		if faults := faultsOf(err); len(faults) != 1 || faults[0].Reason != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	if _, err := create(map[string]any{"entity": "account", "id": someID}); err == nil {
		t.Error("a record that does not exist can be pointed at")
	}
	got, err := create(map[string]any{"entity": "account", "name": "No'body", "missing": "OMIT"})
	if err != nil || got.Outcome != Created || !slices.Contains(warningCodes(got), LookupOmitted) {
		t.Errorf("a lookup that may be missing: %+v, %v", got, err)
	}
	for range 2 { // what was found is not remembered: the record may be gone or another by then
		made, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "account", Fields: map[string]any{"name": "Brief Ltd"}, OnDuplicate: CreateDuplicate})
		if err != nil {
			t.Fatal(err)
		}
		got, err := create(map[string]any{"entity": "account", "name": "Brief Ltd"})
		if value, _ := w.read(t, got.Record).Value("_parentcustomerid_value"); err != nil || value != made.Record.ID {
			t.Errorf("bound to %v, %v; want %s", value, err, made.Record.ID)
		}
		account, err := w.client(t).Entity(t.Context(), "account")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.client(t).DeleteRecord(t.Context(), account, dataverse.ID(made.Record.ID)); err != nil {
			t.Fatal(err)
		}
	}
}

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

func testTextsArriveAsTheyAre(t *testing.T, w world) {
	for _, text := range []string{
		`O'Neill "the" Great`, "a&b=c+d %41 100%", "]]></fetch><!--", "{{ v }} {% if %}", `{"contactid":"` + someID + `"}`, "line\r\nbreak\ttab",
		"😀 שלום \u202e", "/contacts(" + someID + ")", "null", "' or 1 eq 1", "@odata.bind", "\\u0041\\", "<script>",
	} {
		got, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "contact", Fields: map[string]any{"lastname": "Text", "description": "{{ v }}"}, Variables: map[string]any{"v": text},
			Save: map[string]string{"back": "description"},
		})
		if err != nil || got.Outcome != Created || got.Variables["back"] != text {
			t.Errorf("%q comes back as %q: %+v, %v", text, got.Variables["back"], got.Outcome, err)
		}
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

func testRepeatWithTheSameRequestID(t *testing.T, w world) {
	for _, onDuplicate := range []OnDuplicate{DoNotCreate, CreateDuplicate} {
		email := fmt.Sprintf("repeat%d@example.com", onDuplicate)
		spec := CreateRecord{
			Entity: "contact", Fields: map[string]any{"firstname": "Re", "lastname": "Peat", "emailaddress1": email}, OnDuplicate: onDuplicate,
			RequestID: email, Save: map[string]string{"name": "fullname"},
		}
		first, err := w.CreateRecord(t.Context(), spec)
		if err != nil || first.Outcome != Created {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := w.CreateRecord(t.Context(), spec)
		if err != nil || again.Outcome != AlreadyCreated || again.Record.ID != first.Record.ID || again.Variables["name"] != "Re Peat" {
			t.Errorf("the repeat: %+v, %v", again, err)
		}
		spec.Namespace = "another bot"
		spec.OnDuplicate = CreateDuplicate
		if other, err := w.CreateRecord(t.Context(), spec); err != nil || other.Outcome != Created || other.Record.ID == first.Record.ID {
			t.Errorf("another bot's: %+v, %v", other, err)
		}
	}
}

func testLostAnswerIsLookedUp(t *testing.T, w world) {
	post := local.Fault{Method: http.MethodPost, Path: "/contacts", Times: 1}
	lost, never := post, post
	lost.DropAfterCommit, never.DropBefore = true, true
	for name, fault := range map[string]local.Fault{"after the commit": lost, "before it": never} {
		for _, requestID := range []string{"", name} {
			email := strings.ReplaceAll(name+requestID, " ", "") + "@lost.example.com"
			w.server.SetFaults([]local.Fault{fault})
			got, err := w.CreateRecord(t.Context(), CreateRecord{
				Entity: "contact", Fields: map[string]any{"lastname": "Lost", "emailaddress1": email}, RequestID: requestID, Save: map[string]string{"id": "@id"},
			})
			if err != nil || got.Outcome != Created || got.Variables["id"] != got.Record.ID {
				t.Errorf("lost %s: %+v, %v", name, got, err)
			}
			if n := w.count(t, "contact", "emailaddress1", email); n != 1 {
				t.Errorf("lost %s: %d records, want 1", name, n)
			}
		}
	}
}

// testManyRepeatsWithLostAnswersMakeOneRecord: however many callers repeat, and however many answers are lost, there is one
// record for each key.
func testManyRepeatsWithLostAnswersMakeOneRecord(t *testing.T, w world) {
	w.server.SetFaults([]local.Fault{
		{Method: http.MethodPost, Path: "/contacts", Times: 20, DropAfterCommit: true}, {Method: http.MethodPost, Path: "/contacts", Times: 20, DropBefore: true},
	})
	const keys, callers = 10, 16
	created := [keys][callers]Result{}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for key := range keys {
				got, err := w.CreateRecord(t.Context(), CreateRecord{
					Entity: "contact", Fields: map[string]any{"lastname": "Many", "emailaddress1": fmt.Sprintf("many%d@lost.example.com", key)}, RequestID: fmt.Sprintf("many %d", key),
				})
				if err != nil || got.Outcome != Created && got.Outcome != AlreadyCreated {
					t.Errorf("key %d: %+v, %v", key, got, err)
					continue
				}
				created[key][caller] = got
			}
		})
	}
	group.Wait()
	for key := range keys {
		if n := w.count(t, "contact", "emailaddress1", fmt.Sprintf("many%d@lost.example.com", key)); n != 1 {
			t.Errorf("key %d: %d records, want 1", key, n)
		}
		for _, got := range created[key] {
			if got.Record == nil || got.Record.ID != created[key][0].Record.ID {
				t.Errorf("key %d: %+v, want the record %s for everybody", key, got.Record, created[key][0].Record.ID)
			}
		}
	}
}

func testNoAnswerInTimeIsInDoubt(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Late"}, RequestID: "late", OnDuplicate: CreateDuplicate,
		Save: map[string]string{"id": "@id"}, SaveDefaults: map[string]any{"id": "none"}, Variables: map[string]any{"id": "old"},
	}
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Warm"}, RequestID: "warm"}); err != nil {
		t.Fatal(err)
	}
	w.server.SetFaults([]local.Fault{{Path: "/contacts", Delay: 1500 * time.Millisecond}})
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	got, err := w.CreateRecord(ctx, spec)
	if err != nil || got.Outcome != InDoubt || got.Record == nil || got.Record.ID == "" || got.Variables["id"] != "none" {
		t.Fatalf("%+v, %v", got, err)
	}
	if ctx.Err() != nil {
		t.Error("the answer came after the caller's deadline")
	}
	w.server.SetFaults(nil)
	again, err := w.CreateRecord(t.Context(), spec)
	if err != nil || again.Record.ID != got.Record.ID {
		t.Errorf("the repeat: %+v, %v; want the record %s", again, err, got.Record.ID)
	}
}

func testOutagesAreErrors(t *testing.T, w world) {
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Out"}}
	if _, err := w.CreateRecord(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Status: http.StatusTooManyRequests, RetryAfter: 600}})
	begin := time.Now()
	if _, err := w.CreateRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrThrottled) || time.Since(begin) > 5*time.Second {
		t.Errorf("throttled beyond the time left: %v after %v", err, time.Since(begin))
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Times: 1, Status: http.StatusTooManyRequests, RetryAfter: 1}})
	if got, err := w.CreateRecord(t.Context(), spec); err != nil || got.Outcome != Created {
		t.Errorf("throttled for a second: %+v, %v", got, err)
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Status: http.StatusForbidden}})
	if _, err := w.CreateRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrForbidden) {
		t.Errorf("forbidden: %v", err)
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Status: http.StatusServiceUnavailable}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	got, err := w.CreateRecord(ctx, spec)
	if err == nil && got.Outcome != InDoubt || err != nil && !errors.Is(err, dataverse.ErrUnavailable) {
		t.Errorf("unavailable: %+v, %v; want an error or doubt, never a record", got, err)
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

func testAnotherIDThanTheOneSentIsTold(t *testing.T, w world) {
	w.wire.answer("POST /contacts", http.StatusNoContent, http.Header{"Odata-Entityid": {"http://x/api/data/v9.2/contacts(" + someID + ")"}}, "")
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Other"}, Save: map[string]string{"id": "@id"}})
	if err != nil || got.Outcome != Created || got.Record.ID != someID || got.Variables["id"] != someID || !slices.Contains(warningCodes(got), IDNotKept) {
		t.Errorf("%+v, %v", got, err)
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

func testStateIsSetThoughAnswersAreLost(t *testing.T, w world) {
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Retired", "statuscode": "Inactive"}, RequestID: "state"}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPatch, Path: "/contacts", Times: 1, Status: http.StatusForbidden}})
	if _, err := w.CreateRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrForbidden) {
		t.Errorf("a state that may not be set: %v", err)
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPatch, Path: "/contacts", Times: 1, DropAfterCommit: true}})
	got, err := w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != AlreadyCreated {
		t.Fatalf("the repeat: %+v, %v", got, err)
	}
	if state, _ := w.read(t, got.Record).Value("statecode"); fmt.Sprint(state) != "1" {
		t.Errorf("the state is %v, want 1", state)
	}
}

func testUnreadableSaveIsAWarning(t *testing.T, w world) {
	w.server.SetFaults([]local.Fault{{Method: http.MethodGet, Path: "/contacts(", Status: http.StatusForbidden}})
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Blind"}, Save: map[string]string{"name": "fullname", "id": "@id"}, SaveDefaults: map[string]any{"name": "friend"},
	})
	if err != nil || got.Outcome != Created || !slices.Contains(warningCodes(got), SaveNotReadable) || got.Variables["name"] != "friend" || got.Variables["id"] != got.Record.ID {
		t.Errorf("%+v, %v", got, err)
	}
}

func testValidateOnlyListsAndWritesNothing(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Plan", "emailaddress1": "plan@example.com", "parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}},
		Save: map[string]string{"name": "fullname"}, ValidateOnly: true,
	}
	got, err := w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != "" || got.Record != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	var listed []string
	for _, r := range got.Requests {
		listed = append(listed, r.Method+" "+r.Condition)
	}
	want := []string{
		"GET ", "POST ", "GET if the answer is lost, or if Dataverse answers that the record may exist", "GET once the record is created",
		"GET if Dataverse refuses the record as a duplicate",
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("requests, -want +got:\n%s", diff)
	}
	post := got.Requests[1]
	if post.Body["lastname"] != "Plan" || post.Body["contactid"] != newIDShown || post.Header["MSCRM.SuppressDuplicateDetection"] != "false" {
		t.Errorf("the creation is listed as %+v", post)
	}
	spec.RequestID = "plan"
	planned, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "contact", "emailaddress1", "plan@example.com"); n != 0 {
		t.Errorf("%d records were made", n)
	}
	spec.ValidateOnly = false
	made, err := w.CreateRecord(t.Context(), spec)
	if err != nil || planned.Requests[1].Body["contactid"] != made.Record.ID {
		t.Errorf("planned %v, made %+v, %v", planned.Requests[1].Body["contactid"], made.Record, err)
	}
}

// recorded is a transport that remembers requests as an answer lists them.
type recorded struct {
	next http.RoundTripper
	sent []PlannedRequest
}

// RoundTrip implements http.RoundTripper.
func (r *recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	r.sent = append(r.sent, describeRequest(req, body)...)
	whole := req.Clone(req.Context())
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return r.next.RoundTrip(whole)
}

// testPlannedCreationIsWhatIsSent compares address, headers and body of each request with what was listed before.
func testPlannedCreationIsWhatIsSent(t *testing.T, w world) {
	spec := CreateRecord{
		Entity: "contact", RequestID: "planned", ValidateOnly: true,
		Fields: map[string]any{
			"lastname": "{{ name }}", "statuscode": "Inactive", "creditlimit": "1234567890.1200", "birthdate": "1980-05-17", "donotfax": "yes", "jobtitle": nil,
			"parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}, "telephone1": "{{ nobody }}",
		},
		Variables: map[string]any{"name": "O'Neill \u2028 & <Söhne> \"100%\""}, Save: map[string]string{"full": "fullname", "how": "statuscode@formatted"},
	}
	listed, err := w.CreateRecord(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var want []PlannedRequest
	for _, request := range listed.Requests {
		if request.Condition == "" || request.Condition == "once the record is created" {
			request.Condition = ""
			want = append(want, request)
		}
	}
	seen := &recorded{next: w.wire.next}
	w.wire.next = seen
	defer func() { w.wire.next = seen.next }()
	spec.ValidateOnly = false
	if made, err := w.CreateRecord(t.Context(), spec); err != nil || made.Outcome != Created {
		t.Fatalf("%+v, %v", made, err)
	}
	if diff := cmp.Diff(want, seen.sent); diff != "" || len(want) != 4 {
		t.Errorf("%d planned, sent (-planned +sent):\n%s", len(want), diff)
	}
}
