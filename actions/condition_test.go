package actions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/odata"
)

func TestConditionsCompareByType(t *testing.T) {
	t.Parallel()
	utc := time.UTC
	variables := map[string]any{"name": "O'Neill", "names": []any{"A", "B"}, "span": []any{1.0, 9.0}, "boss": map[string]any{"entity": "new_person", "id": actionstest.GUID}}
	const met = "Microsoft.Dynamics.CRM.OnOr"
	for _, c := range []struct {
		field, operator string
		value           any
		zone            *time.Location
		want            string
	}{
		{"new_name", "eq", "{{name}}", nil, "new_name eq 'O''Neill'"},
		{"new_name", "ne", "{{name}}", nil, "new_name ne 'O''Neill' or new_name eq null"},
		{"new_name", "in", []any{"{{name}}", "B"}, nil, "new_name eq 'O''Neill' or new_name eq 'B'"},
		{"new_name", "in", "{{names}}", nil, "new_name eq 'A' or new_name eq 'B'"},
		{"new_name", "in", []any{"{{names}}", "C"}, nil, "new_name eq 'A' or new_name eq 'B' or new_name eq 'C'"},
		{"new_name", "in", "{{name}}", nil, "new_name eq 'O''Neill'"},
		{"new_name", "not_in", "{{names}}", nil, "(new_name ne 'A' and new_name ne 'B') or new_name eq null"},
		{"new_name", "contains", "50% [a_b]", nil, "contains(new_name,'50[%] [[]a[_]b]')"},
		{"new_note", "begins_with", "a {{name}}", nil, "startswith(new_note,'a O''Neill')"},
		{"new_name", "ends_with", 7.0, nil, "endswith(new_name,'7')"},
		{"new_name", "is_null", nil, nil, "new_name eq null"},
		{"new_hobbies", "not_null", nil, nil, "new_hobbies ne null"},
		{"new_age", "gt", "17", nil, "new_age gt 17"},
		{"new_big", "le", "9007199254740993", nil, "new_big le 9007199254740993"},
		{"new_income", "ge", "1200.50", nil, "new_income ge 1200.50"},
		{"new_age", "between", "{{span}}", nil, "new_age ge 1 and new_age le 9"},
		{"new_color", "in", []any{"Red", 2.0}, nil, "new_color eq 1 or new_color eq 2"},
		{"new_vip", "ne", "yes", nil, "new_vip ne true or new_vip eq null"},
		{"new_boss", "ne", "{{boss}}", nil, "_new_boss_value ne " + actionstest.GUID + " or _new_boss_value eq null"},
		{"new_boss", "not_null", nil, nil, "_new_boss_value ne null"},
		{"new_personid", "not_in", []any{actionstest.GUID}, nil, "new_personid ne " + actionstest.GUID},
		{"new_born", "lt", "1990-02-28", nil, "new_born lt 1990-02-28"},
		{"new_born", "between", []any{"1990-01-01", "1990-12-31"}, nil, "new_born ge 1990-01-01 and new_born le 1990-12-31"},
		{"new_met", "ge", "2026-05-17", nil, met + "After(PropertyName='new_met',PropertyValue='2026-05-17')"},
		{"new_met", "gt", "2026-05-17", nil, met + "After(PropertyName='new_met',PropertyValue='2026-05-18')"},
		{"new_met", "le", "2026-05-17", nil, met + "Before(PropertyName='new_met',PropertyValue='2026-05-17')"},
		{"new_met", "lt", "2026-05-17", nil, met + "Before(PropertyName='new_met',PropertyValue='2026-05-16')"},
		{"new_met", "ge", "2026-05-17", utc, "new_met ge 2026-05-17T00:00:00Z"},
		{"new_met", "gt", "2026-05-17", utc, "new_met ge 2026-05-18T00:00:00Z"},
		{"new_met", "le", "2026-05-17", utc, "new_met lt 2026-05-18T00:00:00Z"},
		{"new_met", "lt", "2026-05-17", utc, "new_met lt 2026-05-17T00:00:00Z"},
		{"new_met", "gt", "2026-05-17T10:00:00+02:00", nil, "new_met gt 2026-05-17T08:00:00Z"},
		{"new_met", "eq", "2026-05-17", utc, "new_met ge 2026-05-17T00:00:00Z and new_met lt 2026-05-18T00:00:00Z"},
		{"new_met", "ne", "2026-05-17", utc, "(new_met lt 2026-05-17T00:00:00Z or new_met ge 2026-05-18T00:00:00Z) or new_met eq null"},
		{"new_alarm", "le", "2026-05-17", nil, "new_alarm lt 2026-05-18T00:00:00Z"},
		{"new_alarm", "gt", "2026-05-17T10:00:00", nil, "new_alarm gt 2026-05-17T10:00:00Z"},
		{
			"new_hobbies", "contains", []any{"Golf", "Chess"}, nil,
			`Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_hobbies',PropertyValues=["1"]) and Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_hobbies',PropertyValues=["2"])`,
		},
	} {
		got, faults := filterOf(t, nil, variables, c.zone, Condition{Field: c.field, Operator: c.operator, Value: c.value})
		if len(faults) > 0 {
			t.Errorf("%s %s %v: faults %v", c.field, c.operator, c.value, faults)
		} else if back := odata.FormatFilter(parsed(t, c.want)); got != back {
			t.Errorf("%s %s %v: filter = %s, want %s", c.field, c.operator, c.value, got, back)
		}
	}
	got, faults := filterOf(t, nil, variables, nil, Condition{"new_name", "ne", "a"}, Condition{"new_age", "gt", 1.0})
	if want := "(new_name ne 'a' or new_name eq null) and new_age gt 1"; got != want {
		t.Errorf("filter = %s (%v), want %s", got, faults, want)
	}
}

func parsed(t testing.TB, filter string) odata.Expr {
	t.Helper()
	expr, err := odata.ParseFilter(filter)
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	return expr
}

func TestConditionFaults(t *testing.T) {
	t.Parallel()
	many := make([]any, mostOperands+1)
	for i := range many {
		many[i] = float64(i)
	}
	variables := map[string]any{"null": nil, "blank": " ", "hole": []any{"a", nil}, "empty": []any{}}
	for _, c := range []struct {
		field, operator string
		value           any
		reason          input.Reason
		at              string
	}{
		{"new_nam", "eq", "x", input.InvalidField, "field"},
		{"new_photo", "not_null", nil, input.InvalidField, "field"},
		{"new_hidden", "eq", "x", input.InvalidField, "field"},
		{"new_name", "equals", "x", input.InvalidValue, "operator"},
		{"new_name", "", "x", input.InvalidValue, "operator"},
		{"new_name", "gt", "x", input.InvalidValue, "operator"},
		{"new_age", "contains", 1.0, input.InvalidValue, "operator"},
		{"new_hobbies", "ne", []any{"Golf"}, input.InvalidValue, "operator"},
		{"new_color", "between", []any{1.0, 2.0}, input.InvalidValue, "operator"},
		{"new_name", "eq", nil, input.InvalidRequest, "value"},
		{"new_name", "is_null", "x", input.InvalidRequest, "value"},
		{"new_name", "contains", "{{nobody}}", input.VariableUnset, "value"},
		{"new_name", "contains", "{{null}}", input.VariableUnset, "value"},
		{"new_name", "begins_with", "{{blank}}", input.VariableUnset, "value"},
		{"new_name", "ne", "x {{blank}}", input.VariableUnset, "value"},
		{"new_name", "ends_with", "", input.InvalidValue, "value"},
		{"new_name", "in", []any{"a", "{{nobody}}"}, input.VariableUnset, "value"},
		{"new_name", "in", "{{hole}}", input.VariableUnset, "value"},
		{"new_name", "not_in", "{{empty}}", input.VariableUnset, "value"},
		{"new_name", "in", []any{}, input.InvalidValue, "value"},
		{"new_age", "in", many, input.InvalidValue, "value"},
		{"new_age", "between", []any{1.0}, input.InvalidValue, "value"},
		{"new_age", "gt", "old", input.InvalidValue, "value"},
		{"new_color", "in", []any{"Red", "Blue"}, input.InvalidValue, "value"},
		{"new_color", "not_in", []any{"Red", "Blue"}, input.InvalidValue, "value"},
		{"new_name", "contains", []any{"a"}, input.InvalidValue, "value"},
		{"new_name", "contains", "a\x00b", input.InvalidValue, "value"},
		{"new_name", "contains", "{{ x", input.BadTemplate, "value"},
		{"new_met", "eq", "2026-05-17T10:00:00Z", input.InvalidValue, "value"},
		{"new_met", "ne", "2026-05-17T10:00:00Z", input.InvalidValue, "value"},
		{"new_met", "gt", "2026-05-17T10:00:00", input.InvalidValue, "value"},
		{"new_met", "gt", "soon", input.InvalidValue, "value"},
		{"new_born", "gt", "2026-05-17T10:00:00Z", input.InvalidValue, "value"},
	} {
		_, faults := filterOf(t, nil, variables, nil, Condition{c.field, c.operator, c.value})
		if len(faults) != 1 || faults[0].Reason != c.reason || faults[0].Field != "conditions[0]."+c.at {
			t.Errorf("%s %s %v: faults = %v, want %s at %s", c.field, c.operator, c.value, faults, c.reason, c.at)
		}
	}
	_, faults := filterOf(t, nil, nil, nil, Condition{"new_name", "contain", "x"}, Condition{"new_age", "between", []any{"a", "b"}})
	if len(faults) != 3 || !slices.Contains(faults[0].Nearest, "contains") || len(faults[0].Allowed) == 0 {
		t.Errorf("faults = %v, want three at once and the operators there are", faults)
	}
	if _, faults := filterOf(t, nil, nil, nil, Condition{"new_name", "eq", "{{nobody}}"}); len(faults) != 1 || !strings.HasSuffix(faults[0].Message, "use is_null") {
		t.Errorf("faults = %v, want the advice to use is_null", faults)
	}
	if _, faults := filterOf(t, nil, nil, nil); len(faults) != 1 || faults[0].Field != "where" {
		t.Errorf("faults = %v, want a search for everything refused", faults)
	}
}

func TestNoVariableChangesACondition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := actionstest.Hostile().Draw(rt, "value")
		filter, faults := filterOf(t, nil, map[string]any{"v": value, "list": []any{value, "b"}}, nil,
			Condition{"new_name", "contains", "{{v}}"}, Condition{"new_note", "in", "{{list}}"}, Condition{"new_note", "ne", "x {{v}}"})
		if len(faults) > 0 {
			if unprintable := input.CheckPrintable(value, "") != nil; !unprintable && !input.Blank(value) {
				rt.Fatalf("%q was refused: %v", value, faults)
			}
			return
		}
		want := &odata.Logical{Op: odata.And, Terms: []odata.Expr{
			&odata.Call{Func: "contains", Path: odata.Path{"new_name"}, Value: odata.String(odata.EscapeWildcards(value))},
			&odata.Logical{Op: odata.Or, Terms: []odata.Expr{
				&odata.Compare{Path: odata.Path{"new_note"}, Op: odata.Eq, Value: odata.String(value)}, &odata.Compare{Path: odata.Path{"new_note"}, Op: odata.Eq, Value: odata.String("b")},
			}},
			&odata.Logical{Op: odata.Or, Terms: []odata.Expr{
				&odata.Compare{Path: odata.Path{"new_note"}, Op: odata.Ne, Value: odata.String("x " + value)}, &odata.Compare{Path: odata.Path{"new_note"}, Op: odata.Eq, Value: odata.Null{}},
			}},
		}}
		if back := odata.FormatFilter(mustFilter(rt, filter)); back != odata.FormatFilter(want) {
			rt.Fatalf("%q made %s, want %s", value, back, odata.FormatFilter(want))
		}
	})
}

func TestFindRecordByConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	account := w.insert(t, "account", map[string]any{"name": "Cond Ltd"}, nil)
	for _, fields := range []map[string]any{
		{"firstname": "Ann", "numberofchildren": 1.0, "birthdate": "1980-05-17", "creditlimit": "100.50", "description": "likes 100% wool", "preferredcontactmethodcode": "Fax", "donotfax": true},
		{"firstname": "Ben", "numberofchildren": 3.0, "birthdate": "1990-05-17", "creditlimit": "200", "description": "likes 100 sheep", "parentcustomerid": map[string]any{"entity": "account", "id": account}},
		{"firstname": "Cid"},
	} {
		fields["lastname"] = "Cond"
		w.insert(t, "contact", fields, nil)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, c := range []struct {
		condition Condition
		want      string // the first names
	}{
		{Condition{"firstname", "eq", "ann"}, "Ann"},
		{Condition{"firstname", "ne", "ANN"}, "Ben Cid"},
		{Condition{"description", "ne", "likes 100 sheep"}, "Ann Cid"},
		{Condition{"numberofchildren", "gt", 1.0}, "Ben"},
		{Condition{"numberofchildren", "ge", "1"}, "Ann Ben"},
		{Condition{"numberofchildren", "lt", 3.0}, "Ann"},
		{Condition{"creditlimit", "le", "200"}, "Ann Ben"},
		{Condition{"creditlimit", "between", []any{"100.51", 200.0}}, "Ben"},
		{Condition{"birthdate", "between", []any{"1980-05-17", "1985-01-01"}}, "Ann"},
		{Condition{"birthdate", "ne", "1980-05-17"}, "Ben Cid"},
		{Condition{"description", "contains", "100%"}, "Ann"},
		{Condition{"description", "contains", "100_"}, ""},
		{Condition{"firstname", "begins_with", "b"}, "Ben"},
		{Condition{"firstname", "ends_with", "N"}, "Ann Ben"},
		{Condition{"firstname", "in", []any{"Ann", "Cid", "Dan"}}, "Ann Cid"},
		{Condition{"firstname", "not_in", []any{"Ann", "Cid"}}, "Ben"},
		{Condition{"numberofchildren", "not_in", []any{3.0}}, "Ann Cid"},
		{Condition{"birthdate", "is_null", nil}, "Cid"},
		{Condition{"birthdate", "not_null", nil}, "Ann Ben"},
		{Condition{"preferredcontactmethodcode", "in", []any{"Fax", "Mail"}}, "Ann"},
		{Condition{"preferredcontactmethodcode", "ne", "Fax"}, "Ben Cid"},
		{Condition{"donotfax", "ne", true}, "Ben Cid"},
		{Condition{"parentcustomerid", "ne", behind(map[string]any{"name": "Cond Ltd"})}, "Ann Cid"},
		{Condition{"parentcustomerid", "in", []any{behind(map[string]any{"name": "Cond Ltd"}), map[string]any{"entity": "account", "name": demoAccount}}}, "Ben"},
		{Condition{"parentcustomerid", "is_null", nil}, "Ann Cid"},
		{Condition{"createdon", "ge", today}, "Ann Ben Cid"},
		{Condition{"createdon", "lt", "2001-01-01"}, ""},
		{Condition{"createdon", "ne", "2001-01-01"}, "Ann Ben Cid"},
		{Condition{"createdon", "gt", "2001-01-01T00:00:00Z"}, "Ann Ben Cid"},
		{Condition{"contactid", "ne", contactID(1)}, "Ann Ben Cid"},
	} {
		for _, zone := range []string{"", "Pacific/Kiritimati"} {
			if zone != "" && c.condition.Value == today {
				continue // there it may be tomorrow
			}
			got := w.find(t, FindRecord{
				Entity: "contact", Where: map[string]any{"lastname": "Cond"}, Conditions: []Condition{c.condition}, OrderBy: []string{"firstname"}, MaxCandidates: 5,
				Save: map[string]string{"name": "firstname"}, TimeZone: zone,
			})
			var names []string
			for _, candidate := range got.Candidates {
				names = append(names, candidate.Fields["firstname"].(string))
			}
			if got.Outcome == Matched && len(names) == 0 {
				names = []string{got.Variables["name"].(string)}
			}
			if strings.Join(names, " ") != c.want {
				t.Errorf("%v in %q: %v, want %s", c.condition, zone, names, c.want)
			}
		}
	}
	if got := w.find(t, FindRecord{Entity: "contact", Conditions: []Condition{{"description", "contains", "% wool"}}}); got.Outcome != Matched || got.Record.Name != "Ann Cond" {
		t.Errorf("%+v, want what conditions alone find", got)
	}
}

func TestConditionsOfAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, first := range []string{"Ann", "Ben"} {
		w.insert(t, "contact", map[string]any{"lastname": "Change", "firstname": first}, nil)
	}
	spec := UpdateRecord{Entity: "contact", Conditions: []Condition{{"lastname", "begins_with", "Chang"}, {"firstname", "ne", "Ann"}}, Fields: map[string]any{"jobtitle": "Clerk"}, RequestID: "change"}
	if got, err := w.UpdateRecord(t.Context(), spec); err != nil || got.Outcome != Updated || got.Record.Name != "Ben Change" {
		t.Errorf("%+v, %v, want Ben changed", got, err)
	}
	spec.Conditions[1].Operator, spec.RequestID = "in", ""
	spec.Conditions[1].Value = []any{"Ann", "Ben"}
	if got, err := w.UpdateRecord(t.Context(), spec); err != nil || got.Outcome != Ambiguous {
		t.Errorf("%+v, %v, want AMBIGUOUS", got, err)
	}
	spec.RecordID = contactID(1)
	if _, err := w.UpdateRecord(t.Context(), spec); len(input.FaultsOf(err)) != 1 || input.FaultsOf(err)[0].Field != "record_id" {
		t.Errorf("%v, want conditions beside an ID refused", err)
	}
	spec.RecordID = ""
	if _, err := w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: spec}); len(input.FaultsOf(err)) != 1 || input.FaultsOf(err)[0].Field != "conditions" {
		t.Errorf("%v, want conditions without where refused of an upsert", err)
	}
	spec.Where, spec.Conditions = map[string]any{"lastname": "Change", "firstname": "Cid"}, []Condition{{"statecode", "ne", "Inactive"}}
	for _, want := range []Outcome{Created, Unchanged} {
		if got, err := w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: spec}); err != nil || got.Outcome != want {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
}

func TestPlannedConditionsAreSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := FindRecord{
		Entity: "contact", Variables: map[string]any{"v": "O'Brien & <Söhne> 100%+#"},
		Conditions: []Condition{{"lastname", "contains", "{{ v }}"}, {"createdon", "le", "2026-05-17"}, {"parentcustomerid", "ne", behind(map[string]any{"name": demoAccount})}},
	}
	w.find(t, spec) // reads the metadata
	requests := w.wantPlanned(t, func(validate bool) (Result, error) {
		spec.ValidateOnly = validate
		return w.FindRecord(t.Context(), spec)
	})
	if len(requests) != 2 {
		t.Errorf("%d requests, want the lookup's and the search's", len(requests))
	}
}
