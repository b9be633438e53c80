package actions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// typeCase is a field of a type: what it takes, and what it does not.
type typeCase struct {
	field *schema.Field
	good  any    // a variable's value
	want  string // what the record gets
	other any    // another good value
	bad   any    // a value that is refused
	fault string // and how
	empty string // what "" gives; "!" and a part of the fault's message where it is refused
}

// everything is an entity with a field of each type, and what each takes.
func everything(t testing.TB) (*schema.Entity, []typeCase) {
	t.Helper()
	colours := []schema.Option{
		{Value: 1, Label: schema.Label{{Language: 1033, Text: "Red"}, {Language: 1031, Text: "Rot"}}}, {Value: 2, Label: schema.EnglishLabel("Blue")},
	}
	states := []schema.Option{{Value: 0, Label: schema.EnglishLabel("Open")}, {Value: 1, Label: schema.EnglishLabel("Shut")}}
	reference := map[string]any{"entity": "contact", "id": someID, "name": "Ada", "url": "https://x"}
	user := map[string]any{"entity": "systemuser", "id": someID}
	cases := []typeCase{
		{&schema.Field{LogicalName: "string", Type: schema.String, MaxLength: 9}, "Ada", "Ada", "Ben", "0123456789", "at most 9", ""},
		{&schema.Field{LogicalName: "memo", Type: schema.Memo, MaxLength: 9}, "a\nb", "a\nb", "c", []any{"x"}, "takes a text", ""},
		{&schema.Field{LogicalName: "documentbody", Type: schema.String}, "aGk=", "aGk=", "aGV5", "hi!", "base64", ""},
		{&schema.Field{LogicalName: "integer", Type: schema.Integer}, "12", "12", 13.0, "1.5", "a whole number", "!takes a number"},
		{&schema.Field{LogicalName: "bigint", Type: schema.BigInt}, "9007199254740993", "9007199254740993", "1", 1e300, "send it as a text", "!takes a number"},
		{&schema.Field{LogicalName: "decimal", Type: schema.Decimal}, "1.10", "1.10", 2.0, "1,1", "a comma", "!takes a number"},
		{&schema.Field{LogicalName: "double", Type: schema.Double}, 0.25, "0.25", "1", "much", "takes a number", "!takes a number"},
		{&schema.Field{LogicalName: "money", Type: schema.Money}, "19.90", "19.90", 5.0, true, "takes a number", "!takes a number"},
		{&schema.Field{LogicalName: "boolean", Type: schema.Boolean, TrueLabel: schema.EnglishLabel("Allow"), FalseLabel: schema.EnglishLabel("Deny")}, "allow", "true", false, "perhaps", "true or false", "!true or false"},
		{&schema.Field{LogicalName: "picklist", Type: schema.Picklist, Options: colours}, "rot", "1", 2.0, "Pink", "Red, Blue", "!option's label or number"},
		{&schema.Field{LogicalName: "multi", Type: schema.MultiSelectPicklist, Options: colours}, []any{"Red", 2.0}, "[1 2]", "Blue", "Pink", "Red, Blue", "!option's label or number"},
		{&schema.Field{LogicalName: "statecode", Type: schema.State, Options: states}, "shut", "1", 0.0, "ajar", "Open, Shut", "!option's label or number"},
		{&schema.Field{LogicalName: "statuscode", Type: schema.Status, Options: states}, 1.0, "1", "Open", 7.0, "Open, Shut", "!option's label or number"},
		{&schema.Field{LogicalName: "dateonly", Type: schema.DateTime, Behavior: schema.DateOnly}, "2026-05-17", "2026-05-17", "2026-05-18", "17.5.2026", "as 2026-05-17", "!as 2026-05-17"},
		{&schema.Field{LogicalName: "userlocal", Type: schema.DateTime, Behavior: schema.UserLocal}, "2026-05-17T12:00:00+02:00", "2026-05-17T10:00:00Z", "2026-05-17T12:00:00Z", "2026-05-17T12:00", "no offset", "!a point in time"},
		{&schema.Field{LogicalName: "zoneless", Type: schema.DateTime, Behavior: schema.TimeZoneIndependent}, "2026-05-17T12:00:00", "2026-05-17T12:00:00Z", "2026-05-18", "2026-05-17T12:00:00+02:00", "without an offset", "!that a clock shows"},
		{&schema.Field{LogicalName: "guid", Type: schema.Uniqueidentifier}, "{" + strings.ToUpper(someID) + "}", someID, someID, "7", "a GUID", "!a GUID"},
		{&schema.Field{LogicalName: "lookup", Type: schema.Lookup, Targets: []string{"contact"}}, someID, "contact " + someID, reference, "Ada", "a record ID", "!a record ID"},
		{&schema.Field{LogicalName: "regarding", Type: schema.Lookup, Targets: []string{"account", "contact"}}, reference, "contact " + someID, map[string]any{"entity": "account", "id": someID}, someID, "does not say which entity", `!and the entity is account or contact`},
		{&schema.Field{LogicalName: "customer", Type: schema.Customer, Targets: []string{"account", "contact"}}, reference, "contact " + someID, map[string]any{"entity": "account", "id": someID}, user, `not at "systemuser"`, `!and the entity is account or contact`},
		{&schema.Field{LogicalName: "ownerid", Type: schema.Owner, Targets: []string{"systemuser", "team"}}, user, "systemuser " + someID, map[string]any{"entity": "team", "id": someID}, reference, `not at "contact"`, `!and the entity is systemuser or team`},
		{&schema.Field{LogicalName: "to", Type: schema.PartyList, Targets: []string{"contact", "systemuser"}}, []any{reference, user}, "contact " + someID + "; systemuser " + someID, user, "+49 30 12", "a record or a list", "!a record or a list"},
		{&schema.Field{LogicalName: "image", Type: schema.Image}, "aGk=", "aGk=", "aGV5", "hi!", "base64", "!base64"},
	}
	e := &schema.Entity{
		LogicalName: "new_everything", PrimaryID: "new_everythingid", IsActivity: true,
		OneToMany: []schema.OneToMany{{ReferencingEntity: "activityparty", ReferencingField: "activityid", Navigation: "new_everything_activity_parties"}},
	}
	for _, c := range cases {
		f := c.field
		f.DisplayName, f.Creatable, f.Updatable, f.Readable = schema.EnglishLabel("The "+f.LogicalName), true, true, true
		f.Navigation = map[string]string{}
		for _, target := range f.Targets {
			f.Navigation[target] = f.LogicalName + "_" + target
		}
		e.Fields = append(e.Fields, f)
	}
	e.Index()
	return e, cases
}

// became is what a field was translated into: "null", "left out", "!" and a fault, or the value.
func (v *recordValues) became(name string) string {
	for _, f := range v.faults {
		return "!" + string(f.Reason) + " " + f.Message
	}
	if slices.Contains(v.omitted, name) {
		return "left out"
	}
	if a, ok := v.lookups[name]; ok {
		return a.lookup.Entity + " " + string(a.lookup.ID)
	}
	if all, ok := v.parties[name]; ok {
		var texts []string
		for _, a := range all {
			texts = append(texts, a.lookup.Entity+" "+string(a.lookup.ID))
		}
		return strings.Join(texts, "; ")
	}
	value, ok := v.values[name]
	switch {
	case !ok:
		return "forgotten"
	case value == nil:
		return "null"
	}
	return fmt.Sprint(value)
}

// translated is what becomes of a field's value as a request writes it.
func translatedOf(e *schema.Entity, f *schema.Field, given any, variables map[string]any) string {
	v := New(nil).translateOnce(e, fieldInput{fields: map[string]any{f.LogicalName: given}, variables: variables}, nil, nil)
	return v.became(f.LogicalName)
}

// TestEveryTypeTakesGoodBadNullEmptyAndUnset is the table of what each type of field does with what a variable may hold.
func TestEveryTypeTakesGoodBadNullEmptyAndUnset(t *testing.T) {
	t.Parallel()
	e, cases := everything(t)
	if len(cases) < 20 {
		t.Fatalf("%d types", len(cases))
	}
	variables := map[string]any{"null": nil, "empty": ""}
	for _, c := range cases {
		variables["good"], variables["bad"] = c.good, c.bad
		for _, row := range []struct{ given, want string }{
			{"{{ good }}", c.want}, {"{{ bad }}", "!INVALID_VALUE…" + c.fault}, {"{{ null }}", "null"},
			{"{{ empty }}", strings.Replace(c.empty, "!", "!INVALID_VALUE…", 1)}, {"{{ unset }}", "left out"},
		} {
			got := translatedOf(e, c.field, row.given, variables)
			prefix, part, isFault := strings.Cut(row.want, "…")
			if !isFault && got != row.want || isFault && (!strings.HasPrefix(got, prefix) || !strings.Contains(got, part)) {
				t.Errorf("%s of %s = %s, want %s", c.field.LogicalName, row.given, got, row.want)
			}
		}
	}
}

// TestSwitchesOfEveryType: three ways to say nothing, four things to do, each type of field.
func TestSwitchesOfEveryType(t *testing.T) {
	t.Parallel()
	e, cases := everything(t)
	states := map[string]string{"onUnset": "{{ unset }}", "onNull": "{{ null }}", "onEmpty": "{{ empty }}"}
	for _, c := range cases {
		variables := map[string]any{"null": nil, "empty": "  ", "good": c.good}
		for name, given := range states {
			for remedy, want := range map[string]string{"OMIT": "left out", "CLEAR": "null", "DEFAULT": c.want, "REFUSE": "!VARIABLE_UNSET"} {
				value := map[string]any{"value": given, name: remedy}
				if remedy == "DEFAULT" {
					value["default"] = "{{ good }}"
				}
				if got := translatedOf(e, c.field, value, variables); got != want && (remedy != "REFUSE" || !strings.HasPrefix(got, want)) {
					t.Errorf("%s, %s: %s = %s, want %s", c.field.LogicalName, name, remedy, got, want)
				}
				value["value"] = "{{ good }}"
				if got := translatedOf(e, c.field, value, variables); got != c.want {
					t.Errorf("%s with %s: %s = %s, want %s: the switch is of another case", c.field.LogicalName, name, remedy, got, c.want)
				}
			}
		}
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	e, _ := everything(t)
	variables := map[string]any{"null": nil, "empty": "", "blankname": map[string]any{"entity": "contact", "name": " "}}
	for _, test := range []struct {
		field string
		given map[string]any
		want  string
	}{
		{"string", map[string]any{"value": "Ada"}, "Ada"},
		{"string", map[string]any{"value": "{{ empty }}"}, ""},
		{"string", map[string]any{"value": nil}, "null"},
		{"string", map[string]any{"value": "{{ unset }}", "default": "Ben"}, "Ben"},
		{"string", map[string]any{"value": "{{ null }}", "default": "Ben"}, "Ben"},
		{"string", map[string]any{"value": "{{ empty }}", "default": "Ben"}, ""},
		{"string", map[string]any{"value": "{{ null }}", "default": "Ben", "onNull": "CLEAR"}, "null"},
		{"string", map[string]any{"value": "{{ unset }}", "default": nil}, "null"},
		{"string", map[string]any{"value": "{{ unset }}", "default": "{{ unset2 }}"}, "!VARIABLE_UNSET the variable unset2"},
		{"string", map[string]any{"value": "x {{ unset }}", "onUnset": "CLEAR"}, "null"},
		{"integer", map[string]any{"value": "{{ unset }}", "default": "much"}, "!INVALID_VALUE"},
		{"regarding", map[string]any{"value": "{{ blankname }}", "onEmpty": "OMIT"}, "left out"},
		{"regarding", map[string]any{"value": map[string]any{"entity": "contact", "name": "{{ empty }}"}, "onEmpty": "CLEAR"}, "null"},
		{"regarding", map[string]any{"value": map[string]any{"entity": "contact", "where": map[string]any{"lastname": "{{ empty }}"}}, "onEmpty": "OMIT"}, "left out"},
		{"to", map[string]any{"value": []any{}, "onEmpty": "REFUSE"}, "!VARIABLE_UNSET the value is blank"},
		{"string", map[string]any{"value": "x", "onUnset": "SKIP"}, "!INVALID_VALUE takes OMIT, CLEAR, DEFAULT or REFUSE"},
		{"string", map[string]any{"value": "x", "onNull": "DEFAULT"}, "!INVALID_VALUE is missing"},
		{"string", map[string]any{"value": "x", "default": "y", "onUnset": "OMIT", "onNull": "CLEAR"}, "!INVALID_VALUE is used by none"},
		{"string", map[string]any{"value": "x", "on_unset": "OMIT"}, `!INVALID_VALUE a value with switches has no member "on_unset"`},
	} {
		got := translatedOf(e, e.Field(test.field), test.given, variables)
		if got != test.want && (!strings.HasPrefix(test.want, "!") || !strings.HasPrefix(got, test.want)) {
			t.Errorf("%s of %v = %s, want %s", test.field, test.given, got, test.want)
		}
	}
	// What a variable holds is a value, and switches nothing.
	variables["v"] = map[string]any{"value": "x", "onUnset": "OMIT"}
	if got := translatedOf(e, e.Field("string"), "{{ v }}", variables); !strings.HasPrefix(got, "!INVALID_VALUE an object") {
		t.Errorf("switches in a variable: %s", got)
	}
}

// TestChoiceByLabelCaseNumberAndText: however a choice is written, the row is the same; what is none is told what there is.
func TestChoiceByLabelCaseNumberAndText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.contact(t, "ChoiceAda")
	var rows []string
	for _, origin := range []any{"Phone", "phone", "1", 1.0} {
		got, err := w.CreateRecord(t.Context(), CreateRecord{
			Entity: "incident", Fields: map[string]any{"title": "C", "customerid": "{{ who }}", "caseorigincode": "{{ origin }}"},
			Variables: map[string]any{"who": customer, "origin": origin},
		})
		if err != nil {
			t.Fatal(err)
		}
		row := w.read(t, got.Record)
		value, _ := row.Value("caseorigincode")
		rows = append(rows, fmt.Sprint(value, " ", row.Formatted("caseorigincode")))
	}
	if diff := cmp.Diff(slices.Repeat([]string{"1 Phone"}, 4), rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident", Fields: map[string]any{"title": "C", "customerid": "{{ who }}", "caseorigincode": "fax"}, Variables: map[string]any{"who": customer},
	})
	faults := input.FaultsOf(err)
	if len(faults) != 1 || faults[0].Field != "fields.caseorigincode" || !slices.Contains(faults[0].Allowed, "Phone") || !slices.Contains(faults[0].Allowed, "Email") || !strings.Contains(faults[0].Message, "Phone, Email, Web") {
		t.Errorf("fax: %+v, want the labels that are allowed", faults)
	}
}
