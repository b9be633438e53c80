package actions

import (
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/dataverse/schema"
)

// testNotCreatable: an entity that is said not to be creatable is refused before anything is asked, with the reason named, by
// each action that would make a record of it, also when it is saved.
func testNotCreatable(t *testing.T, w world) {
	ctx := t.Context()
	for entity, why := range map[string]string{
		"activitypointer": "as a task or a phonecall", "activityparty": "in a field of the activity", "teammembership": "associating",
		"organization": "no privilege",
	} {
		fields := map[string]any{"nosuch": "x"}
		_, created := w.CreateRecord(ctx, CreateRecord{Entity: entity, Fields: fields})
		_, upserted := w.UpsertRecord(ctx, UpsertRecord{UpdateRecord: UpdateRecord{Entity: entity, Where: map[string]any{w.idOf(t, entity): someID}, Fields: fields}})
		linted := w.LintCreateRecord(ctx, CreateRecord{Entity: entity, Fields: fields})
		for how, err := range map[string]error{"create": created, "upsert": upserted, "lint": linted} {
			faults := input.FaultsOf(err)
			if len(faults) == 0 || faults[0].Reason != input.NotCreatable || faults[0].Field != "entity" || !strings.Contains(faults[0].Message, why) {
				t.Errorf("%s of %s: %v, want %s with %q", how, entity, err, input.NotCreatable, why)
			}
		}
		_, updated := w.UpdateRecord(ctx, UpdateRecord{Entity: entity, RecordID: someID, Fields: fields})
		if faults := input.FaultsOf(updated); len(faults) == 0 || faults[0].Reason == input.NotCreatable {
			t.Errorf("an update of %s: %v, want a fault of the field alone", entity, updated)
		}
	}
}

func (w world) idOf(t *testing.T, entity string) string {
	t.Helper()
	d, err := w.GetEntity(t.Context(), "", entity, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d.PrimaryID
}

// TestDescriptionsAgreeWithSearches has each operator that a field is said to have be taken by a condition, and every other be
// refused; and each field that is said to sort do so.
func TestDescriptionsAgreeWithSearches(t *testing.T) {
	t.Parallel()
	operators := []string{"eq", "ne", "gt", "ge", "lt", "le", "contains", "begins_with", "ends_with", "in", "not_in", "between", "is_null", "not_null"}
	for _, name := range []string{"contact", "incident", "opportunity", "email", "msdyn_ocsession"} {
		e := entityOf(t, name)
		for _, f := range describeEntity(e, 0).Fields {
			field := e.Field(f.Field)
			told := map[string]bool{}
			for _, operator := range f.Operators {
				told[operator] = true
			}
			if (len(told) > 0) != f.Searchable {
				t.Errorf("%s.%s: searchable is %v with the operators %v", name, f.Field, f.Searchable, f.Operators)
			}
			if !f.Searchable {
				continue
			}
			for _, operator := range operators {
				condition := Condition{Field: f.Field, Operator: operator, Value: "x"}
				if operator == isNull || operator == notNull {
					condition.Value = nil
				}
				if taken := operatorFault(field, condition, "c") == nil; taken != told[operator] {
					t.Errorf("%s.%s: a condition takes %s: %v, want %v", name, f.Field, operator, taken, told[operator])
				}
			}
			if _, faults := order.Parse(e, []string{f.Field}); (len(faults) == 0) != f.Sortable {
				t.Errorf("%s.%s: sortable is %v, and an order of it has the faults %v", name, f.Field, f.Sortable, faults)
			}
		}
	}
}

// testDescriptionsAgreeWithSources has each field that is said to be a source be taken as one, and be refused where it is not;
// likewise what is behind lookups.
func testDescriptionsAgreeWithSources(t *testing.T, w world) {
	d, err := w.GetEntity(t.Context(), "", "contact", 0)
	if err != nil {
		t.Fatal(err)
	}
	takes := func(source string) bool {
		return w.LintFindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "x"}, Save: map[string]string{"v": source}}) == nil
	}
	linked := 0
	for _, f := range d.Fields {
		if takes(f.Field) != f.Savable || takes(f.Field+"@formatted") != f.Savable {
			t.Errorf("contact.%s: savable is %v, and saving it says otherwise", f.Field, f.Savable)
		}
		source := f.Field + ".createdon"
		if len(f.Entities) > 0 {
			source = f.Field + "." + w.idOf(t, f.Entities[0].Entity)
		}
		if takes(source) != f.Linked {
			t.Errorf("contact.%s: linked is %v, and saving %s says otherwise", f.Field, f.Linked, source)
		}
		if f.Linked {
			linked++
		}
	}
	if linked == 0 {
		t.Error("there is no lookup to look behind")
	}
}

func TestFieldsAreDescribedForDropDowns(t *testing.T) {
	t.Parallel()
	described := func(entity, field string) FieldDescription {
		e := entityOf(t, entity)
		return describeField(e, e.Field(field), 0)
	}
	for _, test := range []struct {
		what string
		is   bool
	}{
		{"a phone field", described("contact", "mobilephone").Phone && !described("contact", "lastname").Phone},
		{"a sender by address", described("email", "to").Addresses && !described("phonecall", "to").Addresses},
		{"a label beside a number", described("contact", "preferredcontactmethodcode").Formatted && !described("contact", "lastname").Formatted},
		{"what is behind a lookup", described("contact", "originatingleadid").Linked && !described("contact", "parentcustomerid").Linked},
		{"an image is no source", !described("contact", "entityimage").Savable},
		{"a day", described("contact", "birthdate").Behavior == schema.DateOnly},
		{"a point in time", described("contact", "createdon").Behavior == schema.UserLocal && described("contact", "lastname").Behavior == ""},
		{"a recommended field", described("contact", "firstname").Recommended && !described("contact", "lastname").Recommended},
	} {
		if !test.is {
			t.Errorf("%s is not described so", test.what)
		}
	}
	secured := &schema.Entity{LogicalName: "x", Fields: []*schema.Field{{LogicalName: "s", Type: schema.String, Secured: true}}, Keys: []schema.Key{{Name: "k", Fields: []string{"s"}}}}
	secured.Index()
	if d := describeEntity(secured, 0); !d.Fields[0].Sensitive || len(d.Keys) != 1 || d.Keys[0].Fields[0] != "s" {
		t.Errorf("%+v, want a sensitive field and a key", d)
	}
}
