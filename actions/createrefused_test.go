package actions

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/schema"
)

func testCreateRecordTellsAllFaultsAndWritesNothing(t *testing.T, w world) {
	_, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident",
		Fields: map[string]any{
			"title": "{{ nope }}", "customerid": map[string]any{"entity": "account", "name": "Nobody at all"}, "ownerid": "nobody@example.com",
			"caseorigincode": "Pigeon", "subjcetid": "x",
		},
		Save: map[string]string{"x": "nosuchfield"}, TimeZone: "Mars/Base",
	})
	var refused *input.Error
	if !errors.As(err, &refused) {
		t.Fatalf("the error is %v, want an *input.Error", err)
	}
	got := map[string]input.Reason{}
	for _, f := range refused.Faults {
		got[f.Field] = f.Reason
	}
	want := map[string]input.Reason{
		"fields.title": input.MissingRequired, "fields.customerid": input.LookupNotFound, "fields.ownerid": input.LookupNotFound,
		"fields.caseorigincode": input.InvalidValue, "fields.subjcetid": input.InvalidField, "save.x": input.InvalidField,
		"time_zone": input.InvalidRequest,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if slices.ContainsFunc(w.wire.take(), func(r string) bool { return strings.HasPrefix(r, "POST /incidents") }) {
		t.Error("a request with faults was sent")
	}
	if strings.Contains(refused.LogValue().String(), "nobody@") {
		t.Errorf("the log gets a value: %v", refused.LogValue())
	}
}

func testUnknownNames(t *testing.T, w world) {
	var refused *input.Error
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contcat", Fields: map[string]any{"x": 1.0}}); !errors.As(err, &refused) ||
		refused.Faults[0].Reason != input.UnknownEntity || !slices.Contains(refused.Faults[0].Nearest, "contact") || !errors.Is(err, dataverse.ErrUnknownEntity) {
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
	for name, want := range map[string]input.Reason{"Twin Ltd": input.LookupAmbiguous, "Closed Ltd": input.LookupNotFound, "No'body": input.LookupNotFound, " ": input.InvalidValue, "a\x01": input.InvalidValue} {
		_, err := create(map[string]any{"entity": "account", "name": name})
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != want {
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

// TestOutagesAreErrors runs in a bubble of fake time, for what is waited for and what is not.
func TestOutagesAreErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, outagesAreErrors)
}

func outagesAreErrors(t *testing.T) {
	w := newWorldInBubble(t)
	spec := CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Out"}}
	if _, err := w.CreateRecord(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Status: http.StatusTooManyRequests, RetryAfter: 600}})
	w.wire.take()
	if _, err := w.CreateRecord(t.Context(), spec); !errors.Is(err, dataverse.ErrThrottled) {
		t.Errorf("throttled beyond the time left: %v", err)
	}
	if sent := w.wire.take(); len(sent) != 1 {
		t.Errorf("throttled beyond the time left, %v was sent; want the creation once", sent)
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
