package actions

import (
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
)

// TestALookupOfNoRecordIsAFault: a lookup by an ID that no record has is told at its field, by every write. Above all it is no
// record that was not matched.
func TestALookupOfNoRecordIsAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.make(t, map[string]any{"lastname": "Gone", "emailaddress1": "gone@example.com"})
	nobody := map[string]any{"entity": "account", "id": "11111111-2222-3333-4444-555555555555"}
	fields := map[string]any{"Company Name": nobody, "lastname": "Gone"}
	call, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "phonecall", Fields: map[string]any{"subject": "Gone"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		call  func() (Result, error)
		where string
	}{
		"create": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: fields, RequestID: "gone"})
		}, "fields.Company Name"},
		"create, with something to save": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: fields, Save: map[string]string{"n": "fullname"}})
		}, "fields.Company Name"},
		"an existing record": {func() (Result, error) {
			return w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", MatchOn: []string{"lastname"}, OnDuplicate: UpdateExisting, Fields: fields})
		}, "fields.Company Name"},
		"update": {func() (Result, error) {
			return w.UpdateRecord(t.Context(), UpdateRecord{Entity: "contact", RecordID: ada.ID, Fields: fields})
		}, "fields.Company Name"},
		"upsert": {func() (Result, error) {
			return w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: UpdateRecord{Entity: "contact", Where: map[string]any{"lastname": "Gone"}, Fields: map[string]any{"parentcustomerid": nobody}}})
		}, "fields.parentcustomerid"},
		"parties": {func() (Result, error) {
			return w.UpdateRecord(t.Context(), UpdateRecord{Entity: "phonecall", RecordID: call.Record.ID, Fields: map[string]any{"to": map[string]any{"entity": "contact", "id": nobody["id"]}}})
		}, "fields.to"},
	} {
		got, err := test.call()
		faults := input.FaultsOf(err)
		if len(faults) != 1 || faults[0].Field != test.where || faults[0].Reason != input.LookupNotFound || !strings.Contains(faults[0].Message, "does not exist") {
			t.Errorf("%s: %+v, %v; want LOOKUP_NOT_FOUND at %s", name, got, err, test.where)
		}
	}
}

// TestARecordThatIsDeletedMeanwhileIsNotMatched, also where a lookup of it is written.
func TestARecordThatIsDeletedMeanwhileIsNotMatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.make(t, map[string]any{"lastname": "Going"})
	e, err := w.client(t).Entity(t.Context(), "contact")
	if err != nil {
		t.Fatal(err)
	}
	w.wire.hook(func(request string) {
		if strings.HasPrefix(request, "PATCH") {
			w.wire.hook(nil)
			if err := w.client(t).DeleteRecord(t.Context(), e, dataverse.ID(ada.ID)); err != nil {
				t.Error(err)
			}
		}
	})
	w.wantUpdate(t, UpdateRecord{Entity: "contact", RecordID: ada.ID, Fields: map[string]any{"parentcustomerid": map[string]any{"entity": "account", "name": demoAccount}}}, NotMatched)
}
