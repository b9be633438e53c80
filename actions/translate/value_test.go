package translate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

const someID = "7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11"

// standardField is a field of the standard tables.
func standardField(t testing.TB, entity, field string) *schema.Field {
	t.Helper()
	f := schema.Standard().Entity(entity).Field(field)
	if f == nil {
		t.Fatalf("the standard tables have no %s.%s", entity, field)
	}
	return f
}

// extraField is a field of a kind that the standard tables lack.
func extraField(kind schema.Type) *schema.Field {
	f := &schema.Field{LogicalName: "new_field", DisplayName: schema.EnglishLabel("Field"), Type: kind, Creatable: true, Readable: true}
	switch kind {
	case schema.MultiSelectPicklist, schema.Picklist:
		f.Options = []schema.Option{
			{Value: 1, Label: schema.Label{{Language: 1033, Text: "Red"}, {Language: 1031, Text: "Rot"}}},
			{Value: 2, Label: schema.EnglishLabel("Blue, or so")}, {Value: 9, Label: schema.EnglishLabel("Green")},
			{Value: 10, Label: schema.EnglishLabel("Twice")}, {Value: 11, Label: schema.EnglishLabel("Twice")}, {Value: 12, Label: schema.EnglishLabel("9")},
		}
	case schema.DateTime:
		f.Behavior = schema.TimeZoneIndependent
	}
	return f
}

func TestTranslateValue(t *testing.T) {
	t.Parallel()
	name, employees := standardField(t, "account", "name"), standardField(t, "account", "numberofemployees")
	credit, birth := standardField(t, "contact", "creditlimit"), standardField(t, "contact", "birthdate")
	due, method := standardField(t, "task", "scheduledend"), standardField(t, "contact", "preferredcontactmethodcode")
	noEmail, big := standardField(t, "contact", "donotemail"), extraField(schema.BigInt)
	decimal, double := extraField(schema.Decimal), extraField(schema.Double)
	clock, colours := extraField(schema.DateTime), extraField(schema.MultiSelectPicklist)
	colour, status := extraField(schema.Picklist), standardField(t, "contact", "statuscode")
	currency, guid := standardField(t, "contact", "transactioncurrencyid"), extraField(schema.Uniqueidentifier)
	customer, owner := standardField(t, "incident", "customerid"), standardField(t, "contact", "ownerid")
	picture := standardField(t, "contact", "entityimage")
	zone := translate.Options{Zone: actionstest.Berlin(t)}

	tests := []struct {
		field   *schema.Field
		given   any
		options translate.Options
		want    any // a string that begins with "!" is part of the fault's message
	}{
		{name, "O'Neill & Sons", translate.Options{}, "O'Neill & Sons"},
		{name, "", translate.Options{}, ""},
		{name, "a\x00b", translate.Options{}, "!a character that no text can hold (U+0000)"},
		{name, 1000000.0, translate.Options{}, "1000000"},
		{name, true, translate.Options{}, "true"},
		{name, strings.Repeat("ä", 160), translate.Options{}, strings.Repeat("ä", 160)},
		{name, strings.Repeat("ä", 161), translate.Options{}, "!has 161 characters"},
		{name, strings.Repeat("😀", 81), translate.Options{}, "!has 162 characters"},
		{name, "x" + strings.Repeat("😀", 81), translate.Options{CutLongText: true}, "x" + strings.Repeat("😀", 79) + "…"},
		{name, strings.Repeat("ä", 161), translate.Options{Search: true}, strings.Repeat("ä", 161)},
		{name, []any{"a"}, translate.Options{}, "!a list does not fit"},
		{name, map[string]any{}, translate.Options{}, "!an object does not fit"},

		{employees, 42.0, translate.Options{}, json.Number("42")},
		{employees, " 042 ", translate.Options{}, json.Number("42")},
		{employees, "1e3", translate.Options{}, json.Number("1000")},
		{employees, "42.0", translate.Options{}, json.Number("42")},
		{employees, 1.5, translate.Options{}, "!takes a whole number"},
		{employees, -1.0, translate.Options{}, "!takes a number from 0 to 1000000000"},
		{employees, -1.0, translate.Options{Search: true}, json.Number("-1")},
		{employees, "99999999999", translate.Options{Search: true}, "!takes a number from"},
		{employees, "many", translate.Options{}, `!"many" does not fit "Number of Employees": it takes a number, as 1200`},
		{employees, "", translate.Options{}, "!a blank text does not fit"},
		{employees, true, translate.Options{}, "!takes a number"},
		{employees, "1e999999999", translate.Options{}, "!takes a number"},
		{employees, strings.Repeat("9", 100), translate.Options{}, "!takes a number"},
		{big, "9007199254740993", translate.Options{}, json.Number("9007199254740993")},
		{big, json.Number("9007199254740993"), translate.Options{}, json.Number("9007199254740993")},
		{big, 9007199254740991.0, translate.Options{}, json.Number("9007199254740991")},
		{big, 9007199254740992.0, translate.Options{}, "!send it as a text"}, // or 9007199254740993: nobody knows
		{big, "9223372036854775808", translate.Options{}, "!takes a number from"},

		{credit, "12345678901234.5600", translate.Options{}, json.Number("12345678901234.5600")},
		{credit, 19.9, translate.Options{}, json.Number("19.9")},
		{credit, "+.5", translate.Options{}, json.Number("0.5")},
		{credit, "1,234.50", translate.Options{}, "!takes a number, as 1200.50"},
		{credit, -1.0, translate.Options{}, "!takes a number from 0"},
		{decimal, "0.1234567890", translate.Options{}, json.Number("0.1234567890")},
		{decimal, "12e-1", translate.Options{}, json.Number("1.2")},
		{decimal, "100000000001", translate.Options{}, "!takes a number from"},
		{double, "1e300", translate.Options{}, json.Number("1e+300")},
		{double, 0.25, translate.Options{}, json.Number("0.25")},

		{noEmail, true, translate.Options{}, true},
		{noEmail, "yes", translate.Options{}, true},
		{noEmail, 0.0, translate.Options{}, false},
		{noEmail, "do not allow", translate.Options{}, true},
		{noEmail, " Allow ", translate.Options{}, false},
		{noEmail, "maybe", translate.Options{}, "!takes true or false"},
		{noEmail, "", translate.Options{}, "!takes true or false"},

		{method, "Email", translate.Options{}, 2},
		{method, "email", translate.Options{}, 2},
		{method, "2", translate.Options{}, 2},
		{method, 2.0, translate.Options{}, 2},
		{method, "Emial", translate.Options{}, "!Any, Email, Phone, Fax, Mail"},
		{method, 17.0, translate.Options{}, "!option's label or number"},
		{method, 1.5, translate.Options{}, "!option's label or number"},
		{method, true, translate.Options{}, "!option's label or number"},
		{method, "", translate.Options{}, "!option's label or number"},
		{colour, "rot", translate.Options{}, 1},
		{colour, "9", translate.Options{}, 12},
		{colour, 9.0, translate.Options{}, 9},
		{colour, "Twice", translate.Options{}, "!several options have that label; give one of their numbers: 10, 11"},
		{status, "inactive", translate.Options{}, 2},
		{colours, []any{"Green", 1.0, "Red"}, translate.Options{}, []int{9, 1}},
		{colours, "Red; Blue, or so", translate.Options{}, []int{1, 2}},
		{colours, "Blue, or so", translate.Options{}, []int{2}},
		{colours, "1,2", translate.Options{}, []int{1, 2}},
		{colours, 1.0, translate.Options{}, []int{1}},
		{colours, []any{}, translate.Options{}, "!takes from 1 to 150 options"},
		{colours, []any{"Red", "Purple"}, translate.Options{}, `!"Purple" does not fit`},

		{birth, "1980-05-17", translate.Options{}, "1980-05-17"},
		{birth, "1980-05-17T00:00:00Z", translate.Options{}, "!a date without a time"},
		{birth, "17.05.1980", translate.Options{}, "!a date without a time"},
		{birth, "1980-02-30", translate.Options{}, "!a date without a time"},
		{birth, "1752-12-31", translate.Options{}, "!dates from 1753"},
		{birth, 5.0, translate.Options{}, "!a date without a time"},
		{birth, "", translate.Options{}, "!a date without a time"},
		{due, "2026-05-17T15:30:00Z", translate.Options{}, "2026-05-17T15:30:00Z"},
		{due, "2026-05-17T15:30:00+02:00", translate.Options{}, "2026-05-17T13:30:00Z"},
		{due, "2026-05-17t15:30+02:00", translate.Options{}, "2026-05-17T13:30:00Z"},
		{due, "2026-05-17T15:30:00.250Z", translate.Options{}, "2026-05-17T15:30:00.25Z"},
		{due, "2026-05-17T15:30:00", translate.Options{}, "!no offset"},
		{due, "2026-05-17", translate.Options{}, "!no offset"},
		{due, "2026-05-17 15:30", zone, "2026-05-17T13:30:00Z"},
		{due, "2026-12-17T15:30:00", zone, "2026-12-17T14:30:00Z"},
		{due, "2026-05-17", zone, "2026-05-16T22:00:00Z"},
		{due, "2026-03-29T02:30:00", zone, "!no such time in Europe/Berlin"},
		{due, "tomorrow", zone, "!a point in time"},
		{clock, "2026-05-17T15:30:00", zone, "2026-05-17T15:30:00Z"},
		{clock, "2026-05-17T15:30:00Z", translate.Options{}, "2026-05-17T15:30:00Z"},
		{clock, "2026-05-17T15:30:00+02:00", translate.Options{}, "!without an offset"},

		{guid, "{" + strings.ToUpper(someID) + "}", translate.Options{}, someID},
		{guid, "x", translate.Options{}, "!takes a GUID"},
		{currency, someID, translate.Options{}, translate.Reference{Entity: "transactioncurrency", ID: someID}},
		{currency, map[string]any{"id": someID}, translate.Options{}, translate.Reference{Entity: "transactioncurrency", ID: someID}},
		{currency, map[string]any{"entity": "Account", "id": someID}, translate.Options{}, `!points at transactioncurrency, not at "Account"`},
		{currency, "US Dollar", translate.Options{}, `!{"entity": "transactioncurrency", "name": …}`},
		{currency, "", translate.Options{}, "!a blank text"},
		{customer, map[string]any{"entity": "Contact", "id": someID, "name": "Ada", "url": "https://x"}, translate.Options{}, translate.Reference{Entity: "contact", ID: someID}},
		{customer, someID, translate.Options{}, "!does not say which entity it is of"},
		{customer, map[string]any{"id": someID}, translate.Options{}, "!account or contact: the lookup's entity must say which"},
		{customer, map[string]any{"entity": "lead", "id": someID}, translate.Options{}, `!points at account or contact, not at "lead"`},
		{customer, map[string]any{"entity": "contact", "id": "7"}, translate.Options{}, "!id takes a GUID"},
		{customer, map[string]any{"entity": "contact"}, translate.Options{}, "!names no record"},
		{customer, map[string]any{"entity": "contact", "label": "Ada"}, translate.Options{}, `!no member "label"`},
		{customer, map[string]any{"entity": "contact", "name": "Ada", "missing": "maybe"}, translate.Options{}, "!missing is OMIT"},
		{customer, 5.0, translate.Options{}, "!it takes"},
		{owner, map[string]any{"entity": "team", "id": someID}, translate.Options{}, translate.Reference{Entity: "team", ID: someID}},
		{owner, someID, translate.Options{}, "!systemuser or team"},
		{picture, "aGVsbG8=", translate.Options{}, "aGVsbG8="},
		{picture, "not base64!", translate.Options{}, "!base64"},
		{extraField(schema.PartyList), "x", translate.Options{}, "!actions cannot handle"},
	}
	for _, test := range tests {
		got, fault := translate.Value(test.field, test.given, test.options)
		part, isFault := strings.CutPrefix(toText(test.want), "!")
		switch {
		case isFault && fault == nil:
			t.Errorf("%s of %.60v = %v, want the fault %q", test.field.LogicalName, test.given, got.Wire, part)
		case isFault && !strings.Contains(fault.Message, part):
			t.Errorf("%s of %.60v: %s, want %q", test.field.LogicalName, test.given, fault.Message, part)
		case !isFault && fault != nil:
			t.Errorf("%s of %.60v: %s, want %v", test.field.LogicalName, test.given, fault.Message, test.want)
		case !isFault && !cmp.Equal(got.Wire, test.want):
			t.Errorf("%s of %.60v = %#v, want %#v", test.field.LogicalName, test.given, got.Wire, test.want)
		}
	}
}

func toText(v any) string {
	text, _ := v.(string)
	return text
}

func TestChoiceFaultNamesWhatIsAllowedAndNearest(t *testing.T) {
	t.Parallel()
	_, fault := translate.Value(standardField(t, "contact", "preferredcontactmethodcode"), "Emial", translate.Options{Path: "fields.x"})
	if fault == nil || !slices.Equal(fault.Allowed, []string{"Any", "Email", "Phone", "Fax", "Mail"}) || !slices.Contains(fault.Nearest, "Email") {
		t.Errorf("the fault is %+v, want the labels allowed and Email nearest", fault)
	}
}

func TestSensitiveValuesAreInNoFault(t *testing.T) {
	t.Parallel()
	secured, password := extraField(schema.Integer), extraField(schema.Integer)
	secured.Secured = true
	password.LogicalName = "new_userPassword"
	for _, f := range []*schema.Field{secured, password} {
		for _, kind := range []schema.Type{schema.Integer, schema.DateTime, schema.Picklist, schema.MultiSelectPicklist, schema.Boolean, schema.Lookup, schema.Uniqueidentifier} {
			f.Type = kind
			_, fault := translate.Value(f, "hunter2!", translate.Options{})
			if fault == nil || strings.Contains(fault.Message, "hunter2") {
				t.Errorf("%s of type %s: the fault is %+v, want one without the value", f.LogicalName, kind, fault)
			}
		}
	}
}
