package actions

import (
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
		v := r.translateOnce(contact, spec, nil)
		v.checkState()
		v.checkRequired()
		if len(v.faults) > 0 {
			b.Fatal(v.faults)
		}
	}
}
