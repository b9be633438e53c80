package actions

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// testWhatIsSavedComesWithTheCreation: what Dataverse computes costs no second request.
func testWhatIsSavedComesWithTheCreation(t *testing.T, w world) {
	tests := []struct {
		spec CreateRecord
		sent []string
		want map[string]any // a value, or the beginning of a text
	}{
		{
			CreateRecord{
				Entity: "incident", Fields: map[string]any{"title": "Broken", "customerid": map[string]any{"entity": "account", "id": ""}, "description": "x"},
				Save: map[string]string{"ticket": "ticketnumber", "made": "createdon", "status": "statuscode@formatted", "case": "@record"},
			},
			[]string{"POST /incidents"}, map[string]any{"ticket": "CAS-", "made": "20", "status": "In Progress"},
		},
		{
			CreateRecord{Entity: "contact", Fields: map[string]any{"firstname": "Ada", "lastname": "Named"}, Save: map[string]string{"caller": "@record", "name": "fullname"}},
			[]string{"POST /contacts"}, map[string]any{"name": "Ada Named"},
		},
		{
			CreateRecord{Entity: "account", Fields: map[string]any{"name": "Told"}, Save: map[string]string{"account": "@record"}},
			[]string{"POST /accounts"}, nil,
		},
		{
			CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Retired", "statuscode": "Inactive"}, Save: map[string]string{"status": "statuscode@formatted", "state": "statecode"}},
			[]string{"POST /contacts", "PATCH /contacts"}, map[string]any{"status": "Inactive", "state": 1.0},
		},
	}
	customer := w.make(t, map[string]any{"lastname": "Customer"})
	tests[0].spec.Fields["customerid"] = map[string]any{"entity": "contact", "id": customer.ID}
	for _, test := range tests {
		if _, err := w.CreateRecord(t.Context(), test.spec); err != nil { // so that the metadata is known
			t.Fatal(err)
		}
		w.wire.take()
		got := w.wantOutcome(t, test.spec, Created)
		sent := w.wire.take()
		for i := range sent {
			sent[i], _, _ = strings.Cut(sent[i], "(")
		}
		if !slices.Equal(sent, test.sent) {
			t.Errorf("%s: sent %v, want %v", test.spec.Entity, sent, test.sent)
		}
		for name, want := range test.want {
			begin, isText := want.(string)
			text, _ := got.Variables[name].(string)
			if got.Variables[name] != want && (!isText || !strings.HasPrefix(text, begin)) {
				t.Errorf("%s: %s = %v, want %v", test.spec.Entity, name, got.Variables[name], want)
			}
		}
		for _, v := range got.Variables {
			if reference, ok := v.(map[string]any); ok && (reference["name"] == nil || reference["name"] != got.Record.Name) {
				t.Errorf("%s: the reference is %v, want the record's name", test.spec.Entity, reference)
			}
		}
	}
}

// between is a transport that may do something else than pass a request on.
type between struct {
	next http.RoundTripper
	trip func(next http.RoundTripper, r *http.Request) (*http.Response, error)
}

// RoundTrip implements http.RoundTripper.
func (b between) RoundTrip(r *http.Request) (*http.Response, error) { return b.trip(b.next, r) }

// through has requests pass through a function until the test ends.
func (w world) through(t *testing.T, trip func(next http.RoundTripper, r *http.Request) (*http.Response, error)) {
	next := w.wire.next
	w.wire.next = between{next, trip}
	t.Cleanup(func() { w.wire.next = next })
}

// asksForRecord reports whether the answer to a write is to tell the record.
func asksForRecord(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Prefer"), "return=representation")
}

func forbidden(r *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(refusalBody("0x80040220"))), ContentLength: -1,
	}
}

// testWhatIsSavedIsReadWhereTheAnswerDoesNotTell: the preference is one that Dataverse need not heed.
func testWhatIsSavedIsReadWhereTheAnswerDoesNotTell(t *testing.T, w world) {
	w.untold(t)
	made := w.make(t, map[string]any{"lastname": "Untold"})
	got := w.wantOutcome(t, CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "Untold"}, Save: map[string]string{"name": "fullname"}, OnDuplicate: CreateDuplicate}, Created)
	if got.Variables["name"] != "Untold" || len(got.Warnings) > 0 {
		t.Errorf("a creation: %+v", got)
	}
	got = w.wantUpdate(t, UpdateRecord{Entity: "contact", RecordID: made.ID, Fields: map[string]any{"lastname": "Now"}, Save: map[string]string{"name": "fullname"}}, Updated)
	if got.Variables["name"] != "Now" || got.Record.Name != "Now" || len(got.Warnings) > 0 {
		t.Errorf("an update: %+v", got)
	}
}

// untold has no answer to a write tell the record.
func (w world) untold(t *testing.T) {
	w.through(t, func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if asksForRecord(r) {
			r = r.Clone(r.Context())
			r.Header.Del("Prefer")
		}
		return next.RoundTrip(r)
	})
}

// testUnreadableSaveIsAWarning: who may create and not read creates once, whether the refusal comes before the record is made or
// after it.
func testUnreadableSaveIsAWarning(t *testing.T, w world) {
	for _, when := range []string{"before", "after"} {
		for _, requestID := range []string{"", "blind " + when} {
			t.Run(when+" "+requestID, func(t *testing.T) {
				email := when + strings.ReplaceAll(requestID, " ", "") + "@blind.example.com"
				spec := CreateRecord{
					Entity: "contact", Fields: map[string]any{"lastname": "Blind", "emailaddress1": email}, RequestID: requestID, OnDuplicate: CreateDuplicate,
					Save: map[string]string{"name": "fullname", "id": "@id"}, SaveDefaults: map[string]any{"name": "friend"},
				}
				w.unreadable(t, when == "after")
				got, err := w.CreateRecord(t.Context(), spec)
				switch {
				case err != nil:
					t.Fatal(err)
				case requestID != "" && when == "after": // another call may have made it: nobody can tell
					if got.Outcome != InDoubt || got.Record.ID == "" {
						t.Errorf("%+v, want doubt", got)
					}
				case got.Outcome != Created || !slices.Contains(warningCodes(got), SaveNotReadable) || got.Variables["name"] != "friend" || got.Variables["id"] != got.Record.ID:
					t.Errorf("%+v", got)
				}
				w.wire.next = w.wire.next.(between).next
				if n := w.count(t, "contact", "emailaddress1", email); n != 1 {
					t.Errorf("%d records, want 1", n)
				}
			})
		}
	}
	w.server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Status: http.StatusForbidden}})
	if _, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "No"}, Save: map[string]string{"name": "fullname"}}); !errors.Is(err, dataverse.ErrForbidden) {
		t.Errorf("who may not create either: %v, want ErrForbidden", err)
	}
}

// unreadable has contacts be created and changed, and not read: the refusal comes before a write is done or after it.
func (w world) unreadable(t *testing.T, after bool) {
	w.through(t, func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		reads := r.Method == http.MethodGet || asksForRecord(r)
		if !reads || !strings.Contains(r.URL.Path, "/contacts") {
			return next.RoundTrip(r)
		}
		if r.Method != http.MethodGet && after {
			answer, err := next.RoundTrip(r)
			if err != nil || answer.StatusCode >= http.StatusBadRequest {
				return answer, err
			}
			answer.Body.Close()
		}
		return forbidden(r), nil
	})
}
