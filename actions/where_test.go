package actions

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/odata"
)

// filterOf is the $filter of a `where`, and of conditions, over the entity hobbies.
func filterOf(t testing.TB, where, variables map[string]any, zone *time.Location, conditions ...Condition) (string, []input.Fault) {
	t.Helper()
	c := comparer{runtime: &Runtime{}, entity: actionstest.Hobbies(), variables: variables, zone: zone}
	expr, faults, err := c.filter(t.Context(), where, conditions)
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) > 0 {
		return "", faults
	}
	return odata.FormatFilter(expr.filter), nil
}

func TestWhereComparesByType(t *testing.T) {
	t.Parallel()
	variables := map[string]any{
		"name": "O'Neill", "age": 42.0, "id": strings.ToUpper(actionstest.GUID), "boss": map[string]any{"entity": "new_person", "id": actionstest.GUID, "name": nil},
	}
	for _, c := range []struct {
		name  string
		where map[string]any
		want  string
	}{
		{"text", map[string]any{"new_name": "Ada"}, "new_name eq 'Ada'"},
		{"quote", map[string]any{"new_name": "{{name}}"}, "new_name eq 'O''Neill'"},
		{"mixed text", map[string]any{"new_name": "Mr {{name}}"}, "new_name eq 'Mr O''Neill'"},
		{"text that is longer than the field", map[string]any{"new_name": "Ada of Lovelace"}, "new_name eq 'Ada of Lovelace'"},
		{"memo", map[string]any{"new_note": "x"}, "new_note eq 'x'"},
		{"number", map[string]any{"new_age": "{{age}}"}, "new_age eq 42"},
		{"number as text", map[string]any{"new_age": "42"}, "new_age eq 42"},
		{"64 bits", map[string]any{"new_big": "9007199254740993"}, "new_big eq 9007199254740993"},
		{"decimal", map[string]any{"new_rate": "12.5"}, "new_rate eq 12.5"},
		{"money", map[string]any{"new_income": 50000.0}, "new_income eq 50000"},
		{"yes", map[string]any{"new_vip": true}, "new_vip eq true"},
		{"yes by label", map[string]any{"new_vip": "yes"}, "new_vip eq true"},
		{"choice by label", map[string]any{"new_color": "green"}, "new_color eq 2"},
		{"choice by number", map[string]any{"new_color": 1.0}, "new_color eq 1"},
		{"date", map[string]any{"new_born": "1990-02-28"}, "new_born eq 1990-02-28"},
		{"GUID", map[string]any{"new_personid": "{{id}}"}, "new_personid eq " + actionstest.GUID},
		{"GUID of a reference", map[string]any{"new_personid": "{{boss}}"}, "new_personid eq " + actionstest.GUID},
		{"lookup by ID", map[string]any{"new_boss": "{{id}}"}, "_new_boss_value eq " + actionstest.GUID},
		{"lookup by reference", map[string]any{"new_boss": "{{boss}}"}, "_new_boss_value eq " + actionstest.GUID},
		{"lookup of several targets by bare ID", map[string]any{"new_customer": actionstest.GUID}, "_new_customer_value eq " + actionstest.GUID},
		{"no value", map[string]any{"new_name": nil}, "new_name eq null"},
		{"no lookup", map[string]any{"new_boss": nil}, "_new_boss_value eq null"},
		{"several", map[string]any{"new_name": "Ada", "new_age": 42}, "new_age eq 42 and new_name eq 'Ada'"},
		{"name in another case", map[string]any{"New_Name": "Ada"}, "new_name eq 'Ada'"},
		{
			"day of a point in time", map[string]any{"new_met": "2026-05-17"},
			"Microsoft.Dynamics.CRM.On(PropertyName='new_met',PropertyValue='2026-05-17')",
		},
		{
			"day without zones", map[string]any{"new_alarm": "2026-05-17"},
			"new_alarm ge 2026-05-17T00:00:00Z and new_alarm lt 2026-05-18T00:00:00Z",
		},
		{
			"exactly these options", map[string]any{"new_hobbies": []any{"Golf", 3.0}},
			`Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_hobbies',PropertyValues=["1"]) and ` +
				`Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_hobbies',PropertyValues=["3"]) and ` +
				`Microsoft.Dynamics.CRM.DoesNotContainValues(PropertyName='new_hobbies',PropertyValues=["2"])`,
		},
	} {
		got, faults := filterOf(t, c.where, variables, nil)
		if got != c.want {
			t.Errorf("%s: filter = %s (faults %v), want %s", c.name, got, faults, c.want)
		}
	}
}

func TestWhereTakesADayInTheZoneOfTheRequest(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// A day on which the clocks are put forward has 23 hours.
	got, faults := filterOf(t, map[string]any{"new_met": "2026-03-29"}, nil, berlin)
	want := "new_met ge 2026-03-28T23:00:00Z and new_met lt 2026-03-29T22:00:00Z"
	if got != want {
		t.Errorf("filter = %s (faults %v), want %s", got, faults, want)
	}
}

func TestWhereFaults(t *testing.T) {
	t.Parallel()
	variables := map[string]any{"null": nil, "blank": " ", "empty": "", "list": []any{}, "name": "Ada", "half": map[string]any{"first": "Ada", "last": nil}}
	for _, c := range []struct {
		name   string
		where  map[string]any
		reason input.Reason
		field  string
	}{
		{"nothing to compare", map[string]any{}, input.InvalidRequest, "where"},
		{"unset", map[string]any{"new_name": "{{nobody}}"}, input.VariableUnset, "where.new_name"},
		{"null", map[string]any{"new_name": "{{null}}"}, input.VariableUnset, "where.new_name"},
		{"blank", map[string]any{"new_name": "{{blank}}"}, input.VariableUnset, "where.new_name"},
		{"empty", map[string]any{"new_name": "{{empty}}"}, input.VariableUnset, "where.new_name"},
		{"empty list", map[string]any{"new_hobbies": "{{list}}"}, input.VariableUnset, "where.new_hobbies"},
		{"mixed with an unset part", map[string]any{"new_name": "{{name}} {{nobody}}"}, input.VariableUnset, "where.new_name"},
		{"mixed with a null part", map[string]any{"new_name": "{{half.first}} {{half.last}}"}, input.VariableUnset, "where.new_name"},
		{"mixed with a blank part", map[string]any{"new_name": "{{name}} {{blank}}"}, input.VariableUnset, "where.new_name"},
		{"member of a lookup unset", map[string]any{"new_boss": map[string]any{"entity": "new_person", "name": "{{nobody}}"}}, input.VariableUnset, "where.new_boss"},
		{"member of a lookup blank", map[string]any{"new_boss": map[string]any{"entity": "new_person", "name": "{{blank}}"}}, input.VariableUnset, "where.new_boss"},
		{"member of a lookup null", map[string]any{"new_boss": map[string]any{"entity": "new_person", "name": "{{null}}"}}, input.VariableUnset, "where.new_boss"},
		{"element of a list blank", map[string]any{"new_hobbies": []any{"Golf", "{{blank}}"}}, input.VariableUnset, "where.new_hobbies"},
		{"literal blank", map[string]any{"new_name": ""}, input.InvalidValue, "where.new_name"},
		{"unknown field", map[string]any{"new_nam": "Ada"}, input.InvalidField, "where.new_nam"},
		{"image", map[string]any{"new_photo": "Ada"}, input.InvalidField, "where.new_photo"},
		{"shadow", map[string]any{"new_bossname": "Ada"}, input.InvalidField, "where.new_bossname"},
		{"not readable", map[string]any{"new_hidden": "Ada"}, input.InvalidField, "where.new_hidden"},
		{"wrong label", map[string]any{"new_color": "Blue"}, input.InvalidValue, "where.new_color"},
		{"no number", map[string]any{"new_age": "old"}, input.InvalidValue, "where.new_age"},
		{"point in time", map[string]any{"new_met": "2026-05-17T10:00:00Z"}, input.InvalidValue, "where.new_met"},
		{"midnight", map[string]any{"new_alarm": "2026-05-17T00:00:00"}, input.InvalidValue, "where.new_alarm"},
		{"date with a time", map[string]any{"new_born": "2026-05-17T10:00:00Z"}, input.InvalidValue, "where.new_born"},
		{"lookup that may be missing", map[string]any{"new_boss": map[string]any{"entity": "new_person", "name": "x", "missing": "OMIT"}}, input.InvalidValue, "where.new_boss"},
		{"tag", map[string]any{"new_name": "{% if x %}"}, input.BadTemplate, "where.new_name"},
		{"unclosed output", map[string]any{"new_name": "{{ name"}, input.BadTemplate, "where.new_name"},
		{"control character", map[string]any{"new_name": "a\x00b"}, input.InvalidValue, "where.new_name"},
	} {
		_, faults := filterOf(t, c.where, variables, nil)
		if len(faults) != 1 || faults[0].Reason != c.reason || faults[0].Field != c.field {
			t.Errorf("%s: faults = %v, want %s at %s", c.name, faults, c.reason, c.field)
		}
		if c.name == "shadow" && !strings.Contains(faults[0].Message, "what new_boss holds") {
			t.Errorf("%s: %q does not say what to search by", c.name, faults[0].Message)
		}
	}
}

func TestWhereTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, faults := filterOf(t, map[string]any{"new_name": "{{nobody}}", "new_age": "old", "new_nam": 1}, nil, nil)
	if len(faults) != 3 {
		t.Errorf("faults = %v, want three", faults)
	}
}

func TestWhereAdvisesFetchXMLForPointsInTime(t *testing.T) {
	t.Parallel()
	_, faults := filterOf(t, map[string]any{"new_met": "2026-05-17T10:00:00Z"}, nil, nil)
	if len(faults) != 1 || !strings.Contains(faults[0].Message, "FetchXML") {
		t.Errorf("faults = %v, want the advice to use FetchXML", faults)
	}
}

func TestNoVariableChangesAFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := actionstest.Hostile().Draw(rt, "name")
		filter, faults := filterOf(t, map[string]any{"new_name": "{{name}}", "new_note": "a {{name}} b", "new_age": 1}, map[string]any{"name": name}, nil)
		if len(faults) > 0 {
			if unprintable := input.CheckPrintable(name, "") != nil; !unprintable && !input.Blank(name) {
				rt.Fatalf("%q was refused: %v", name, faults)
			}
			return
		}
		back, err := odata.ParseQuery((&odata.Query{Filter: mustFilter(rt, filter)}).Encode())
		if err != nil {
			rt.Fatalf("the filter %s does not parse: %v", filter, err)
		}
		and, ok := back.Filter.(*odata.Logical)
		if !ok || and.Op != odata.And || len(and.Terms) != 3 {
			rt.Fatalf("%q made another filter: %s", name, filter)
		}
		for i, want := range []odata.Compare{
			{Path: odata.Path{"new_age"}, Value: odata.Number("1")},
			{Path: odata.Path{"new_name"}, Value: odata.String(name)},
			{Path: odata.Path{"new_note"}, Value: odata.String("a " + name + " b")},
		} {
			got, ok := and.Terms[i].(*odata.Compare)
			if !ok || got.Op != odata.Eq || got.Path[0] != want.Path[0] || got.Value != want.Value {
				rt.Fatalf("%q made the term %#v, want %#v", name, and.Terms[i], want)
			}
		}
	})
}

func mustFilter(t *rapid.T, text string) odata.Expr {
	expr, err := odata.ParseFilter(text)
	if err != nil {
		t.Fatalf("the filter %s does not parse: %v", text, err)
	}
	return expr
}
