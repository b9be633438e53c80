package actions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/input"
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

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
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
	zone := valueOptions{Zone: berlin(t)}

	tests := []struct {
		field   *schema.Field
		given   any
		options valueOptions
		want    any // a string that begins with "!" is part of the fault's message
	}{
		{name, "O'Neill & Sons", valueOptions{}, "O'Neill & Sons"},
		{name, "", valueOptions{}, ""},
		{name, "a\x00b", valueOptions{}, "!a character that no text can hold (U+0000)"},
		{name, 1000000.0, valueOptions{}, "1000000"},
		{name, true, valueOptions{}, "true"},
		{name, strings.Repeat("ä", 160), valueOptions{}, strings.Repeat("ä", 160)},
		{name, strings.Repeat("ä", 161), valueOptions{}, "!has 161 characters"},
		{name, strings.Repeat("😀", 81), valueOptions{}, "!has 162 characters"},
		{name, "x" + strings.Repeat("😀", 81), valueOptions{CutLongText: true}, "x" + strings.Repeat("😀", 79) + "…"},
		{name, strings.Repeat("ä", 161), valueOptions{Search: true}, strings.Repeat("ä", 161)},
		{name, []any{"a"}, valueOptions{}, "!a list does not fit"},
		{name, map[string]any{}, valueOptions{}, "!an object does not fit"},

		{employees, 42.0, valueOptions{}, json.Number("42")},
		{employees, " 042 ", valueOptions{}, json.Number("42")},
		{employees, "1e3", valueOptions{}, json.Number("1000")},
		{employees, "42.0", valueOptions{}, json.Number("42")},
		{employees, 1.5, valueOptions{}, "!takes a whole number"},
		{employees, -1.0, valueOptions{}, "!takes a number from 0 to 1000000000"},
		{employees, -1.0, valueOptions{Search: true}, json.Number("-1")},
		{employees, "99999999999", valueOptions{Search: true}, "!takes a number from"},
		{employees, "many", valueOptions{}, `!"many" does not fit "Number of Employees": it takes a number, as 1200`},
		{employees, "", valueOptions{}, "!a blank text does not fit"},
		{employees, true, valueOptions{}, "!takes a number"},
		{employees, "1e999999999", valueOptions{}, "!takes a number"},
		{employees, strings.Repeat("9", 100), valueOptions{}, "!takes a number"},
		{big, "9007199254740993", valueOptions{}, json.Number("9007199254740993")},
		{big, json.Number("9007199254740993"), valueOptions{}, json.Number("9007199254740993")},
		{big, 9007199254740991.0, valueOptions{}, json.Number("9007199254740991")},
		{big, 9007199254740992.0, valueOptions{}, "!send it as a text"}, // or 9007199254740993: nobody knows
		{big, "9223372036854775808", valueOptions{}, "!takes a number from"},

		{credit, "12345678901234.5600", valueOptions{}, json.Number("12345678901234.5600")},
		{credit, 19.9, valueOptions{}, json.Number("19.9")},
		{credit, "+.5", valueOptions{}, json.Number("0.5")},
		{credit, "1,234.50", valueOptions{}, "!takes a number, as 1200.50"},
		{credit, -1.0, valueOptions{}, "!takes a number from 0"},
		{decimal, "0.1234567890", valueOptions{}, json.Number("0.1234567890")},
		{decimal, "12e-1", valueOptions{}, json.Number("1.2")},
		{decimal, "100000000001", valueOptions{}, "!takes a number from"},
		{double, "1e300", valueOptions{}, json.Number("1e+300")},
		{double, 0.25, valueOptions{}, json.Number("0.25")},

		{noEmail, true, valueOptions{}, true},
		{noEmail, "yes", valueOptions{}, true},
		{noEmail, 0.0, valueOptions{}, false},
		{noEmail, "do not allow", valueOptions{}, true},
		{noEmail, " Allow ", valueOptions{}, false},
		{noEmail, "maybe", valueOptions{}, "!takes true or false"},
		{noEmail, "", valueOptions{}, "!takes true or false"},

		{method, "Email", valueOptions{}, 2},
		{method, "email", valueOptions{}, 2},
		{method, "2", valueOptions{}, 2},
		{method, 2.0, valueOptions{}, 2},
		{method, "Emial", valueOptions{}, "!Any, Email, Phone, Fax, Mail"},
		{method, 17.0, valueOptions{}, "!option's label or number"},
		{method, 1.5, valueOptions{}, "!option's label or number"},
		{method, true, valueOptions{}, "!option's label or number"},
		{method, "", valueOptions{}, "!option's label or number"},
		{colour, "rot", valueOptions{}, 1},
		{colour, "9", valueOptions{}, 12},
		{colour, 9.0, valueOptions{}, 9},
		{colour, "Twice", valueOptions{}, "!several options have that label; give one of their numbers: 10, 11"},
		{status, "inactive", valueOptions{}, 2},
		{colours, []any{"Green", 1.0, "Red"}, valueOptions{}, []int{9, 1}},
		{colours, "Red; Blue, or so", valueOptions{}, []int{1, 2}},
		{colours, "Blue, or so", valueOptions{}, []int{2}},
		{colours, "1,2", valueOptions{}, []int{1, 2}},
		{colours, 1.0, valueOptions{}, []int{1}},
		{colours, []any{}, valueOptions{}, "!takes from 1 to 150 options"},
		{colours, []any{"Red", "Purple"}, valueOptions{}, `!"Purple" does not fit`},

		{birth, "1980-05-17", valueOptions{}, "1980-05-17"},
		{birth, "1980-05-17T00:00:00Z", valueOptions{}, "!a date without a time"},
		{birth, "17.05.1980", valueOptions{}, "!a date without a time"},
		{birth, "1980-02-30", valueOptions{}, "!a date without a time"},
		{birth, "1752-12-31", valueOptions{}, "!dates from 1753"},
		{birth, 5.0, valueOptions{}, "!a date without a time"},
		{birth, "", valueOptions{}, "!a date without a time"},
		{due, "2026-05-17T15:30:00Z", valueOptions{}, "2026-05-17T15:30:00Z"},
		{due, "2026-05-17T15:30:00+02:00", valueOptions{}, "2026-05-17T13:30:00Z"},
		{due, "2026-05-17t15:30+02:00", valueOptions{}, "2026-05-17T13:30:00Z"},
		{due, "2026-05-17T15:30:00.250Z", valueOptions{}, "2026-05-17T15:30:00.25Z"},
		{due, "2026-05-17T15:30:00", valueOptions{}, "!no offset"},
		{due, "2026-05-17", valueOptions{}, "!no offset"},
		{due, "2026-05-17 15:30", zone, "2026-05-17T13:30:00Z"},
		{due, "2026-12-17T15:30:00", zone, "2026-12-17T14:30:00Z"},
		{due, "2026-05-17", zone, "2026-05-16T22:00:00Z"},
		{due, "2026-03-29T02:30:00", zone, "!no such time in Europe/Berlin"},
		{due, "tomorrow", zone, "!a point in time"},
		{clock, "2026-05-17T15:30:00", zone, "2026-05-17T15:30:00Z"},
		{clock, "2026-05-17T15:30:00Z", valueOptions{}, "2026-05-17T15:30:00Z"},
		{clock, "2026-05-17T15:30:00+02:00", valueOptions{}, "!without an offset"},

		{guid, "{" + strings.ToUpper(someID) + "}", valueOptions{}, someID},
		{guid, "x", valueOptions{}, "!takes a GUID"},
		{currency, someID, valueOptions{}, reference{"transactioncurrency", someID}},
		{currency, map[string]any{"id": someID}, valueOptions{}, reference{"transactioncurrency", someID}},
		{currency, map[string]any{"entity": "Account", "id": someID}, valueOptions{}, `!points at transactioncurrency, not at "Account"`},
		{currency, "US Dollar", valueOptions{}, `!{"entity": "transactioncurrency", "name": …}`},
		{currency, "", valueOptions{}, "!a blank text"},
		{customer, map[string]any{"entity": "Contact", "id": someID, "name": "Ada", "url": "https://x"}, valueOptions{}, reference{"contact", someID}},
		{customer, someID, valueOptions{}, "!does not say which entity it is of"},
		{customer, map[string]any{"id": someID}, valueOptions{}, "!account or contact: the lookup's entity must say which"},
		{customer, map[string]any{"entity": "lead", "id": someID}, valueOptions{}, `!points at account or contact, not at "lead"`},
		{customer, map[string]any{"entity": "contact", "id": "7"}, valueOptions{}, "!id takes a GUID"},
		{customer, map[string]any{"entity": "contact"}, valueOptions{}, "!names no record"},
		{customer, map[string]any{"entity": "contact", "label": "Ada"}, valueOptions{}, `!no member "label"`},
		{customer, map[string]any{"entity": "contact", "name": "Ada", "missing": "maybe"}, valueOptions{}, "!missing is OMIT"},
		{customer, 5.0, valueOptions{}, "!it takes"},
		{owner, map[string]any{"entity": "team", "id": someID}, valueOptions{}, reference{"team", someID}},
		{owner, someID, valueOptions{}, "!systemuser or team"},
		{picture, "aGVsbG8=", valueOptions{}, "aGVsbG8="},
		{picture, "not base64!", valueOptions{}, "!base64"},
		{extraField(schema.PartyList), "x", valueOptions{}, "!actions cannot handle"},
	}
	for _, test := range tests {
		got, fault := translateValue(test.field, test.given, test.options)
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
	_, fault := translateValue(standardField(t, "contact", "preferredcontactmethodcode"), "Emial", valueOptions{Path: "fields.x"})
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
			_, fault := translateValue(f, "hunter2!", valueOptions{})
			if fault == nil || strings.Contains(fault.Message, "hunter2") {
				t.Errorf("%s of type %s: the fault is %+v, want one without the value", f.LogicalName, kind, fault)
			}
		}
	}
}

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
		fault := unknownField(contact, given, "fields."+given)
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
		fault := unknownField(e, given, "fields."+given)
		if len(fault.Nearest) == 0 || fault.Nearest[0] != want || !strings.Contains(fault.Message, want) {
			t.Errorf("%q: %+v, want %s", given, fault, want)
		}
	}
	if fault := unknownField(e, "Telefon", "x"); strings.Contains(fault.Message, "\"Phone\" is") || strings.Contains(fault.Message, "\"Mobile\" is") {
		t.Errorf("a label of two fields is taken for one: %s", fault.Message)
	}
}

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
