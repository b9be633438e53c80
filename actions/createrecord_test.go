package actions

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// demoAccount is the name of an active account of the demo data.
const demoAccount = "Dunmore Dental Group"

// TestCreateRecord holds what can be looked at side by side in one environment.
func TestCreateRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
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
	})
}

// TestCreateRecordUndisturbed holds what counts requests or makes the environment misbehave: one after the other.
func TestCreateRecordUndisturbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inTurn(t, []disturbance{
		{"PlainCreationIsOneRequest", testPlainCreationIsOneRequest},
		{"TellsAllFaultsAndWritesNothing", testCreateRecordTellsAllFaultsAndWritesNothing},
		{"UnknownFieldReadsMetadataOnceMore", testUnknownFieldReadsMetadataOnceMore},
		{"LostAnswerIsLookedUp", testLostAnswerIsLookedUp},
		{"ManyRepeatsWithLostAnswersMakeOneRecord", testManyRepeatsWithLostAnswersMakeOneRecord},
		{"RefusalsAreJudgedByTheirCode", testRefusalsAreJudgedByTheirCode},
		{"AlternateKeyMeetsTheRecordThatHasIt", testAlternateKeyMeetsTheRecordThatHasIt},
		{"AnotherIDThanTheOneSentIsTold", testAnotherIDThanTheOneSentIsTold},
		{"RefusalWithoutAKnownRuleIsADuplicate", testRefusalWithoutAKnownRuleIsADuplicate},
		{"StateIsSetThoughAnswersAreLost", testStateIsSetThoughAnswersAreLost},
		{"WhatIsSavedComesWithTheCreation", testWhatIsSavedComesWithTheCreation},
		{"WhatIsSavedIsReadWhereTheAnswerDoesNotTell", testWhatIsSavedIsReadWhereTheAnswerDoesNotTell},
		{"UnreadableSaveIsAWarning", testUnreadableSaveIsAWarning},
		{"WhatIsPlannedIsWhatIsSent", testPlannedCreationIsWhatIsSent},
	})
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

func testAnotherIDThanTheOneSentIsTold(t *testing.T, w world) {
	w.wire.answer("POST /contacts", http.StatusNoContent, http.Header{"Odata-Entityid": {"http://x/api/data/v9.2/contacts(" + someID + ")"}}, "")
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Other"}, Save: map[string]string{"id": "@id"}})
	if err != nil || got.Outcome != Created || got.Record.ID != someID || got.Variables["id"] != someID || !slices.Contains(warningCodes(got), IDNotKept) {
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
