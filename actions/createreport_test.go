package actions

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/local"
)

// TestDuplicatesCreatedAllTheSameAreTold: CREATE_DUPLICATE overrules the rules by its header, and tells on request what they would
// have found.
func TestDuplicatesCreatedAllTheSameAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishRule(t)
	const mail = "again@example.com"
	first := w.make(t, map[string]any{"lastname": "Again", "emailaddress1": mail})
	seen := &recorded{next: w.wire.next}
	w.wire.next = seen
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Again", "emailaddress1": mail}, OnDuplicate: CreateDuplicate, ReportDuplicates: true, RequestID: "again"}

	spec.ValidateOnly = true
	planned, err := w.CreateRecord(t.Context(), spec)
	if err != nil || !slices.Equal(warningCodes(planned), []WarningCode{DuplicateCreated}) || len(planned.Existing) != 1 || len(planned.Explanation.DuplicateRules) != 2 {
		t.Errorf("planned: %+v, %v", planned, err)
	}
	if n := w.count(t, "contact", "emailaddress1", mail); n != 1 {
		t.Fatalf("%d records after the plan, want 1", n)
	}
	spec.ValidateOnly = false
	seen.sent = nil
	got := w.wantOutcome(t, spec, Created)
	if len(got.Existing) != 1 || got.Existing[0].ID != first.ID || !slices.Equal(ruleNames(got.Matches[0].Rules), []string{sameMail}) {
		t.Errorf("existing %+v, matches %+v; want the first and the rule", got.Existing, got.Matches)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Code != DuplicateCreated || !strings.Contains(got.Warnings[0].Message, sameMail) {
		t.Errorf("warnings %+v, want one with the rule's name", got.Warnings)
	}
	var reads, posts int
	for _, request := range seen.sent {
		switch request.Method {
		case http.MethodGet:
			reads++
		case http.MethodPost:
			posts++
			if header := request.Header["MSCRM.SuppressDuplicateDetection"]; header != "true" {
				t.Errorf("the creation is sent with the header %q, want true", header)
			}
		}
	}
	if reads != 2 || posts != 1 { // contacts and leads
		t.Errorf("%d reads and %d creations, want one for each entity that the rules compare with, and one", reads, posts)
	}
	if again := w.wantOutcome(t, spec, AlreadyCreated); len(again.Warnings) > 0 || len(again.Existing) > 0 {
		t.Errorf("a repeat: %+v, want no report", again)
	}
	spec.RequestID, spec.ReportDuplicates = "quiet", false
	seen.sent = nil
	if quiet := w.wantOutcome(t, spec, Created); len(quiet.Warnings) > 0 || len(quiet.Existing) > 0 || len(seen.sent) != 1 {
		t.Errorf("not asked: %+v, sent %v", quiet, seen.sent)
	}
	testReportsInOtherCases(t, w)
}

func testReportsInOtherCases(t *testing.T, w world) {
	unlike := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "New", "emailaddress1": "new@example.com"}, OnDuplicate: CreateDuplicate, ReportDuplicates: true}
	if got := w.wantOutcome(t, unlike, Created); len(got.Warnings) > 0 || len(got.Existing) > 0 {
		t.Errorf("nothing like it exists: %+v", got)
	}
	task := CreateRecord{Entity: "task", Fields: map[string]any{"subject": "X"}, OnDuplicate: CreateDuplicate, ReportDuplicates: true}
	if got := w.wantOutcome(t, task, Created); !slices.Equal(warningCodes(got), []WarningCode{NoDuplicateRule}) {
		t.Errorf("no rule: %+v", got.Warnings)
	}
	upsert, err := w.UpsertRecord(t.Context(), UpsertRecord{
		UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"jobtitle": "Nobody's"}, Fields: map[string]any{"lastname": "N", "emailaddress1": "new@example.com"}},
		OnDuplicate:  CreateDuplicate, ReportDuplicates: true,
	})
	if err != nil || upsert.Outcome != Created || len(upsert.Existing) != 1 || !slices.Equal(warningCodes(upsert), []WarningCode{DuplicateCreated}) {
		t.Errorf("an upsert: %+v, %v", upsert, err)
	}
	w.server.SetFaults([]local.Fault{{Path: "/RetrieveDuplicates", Status: http.StatusForbidden}})
	if got := w.wantOutcome(t, unlike, Created); !slices.Equal(warningCodes(got), []WarningCode{DuplicatesNotReadable}) {
		t.Errorf("duplicates that cannot be read: %+v", got.Warnings)
	}
	for name, spec := range map[string]CreateRecord{"another choice": {ReportDuplicates: true}, "no rules": {ReportDuplicates: true, OnDuplicate: CreateDuplicate, IgnoreRules: true}} {
		spec.Entity, spec.Fields = unlike.Entity, unlike.Fields
		_, err := w.CreateRecord(t.Context(), spec)
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "report_duplicates" || faults[0].Reason != input.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}
