package actions

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

func testListEntities(t *testing.T, w world) {
	got, err := w.ListEntities(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(got, func(a, b EntitySummary) int {
		if a.Entity < b.Entity {
			return -1
		}
		return 1
	}) {
		t.Error("the entities are not in the order of their names")
	}
	want := []EntitySummary{
		{Entity: "contact", Label: "Contact", PluralLabel: "Contacts", EntitySet: "contacts", Creatable: true},
		{Entity: "task", Label: "Task", PluralLabel: "Tasks", EntitySet: "tasks", Activity: true, Creatable: true},
		{Entity: "activitypointer", Label: "Activity", PluralLabel: "Activities", EntitySet: "activitypointers"},
	}
	for _, w := range want {
		w.Allowed = []dataverse.Verb{dataverse.Find, dataverse.Create, dataverse.Update}
		if !slices.ContainsFunc(got, func(e EntitySummary) bool { return cmp.Equal(e, w) }) {
			t.Errorf("%+v is not among the %d entities", w, len(got))
		}
	}
}

func testGetEntity(t *testing.T, w world) {
	got, err := w.GetEntity(t.Context(), "", "contact", schema.English)
	if err != nil {
		t.Fatal(err)
	}
	if got.PrimaryID != "contactid" || got.PrimaryName != "fullname" || !got.DuplicateDetection || got.Label != "Contact" {
		t.Errorf("%+v", got.EntitySummary)
	}
	email := fieldOf(t, got, "emailaddress1")
	if email.Type != TextType || email.Format != "Email" || !email.Creatable || !email.Updatable || !email.Searchable || email.MaxLength == nil || *email.MaxLength != 100 {
		t.Errorf("emailaddress1 = %+v", email)
	}
	how := fieldOf(t, got, "preferredcontactmethodcode")
	if how.Type != ChoiceType || !slices.ContainsFunc(how.Options, func(o OptionDescription) bool { return o.Value == 2 && o.Label == "Email" }) {
		t.Errorf("preferredcontactmethodcode = %+v", how)
	}
	status := fieldOf(t, got, "statuscode")
	if status.Type != StatusType || len(status.Options) == 0 || status.Options[0].State == nil {
		t.Errorf("statuscode = %+v", status)
	}
	if company := fieldOf(t, got, "parentcustomerid"); company.Type != CustomerType || !slices.Equal(company.Targets, []string{"account", "contact"}) {
		t.Errorf("parentcustomerid = %+v", company)
	}
	if company := fieldOf(t, got, "parentcustomerid"); len(company.Entities) != 2 || company.Entities[0].Label != "Account" || company.Entities[1].EntitySet != "contacts" {
		t.Errorf("the entities of parentcustomerid are %+v, want account and contact with their labels", company.Entities)
	}
	if born := fieldOf(t, got, "birthdate"); born.Type != DateType {
		t.Errorf("birthdate = %+v, want a date", born)
	}
	if image := fieldOf(t, got, "entityimage"); image.Type != ImageType || image.Searchable {
		t.Errorf("entityimage = %+v", image)
	}
	if created := fieldOf(t, got, "createdon"); created.Creatable || created.Updatable || !created.Searchable || created.Type != DateTimeType {
		t.Errorf("createdon = %+v", created)
	}
	if slices.ContainsFunc(got.Fields, func(f FieldDescription) bool { return f.Field == "parentcustomeridname" }) {
		t.Error("a field that only shadows another is listed")
	}
	if yes := fieldOf(t, got, "donotfax"); yes.Type != BooleanType || len(yes.Options) != 2 || yes.Options[0].Value != 1 {
		t.Errorf("donotfax = %+v", yes)
	}
}

func fieldOf(t *testing.T, e EntityDescription, name string) FieldDescription {
	t.Helper()
	for _, f := range e.Fields {
		if f.Field == name {
			return f
		}
	}
	t.Fatalf("%s has no field %s", e.Entity, name)
	return FieldDescription{}
}

// TestDescriptionsAgreeWithCreations has what is called required be refused when it is missing, and what is called creatable
// be no unknown or read-only field.
func TestDescriptionsAgreeWithCreations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"contact", "account", "incident", "task", "lead"} {
		e := entityOf(t, name)
		d := describeEntity(e, 0)
		for i, f := range d.Fields {
			field := e.Field(f.Field)
			if f.Required && !f.Creatable {
				t.Errorf("%s.%s is required and cannot be written", name, f.Field)
			}
			if f.Creatable != (notCreatable(e, field, "x") == nil) {
				t.Errorf("%s.%s: creatable is %v and a creation says otherwise", name, f.Field, f.Creatable)
			}
			if i > 0 && !d.Fields[i-1].Required && f.Required {
				t.Errorf("%s.%s is required and stands behind others", name, f.Field)
			}
		}
	}
	d := describeEntity(entityOf(t, "incident"), 0)
	var requiredFields []string
	for _, f := range d.Fields {
		if f.Required {
			requiredFields = append(requiredFields, f.Field)
		}
	}
	if diff := cmp.Diff([]string{"customerid", "title"}, requiredFields); diff != "" {
		t.Errorf("required of a case (-want +got):\n%s", diff)
	}
}

func testUnknownEntityNamesTheNearest(t *testing.T, w world) {
	_, err := w.GetEntity(t.Context(), "", "contcat", 0)
	faults := input.FaultsOf(err)
	if len(faults) != 1 || faults[0].Reason != input.UnknownEntity || !slices.Contains(faults[0].Nearest, "contact") {
		t.Errorf("error = %v, want UNKNOWN_ENTITY with contact", err)
	}
}

func TestLabelsComeInTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	e := &schema.Entity{
		LogicalName: "x", PrimaryID: "xid", DisplayName: schema.Label{{Language: 1033, Text: "Thing"}, {Language: 1031, Text: "Ding"}},
		Fields: []*schema.Field{{LogicalName: "c", Type: schema.Picklist, Readable: true, Options: []schema.Option{{Value: 1, Label: schema.Label{{Language: 1033, Text: "Red"}, {Language: 1031, Text: "Rot"}}}}}},
	}
	e.Index()
	for language, want := range map[int][2]string{0: {"Thing", "Red"}, 1031: {"Ding", "Rot"}, 1036: {"Thing", "Red"}} {
		d := describeEntity(e, language)
		if d.Label != want[0] || d.Fields[0].Options[0].Label != want[1] {
			t.Errorf("language %d: %s, %s, want %v", language, d.Label, d.Fields[0].Options[0].Label, want)
		}
	}
}
