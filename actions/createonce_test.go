package actions_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/ledger"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// place is a runtime with a ledger in a journal, and the local Dataverse that it acts on.
type place struct {
	*actions.Runtime
	server  *local.Server
	client  *dataverse.Client
	journal *journal.Journal
}

func newPlace(t *testing.T) place {
	t.Helper()
	server, url := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	transport := dataverse.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"demo": {
		URL: url, Timeout: time.Minute,
		SignIn: dataverse.SignIn{Kind: dataverse.OAuth, ClientID: "bot", Credential: dataverse.Credential{ClientSecret: "s3cret"}, TokenURL: url + "/tenant/oauth2/v2.0/token"},
	}}, "demo", transport)
	if err != nil {
		t.Fatal(err)
	}
	client, err := environments.Client(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	j := journaltest.Open(t, t.TempDir())
	runtime := actions.New(environments)
	if runtime.Ledger, err = ledger.Open(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	return place{runtime, server, client, j}
}

// contacts is how many contacts have a value in a field.
func (p place) contacts(t *testing.T, field, value string) int {
	t.Helper()
	e, err := p.client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.client.ListRecords(t.Context(), e, &odata.Query{
		Select: []string{e.PrimaryID}, Filter: &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: odata.String(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Records)
}

// remove deletes a contact.
func (p place) remove(t *testing.T, id string) {
	t.Helper()
	e, err := p.client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.client.DeleteRecord(t.Context(), e, dataverse.ID(id)); err != nil {
		t.Fatal(err)
	}
}

func warned(result actions.Result, code actions.WarningCode) bool {
	for _, w := range result.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

// contact is a creation of a contact whose e-mail address is its request ID's.
func contact(requestID string) actions.CreateRecord {
	return actions.CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "{{ name }}", "emailaddress1": requestID + "@once.example.com"},
		Variables: map[string]any{"name": "Once"}, Save: map[string]string{"id": "@id", "name": "fullname"}, RequestID: requestID,
	}
}

// TestAnswersCutAfterTheCommit is the proof of "exactly once": the answers of a thousand creations are cut after the commit, while sixteen
// callers repeat each other's calls at the same time. There is one record for each key, and everybody is told of it.
func TestAnswersCutAfterTheCommit(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const callers = 16
	keys := int64(actions.Share(1000))
	if _, err := p.CreateRecord(t.Context(), contact("warm")); err != nil {
		t.Fatal(err)
	}
	p.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", DropAfterCommit: true}})
	var ids sync.Map
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			// Each key is called twice, by whoever comes first, so that repeats run beside the calls that they repeat.
			for call := next.Add(1); call <= 2*keys; call = next.Add(1) {
				key := (call - 1) / 2
				spec := contact(fmt.Sprintf("cut%d", key))
				if key%2 == 0 { // the others meet a matching rule
					spec.OnDuplicate = actions.CreateDuplicate
				}
				got, err := p.CreateRecord(t.Context(), spec)
				if err != nil || got.Outcome != actions.Created && got.Outcome != actions.AlreadyCreated {
					t.Errorf("key %d: %+v, %v", key, got, err)
					continue
				}
				if first, _ := ids.LoadOrStore(key, got.Record.ID); first != got.Record.ID || got.Variables["id"] != first {
					t.Errorf("key %d: the record is %s for one caller and %s for another", key, first, got.Record.ID)
				}
			}
		})
	}
	group.Wait()
	p.server.SetFaults(nil)
	if n := p.contacts(t, "lastname", "Once") - 1; int64(n) != keys {
		t.Errorf("%d records for %d keys", n, keys)
	}
}

// TestLedger holds what the ledger adds to the record itself.
func TestLedger(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	actions.AllAtOnce(t, p, map[string]func(*testing.T, place){
		"RepeatAnswersTheFirstOutcome":         testRepeatAnswersTheFirstOutcome,
		"DeletedRecordIsNotMadeAgain":          testDeletedRecordIsNotMadeAgain,
		"MergeIsNotRepeated":                   testMergeIsNotRepeated,
		"OtherContentIsRefused":                testOtherContentIsRefused,
		"ALabelIsNoOtherContent":               testALabelIsNoOtherContent,
		"TheClockIsNoOtherContent":             testTheClockIsNoOtherContent,
		"CallThatWroteNothingFreesItsKey":      testCallThatWroteNothingFreesItsKey,
		"CrashBetweenIsResolvedByTheRecord":    testCrashBetweenIsResolvedByTheRecord,
		"LedgerOutOfReachMakesNothingTwice":    testLedgerOutOfReachMakesNothingTwice,
		"OutcomeIsNotedThoughTheCallerIsGone":  testOutcomeIsNotedThoughTheCallerIsGone,
		"NoValueIsInTheLedger":                 testNoValueIsInTheLedger,
		"RepeatOfAnUpdate":                     testRepeatOfAnUpdate,
		"OtherConditionsAreAnotherTarget":      testOtherConditionsAreAnotherTarget,
		"RepeatOfAnUpsert":                     testRepeatOfAnUpsert,
		"ValidateOnlyUsesNoKeyUp":              testValidateOnlyUsesNoKeyUp,
		"AnotherNamespaceIsAnotherRequest":     testAnotherNamespaceIsAnotherRequest,
		"WithoutAnEntryTheRecordAnswersItself": testWithoutAnEntryTheRecordAnswersItself,
	})
}

// create creates and wants an outcome.
func (p place) create(t *testing.T, spec actions.CreateRecord, want actions.Outcome) actions.Result {
	t.Helper()
	got, err := p.CreateRecord(t.Context(), spec)
	if err != nil || got.Outcome != want {
		t.Fatalf("%+v, %v; want %s", got, err, want)
	}
	return got
}

func testRepeatAnswersTheFirstOutcome(t *testing.T, p place) {
	spec := contact("repeat")
	first := p.create(t, spec, actions.Created)
	spec.Variables = map[string]any{"name": "Once", "unrelated": "changed"}
	again := p.create(t, spec, actions.AlreadyCreated)
	if again.Record.ID != first.Record.ID || again.Variables["name"] != "Once" || len(again.Warnings) > 0 {
		t.Errorf("the repeat: %+v", again)
	}
}

func testDeletedRecordIsNotMadeAgain(t *testing.T, p place) {
	spec := contact("deleted")
	first := p.create(t, spec, actions.Created)
	p.remove(t, first.Record.ID)
	again := p.create(t, spec, actions.AlreadyCreated)
	if again.Record.ID != first.Record.ID || again.Variables["id"] != first.Record.ID || again.Variables["name"] != nil || !warned(again, actions.RecordDeleted) {
		t.Errorf("the repeat: %+v", again)
	}
	if n := p.contacts(t, "emailaddress1", "deleted@once.example.com"); n != 0 {
		t.Errorf("%d records, want none", n)
	}
}

// testMergeIsNotRepeated: the repeat of a merge answers the first outcome, and does not undo what was changed since.
func testMergeIsNotRepeated(t *testing.T, p place) {
	first := p.create(t, contact("merge"), actions.Created)
	spec := contact("merge")
	spec.RequestID, spec.OnDuplicate, spec.Fields["jobtitle"], spec.Save["job"] = "merge 2", actions.UpdateExisting, "Ours", "jobtitle"
	p.create(t, spec, actions.Updated)
	e, err := p.client.Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.client.UpdateRecord(t.Context(), e, dataverse.ID(first.Record.ID), dataverse.Fields{"jobtitle": "Theirs, later"}); err != nil {
		t.Fatal(err)
	}
	again := p.create(t, spec, actions.Updated)
	if again.Record.ID != first.Record.ID || again.Variables["job"] != "Theirs, later" {
		t.Errorf("the repeat: %+v", again)
	}
}

// keyReused is the message of the refusal of a call with a request ID that was used for other content.
func keyReused(t *testing.T, p place, spec actions.CreateRecord) string {
	t.Helper()
	_, err := p.CreateRecord(t.Context(), spec)
	var refused *input.Error
	if !errors.As(err, &refused) || refused.Faults[0].Reason != input.KeyReused || refused.Faults[0].Field != "request_id" {
		t.Fatalf("the error is %v, want %s", err, input.KeyReused)
	}
	return refused.Error()
}

func testOtherConditionsAreAnotherTarget(t *testing.T, p place) {
	p.create(t, contact("conditions"), actions.Created)
	spec := actions.UpdateRecord{
		Entity: "contact", Conditions: []actions.Condition{{Field: "emailaddress1", Operator: "begins_with", Value: "conditions@once"}},
		Fields: map[string]any{"jobtitle": "Ours"}, RequestID: "conditions 2",
	}
	for range 2 {
		if got, err := p.UpdateRecord(t.Context(), spec); err != nil || got.Outcome != actions.Updated {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	spec.Conditions[0].Field = "Email"
	if got, err := p.UpdateRecord(t.Context(), spec); err != nil || got.Outcome != actions.Updated {
		t.Errorf("the field's label in a condition: %+v, %v; want the first outcome", got, err)
	}
	spec.Conditions = []actions.Condition{{Field: "emailaddress1", Operator: "contains", Value: "conditions@once"}}
	if _, err := p.UpdateRecord(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "another record was meant") {
		t.Errorf("%v, want other conditions refused as another target", err)
	}
}

// testALabelIsNoOtherContent: a field named by its label is the same field.
func testALabelIsNoOtherContent(t *testing.T, p place) {
	spec := contact("label")
	p.create(t, spec, actions.Created)
	spec.Fields = maps.Clone(spec.Fields)
	spec.Fields["Email"] = spec.Fields["emailaddress1"]
	delete(spec.Fields, "emailaddress1")
	p.create(t, spec, actions.AlreadyCreated)
}

func testOtherContentIsRefused(t *testing.T, p place) {
	spec := contact("other")
	p.create(t, spec, actions.Created)
	changed := spec
	changed.Variables = map[string]any{"name": "Somebody else"}
	text := keyReused(t, p, changed)
	if !strings.Contains(text, "values") || strings.Contains(text, "Somebody") || strings.Contains(text, "Once") {
		t.Errorf("other values: %s; want what differs in kind, and no value", text)
	}
	changed = spec
	changed.Fields = map[string]any{"lastname": "Once"}
	if text := keyReused(t, p, changed); !strings.Contains(text, "other fields") {
		t.Errorf("other fields: %s", text)
	}
	changed = spec
	changed.OnDuplicate = actions.CreateDuplicate
	if text := keyReused(t, p, changed); !strings.Contains(text, "options") {
		t.Errorf("other options: %s", text)
	}
	if n := p.contacts(t, "emailaddress1", "other@once.example.com"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func testTheClockIsNoOtherContent(t *testing.T, p place) {
	spec := contact("clock")
	spec.Fields["description"] = `Called at {{ "now" | date: "%s.%L" }}`
	p.create(t, spec, actions.Created)
	p.create(t, spec, actions.AlreadyCreated)
}

func testCallThatWroteNothingFreesItsKey(t *testing.T, p place) {
	p.create(t, contact("free"), actions.Created)
	spec := contact("free")
	spec.RequestID = "free too"
	p.create(t, spec, actions.Duplicate)
	spec.OnDuplicate = actions.CreateDuplicate
	p.create(t, spec, actions.Created)
}

// forgetful is a ledger of a process that ends before it notes an outcome.
type forgetful struct{ actions.Ledger }

func (forgetful) Settle(context.Context, string, actions.LedgerEntry) error { return nil }

func testCrashBetweenIsResolvedByTheRecord(t *testing.T, p place) {
	crashing := actions.New(p.Environments)
	crashing.Ledger = forgetful{p.Ledger}
	spec := contact("crash")
	first, err := crashing.CreateRecord(t.Context(), spec)
	if err != nil || first.Outcome != actions.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	again := p.create(t, spec, actions.AlreadyCreated)
	if again.Record.ID != first.Record.ID {
		t.Errorf("the repeat: %+v", again)
	}
	p.remove(t, first.Record.ID)
	p.create(t, spec, actions.AlreadyCreated) // the outcome is noted by now
	changed := spec
	changed.Fields = map[string]any{"lastname": "Once"}
	keyReused(t, p, changed)
}

// broken is a ledger that cannot be reached.
type broken struct{}

var errBroken = errors.New("broken")

func (broken) Begin(context.Context, string, actions.LedgerEntry) (*actions.LedgerEntry, error) {
	return nil, errBroken
}
func (broken) Settle(context.Context, string, actions.LedgerEntry) error { return errBroken }
func (broken) Release(context.Context, string) error                     { return errBroken }

func testLedgerOutOfReachMakesNothingTwice(t *testing.T, p place) {
	without := actions.New(p.Environments)
	without.Ledger = broken{}
	spec := contact("broken")
	for i, want := range []actions.Outcome{actions.Created, actions.AlreadyCreated} {
		got, err := without.CreateRecord(t.Context(), spec)
		if err != nil || got.Outcome != want || !warned(got, actions.LedgerUnavailable) {
			t.Errorf("call %d: %+v, %v; want %s with a warning", i+1, got, err, want)
		}
	}
	if n := p.contacts(t, "emailaddress1", "broken@once.example.com"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// leaving is a ledger whose caller goes away between the write and the note of its outcome.
type leaving struct {
	actions.Ledger
	leave context.CancelFunc
}

func (l leaving) Settle(ctx context.Context, key string, e actions.LedgerEntry) error {
	l.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Ledger.Settle(ctx, key, e)
}

func testOutcomeIsNotedThoughTheCallerIsGone(t *testing.T, p place) {
	ctx, leave := context.WithCancel(t.Context())
	left := actions.New(p.Environments)
	left.Ledger = leaving{p.Ledger, leave}
	spec := contact("left")
	first, err := left.CreateRecord(ctx, spec)
	if err != nil || first.Outcome != actions.Created || warned(first, actions.LedgerUnavailable) {
		t.Fatalf("%+v, %v", first, err)
	}
	p.remove(t, first.Record.ID)
	p.create(t, spec, actions.AlreadyCreated)
}

// recording keeps what a ledger was given.
type recording struct {
	actions.Ledger
	mu    sync.Mutex
	given string
}

func (r *recording) Settle(ctx context.Context, key string, e actions.LedgerEntry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given += fmt.Sprintf("%s %+v\n", key, e)
	return r.Ledger.Settle(ctx, key, e)
}

func testNoValueIsInTheLedger(t *testing.T, p place) {
	watched := actions.New(p.Environments)
	kept := &recording{Ledger: p.Ledger}
	watched.Ledger = kept
	spec := contact("private")
	spec.Fields["jobtitle"] = "Juggler"
	if _, err := watched.CreateRecord(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"private", "Once", "Juggler", "jobtitle", "contact"} {
		if strings.Contains(kept.given, value) {
			t.Errorf("the ledger was given %q: %s", value, kept.given)
		}
	}
	if !strings.Contains(kept.given, "CREATED") {
		t.Errorf("the ledger was given %q, want the outcome", kept.given)
	}
}

// testRepeatOfAnUpdate: the repeat does not undo what was changed since, and a key is of one action.
func testRepeatOfAnUpdate(t *testing.T, p place) {
	first := p.create(t, contact("update"), actions.Created)
	spec := actions.UpdateRecord{Entity: "contact", RecordID: first.Record.ID, Fields: map[string]any{"jobtitle": "Ours"}, Save: map[string]string{"job": "jobtitle"}, RequestID: "update 2"}
	update := func(want actions.Outcome) actions.Result {
		t.Helper()
		got, err := p.UpdateRecord(t.Context(), spec)
		if err != nil || got.Outcome != want || got.Record.ID != first.Record.ID {
			t.Fatalf("%+v, %v; want %s", got, err, want)
		}
		return got
	}
	update(actions.Updated)
	other := spec
	other.RequestID, other.Fields = "", map[string]any{"jobtitle": "Theirs"}
	if got, err := p.UpdateRecord(t.Context(), other); err != nil || got.Outcome != actions.Updated {
		t.Fatalf("%+v, %v", got, err)
	}
	if again := update(actions.Updated); again.Variables["job"] != "Theirs" {
		t.Errorf("the repeat: %+v", again)
	}
	p.remove(t, first.Record.ID)
	if again := update(actions.Updated); !warned(again, actions.RecordDeleted) {
		t.Errorf("the repeat of a record that is gone: %+v", again)
	}
	changed := contact("update")
	changed.RequestID = "update 2"
	if text := keyReused(t, p, changed); !strings.Contains(text, "another action") {
		t.Errorf("another action: %s", text)
	}
	missing := spec
	missing.RecordID, missing.RequestID = "7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11", "update 3"
	for range 2 {
		if got, err := p.UpdateRecord(t.Context(), missing); err != nil || got.Outcome != actions.NotMatched {
			t.Errorf("%+v, %v", got, err)
		}
		missing.Fields = map[string]any{"jobtitle": "Put right"} // what wrote nothing frees its key
	}
}

func testRepeatOfAnUpsert(t *testing.T, p place) {
	spec := actions.UpsertRecord{UpdateRecord: actions.UpdateRecord{
		Entity: "contact", Where: map[string]any{"mobilephone": "+49 34 1"}, Fields: map[string]any{"lastname": "Upsert"}, RequestID: "upsert",
	}}
	for _, want := range []actions.Outcome{actions.Created, actions.AlreadyCreated} {
		if got, err := p.UpsertRecord(t.Context(), spec); err != nil || got.Outcome != want {
			t.Errorf("%+v, %v; want %s", got, err, want)
		}
	}
	if n := p.contacts(t, "mobilephone", "+49 34 1"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func testValidateOnlyUsesNoKeyUp(t *testing.T, p place) {
	spec := contact("validate")
	spec.ValidateOnly = true
	p.create(t, spec, "")
	spec = contact("validate")
	spec.Fields["jobtitle"] = "Tester"
	p.create(t, spec, actions.Created)
}

func testAnotherNamespaceIsAnotherRequest(t *testing.T, p place) {
	spec := contact("namespace")
	spec.OnDuplicate = actions.CreateDuplicate
	first := p.create(t, spec, actions.Created)
	spec.Namespace, spec.Fields = "another bot", map[string]any{"lastname": "Other"}
	if second := p.create(t, spec, actions.Created); second.Record.ID == first.Record.ID {
		t.Error("two bots share a record")
	}
}

func testWithoutAnEntryTheRecordAnswersItself(t *testing.T, p place) {
	without := actions.New(p.Environments)
	spec := contact("no entry")
	first, err := without.CreateRecord(t.Context(), spec)
	if err != nil || first.Outcome != actions.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	if again := p.create(t, spec, actions.AlreadyCreated); again.Record.ID != first.Record.ID {
		t.Errorf("the repeat: %+v", again)
	}
}
