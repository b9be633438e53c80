package saved

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What each type takes, and what it makes of it; an error of a text is what is not taken.
func TestInputTypesConvert(t *testing.T) {
	t.Parallel()
	const id = "1a2b3c4d-0000-4000-8000-00000000000f"
	reference := map[string]any{"entity": "contact", "id": id}
	for _, c := range []struct {
		kind  InputType
		given any
		want  any // nil for what is not taken
	}{
		{Text, "x", "x"}, {Text, "", ""}, {Text, 14255550100.0, "14255550100"}, {Text, json.Number("007"), "007"}, {Text, true, nil}, {Text, []any{}, nil},
		{Number, 1.5, 1.5}, {Number, " 1.50 ", json.Number("1.50")}, {Number, "+007", json.Number("7")}, {Number, ".5", json.Number("0.5")},
		{Number, "-0.50", json.Number("-0.50")}, {Number, "1,5", nil}, {Number, "1e400", nil}, {Number, "", nil}, {Number, "NaN", nil}, {Number, true, nil},
		{Number, strings.Repeat("9", 61), nil},
		{Integer, "42", json.Number("42")}, {Integer, 42.0, json.Number("42")}, {Integer, "42.0", json.Number("42")}, {Integer, "42.5", nil}, {Integer, 0.5, nil},
		{Integer, "9007199254740993", json.Number("9007199254740993")}, {Integer, json.Number("1e400"), nil}, {Integer, 1e300, nil},
		{Boolean, true, true}, {Boolean, " Yes ", true}, {Boolean, "off", false}, {Boolean, 1.0, true}, {Boolean, "0", false}, {Boolean, "perhaps", nil}, {Boolean, 2.0, nil},
		{Date, "2026-05-17", "2026-05-17"}, {Date, "2026-02-30", nil}, {Date, "17.05.2026", nil}, {Date, "2026-05-17T00:00:00Z", nil}, {Date, 20260517.0, nil},
		{DateTime, "2026-05-17T15:30:00Z", "2026-05-17T15:30:00Z"}, {DateTime, "2026-05-17 15:30", "2026-05-17 15:30"},
		{DateTime, "2026-05-17T15:30:00.123+02:00", "2026-05-17T15:30:00.123+02:00"}, {DateTime, "2026-05-17", nil}, {DateTime, "now", nil},
		{Object, map[string]any{"a": 1.0}, map[string]any{"a": 1.0}}, {Object, `{"a": 12345678901234567890}`, map[string]any{"a": json.Number("12345678901234567890")}},
		{Object, `{"a":1} x`, nil}, {Object, "[]", nil}, {Object, "x", nil},
		{List, []any{1.0}, []any{1.0}}, {List, `["a"]`, []any{"a"}}, {List, "a;b", nil},
		{Reference, reference, reference}, {Reference, `{"entity":"contact","id":"` + id + `"}`, reference}, {Reference, id, id}, {Reference, "{" + id + "}", "{" + id + "}"},
		{Reference, map[string]any{"entity": "account", "name": "Contoso"}, map[string]any{"entity": "account", "name": "Contoso"}},
		{Reference, map[string]any{"entity": "contact"}, nil}, {Reference, map[string]any{"id": id}, nil}, {Reference, map[string]any{"entity": "contact", "id": "7"}, nil},
		{Reference, "Contoso", nil},
		{Any, "x", "x"}, {Any, 1.0, 1.0}, {Any, []any{}, []any{}},
	} {
		got, right := (&Input{Type: c.kind}).convert(c.given)
		if (right != "") != (c.want == nil) {
			t.Errorf("%s of %#v: takes %q, want taken = %v", c.kind, c.given, right, c.want != nil)
		} else if diff := cmp.Diff(c.want, got); c.want != nil && diff != "" {
			t.Errorf("%s of %#v (-want +got):\n%s", c.kind, c.given, diff)
		}
	}
}

// Whatever is given: a number that is taken keeps its value, and is JSON.
func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, fraction := rapid.Int64().Draw(t, "whole"), rapid.StringMatching(`[0-9]{1,12}`).Draw(t, "fraction")
		text := fmt.Sprintf("%d.%s", whole, fraction)
		got, right := (&Input{Type: Number}).convert(text)
		if right != "" || fmt.Sprint(got) != text {
			t.Fatalf("number of %q = %v %q", text, got, right)
		}
		if b, err := json.Marshal(got); err != nil || string(b) != text {
			t.Fatalf("JSON of %q = %s, %v", text, b, err)
		}
	})
}

// Whatever is given, no type panics, and none takes a value and keeps nothing of it.
func TestNoValuePanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &Input{Name: "x", Type: rapid.SampledFrom(InputTypes()).Draw(t, "type")}
		value := rapid.OneOf(rapid.String().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.SliceOf(rapid.String().AsAny()).AsAny(),
			rapid.MapOf(rapid.String(), rapid.String().AsAny()).AsAny()).Draw(t, "value")
		got, right := in.convert(value)
		if right == "" && got == nil {
			t.Fatalf("%s of %#v is nil", in.Type, value)
		}
		_ = in.shown(value)
	})
}
