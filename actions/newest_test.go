package actions

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/schema"
)

// TestNewestWins: what was true before somebody's change does not undo it.
func TestNewestWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inTurn(t, []disturbance{
		{"UpdateOfAnOlderRecord", testNewerValuesAreWritten},
		{"UpdateOfANewerRecord", testOlderValuesAreNot},
		{"CreationThatMeetsARecord", testCreationUpdatesIfNewer},
		{"Upsert", testUpsertUpdatesIfNewer},
		{"ChangeInBetweenIsNewer", testChangeInBetweenIsNewer},
		{"LostAnswerIsReadBack", testLostAnswerOfTheNewest},
		{"Faults", testAsOfFaults},
	})
}

// past and soon are a time before everything that a test does, and one after it.
func past() string { return time.Now().Add(-time.Hour).Format(time.RFC3339) }
func soon() string { return time.Now().Add(time.Minute).UTC().Format(time.RFC3339) }

func newest(r Record, asOf string) UpdateRecord {
	return UpdateRecord{
		Entity: "contact", RecordID: r.ID, Fields: map[string]any{"jobtitle": "Ours"}, Merge: NewestWins, AsOf: asOf,
		Save: map[string]string{"title": "jobtitle"}, RequestID: r.ID + asOf,
	}
}

func testNewerValuesAreWritten(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Old", "jobtitle": "Theirs"})
	spec := newest(first, "{{ message.at }}")
	spec.Variables = map[string]any{"message": map[string]any{"at": soon()}}
	if got := w.wantUpdate(t, spec, Updated); got.Variables["title"] != "Ours" || len(got.Warnings) > 0 {
		t.Errorf("%+v", got)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": "Ours"})
}

func testOlderValuesAreNot(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "New", "jobtitle": "Theirs"})
	for range 2 { // the repeat is told the same
		got := w.wantUpdate(t, newest(first, past()), Unchanged)
		if got.Variables["title"] != "Theirs" {
			t.Errorf("%+v", got)
		}
	}
	spec := newest(first, past())
	spec.RequestID = ""
	if got := w.wantUpdate(t, spec, Unchanged); !slices.Equal(warningCodes(got), []WarningCode{RecordNewer}) {
		t.Errorf("warnings %+v", got.Warnings)
	}
	spec.Fields = map[string]any{"jobtitle": "Theirs"}
	if got := w.wantUpdate(t, spec, Unchanged); len(got.Warnings) > 0 {
		t.Errorf("what is so already needs no warning: %+v", got.Warnings)
	}
	spec.Fields, spec.ValidateOnly = map[string]any{"jobtitle": "Ours"}, true
	if got := w.wantUpdate(t, spec, ""); len(got.Requests) != 1 || !strings.Contains(got.Requests[0].URL, modifiedField) || !slices.Equal(warningCodes(got), []WarningCode{RecordNewer}) {
		t.Errorf("planned: %+v", got)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": "Theirs"})
}

func testCreationUpdatesIfNewer(t *testing.T, w world) {
	first, spec := w.existing(t, "+49 32 1", UpdateIfNewer)
	spec.AsOf = past()
	got := w.wantOutcome(t, spec, Unchanged)
	if !slices.Contains(warningCodes(got), RecordNewer) || len(got.Matches) != 1 {
		t.Errorf("%+v", got)
	}
	w.wantValues(t, first, map[string]any{"jobtitle": nil})
	spec.AsOf = soon()
	w.wantOutcome(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"jobtitle": "Ours"})
	spec.Fields["mobilephone"], spec.ValidateOnly = "+49 32 1 none", true
	planned, err := w.CreateRecord(t.Context(), spec)
	if last := planned.Requests[len(planned.Requests)-1]; err != nil || !strings.Contains(last.Condition, "was not changed after as_of") {
		t.Errorf("the last request planned is %+v, %v", last, err)
	}
}

func testUpsertUpdatesIfNewer(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Upserted", "emailaddress1": "newest@example.com"})
	spec := UpsertRecord{OnDuplicate: UpdateIfNewer, UpdateRecord: UpdateRecord{
		Entity: "contact", Where: map[string]any{"jobtitle": "Not there yet"}, AsOf: past(), Fields: map[string]any{"lastname": "Upserted", "emailaddress1": "newest@example.com"},
	}}
	w.wantUpsert(t, spec, Unchanged)
	w.wantValues(t, first, map[string]any{"jobtitle": nil})
	spec.AsOf = soon()
	w.wantUpsert(t, spec, Updated)
	w.wantValues(t, first, map[string]any{"jobtitle": "Not there yet"})
	spec.OnDuplicate, spec.Merge, spec.Where = DoNotCreate, NewestWins, map[string]any{"jobtitle": "Nobody has it"}
	spec.Fields = map[string]any{"lastname": "Made"}
	w.wantUpsert(t, spec, Created)
}

// testChangeInBetweenIsNewer: a change that is made while ours is under way is seen by the version, and is newer than what we know.
func testChangeInBetweenIsNewer(t *testing.T, w world) {
	for name, test := range map[string]struct {
		asOf    string
		outcome Outcome
		title   string
	}{"before it": {past(), Unchanged, "Newer"}, "after it": {soon(), Updated, "Ours"}} {
		first := w.untouched(t)
		var done atomic.Bool
		w.wire.hook(func(request string) {
			if strings.HasPrefix(request, "PATCH ") && done.CompareAndSwap(false, true) {
				w.change(t, first, dataverse.Fields{"jobtitle": "Newer"})
			}
		})
		w.wantUpdate(t, newest(first, test.asOf), test.outcome)
		if !done.Load() {
			t.Errorf("known %s: nothing was sent though the record was older", name)
		}
		w.wantValues(t, first, map[string]any{"jobtitle": test.title})
	}
}

// untouched makes a contact of which the first look tells that nobody has changed it for a day.
func (w world) untouched(t *testing.T) Record {
	t.Helper()
	made := w.make(t, map[string]any{"lastname": "Between", "jobtitle": "Theirs"})
	modified := regexp.MustCompile(`"modifiedon":"[^"]*"`)
	var looks atomic.Int64
	w.through(t, func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err != nil || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, made.ID) || looks.Add(1) > 1 {
			return answer, err
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		body = modified.ReplaceAll(body, []byte(`"modifiedon":"`+time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339)+`"`))
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return answer, err
	})
	return made
}

func testLostAnswerOfTheNewest(t *testing.T, w world) {
	for name, fault := range map[string]local.Fault{"after": {DropAfterCommit: true}, "before": {DropBefore: true}} {
		first := w.make(t, map[string]any{"lastname": "Lost " + name})
		fault.Method, fault.Path, fault.Times = "PATCH", "/contacts", 1
		w.server.SetFaults([]local.Fault{fault})
		w.wantUpdate(t, newest(first, soon()), Updated)
		w.wantValues(t, first, map[string]any{"jobtitle": "Ours"})
	}
}

func testAsOfFaults(t *testing.T, w world) {
	first := w.make(t, map[string]any{"lastname": "Faulty"})
	tests := map[string]struct {
		change func(*UpdateRecord)
		want   input.Reason
	}{
		"none":           {func(s *UpdateRecord) { s.AsOf = "" }, input.InvalidRequest},
		"without a use":  {func(s *UpdateRecord) { s.Merge = Overwrite }, input.InvalidRequest},
		"no time":        {func(s *UpdateRecord) { s.AsOf = "yesterday" }, input.InvalidValue},
		"no offset":      {func(s *UpdateRecord) { s.AsOf = "2026-05-17T15:30:00" }, input.InvalidValue},
		"a time to come": {func(s *UpdateRecord) { s.AsOf = time.Now().Add(time.Hour).Format(time.RFC3339) }, input.InvalidValue},
		"unset":          {func(s *UpdateRecord) { s.AsOf = "{{ nope }}" }, input.VariableUnset},
		"null":           {func(s *UpdateRecord) { s.AsOf, s.Variables = "{{ x }}", map[string]any{"x": nil} }, input.VariableUnset},
		"no template":    {func(s *UpdateRecord) { s.AsOf = "{{ x" }, input.BadTemplate},
	}
	for name, test := range tests {
		spec := newest(first, past())
		test.change(&spec)
		_, err := w.UpdateRecord(t.Context(), spec)
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "as_of" || faults[0].Reason != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	_, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "X"}, OnDuplicate: UpdateIfNewer})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "as_of" {
		t.Errorf("a creation: %v", err)
	}
	if _, fault := w.parseAsOf(&schema.Entity{LogicalName: "new_thing"}, past(), true, nil); fault == nil || fault.Reason != input.InvalidRequest {
		t.Errorf("an entity that tells no times: %v", fault)
	}
}

// TestChangedSince: within a second it cannot be told which is newer, and what somebody wrote stays.
func TestChangedSince(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	asOf := time.Date(2026, 5, 17, 15, 30, 0, 700_000_000, time.UTC)
	for text, want := range map[string]bool{
		"2026-05-17T15:29:59Z": false, "2026-05-17T15:30:00Z": true, "2026-05-17T15:30:01Z": true, "2026-05-17T17:29:59+02:00": false, "": false,
	} {
		if got := changedSince(dataverse.NewRecord(contact, map[string]any{modifiedField: text}), asOf); got != want {
			t.Errorf("changed at %q: %t, want %t", text, got, want)
		}
	}
}
