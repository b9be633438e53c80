package actions

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplanationTellsTheRulesThatApply: which duplicate rules stand over a creation, and which of them can find nothing.
func TestExplanationTellsTheRulesThatApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	fields := map[string]any{"lastname": "X", "emailaddress1": "{{ mail }}"}
	explained := func(spec CreateRecord) []DuplicateRule {
		spec.Entity, spec.Fields, spec.ValidateOnly = "contact", fields, true
		got, err := w.CreateRecord(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Explanation.DuplicateRules {
			got.Explanation.DuplicateRules[i].ID = ""
		}
		return got.Explanation.DuplicateRules
	}
	mail := []string{"emailaddress1"}
	want := []DuplicateRule{
		{Name: "Contacts and leads", MatchingEntity: "lead", Fields: mail, CanApply: true},
		{Name: sameMail, MatchingEntity: "contact", Fields: mail, CanApply: true},
	}
	if diff := cmp.Diff(want, explained(CreateRecord{Variables: map[string]any{"mail": "a@example.com"}})); diff != "" {
		t.Errorf("with a value (-want +got):\n%s", diff)
	}
	for i := range want {
		want[i].CanApply, want[i].WithoutValue = false, mail
	}
	for name, variables := range map[string]map[string]any{"unset": nil, "null": {"mail": nil}, "blank": {"mail": " "}} {
		if diff := cmp.Diff(want, explained(CreateRecord{Variables: variables})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := explained(CreateRecord{OnDuplicate: CreateDuplicate}); len(got) > 0 {
		t.Errorf("rules that are not asked are told: %+v", got)
	}
	upsert, err := w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{
		Entity: "contact", Where: map[string]any{"emailaddress1": "nobody@example.com"}, Fields: map[string]any{"lastname": "X"}, ValidateOnly: true,
	}})
	if err != nil || len(upsert.Explanation.DuplicateRules) != 2 || !upsert.Explanation.DuplicateRules[0].CanApply {
		t.Errorf("an upsert that would create: %+v, %v", upsert.Explanation, err)
	}
}

// TestExplanationTellsThePrivileges: the rights that the planned requests need, whatever the action.
func TestExplanationTellsThePrivileges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.make(t, map[string]any{"lastname": "Customer", "emailaddress1": "customer@example.com"})
	privileges := func(got Result, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got.Explanation.Privileges
	}
	tests := map[string]struct {
		got  []string
		want []string
	}{
		"create": {
			privileges(w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", ValidateOnly: true, Fields: map[string]any{
				"lastname": "X", "emailaddress1": "x@example.com", "parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}, "ownerid": "tomas.ferreira@harborlights.example.com",
			}})),
			[]string{"prvAppendContact", "prvAppendToAccount", "prvAssignContact", "prvCreateContact", "prvReadAccount", "prvReadContact", "prvReadUser"},
		},
		"create an activity": {
			privileges(w.CreateRecord(t.Context(), CreateRecord{Entity: "task", ValidateOnly: true, Fields: map[string]any{"subject": "X", "regardingobjectid": map[string]any{"entity": "contact", "id": customer.ID}}})),
			[]string{"prvAppendActivity", "prvAppendToContact", "prvCreateActivity", "prvReadActivity"},
		},
		"create in a state": {
			privileges(w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", ValidateOnly: true, OnDuplicate: CreateDuplicate, Fields: map[string]any{"lastname": "X", "statuscode": "Inactive"}})),
			[]string{"prvCreateContact", "prvReadContact", "prvWriteContact"},
		},
		"create a note": {
			privileges(w.CreateRecord(t.Context(), CreateRecord{Entity: "annotation", ValidateOnly: true, Fields: map[string]any{"subject": "X", "objectid": map[string]any{"entity": "contact", "id": customer.ID}}})),
			[]string{"prvAppendNote", "prvAppendToContact", "prvCreateNote", "prvReadNote"},
		},
		"update": {
			privileges(w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", RecordID: customer.ID, ValidateOnly: true, Fields: map[string]any{"jobtitle": "Now"}})),
			[]string{"prvReadContact", "prvWriteContact"},
		},
		"upsert": {
			privileges(w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"lastname": "Nobody At All"}, ValidateOnly: true, Fields: map[string]any{"jobtitle": "Now"}}})),
			[]string{"prvCreateContact", "prvReadContact"},
		},
		"find behind a lookup": {
			privileges(w.FindRecord(t.Context(), FindRecord{Entity: "account", ValidateOnly: true, Where: map[string]any{"name": "X"}, Save: map[string]string{"mail": "primarycontactid.emailaddress1"}})),
			[]string{"prvReadAccount", "prvReadContact"},
		},
		"find by FetchXML": {
			privileges(w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: "incident", ValidateOnly: true, FetchXML: `<fetch><entity name="incident"><attribute name="title"/>
				<link-entity name="contact" from="contactid" to="customerid"><link-entity name="systemuser" from="systemuserid" to="ownerid"/></link-entity></entity></fetch>`})),
			[]string{"prvReadContact", "prvReadIncident", "prvReadUser"},
		},
	}
	for name, test := range tests {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	found, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "Customer"}})
	if err != nil || found.Explanation != nil {
		t.Errorf("a call that is made is explained: %+v, %v", found.Explanation, err)
	}
}
