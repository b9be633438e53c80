package actions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// anyValue draws what a variable may hold, plausible or not.
func anyValue(depth int) *rapid.Generator[any] {
	plain := []*rapid.Generator[any]{
		rapid.String().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.Int64().AsAny(),
		rapid.SampledFrom([]any{"", " ", "1", "-1.5", "1e3", "1,5", "1.234,5", "yes", "Red", "rot", "1;2", someID, "{" + someID + "}", "2026-05-17", "2026-05-17T12:00", "2026-05-17T12:00:00+02:00",
			"a@b.example", "aGk=", "{{ x }}", "\x00", "\xff", "9999-12-31", "0001-01-01", "9223372036854775808", json.Number("1e400"), strings.Repeat("9", 70)}),
	}
	if depth == 0 {
		return rapid.OneOf(plain...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyValue(depth - 1) })
	names := rapid.SampledFrom([]string{"entity", "id", "name", "where", "key", "missing", "value", "default", "onUnset", "onNull", "url", "x"})
	lookup := rapid.SampledFrom([]any{
		map[string]any{"entity": "contact", "id": someID}, map[string]any{"entity": "systemuser", "name": "x"}, map[string]any{"entity": "account", "where": map[string]any{"name": "x"}},
		map[string]any{"value": "{{ x }}", "default": 1.0}, map[string]any{"value": "{{ x }}", "onUnset": "CLEAR"},
	})
	return rapid.OneOf(append(plain, rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(names, inner, 0, 3).AsAny(), lookup)...)
}

// TestNothingMakesTranslationPanic: whatever a request and its variables hold, each field gets a value, is left out, or has a
// fault.
func TestNothingMakesTranslationPanic(t *testing.T) {
	t.Parallel()
	e, cases := everything(t)
	r, zone := New(nil), actionstest.Berlin(t)
	german, _ := translate.NumbersOf("de")
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(cases).Draw(t, "type").field
		variables := map[string]any{"x": anyValue(2).Draw(t, "variable")}
		given := rapid.OneOf(rapid.Just[any]("{{ x }}"), rapid.Just[any]("a {{ x }}"), anyValue(2)).Draw(t, "given")
		in := fieldInput{fields: map[string]any{f.LogicalName: given}, variables: variables, explain: rapid.Bool().Draw(t, "explain"), cutLongText: rapid.Bool().Draw(t, "cut")}
		writing := rapid.SampledFrom([]*translate.Numbers{nil, german}).Draw(t, "culture")
		v := r.translateOnce(e, in, zone, writing)
		v.checkState()
		if v.became(f.LogicalName) == "forgotten" && f.Type != schema.State && f.Type != schema.Status { // null clears no status
			t.Fatalf("%s of %v is neither a value nor left out nor a fault", f.LogicalName, given)
		}
	})
}

// TestNoFaultShowsASecret: whatever is wrong with a sensitive value, no fault has it.
func TestNoFaultShowsASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	e, cases := everything(t)
	for _, c := range cases {
		c.field.Secured = true
	}
	r := New(nil)
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(cases).Draw(t, "type").field
		text := rapid.SampledFrom([]string{"", "1", "+", "a@", "2026-", "{"}).Draw(t, "before") + secret + rapid.SampledFrom([]string{"", "@x.example", ",5", ";", "}"}).Draw(t, "after")
		value := rapid.SampledFrom([]any{
			text, []any{text}, map[string]any{"entity": text}, map[string]any{"entity": "contact", "id": text}, map[string]any{"id": text}, []any{map[string]any{"entity": "contact", "id": text}},
		}).Draw(t, "value")
		v := r.translateOnce(e, fieldInput{fields: map[string]any{f.LogicalName: "{{ v }}"}, variables: map[string]any{"v": value}, explain: true}, nil, nil)
		if told := fmt.Sprint(v.faults, v.given, v.warnings); strings.Contains(told, secret) {
			t.Fatalf("%s of %v tells %s", f.LogicalName, value, told)
		}
	})
}

// rounded reports whether Dataverse keeps fewer digits than it takes.
func rounded(f *schema.Field) bool {
	return f.Type == schema.Double || f.Type == schema.Money || f.Type == schema.DateTime
}

// TestWhatIsTakenIsStored: what translation takes Dataverse takes, and gives back.
func TestWhatIsTakenIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	account := entityOf(t, "account")
	names := []string{"name", "description", "numberofemployees", "revenue", "address1_latitude", "creditonhold", "industrycode", "lastonholdtime", "preferredsystemuserid"}
	taken, tries := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		if tries++; tries > 60 { // each may be two requests
			return
		}
		name := rapid.SampledFrom(names).Draw(t, "field")
		f := account.Field(name)
		value := rapid.OneOf(anyValue(0), rapid.SampledFrom([]any{
			"0", "12.5", 19.9, 7.0, "Accounting", "no", "2026-05-17T12:00:00.5+02:00", "O'Neill & <b>\"ä😀\"", "%_[x]", "\u202eabc", "a\r\nb", "90", "1e-5", "0.00001",
		})).Draw(t, "value")
		want, fault := translate.Value(f, value, translate.Options{})
		if value == nil || fault != nil || f.LogicalName == "name" && isBlank(want.Wire) {
			return
		}
		if _, isReference := want.Wire.(translate.Reference); isReference {
			return // to nobody
		}
		fields := map[string]any{"name": "Stored"}
		fields[name] = "{{ v }}"
		got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "account", Fields: fields, Variables: map[string]any{"v": value}, OnDuplicate: CreateDuplicate})
		if err != nil {
			t.Fatalf("%s of %#v was taken as %#v and refused: %v", name, value, want.Wire, err)
		}
		client, err := w.Environments.Client(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		record, err := client.GetRecord(t.Context(), account, dataverse.ID(got.Record.ID), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(f, record, want.Wire) && !rounded(f) {
			there, _ := record.Value(f.Property())
			t.Fatalf("%s of %#v was taken as %#v and stored as %#v", name, value, want.Wire, there)
		}
		taken++
	})
	if taken < 10 {
		t.Errorf("%d values were taken", taken)
	}
}
