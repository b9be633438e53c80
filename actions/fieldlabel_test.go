package actions

import (
	"maps"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
)

// TestLabelsNameFieldsEverywhere: a request may name fields by their labels in every member, and says so where it is explained.
func TestLabelsNameFieldsEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := CreateRecord{
		Entity: "contact", MatchOn: []string{"Last Name", "JOB TITLE"}, Variables: map[string]any{"job": "Labeller"}, IgnoreRules: true,
		Fields: map[string]any{
			"Last Name": "Labelled", "job title": "{{ job }}", "Preferred Method of  Contact": "Email", "Company Name": map[string]any{"entity": "account", "where": map[string]any{"Account Name": demoAccount}},
		},
		Save: map[string]string{"job": "Job Title", "how": "Preferred Method of Contact@formatted"},
	}
	created := w.wantOutcome(t, made, Created)
	if got := created.Variables; got["job"] != "Labeller" || got["how"] != "Email" {
		t.Errorf("saved by labels: %v", got)
	}
	w.wantOutcome(t, made, Duplicate)
	found := w.find(t, FindRecord{
		Entity: "contact", Where: map[string]any{"Last Name": "labelled", "Company Name": map[string]any{"entity": "account", "name": demoAccount}},
		Conditions: []Condition{{Field: "Job Title", Operator: "begins_with", Value: "Lab"}}, OrderBy: []string{"Created On desc"},
		Save: map[string]string{"company": "Company Name@formatted"},
	})
	if found.Outcome != Matched || found.Record.ID != created.Record.ID || found.OrderedBy[0] != "createdon desc" || found.Variables["company"] != demoAccount {
		t.Errorf("found by labels: %+v", found)
	}
	w.wantUpdate(t, UpdateRecord{Entity: "contact", Where: map[string]any{"Last Name": "Labelled"}, Fields: map[string]any{"Job Title": "Chief"}}, Updated)
	upsert := UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"Last Name": "Labelled Anew"}, Fields: map[string]any{"Job Title": "Chief"}}}
	w.wantUpsert(t, upsert, Created)
	w.wantUpsert(t, upsert, Unchanged)
}

// TestLabelsAreExplained: what a label was taken for stands before the reason of its value, and of a secret too.
func TestLabelsAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", ValidateOnly: true, Fields: map[string]any{"Last Name": "X", "firstname": "Y"}})
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, c := range got.Explanation.Conversions {
		reasons[c.Field] = c.Reason
	}
	want := map[string]string{"fields.Last Name": `"Last Name" is the label of lastname; text, as given`, "fields.firstname": "text, as given"}
	if !maps.Equal(reasons, want) {
		t.Errorf("the reasons are %v, want %v", reasons, want)
	}
	searched, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", ValidateOnly: true, Where: map[string]any{"Last Name": "X"}, Conditions: []Condition{{Field: "First Name", Operator: "ne", Value: "Y"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range searched.Explanation.Conversions {
		if !strings.Contains(c.Reason, "is the label of") {
			t.Errorf("%s: %q, want the label told", c.Field, c.Reason)
		}
	}
}

// TestLabelFaults: a field is named once however it is named, and a fault stands where the request wrote it.
func TestLabelFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twice := "is given twice"
	for name, test := range map[string]struct {
		call  func() (Result, error)
		where string
		says  string
	}{
		"fields twice": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "A", "Last Name": "B"}})
		}, "fields.lastname", twice},
		"where twice": {func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "A", "Last Name": "B"}})
		}, "where.lastname", twice},
		"match_on twice": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "A"}, MatchOn: []string{"lastname", "Last Name"}})
		}, "match_on[1]", twice},
		"a label of two fields": {func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "incident", Where: map[string]any{"contact": "A"}})
		}, "where.contact", "contactid, primarycontactid"},
		"what cannot be written": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "A", "Created On": "2026-01-01T00:00:00Z"}})
		}, "fields.Created On", "cannot be written"},
		"a value": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "A", "Birthday": "soon"}})
		}, "fields.Birthday", "soon"},
		"required and blank": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"Last Name": " "}})
		}, "fields.Last Name", "required"},
		"closed": {func() (Result, error) {
			return w.UpdateRecord(t.Context(), UpdateRecord{Entity: "incident", Where: map[string]any{"Case Title": "x"}, Fields: map[string]any{"Status Reason": "Problem Solved"}})
		}, "fields.Status Reason", "CloseIncident"},
		"saved": {func() (Result, error) {
			return w.FindRecord(t.Context(), FindRecord{Entity: "incident", Where: map[string]any{"title": "x"}, Save: map[string]string{"a": "Contact"}})
		}, "save.a", "several fields"},
	} {
		_, err := test.call()
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Field != test.where || !strings.Contains(faults[0].Message, test.says) {
			t.Errorf("%s: %v, want one fault at %s that says %q", name, err, test.where, test.says)
		}
	}
}
