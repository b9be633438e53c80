package actions

import (
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/schema"
)

func BenchmarkTranslateFields(b *testing.B) {
	r, contact := New(nil), schema.Standard().Entity("contact")
	spec := CreateRecord{
		Fields: map[string]any{
			"firstname": "{{ v.first }}", "lastname": "{{ v.last }}", "emailaddress1": "{{ v.email | downcase }}", "preferredcontactmethodcode": "Email",
			"birthdate": "1980-05-17", "creditlimit": "1200.50", "parentcustomerid": map[string]any{"entity": "account", "id": someID},
		},
		Variables: map[string]any{"v": map[string]any{"first": "Ada", "last": "O'Neill", "email": "ADA@example.com"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		v := r.translateOnce(contact, spec.input(), nil, nil)
		v.checkState()
		v.checkRequired()
		if len(v.faults) > 0 {
			b.Fatal(v.faults)
		}
	}
}

// BenchmarkCreateRecord is a plain creation without the network: what comes on top of Dataverse's own time.
func BenchmarkCreateRecord(b *testing.B) {
	w := newWorld(b)
	spec := CreateRecord{
		Entity: "contact", Fields: map[string]any{"lastname": "{{ v.last }}", "emailaddress1": "{{ v.email | downcase }}", "preferredcontactmethodcode": "Email"},
		Variables: map[string]any{"v": map[string]any{"last": "O'Neill", "email": "ADA@example.com"}}, Save: map[string]string{"id": "@id"}, OnDuplicate: CreateDuplicate,
	}
	if _, err := w.CreateRecord(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	w.wire.next = created{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.CreateRecord(b.Context(), spec); err != nil {
			b.Fatal(err)
		}
	}
}

// created answers as if the record had been created.
type created struct{}

// RoundTrip implements http.RoundTripper.
func (created) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusNoContent, Request: r, Body: http.NoBody,
		Header: http.Header{"Odata-Entityid": {"http://x/api/data/v9.2/contacts(" + someID + ")"}},
	}, nil
}
