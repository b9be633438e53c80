package actions

import (
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/schema"
)

// twentyFields is a creation of all kinds of fields, as a flow has them.
func twentyFields() CreateRecord {
	return CreateRecord{
		Fields: map[string]any{
			"firstname": "{{ v.first }}", "lastname": "{{ v.last }}", "middlename": "{{ v.middle | strip }}", "emailaddress1": "{{ v.email | downcase }}",
			"telephone1": "{{ v.phone }}", "mobilephone": "{{ v.phone }}", "jobtitle": "{{ v.job | default: 'unknown' }}", "department": "Sales",
			"description": "{{ v.first }} {{ v.last }} wrote: {{ v.text | truncate: 200 }}", "address1_city": "{{ v.address.city }}", "address1_postalcode": "{{ v.address.code }}",
			"preferredcontactmethodcode": "Email", "birthdate": "{{ v.born }}", "creditlimit": "1200.50", "numberofchildren": "{{ v.children }}", "donotfax": "yes",
			"donotphone": "{{ v.quiet }}", "lastonholdtime": "{{ v.held }}", "gendercode": "{{ v.gender }}", "parentcustomerid": map[string]any{"entity": "account", "id": "{{ v.company }}"},
		},
		Variables: map[string]any{"v": map[string]any{
			"first": "Ada", "last": "O'Neill", "middle": " K. ", "email": "ADA@example.com", "phone": "+49 30 123456", "job": "Clerk", "text": "Nothing works since this morning, and nobody answers.",
			"address": map[string]any{"city": "Berlin", "code": "10115"}, "born": "1980-05-17", "children": 2.0, "quiet": true, "held": "2026-05-17T15:30:00+02:00", "gender": "Female", "company": someID,
		}},
	}
}

// translateAll renders and translates what a creation needs, without asking Dataverse anything.
func translateAll(t testing.TB, r *Runtime, spec CreateRecord, e *schema.Entity) {
	v := r.translateOnce(e, spec.input(), nil, nil)
	v.checkState()
	v.checkRequired()
	if len(v.faults) > 0 || len(v.values)+len(v.lookups) != len(spec.Fields) {
		t.Fatal(v.faults)
	}
}

func BenchmarkTranslateCreate(b *testing.B) {
	r, contact, spec := New(nil), schema.Standard().Entity("contact"), twentyFields()
	b.ReportAllocs()
	for b.Loop() {
		translateAll(b, r, spec, contact)
	}
}

// TestTranslationOfTwentyFieldsAllocatesLittle: allocations are what translating costs on a busy machine, and no clock is needed to
// count them.
func TestTranslationOfTwentyFieldsAllocatesLittle(t *testing.T) { // AllocsPerRun counts what all goroutines do: not parallel
	r, contact, spec := New(nil), schema.Standard().Entity("contact"), twentyFields()
	const most = 100
	if got := testing.AllocsPerRun(100, func() { translateAll(t, r, spec, contact) }); got > most {
		t.Errorf("%v allocations for %d fields, want at most %d", got, len(spec.Fields), most)
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
