package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// TestCreateRecordMeetsAnExistingRecord holds what creations do about records that exist, side by side.
func TestCreateRecordMeetsAnExistingRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"UseExistingAnswersTheSameRecord":        testUseExistingAnswersTheSameRecord,
		"UpdateExistingOverwrites":               testUpdateExistingOverwrites,
		"FillExistingNeverChangesWhatIsFilled":   testFillExistingNeverChangesWhatIsFilled,
		"SeveralExistingAreAmbiguous":            testSeveralExistingAreAmbiguous,
		"MatchOnFindsWhatNoRuleDoes":             testMatchOnFindsWhatNoRuleDoes,
		"MatchOnAndRulesTogether":                testMatchOnAndRulesTogether,
		"MatchOnWithoutAValueIsTold":             testMatchOnWithoutAValueIsTold,
		"MatchOnFaults":                          testMatchOnFaults,
		"MatchOnRepeatIsAlreadyCreated":          testMatchOnRepeatIsAlreadyCreated,
		"EveryTypeIsCompared":                    testEveryTypeIsCompared,
		"StateOfAnExistingRecord":                testStateOfAnExistingRecord,
		"ManyMergesLoseNoChange":                 testManyMergesLoseNoChange,
		"ValidateOnlyListsTheMerge":              testValidateOnlyListsTheMerge,
		"CreationsOfNoneExistingAreStillCreated": testCreationsOfNoneExistingAreStillCreated,
	})
}

// TestMergeDisturbed holds what makes the environment misbehave: one after the other.
func TestMergeDisturbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inTurn(t, []disturbance{
		{"ChangeInBetweenIsSeen", testChangeInBetweenIsSeen},
		{"LostAnswerOfAMergeIsReadBack", testLostAnswerOfAMergeIsReadBack},
		{"MergeWithoutAnAnswerIsInDoubt", testMergeWithoutAnAnswerIsInDoubt},
		{"EndlessChangesAreAnError", testEndlessChangesAreAnError},
		{"DeletedInBetweenIsMadeAnew", testDeletedInBetweenIsMadeAnew},
		{"EntityWithoutVersionsIsToldOf", testEntityWithoutVersionsIsToldOf},
		{"UnreadableAfterAMergeIsAWarning", testUnreadableAfterAMergeIsAWarning},
	})
}

// make makes a contact, whatever the rules say.
func (w world) make(t *testing.T, fields map[string]any) Record {
	t.Helper()
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: fields, OnDuplicate: CreateDuplicate})
	if err != nil || got.Outcome != Created {
		t.Fatalf("%+v, %v", got, err)
	}
	return *got.Record
}

// change changes a record behind the runtime's back.
func (w world) change(t *testing.T, r Record, fields dataverse.Fields) {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), r.Entity)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.client(t).UpdateRecord(t.Context(), e, dataverse.ID(r.ID), fields); err != nil {
		t.Error(err)
	}
}

// wantValues compares values of a record.
func (w world) wantValues(t *testing.T, r Record, want map[string]any) {
	t.Helper()
	row := w.read(t, &r)
	for property, value := range want {
		if got, _ := row.Value(property); fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s = %v, want %v", property, got, value)
		}
	}
}

func (w world) wantOutcome(t *testing.T, spec CreateRecord, want Outcome) Result {
	t.Helper()
	got, err := w.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != want {
		t.Fatalf("%+v, %v; want %s", got, err, want)
	}
	return got
}

func testUseExistingAnswersTheSameRecord(t *testing.T, w world) {
	first := w.make(t, map[string]any{"firstname": "Use", "lastname": "Me", "emailaddress1": "use@example.com"})
	for range 2 {
		got := w.wantOutcome(t, CreateRecord{
			Entity: "contact", Fields: map[string]any{"lastname": "Other", "emailaddress1": "USE@example.com"}, OnDuplicate: UseExisting,
			Save: map[string]string{"id": "@id", "name": "fullname", "ref": "@record"},
		}, Existing)
		if got.Record.ID != first.ID || got.Variables["id"] != first.ID || got.Variables["name"] != "Use Me" || len(got.Existing) != 1 || got.Existing[0].URL == "" {
			t.Errorf("%+v", got)
		}
	}
	if n := w.count(t, "contact", "emailaddress1", "use@example.com"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func testUpdateExistingOverwrites(t *testing.T, w world) {
	first := w.make(t, map[string]any{"firstname": "Old", "lastname": "Name", "emailaddress1": "update@example.com", "jobtitle": "Clerk", "description": "kept"})
	spec := CreateRecord{
		Entity:      "contact",
		Fields:      map[string]any{"firstname": "New", "lastname": "Name", "emailaddress1": "update@example.com", "jobtitle": nil, "department": "{{ nope }}"},
		OnDuplicate: UpdateExisting, Save: map[string]string{"name": "fullname"},
	}
	got := w.wantOutcome(t, spec, Updated)
	if got.Record.ID != first.ID || got.Record.Name != "New Name" || got.Variables["name"] != "New Name" || !slices.Equal(got.Omitted, []string{"department"}) {
		t.Errorf("%+v", got)
	}
	w.wantValues(t, first, map[string]any{"firstname": "New", "jobtitle": nil, "description": "kept"})
	before := w.read(t, &first).ETag()
	w.wantOutcome(t, spec, Unchanged)
	if after := w.read(t, &first).ETag(); after != before {
		t.Errorf("a merge that changes nothing wrote: version %s, then %s", before, after)
	}
}

func testFillExistingNeverChangesWhatIsFilled(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Fill", "emailaddress1": "fill@example.com", "jobtitle": "Clerk", "donotfax": false})
	spec := CreateRecord{
		Entity: "contact", OnDuplicate: FillExisting,
		Fields: map[string]any{
			"lastname": "Changed", "emailaddress1": "fill@example.com", "jobtitle": "Boss", "department": "Sales", "description": nil, "donotfax": true,
			"parentcustomerid": map[string]any{"entity": "account", "name": demoAccount},
		},
	}
	if got := w.wantOutcome(t, spec, Updated); got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
	w.wantValues(t, first, map[string]any{"lastname": "Fill", "jobtitle": "Clerk", "department": "Sales", "donotfax": false})
	row := w.read(t, &first)
	if row.Formatted("_parentcustomerid_value") != demoAccount {
		t.Errorf("the company is %q, want it filled", row.Formatted("_parentcustomerid_value"))
	}
	w.wantOutcome(t, spec, Unchanged)
}

func testSeveralExistingAreAmbiguous(t *testing.T, w world) {
	inactive := w.make(t, map[string]any{"lastname": "Twin", "emailaddress1": "several@example.com", "statuscode": "Inactive"})
	first := w.make(t, map[string]any{"lastname": "Twin", "emailaddress1": "several@example.com"})
	second := w.make(t, map[string]any{"lastname": "Twin", "emailaddress1": "several@example.com"})
	for _, onDuplicate := range []OnDuplicate{UseExisting, UpdateExisting, FillExisting} {
		spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Twin", "emailaddress1": "several@example.com", "jobtitle": fmt.Sprint(onDuplicate)}, OnDuplicate: onDuplicate}
		spec.MatchOn = []string{"emailaddress1"} // the rule leaves the inactive one out
		spec.Save, spec.Variables = map[string]string{"id": "@id"}, map[string]any{"id": "the customer before"}
		got := w.wantOutcome(t, spec, Ambiguous)
		if len(got.Existing) != 3 || got.Record != nil || got.Variables["id"] != nil {
			t.Errorf("%+v", got)
		}
		w.wantValues(t, first, map[string]any{"jobtitle": nil})
	}
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Twin", "emailaddress1": "several@example.com", "jobtitle": "First"}, OnDuplicate: UpdateExisting, UseFirst: true}
	for range 2 {
		got, err := w.CreateRecord(t.Context(), spec)
		if err != nil || got.Record == nil || got.Record.ID != first.ID || len(got.OrderedBy) != 3 || len(got.Existing) < 2 {
			t.Fatalf("%+v, %v; want the oldest active one", got, err)
		}
	}
	w.wantValues(t, second, map[string]any{"jobtitle": nil})
	w.wantValues(t, inactive, map[string]any{"jobtitle": nil})
}

func TestOtherEntitiesAreListedAndNeverChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	lead, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "lead", Fields: map[string]any{"subject": "L", "lastname": "Lead", "emailaddress1": "lead.only@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, onDuplicate := range []OnDuplicate{UseExisting, UpdateExisting, FillExisting} {
		got := w.wantOutcome(t, CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Contact", "emailaddress1": "lead.only@example.com"}, OnDuplicate: onDuplicate}, Duplicate)
		if got.Record != nil || len(got.Existing) != 1 || got.Existing[0].ID != lead.Record.ID {
			t.Errorf("%+v; want the lead listed and nothing made", got)
		}
	}
	w.wantValues(t, *lead.Record, map[string]any{"lastname": "Lead"})
	contact := w.make(t, map[string]any{"lastname": "Contact", "emailaddress1": "lead.only@example.com"})
	got := w.wantOutcome(t, CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Contact", "emailaddress1": "lead.only@example.com"}, OnDuplicate: UseExisting}, Existing)
	if got.Record.ID != contact.ID || len(got.Existing) != 2 {
		t.Errorf("%+v; want the contact, and the lead listed", got)
	}
}

func testMatchOnFindsWhatNoRuleDoes(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Match", "mobilephone": "+49 30 1"})
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"LastName": "match", "mobilephone": "+49 30 1", "jobtitle": "Found"}, MatchOn: []string{"lastname", "mobilephone"}}
	got := w.wantOutcome(t, spec, Duplicate)
	if got.Record == nil || got.Record.ID != first.ID || len(got.Existing) != 1 {
		t.Errorf("%+v", got)
	}
	spec.OnDuplicate = UpdateExisting
	if got := w.wantOutcome(t, spec, Updated); got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
	spec.Fields["mobilephone"] = "+49 30 2"
	w.wantOutcome(t, spec, Created)
}

func testMatchOnAndRulesTogether(t *testing.T, w world) {
	byRule := w.make(t, map[string]any{"lastname": "Rule", "emailaddress1": "both@example.com"})
	byField := w.make(t, map[string]any{"lastname": "Field", "mobilephone": "+49 30 3"})
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Both", "emailaddress1": "both@example.com", "mobilephone": "+49 30 3"}, MatchOn: []string{"mobilephone"}, OnDuplicate: UseExisting}
	if got := w.wantOutcome(t, spec, Ambiguous); len(got.Existing) != 2 {
		t.Errorf("rules and fields: %+v", got)
	}
	spec.IgnoreRules = true
	if got := w.wantOutcome(t, spec, Existing); got.Record.ID != byField.ID || len(got.Existing) != 1 {
		t.Errorf("fields alone: %+v", got)
	}
	spec.IgnoreRules, spec.MatchOn = false, nil
	if got := w.wantOutcome(t, spec, Existing); got.Record.ID != byRule.ID {
		t.Errorf("rules alone: %+v", got)
	}
	spec.IgnoreRules, spec.MatchOn, spec.Fields["mobilephone"] = true, []string{"mobilephone"}, "+49 30 4"
	if got := w.wantOutcome(t, spec, Created); len(got.Warnings) > 0 {
		t.Errorf("a creation that no field matches and whose rules are ignored: %+v", got)
	}
}

func testMatchOnWithoutAValueIsTold(t *testing.T, w world) {
	got := w.wantOutcome(t, CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "X", "mobilephone": "{{ moblie }}"}, MatchOn: []string{"mobilephone"}, OnDuplicate: UpdateExisting, IgnoreRules: true,
	}, Created)
	if len(got.Warnings) != 1 || got.Warnings[0].Code != DuplicateRuleNotApplied || got.Warnings[0].Field != "fields.mobilephone" {
		t.Errorf("warnings %+v", got.Warnings)
	}
}

func testMatchOnFaults(t *testing.T, w world) {
	fields := map[string]any{"lastname": "X", "mobilephone": "1"}
	for name, test := range map[string]struct {
		spec   CreateRecord
		field  string
		reason input.Reason
	}{
		"with CREATE_DUPLICATE":       {CreateRecord{MatchOn: []string{"lastname"}, OnDuplicate: CreateDuplicate}, "match_on", input.InvalidRequest},
		"neither rules nor fields":    {CreateRecord{IgnoreRules: true}, "ignore_duplicate_rules", input.InvalidRequest},
		"an unknown field":            {CreateRecord{MatchOn: []string{"lastname", "mobliephone"}}, "match_on[1]", input.InvalidField},
		"a field that is not given":   {CreateRecord{MatchOn: []string{"emailaddress1"}}, "match_on[0]", input.InvalidField},
		"a field that never compares": {CreateRecord{MatchOn: []string{"lastonholdtime"}}, "match_on[0]", input.InvalidField},
	} {
		test.spec.Entity, test.spec.Fields = "contact", fields
		_, err := w.CreateRecord(t.Context(), test.spec)
		var refused *input.Error
		if !errors.As(err, &refused) || len(refused.Faults) != 1 || refused.Faults[0].Field != test.field || refused.Faults[0].Reason != test.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testMatchOnRepeatIsAlreadyCreated(t *testing.T, w world) {
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Again", "mobilephone": "+49 30 5"}, MatchOn: []string{"mobilephone"}, OnDuplicate: UpdateExisting, RequestID: "match again"}
	first := w.wantOutcome(t, spec, Created)
	if again := w.wantOutcome(t, spec, AlreadyCreated); again.Record.ID != first.Record.ID {
		t.Errorf("%+v", again)
	}
}

func testEveryTypeIsCompared(t *testing.T, w world) {
	fields := map[string]any{
		"name": "Every Type Ltd", "numberofemployees": "1200", "revenue": "98765432109876.50", "address1_latitude": "-0.25", "industrycode": "Accounting",
		"creditonhold": "yes", "description": "a\nb 😀", "accountcategorycode": nil, "lastonholdtime": "2026-05-17T15:30:00+02:00",
		"ownerid": map[string]any{"entity": "team", "name": "Escalations"}, "statuscode": "Active",
	}
	spec := CreateRecord{Entity: "account", Fields: fields, MatchOn: []string{"name"}, OnDuplicate: UpdateExisting}
	first := w.wantOutcome(t, spec, Created)
	w.wantOutcome(t, spec, Unchanged)
	fields["revenue"], fields["lastonholdtime"], fields["description"] = "98765432109876.51", "2026-05-17T15:30:01+02:00", ""
	fields["ownerid"] = "tomas.ferreira@harborlights.example.com"
	w.wantOutcome(t, spec, Updated)
	w.wantValues(t, *first.Record, map[string]any{"lastonholdtime": "2026-05-17T13:30:01Z", "description": nil})
	w.wantOutcome(t, spec, Unchanged)

	item := CreateRecord{Entity: "msdyn_ocliveworkitem", Fields: map[string]any{"subject": "Every type", "msdyn_channel": []any{"Entity Records"}}, MatchOn: []string{"subject"}, OnDuplicate: FillExisting}
	w.wantOutcome(t, item, Created)
	w.wantOutcome(t, item, Unchanged)
}

func testStateOfAnExistingRecord(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "State", "mobilephone": "+49 30 6", "statuscode": "Inactive"})
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "State", "mobilephone": "+49 30 6", "statuscode": "Active"}, MatchOn: []string{"mobilephone"}, OnDuplicate: UpdateExisting}
	w.wantOutcome(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"statecode": 0, "statuscode": 1})
	spec.Fields["statuscode"] = "Inactive"
	w.wantOutcome(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"statecode": 1, "statuscode": 2})
	w.wantOutcome(t, spec, Unchanged)
}

// testManyMergesLoseNoChange: many fill different fields of one record at once, and every one of them arrives.
func testManyMergesLoseNoChange(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Many", "mobilephone": "+49 30 7"})
	fields := []string{"jobtitle", "department", "description", "address1_city", "address1_line1", "telephone1"}
	var group sync.WaitGroup
	for _, field := range fields {
		group.Go(func() {
			for _, value := range []string{field, "a later one"} {
				got, err := w.CreateRecord(t.Context(), CreateRecord{
					Entity: "contact", Fields: map[string]any{"lastname": "Many", "mobilephone": "+49 30 7", field: value}, MatchOn: []string{"mobilephone"}, OnDuplicate: FillExisting, IgnoreRules: true,
				})
				if err != nil || got.Outcome != Updated && got.Outcome != Unchanged {
					t.Errorf("%s: %+v, %v", field, got, err)
				}
			}
		})
	}
	group.Wait()
	want := map[string]any{}
	for _, field := range fields {
		want[field] = field
	}
	w.wantValues(t, first, want)
}

func testValidateOnlyListsTheMerge(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Plan", "emailaddress1": "plan.merge@example.com"})
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Plan", "emailaddress1": "plan.merge@example.com", "jobtitle": "Planner"}, OnDuplicate: UpdateExisting, ValidateOnly: true}
	byRule := w.wantOutcome(t, spec, "")
	last := byRule.Requests[len(byRule.Requests)-1]
	if last.Method != http.MethodPatch || !strings.Contains(last.URL, anyRecordShown) || last.Condition == "" || last.Body["jobtitle"] != "Planner" || byRule.Requests[0].Method != http.MethodPost {
		t.Errorf("by rule: %+v", byRule.Requests)
	}
	spec.MatchOn = []string{"emailaddress1"}
	byField := w.wantOutcome(t, spec, "")
	last = byField.Requests[len(byField.Requests)-1]
	if last.Method != http.MethodPatch || !strings.Contains(last.URL, first.ID) || last.Condition != "" {
		t.Errorf("by field: %+v", byField.Requests)
	}
	if diff := cmp.Diff(map[string]any{"jobtitle": "Planner"}, last.Body); diff != "" {
		t.Errorf("the change, -want +got:\n%s", diff)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": nil})
}

func testCreationsOfNoneExistingAreStillCreated(t *testing.T, w world) {
	for _, onDuplicate := range []OnDuplicate{UseExisting, UpdateExisting, FillExisting} {
		email := fmt.Sprintf("none%d@example.com", onDuplicate)
		got := w.wantOutcome(t, CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "None", "emailaddress1": email}, OnDuplicate: onDuplicate}, Created)
		if len(got.Existing) > 0 || len(got.Warnings) > 0 {
			t.Errorf("%+v", got)
		}
	}
}

// existing is a merge into a contact that is made for it.
func (w world) existing(t *testing.T, mobile string, onDuplicate OnDuplicate) (Record, CreateRecord) {
	t.Helper()
	first := w.make(t, map[string]any{"lastname": "Disturbed", "mobilephone": mobile})
	return first, CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "Disturbed", "mobilephone": mobile, "jobtitle": "Ours", "department": "Ours"},
		MatchOn: []string{"mobilephone"}, OnDuplicate: onDuplicate, IgnoreRules: true,
	}
}

func testChangeInBetweenIsSeen(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 1", FillExisting)
	var done atomic.Bool
	w.wire.hook(func(request string) {
		if strings.HasPrefix(request, "PATCH ") && done.CompareAndSwap(false, true) {
			w.change(t, first, dataverse.Fields{"jobtitle": "Theirs"})
		}
	})
	w.wantOutcome(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"jobtitle": "Theirs", "department": "Ours"})
}

func testLostAnswerOfAMergeIsReadBack(t *testing.T, w world) {
	for name, fault := range map[string]local.Fault{"after": {DropAfterCommit: true}, "before": {DropBefore: true}} {
		first, spec := w.existing(t, "+49 31 2 "+name, UpdateExisting)
		fault.Method, fault.Path, fault.Times = http.MethodPatch, "/contacts", 1
		w.server.SetFaults([]local.Fault{fault})
		w.wantOutcome(t, spec, Updated)
		w.wantValues(t, first, map[string]any{"jobtitle": "Ours"})
	}
}

func testMergeWithoutAnAnswerIsInDoubt(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 3", UpdateExisting)
	w.server.SetFaults([]local.Fault{{Method: http.MethodPatch, Path: "/contacts", DropBefore: true}})
	if got := w.wantOutcome(t, spec, InDoubt); got.Record == nil || got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
}

func testEndlessChangesAreAnError(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 4", UpdateExisting)
	var changes atomic.Int64
	w.wire.hook(func(request string) {
		if strings.HasPrefix(request, "PATCH ") && changes.Add(1)%2 == 1 { // not for the change itself
			w.change(t, first, dataverse.Fields{"description": fmt.Sprint(changes.Load())})
		}
	})
	_, err := w.CreateRecord(t.Context(), spec)
	if !errors.Is(err, dataverse.ErrRefused) || !strings.Contains(err.Error(), "changed by others") {
		t.Errorf("%v", err)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": nil})
}

func testDeletedInBetweenIsMadeAnew(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 5", UpdateExisting)
	e, err := w.client(t).Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	w.wire.hook(func(request string) {
		if strings.HasPrefix(request, "PATCH ") && done.CompareAndSwap(false, true) {
			if err := w.client(t).DeleteRecord(context.Background(), e, dataverse.ID(first.ID)); err != nil {
				t.Error(err)
			}
		}
	})
	if got := w.wantOutcome(t, spec, Created); got.Record.ID == first.ID {
		t.Errorf("%+v", got)
	}
}

func testEntityWithoutVersionsIsToldOf(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 6", UpdateExisting)
	w.wire.answer("PATCH /contacts("+first.ID+")", http.StatusBadRequest, nil, refusalBody("0x8006088D"))
	if got := w.wantOutcome(t, spec, Updated); !slices.Equal(warningCodes(got), []WarningCode{VersionNotChecked}) {
		t.Errorf("%+v", got)
	}
}

func testUnreadableAfterAMergeIsAWarning(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 31 7", UpdateExisting)
	spec.Save, spec.SaveDefaults = map[string]string{"title": "jobtitle", "id": "@id"}, map[string]any{"title": "unknown"}
	w.untold(t)
	w.server.SetFaults([]local.Fault{{Method: http.MethodGet, Path: "/contacts(", Skip: 1, Status: http.StatusForbidden}})
	got := w.wantOutcome(t, spec, Updated)
	if !slices.Equal(warningCodes(got), []WarningCode{SaveNotReadable}) || got.Variables["title"] != "unknown" || got.Variables["id"] != first.ID {
		t.Errorf("%+v", got)
	}
}
