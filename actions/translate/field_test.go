package translate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestUnknownFieldNamesWhatWasMeant(t *testing.T) {
	t.Parallel()
	contact := schema.Standard().Entity("contact")
	for given, want := range map[string]string{
		"emailadress1":                          "emailaddress1",
		"Job Title":                             "jobtitle",
		"parentcustomerid_account@odata.bind":   "parentcustomerid",
		"_parentcustomerid_value":               "parentcustomerid",
		"Job Tilte":                             "jobtitle",
		"something entirely different, my dear": "",
	} {
		fault := translate.UnknownField(contact, given, "fields."+given)
		if fault.Reason != input.InvalidField || want == "" && len(fault.Nearest) > 0 || want != "" && (len(fault.Nearest) == 0 || fault.Nearest[0] != want) {
			t.Errorf("%q: %+v, want %q first", given, fault, want)
		}
	}
}

// TestLabelsOfAnyLanguageTellTheField: a name that is a field's label, in whatever language, or nearly so, is told the field.
func TestLabelsOfAnyLanguageTellTheField(t *testing.T) {
	t.Parallel()
	e := &schema.Entity{LogicalName: "x", PrimaryID: "xid", Fields: []*schema.Field{
		{LogicalName: "jobtitle", Type: schema.String, DisplayName: schema.Label{{Language: 1033, Text: "Job Title"}, {Language: 1031, Text: "Berufsbezeichnung"}}},
		{LogicalName: "mobilephone", Type: schema.String, DisplayName: schema.Label{{Language: 1033, Text: "Mobile"}, {Language: 1031, Text: "Telefon"}}},
		{LogicalName: "telephone1", Type: schema.String, DisplayName: schema.Label{{Language: 1033, Text: "Phone"}, {Language: 1031, Text: "Telefon"}}},
	}}
	e.Index()
	for given, want := range map[string]string{"berufsbezeichnung": "jobtitle", "Berufsbezeichung": "jobtitle", "job title": "jobtitle", "Telefon": "mobilephone"} {
		fault := translate.UnknownField(e, given, "fields."+given)
		if len(fault.Nearest) == 0 || fault.Nearest[0] != want || !strings.Contains(fault.Message, want) {
			t.Errorf("%q: %+v, want %s", given, fault, want)
		}
	}
	if fault := translate.UnknownField(e, "Telefon", "x"); strings.Contains(fault.Message, "\"Phone\" is") || strings.Contains(fault.Message, "\"Mobile\" is") {
		t.Errorf("a label of two fields is taken for one: %s", fault.Message)
	}
}

// labelled is an entity in two languages, with labels that two fields share, that look like another's name, and that have
// dots and directions in them.
func labelled() *schema.Entity {
	text := func(name string, labels ...string) *schema.Field {
		f := &schema.Field{LogicalName: name, Type: schema.String, Creatable: true, Updatable: true, Readable: true}
		for i, label := range labels {
			f.DisplayName = append(f.DisplayName, schema.LocalizedLabel{Language: 1033 - 2*i, Text: label})
		}
		return f
	}
	e := &schema.Entity{LogicalName: "x", EntitySetName: "xs", PrimaryID: "xid", Fields: []*schema.Field{
		text("jobtitle", "Job Title", "Berufs\u00a0bezeichnung"), text("mobile", "Cell", "Telefon"), text("phone", "Phone", "Telefon"),
		text("nickname", "mobile"), text("rank", "Rank desc"), text("number", "No. of Staff"), text("same", "Same", "SAME "),
		{LogicalName: "jobtitlename", Type: schema.String, AttributeOf: "jobtitle", DisplayName: schema.EnglishLabel("Job Title")},
		{LogicalName: "nothing", Type: schema.String, Readable: true, DisplayName: schema.EnglishLabel(" ")},
	}}
	e.Index()
	return e
}

func TestALabelNamesItsField(t *testing.T) {
	t.Parallel()
	e := labelled()
	for name, want := range map[string]string{
		"jobtitle": "jobtitle", " JobTitle": "jobtitle", "job title": "jobtitle", "  JOB \t title ": "jobtitle", "berufs bezeichnung": "jobtitle",
		"mobile": "mobile", "Mobile": "mobile", "nickname": "nickname", // never another field's label
		"same": "same", "Telefon": "", "": "", " ": "", "jobtitle title": "", "Job": "",
	} {
		got := ""
		if f := translate.Field(e, name); f != nil {
			got = f.LogicalName
		}
		if got != want {
			t.Errorf("%q is the field %q, want %q", name, got, want)
		}
	}
	fault := translate.UnknownField(e, "telefon", "fields.telefon")
	if fault.Reason != input.InvalidField || !slices.Equal(fault.Nearest, []string{"mobile", "phone"}) || !strings.Contains(fault.Message, "several fields of x: mobile, phone") {
		t.Errorf("a label of two fields: %+v", fault)
	}
}
