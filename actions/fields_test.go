package actions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestRequiredFields(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"contact": {"lastname"}, "account": {"name"}, "incident": {"customerid", "title"}, "lead": {"lastname", "subject"},
		"task": {"subject"}, "phonecall": {"subject"}, "email": nil, "opportunity": {"customerid", "name"},
	}
	for name, fields := range want {
		e := schema.Standard().Entity(name)
		var got []string
		for _, f := range e.Fields {
			if required(e, f) {
				got = append(got, f.LogicalName)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, fields) {
			t.Errorf("%s requires %v, want %v", name, got, fields)
		}
	}
}

// TestVariablesNeverChangeTheStructure: whatever a text in a variable is, the record gets that text in that field and
// nothing else.
func TestVariablesNeverChangeTheStructure(t *testing.T) {
	t.Parallel()
	r := New(nil)
	contact := schema.Standard().Entity("contact")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			`","ownerid":"x`, "{{ other }}", "{% if %}", "O'Neill", "null", "true", someID, `{"entity":"account","id":"` + someID + `"}`, "\x00", "a@odata.bind",
		})).Draw(t, "text")
		spec := CreateRecord{
			Fields:    map[string]any{"lastname": "{{ v }}", "description": "{{ v }}{{ v }}"},
			Variables: map[string]any{"v": text, "other": "secret"},
		}
		got := r.translateOnce(contact, spec.input(), nil, nil)
		if bad := input.CheckPrintable(text, "") != nil; bad || len(text) > 50 {
			return // may not fit the field, which is a fault
		}
		if len(got.faults) > 0 {
			t.Fatalf("%q: %+v", text, got.faults)
		}
		want := map[string]any{"lastname": text, "description": text + text}
		if diff := cmp.Diff(want, got.values); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func TestAllFaultsComeAtOnce(t *testing.T) {
	t.Parallel()
	r := New(nil)
	got := r.translateOnce(schema.Standard().Entity("contact"), fieldInput{
		fields: map[string]any{
			"emailadress1": "a", "birthdate": "soon", "preferredcontactmethodcode": "Pigeon", "contactid": someID, "statecode": "Inactive",
			"createdon": "2026-01-01T00:00:00Z", "fullname": "Ada", "owneridtype": "team", "firstname": "{{ a", "FirstName": "x",
			"parentcustomerid": someID, "jobtitle": "{{ nope }}",
		},
		onUnset: Refuse,
	}, nil, nil)
	want := map[string]input.Reason{
		"fields.emailadress1": input.InvalidField, "fields.birthdate": input.InvalidValue, "fields.preferredcontactmethodcode": input.InvalidValue,
		"fields.contactid": input.InvalidField, "fields.statecode": input.InvalidField, "fields.createdon": input.InvalidField, "fields.fullname": input.InvalidField,
		"fields.owneridtype": input.InvalidField, "fields.firstname": input.InvalidField, "fields.parentcustomerid": input.InvalidValue, "fields.jobtitle": input.VariableUnset,
	}
	reasons := map[string]input.Reason{}
	for _, f := range got.faults {
		reasons[f.Field] = f.Reason
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !got.stale {
		t.Error("an unknown field and an unknown label do not have the metadata read again")
	}
}

func TestMoreFieldsThanThereAreIsOneFault(t *testing.T) {
	t.Parallel()
	account := schema.Standard().Entity("account")
	many := map[string]any{}
	for i := range len(account.Fields) + 1 {
		many[fmt.Sprint("f", i)] = "x"
	}
	_, err := New(nil).translateFields(t.Context(), nil, account, fieldInput{fields: many})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "fields" {
		t.Errorf("%d faults of fields, want one", len(faults))
	}
	_, faults, err := comparer{runtime: New(nil), entity: account}.where(t.Context(), many)
	if err != nil || len(faults) != 1 || faults[0].Field != "where" {
		t.Errorf("%d faults of where, want one", len(faults))
	}
}

func TestStatusBringsItsState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		entity, status string
		state          any
		fault          string
	}{
		{"contact", "Inactive", 1, ""},
		{"contact", "Active", nil, ""},
		{"incident", "On Hold", nil, ""},
		{"incident", "Problem Solved", nil, "CloseIncident"},
		{"lead", "Qualified", nil, "QualifyLead"},
		{"opportunity", "Won", nil, "WinOpportunity"},
		{"opportunity", "Canceled", nil, "LoseOpportunity"},
	}
	for _, test := range tests {
		v := New(nil).translateOnce(schema.Standard().Entity(test.entity), fieldInput{fields: map[string]any{"statuscode": test.status}}, nil, nil)
		v.checkState()
		if test.fault == "" && (len(v.faults) > 0 || v.later["statecode"] != test.state) {
			t.Errorf("%s %q: state %v, faults %+v; want state %v", test.entity, test.status, v.later["statecode"], v.faults, test.state)
		}
		if test.fault != "" && (len(v.faults) != 1 || !strings.Contains(v.faults[0].Message, test.fault)) {
			t.Errorf("%s %q: faults %+v, want one that names %s", test.entity, test.status, v.faults, test.fault)
		}
	}
}

func TestStateThatCanBeCreatedIsSentAtOnce(t *testing.T) {
	t.Parallel()
	product := schema.Standard().Entity("product")
	translate := func(fields map[string]any) *recordValues {
		v := New(nil).translateOnce(product, fieldInput{fields: fields}, nil, nil)
		v.checkState()
		return v
	}
	if v := translate(map[string]any{"statuscode": "Retired"}); v.values["statecode"] != 1 || v.values["statuscode"] != 2 || v.later != nil {
		t.Errorf("a retired product: %v, later %v", v.values, v.later)
	}
	if v := translate(map[string]any{"statuscode": "Retired", "statecode": "Active"}); len(v.faults) != 1 || !strings.Contains(v.faults[0].Message, "not one of the given state") {
		t.Errorf("a status of another state: %+v", v.faults)
	}
}

func TestRecordIDFollowsFromTheRequestID(t *testing.T) {
	t.Parallel()
	id := func(organization, namespace, entity, request string) string {
		return string(newRecordID("6f1d0d5e-0000-4000-8000-000000000001", nil, CreateRecord{Namespace: namespace, RequestID: request}, entity)) + organization
	}
	same := id("", "bot", "contact", "r1")
	if again := id("", "bot", "contact", "r1"); again != same {
		t.Errorf("the same request gives %s and %s", same, again)
	}
	if same[14] != '5' {
		t.Errorf("%s is not of version 5", same)
	}
	for _, other := range []string{id("", "bot2", "contact", "r1"), id("", "bot", "account", "r1"), id("", "bot", "contact", "r2"), id("", "botc", "ontact", "r1"), id("", "bot", "contact", ""), id("", "bot", "contact", "")} {
		if other == same {
			t.Errorf("another request gives the same ID %s", other)
		}
	}
}
