package actions

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// TestUpdateRecord holds what changes do, side by side.
func TestUpdateRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"ByID":                               testUpdateByID,
		"ByReferenceOfAnotherAction":         testUpdateByReference,
		"ByWhere":                            testUpdateByWhere,
		"NeverCreates":                       testUpdateNeverCreates,
		"FillBlanks":                         testUpdateFillsBlanks,
		"ClearsAndKeeps":                     testUpdateClearsAndKeeps,
		"StatesAndClosings":                  testUpdateStates,
		"AllFaultsAtOnce":                    testUpdateTellsAllFaults,
		"WhichRecordIsSaidOnce":              testWhichRecordIsSaidOnce,
		"ValidateOnlyWritesNothing":          testUpdateValidateOnly,
		"UpsertMakesOrChanges":               testUpsertMakesOrChanges,
		"UpsertByID":                         testUpsertByID,
		"UpsertNeedsWhatACreationNeeds":      testUpsertNeedsWhatACreationNeeds,
		"UpsertMeetsDuplicates":              testUpsertMeetsDuplicates,
		"UpsertSeveralAreAmbiguous":          testUpsertSeveralAreAmbiguous,
		"UpsertValidateOnlyWritesNothing":    testUpsertValidateOnly,
		"UpsertOfWhatIsMadeMeanwhileChanges": testUpsertRace,
	})
}

// TestUpdateRecordDisturbed holds what makes the environment misbehave: one after the other.
func TestUpdateRecordDisturbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inTurn(t, []disturbance{
		{"ChangeInBetweenIsSeen", testUpdateSeesAChangeInBetween},
		{"LostAnswers", testUpdateLostAnswers},
		{"ByAlternateKey", testUpdateByAlternateKey},
	})
}

func (w world) wantUpdate(t *testing.T, spec UpdateRecord, want Outcome) Result {
	t.Helper()
	got, err := w.UpdateRecord(t.Context(), spec)
	if err != nil || got.Outcome != want {
		t.Fatalf("%+v, %v; want %s", got, err, want)
	}
	return got
}

func (w world) wantUpsert(t *testing.T, spec UpsertRecord, want Outcome) Result {
	t.Helper()
	got, err := w.UpsertRecord(t.Context(), spec)
	if err != nil || got.Outcome != want {
		t.Fatalf("%+v, %v; want %s", got, err, want)
	}
	return got
}

func testUpdateByID(t *testing.T, w world) {
	first := w.make(t, map[string]any{"firstname": "By", "lastname": "Eye Dee", "jobtitle": "Clerk"})
	spec := UpdateRecord{
		Entity: "contact", RecordID: "{" + strings.ToUpper(first.ID) + "}", Fields: map[string]any{"jobtitle": "{{ job }}", "department": "{{ nope }}"},
		Variables: map[string]any{"job": "Boss", "name": "the customer before"}, Save: map[string]string{"id": "@id", "name": "fullname", "job_now": "jobtitle"},
	}
	got := w.wantUpdate(t, spec, Updated)
	want := map[string]any{"job": "Boss", "id": first.ID, "name": "By Eye Dee", "job_now": "Boss"}
	if diff := cmp.Diff(want, got.Variables); diff != "" || got.Record.Name != "By Eye Dee" || got.Record.URL == "" || !slices.Equal(got.Omitted, []string{"department"}) {
		t.Errorf("%+v, variables -want +got:\n%s", got, diff)
	}
	w.wantUpdate(t, spec, Unchanged)
}

func testUpdateByReference(t *testing.T, w world) {
	made, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Reference"}, Save: map[string]string{"caller": "@record"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{{ caller }}", "{{ caller.id }}"} {
		spec := UpdateRecord{Entity: "contact", RecordID: text, Fields: map[string]any{"jobtitle": "Referred to"}, Variables: made.Variables}
		if got, err := w.UpdateRecord(t.Context(), spec); err != nil || got.Record.ID != made.Record.ID {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	var refused *input.Error
	_, err = w.UpdateRecord(t.Context(), UpdateRecord{Entity: "account", RecordID: "{{ caller }}", Fields: map[string]any{"name": "X"}, Variables: made.Variables})
	if !errors.As(err, &refused) || refused.Faults[0].Field != "record_id" || refused.Faults[0].Reason != input.InvalidValue {
		t.Errorf("a reference to another entity: %v", err)
	}
}

func testUpdateByWhere(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Where", "mobilephone": "+49 32 1"})
	second := w.make(t, map[string]any{"lastname": "Where", "mobilephone": "+49 32 1"})
	spec := UpdateRecord{Entity: "contact", Where: map[string]any{"mobilephone": "{{ phone }}"}, Variables: map[string]any{"phone": "+49 32 1"}, Fields: map[string]any{"jobtitle": "Found"}, Save: map[string]string{"id": "@id"}}
	got := w.wantUpdate(t, spec, Ambiguous)
	if len(got.Candidates) != 2 || got.Record != nil || got.Variables["id"] != nil {
		t.Errorf("%+v", got)
	}
	spec.UseFirst = true
	if got := w.wantUpdate(t, spec, Updated); got.Record.ID != first.ID || len(got.OrderedBy) != 3 {
		t.Errorf("%+v; want the oldest", got)
	}
	spec.OrderBy, spec.Fields = []string{"createdon desc"}, map[string]any{"jobtitle": "Youngest"}
	if got := w.wantUpdate(t, spec, Updated); got.Record.ID != second.ID {
		t.Errorf("%+v; want the youngest", got)
	}
	spec.Variables = nil
	var refused *input.Error
	if _, err := w.UpdateRecord(t.Context(), spec); !errors.As(err, &refused) || refused.Faults[0].Reason != input.VariableUnset || refused.Faults[0].Field != "where.mobilephone" {
		t.Errorf("a variable that is not set: %v; must never match all", err)
	}
}

// testUpdateNeverCreates is what a PATCH does without If-Match.
func testUpdateNeverCreates(t *testing.T, w world) {
	id := "11111111-2222-4333-8444-555555555555"
	spec := UpdateRecord{
		Entity: "contact", RecordID: id, Fields: map[string]any{"lastname": "Nobody", "emailaddress1": "never@example.com"},
		Save: map[string]string{"id": "@id", "name": "fullname"}, SaveDefaults: map[string]any{"name": "friend"}, Variables: map[string]any{"id": "old"},
	}
	got := w.wantUpdate(t, spec, NotMatched)
	if got.Record != nil || got.Variables["id"] != nil || got.Variables["name"] != "friend" {
		t.Errorf("%+v", got)
	}
	spec.RecordID, spec.Where = "", map[string]any{"emailaddress1": "never@example.com"}
	w.wantUpdate(t, spec, NotMatched)
	if n := w.count(t, "contact", "emailaddress1", "never@example.com"); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func testUpdateFillsBlanks(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Blank", "jobtitle": "Clerk"})
	spec := UpdateRecord{Entity: "contact", RecordID: first.ID, Merge: FillBlanks, Fields: map[string]any{"lastname": nil, "jobtitle": "Boss", "department": "Sales"}}
	w.wantUpdate(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"lastname": "Blank", "jobtitle": "Clerk", "department": "Sales"})
	w.wantUpdate(t, spec, Unchanged)
}

func testUpdateClearsAndKeeps(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Clear", "jobtitle": "Clerk", "department": "Kept", "parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}})
	spec := UpdateRecord{Entity: "contact", RecordID: first.ID, Fields: map[string]any{"jobtitle": nil, "parentcustomerid": nil, "creditlimit": nil}}
	w.wantUpdate(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"jobtitle": nil, "department": "Kept", "_parentcustomerid_value": nil})
	w.wantUpdate(t, spec, Unchanged)
	var refused *input.Error
	spec.Fields = map[string]any{"lastname": "  "}
	if _, err := w.UpdateRecord(t.Context(), spec); !errors.As(err, &refused) || refused.Faults[0].Reason != input.MissingRequired {
		t.Errorf("a required field cleared: %v", err)
	}
}

func testUpdateStates(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "States"})
	for _, test := range []struct {
		fields map[string]any
		state  int
	}{{map[string]any{"statuscode": "Inactive"}, 1}, {map[string]any{"statuscode": "Active"}, 0}, {map[string]any{"statecode": "Inactive"}, 1}} {
		w.wantUpdate(t, UpdateRecord{Entity: "contact", RecordID: first.ID, Fields: test.fields}, Updated)
		w.wantValues(t, first, map[string]any{"statecode": test.state, "statuscode": test.state + 1})
	}
	_, err := w.UpdateRecord(t.Context(), UpdateRecord{Entity: "incident", RecordID: first.ID, Fields: map[string]any{"statuscode": "Problem Solved"}})
	var refused *input.Error
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "CloseIncident") || strings.Contains(err.Error(), "create it open") {
		t.Errorf("a case closed through its fields: %v", err)
	}
}

func testUpdateTellsAllFaults(t *testing.T, w world) {
	_, err := w.UpdateRecord(t.Context(), UpdateRecord{
		Entity: "contact", Where: map[string]any{"emailadress1": "x", "lastname": ""}, OrderBy: []string{"nope"}, TimeZone: "Mars/Base",
		Fields: map[string]any{"contactid": someID, "createdon": "2026-01-01T00:00:00Z", "birthdate": "soon", "jobtitel": "x"}, Save: map[string]string{"x": "nosuchfield"},
	})
	var refused *input.Error
	if !errors.As(err, &refused) {
		t.Fatalf("%v", err)
	}
	got := map[string]input.Reason{}
	for _, f := range refused.Faults {
		got[f.Field] = f.Reason
	}
	want := map[string]input.Reason{
		"where.emailadress1": input.InvalidField, "where.lastname": input.InvalidValue, "order_by[0]": input.InvalidField, "time_zone": input.InvalidRequest, "save.x": input.InvalidField,
		"fields.contactid": input.InvalidField, "fields.createdon": input.InvalidField, "fields.birthdate": input.InvalidValue, "fields.jobtitel": input.InvalidField,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func testWhichRecordIsSaidOnce(t *testing.T, w world) {
	fields := map[string]any{"jobtitle": "X"}
	for name, test := range map[string]struct {
		spec   UpdateRecord
		field  string
		reason input.Reason
	}{
		"not at all":              {UpdateRecord{}, "record_id", input.InvalidRequest},
		"twice":                   {UpdateRecord{RecordID: someID, Where: map[string]any{"lastname": "X"}}, "record_id", input.InvalidRequest},
		"by no ID":                {UpdateRecord{RecordID: "C-1001"}, "record_id", input.InvalidValue},
		"by an unset variable":    {UpdateRecord{RecordID: "{{ nope }}"}, "record_id", input.VariableUnset},
		"by a null variable":      {UpdateRecord{RecordID: "{{ id }}", Variables: map[string]any{"id": nil}}, "record_id", input.VariableUnset},
		"by a key that is not":    {UpdateRecord{Key: map[string]any{"emailaddress1": "x"}}, "key", input.InvalidField},
		"by a bad template":       {UpdateRecord{RecordID: "{{ id"}, "record_id", input.BadTemplate},
		"by an object of nothing": {UpdateRecord{RecordID: "{{ o }}", Variables: map[string]any{"o": map[string]any{"x": 1.0}}}, "record_id", input.InvalidValue},
	} {
		test.spec.Entity, test.spec.Fields = "contact", fields
		_, err := w.UpdateRecord(t.Context(), test.spec)
		var refused *input.Error
		if !errors.As(err, &refused) || len(refused.Faults) != 1 || refused.Faults[0].Field != test.field || refused.Faults[0].Reason != test.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testUpdateValidateOnly(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Validate", "mobilephone": "+49 32 2"})
	spec := UpdateRecord{Entity: "contact", Where: map[string]any{"mobilephone": "+49 32 2"}, Fields: map[string]any{"lastname": "Validate", "jobtitle": "Planned"}, ValidateOnly: true}
	got := w.wantUpdate(t, spec, "")
	var listed []string
	for _, r := range got.Requests {
		listed = append(listed, r.Method)
	}
	last := got.Requests[len(got.Requests)-1]
	if !slices.Equal(listed, []string{"GET", "GET", "PATCH"}) || !strings.Contains(last.URL, first.ID) || last.Header["If-Match"] == "" || last.Header["If-Match"] == "*" {
		t.Errorf("requests %+v", got.Requests)
	}
	if diff := cmp.Diff(map[string]any{"jobtitle": "Planned"}, last.Body); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": nil})
}

func testUpsertMakesOrChanges(t *testing.T, w world) {
	spec := UpsertRecord{UpdateRecord: UpdateRecord{
		Entity: "contact", Where: map[string]any{"mobilephone": "{{ phone }}", "statecode": "Active", "jobtitle": nil}, Variables: map[string]any{"phone": "+49 33 1"},
		Fields: map[string]any{"lastname": "Upsert", "department": "One"}, Save: map[string]string{"id": "@id", "phone_now": "mobilephone"},
	}}
	first := w.wantUpsert(t, spec, Created)
	if first.Variables["phone_now"] != "+49 33 1" {
		t.Errorf("%+v; want a record that the next call finds", first)
	}
	w.wantUpsert(t, spec, Unchanged)
	spec.Fields["department"] = "Two"
	if got := w.wantUpsert(t, spec, Updated); got.Record.ID != first.Record.ID || got.Variables["id"] != first.Record.ID {
		t.Errorf("%+v", got)
	}
	if n := w.count(t, "contact", "mobilephone", "+49 33 1"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func testUpsertByID(t *testing.T, w world) {
	const id = "a1111111-2222-4333-8444-555555555555"
	spec := UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", RecordID: id, Fields: map[string]any{"lastname": "Chosen"}}}
	if got := w.wantUpsert(t, spec, Created); got.Record.ID != id {
		t.Errorf("%+v", got)
	}
	w.wantUpsert(t, spec, Unchanged)
	spec.Fields["lastname"] = "Chosen again"
	w.wantUpsert(t, spec, Updated)
}

func testUpsertNeedsWhatACreationNeeds(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "There", "mobilephone": "+49 33 2"})
	spec := UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"mobilephone": "+49 33 2"}, Fields: map[string]any{"jobtitle": "Part"}}}
	if got := w.wantUpsert(t, spec, Updated); got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
	spec.Where["mobilephone"] = "+49 33 3"
	var refused *input.Error
	if _, err := w.UpsertRecord(t.Context(), spec); !errors.As(err, &refused) || refused.Faults[0].Reason != input.MissingRequired || refused.Faults[0].Field != "fields.lastname" {
		t.Errorf("a record to be made without what it needs: %v", err)
	}
	if n := w.count(t, "contact", "mobilephone", "+49 33 3"); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func testUpsertMeetsDuplicates(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Rule", "emailaddress1": "upsert@example.com"})
	spec := UpsertRecord{UpdateRecord: UpdateRecord{
		Entity: "contact", Where: map[string]any{"mobilephone": "+49 33 4"}, Fields: map[string]any{"lastname": "Rule", "emailaddress1": "upsert@example.com"},
	}}
	if got := w.wantUpsert(t, spec, Duplicate); len(got.Existing) != 1 || got.Existing[0].ID != first.ID {
		t.Errorf("%+v", got)
	}
	spec.OnDuplicate = UpdateExisting
	if got := w.wantUpsert(t, spec, Updated); got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
	w.wantUpsert(t, spec, Unchanged) // it has the phone number by now, and is found by that
}

func testUpsertSeveralAreAmbiguous(t *testing.T, w world) {
	for range 2 {
		w.make(t, map[string]any{"lastname": "Several", "mobilephone": "+49 33 5"})
	}
	spec := UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"mobilephone": "+49 33 5"}, Fields: map[string]any{"lastname": "Several"}}}
	if got := w.wantUpsert(t, spec, Ambiguous); len(got.Candidates) != 2 {
		t.Errorf("%+v", got)
	}
	spec.UseFirst = true
	w.wantUpsert(t, spec, Unchanged)
}

func testUpsertValidateOnly(t *testing.T, w world) {
	spec := UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"mobilephone": "+49 33 6"}, Fields: map[string]any{"lastname": "Planned"}, ValidateOnly: true}}
	got := w.wantUpsert(t, spec, "")
	if len(got.Requests) < 3 || got.Requests[0].Method != http.MethodGet || got.Requests[1].Method != http.MethodPost || got.Requests[1].Body["contactid"] != newIDShown || got.Requests[1].Body["mobilephone"] != "+49 33 6" {
		t.Errorf("requests %+v", got.Requests)
	}
	if n := w.count(t, "contact", "mobilephone", "+49 33 6"); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

// testUpsertRace: many upserts of one ID at once make one record, and the last value of each field is one that was given.
func testUpsertRace(t *testing.T, w world) {
	const id = "b1111111-2222-4333-8444-555555555555"
	var mu sync.Mutex
	outcomes := map[Outcome]int{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			got, err := w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", RecordID: id, Fields: map[string]any{"lastname": "Race", "jobtitle": fmt.Sprint(i)}}})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[got.Outcome]++
		})
	}
	group.Wait()
	if outcomes[Created] != 1 || outcomes[Updated]+outcomes[Unchanged] != 7 {
		t.Errorf("outcomes %v; want one CREATED, and changes", outcomes)
	}
}

func testUpdateSeesAChangeInBetween(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Between"})
	done := false
	w.wire.hook(func(request string) {
		if strings.HasPrefix(request, "PATCH ") && !done {
			done = true
			w.change(t, first, dataverse.Fields{"jobtitle": "Theirs"})
		}
	})
	w.wantUpdate(t, UpdateRecord{Entity: "contact", RecordID: first.ID, Merge: FillBlanks, Fields: map[string]any{"jobtitle": "Ours", "department": "Ours"}}, Updated)
	w.wantValues(t, first, map[string]any{"jobtitle": "Theirs", "department": "Ours"})
}

func testUpdateLostAnswers(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Lost"})
	spec := UpdateRecord{Entity: "contact", RecordID: first.ID, Fields: map[string]any{"jobtitle": "A"}}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPatch, Path: "/contacts", Times: 1, DropAfterCommit: true}})
	w.wantUpdate(t, spec, Updated)
	spec.Fields["jobtitle"] = "B"
	w.server.SetFaults([]local.Fault{{Method: http.MethodPatch, Path: "/contacts", DropBefore: true}})
	if got := w.wantUpdate(t, spec, InDoubt); got.Record == nil || got.Record.ID != first.ID {
		t.Errorf("%+v", got)
	}
}

// testUpdateByAlternateKey gives the remembered metadata a key that the local Dataverse does not have: it is a matter of the
// search alone.
func testUpdateByAlternateKey(t *testing.T, w world) {
	client := w.client(t)
	e, err := client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	keyed := *e
	keyed.Keys = []schema.Key{{Name: "new_mail", Fields: []string{"lastname", "emailaddress1"}}}
	first := w.make(t, map[string]any{"lastname": "O'Key & Sons", "emailaddress1": "a/b+c@key.example.com"})
	key := map[string]any{"EmailAddress1": "{{ mail }}", "lastname": "O'Key & Sons"}
	c := &change{
		spec:    UpdateRecord{Entity: "contact", Key: key, Fields: map[string]any{"jobtitle": "Keyed"}, Variables: map[string]any{"mail": "a/b+c@key.example.com"}},
		purpose: toChange, runtime: w.Runtime, client: client, entity: &keyed, plan: newPlan(false),
	}
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := odata.FormatFilter(c.target.query.Filter); !strings.Contains(text, "'O''Key & Sons'") {
		t.Errorf("the filter is %s", text)
	}
	got, err := c.run(t.Context())
	if err != nil || got.Outcome != Updated || got.Record.ID != first.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if faults := checkKey(&keyed, map[string]any{"lastname": nil, "emailaddress1": "x"}); len(faults) != 1 || faults[0].Field != "key.lastname" {
		t.Errorf("a key of null: %+v", faults)
	}
	if faults := checkKey(&keyed, map[string]any{"lastname": "x"}); len(faults) != 1 || len(faults[0].Allowed) != 1 {
		t.Errorf("a part of a key: %+v", faults)
	}
}
