package fetch

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
)

// filtered is a query over hobbies with these filters.
func filtered(filters string) string {
	return `<fetch><entity name="new_person"><attribute name="new_personid"/><attribute name="new_name"/>` + filters + `<order attribute="new_personid"/></entity></fetch>`
}

const (
	always   = `<condition attribute="new_age" operator="not-null"/>`
	whenName = `<condition attribute="new_name" operator="eq" value="{{ name }}" when-set="{{ name }}"/>`
	isAda    = `<condition attribute="new_name" operator="eq" value="Ada"/>`
)

func TestWhenSetDropsWhatIsNotSet(t *testing.T) {
	t.Parallel()
	ada := map[string]any{"name": "Ada", "no": false, "zero": 0.0, "list": []any{"a", ""}}
	without := map[string]any{"name": nil, "blank": " \t", "list": []any{}}
	for _, c := range []struct {
		name      string
		filters   string
		variables map[string]any
		want      string
	}{
		{"set", `<filter>` + always + whenName + `</filter>`, ada, `<filter>` + always + isAda + `</filter>`},
		{"unset", `<filter>` + always + whenName + `</filter>`, nil, `<filter>` + always + `</filter>`},
		{"null", `<filter>` + always + whenName + `</filter>`, without, `<filter>` + always + `</filter>`},
		{"blank", `<filter>` + always + `<condition attribute="new_note" operator="null" when-set="{{ blank }}"/></filter>`, without, `<filter>` + always + `</filter>`},
		{"empty list", `<filter>` + always + `<condition attribute="new_note" operator="null" when-set="{{ list }}"/></filter>`, without, `<filter>` + always + `</filter>`},
		{"blank by a filter", `<filter>` + always + `<condition attribute="new_note" operator="null" when-set="{{ name | remove: 'Ada' }}"/></filter>`, ada, `<filter>` + always + `</filter>`},
		{"no is set", `<filter><condition attribute="new_note" operator="null" when-set="{{ no }}"/></filter>`, ada, `<filter><condition attribute="new_note" operator="null"/></filter>`},
		{"zero is set", `<filter><condition attribute="new_note" operator="null" when-set="{{ zero }}"/></filter>`, ada, `<filter><condition attribute="new_note" operator="null"/></filter>`},
		{"a list with a blank element is set", `<filter><condition attribute="new_note" operator="null" when-set="{{ list }}"/></filter>`, ada, `<filter><condition attribute="new_note" operator="null"/></filter>`},
		{"a filter", `<filter>` + always + `<filter type="or" when-set="{{ name }}">` + whenName + `<condition attribute="new_note" operator="eq" value="{{ name }}"/></filter></filter>`, nil, `<filter>` + always + `</filter>`},
		{"a kept filter", `<filter when-set="{{ name }}">` + whenName + `</filter>`, ada, `<filter>` + isAda + `</filter>`},
		{"a filter of which nothing is left", `<filter>` + always + `</filter><filter type="or">` + whenName + whenName + `</filter>`, nil, `<filter>` + always + `</filter>`},
		{"a filter that was empty before", `<filter>` + always + `<filter/></filter>`, nil, `<filter>` + always + `<filter/></filter>`},
		{
			"a condition of a link", `<filter>` + always + `</filter><link-entity name="new_person" from="new_personid" to="new_boss" alias="b"><filter>` + whenName + `</filter></link-entity>`, nil,
			`<filter>` + always + `</filter><link-entity name="new_person" from="new_personid" to="new_boss" alias="b"/>`,
		},
		{
			"all but a condition of a link", `<filter>` + whenName + `</filter><link-entity name="new_person" from="new_personid" to="new_boss" alias="b"><filter>` + always + `</filter></link-entity>`, nil,
			`<link-entity name="new_person" from="new_personid" to="new_boss" alias="b"><filter>` + always + `</filter></link-entity>`,
		},
		{
			"a link in a filter", `<filter>` + always + `</filter><filter when-set="{{ name }}"><link-entity name="new_person" from="new_boss" to="new_personid" link-type="any"><filter>` + whenName + `</filter></link-entity></filter>`, nil,
			`<filter>` + always + `</filter>`,
		},
		{
			"what shows and does not restrict", `<link-entity name="new_person" from="new_personid" to="new_boss" alias="b" link-type="outer"><filter>` + whenName + `</filter></link-entity>`, nil,
			`<link-entity name="new_person" from="new_personid" to="new_boss" alias="b" link-type="outer"/>`,
		},
	} {
		wantRendered(t, c.name, mustReady(t, filtered(c.filters)), c.variables, filtered(c.want))
	}
}

func TestWhenSetNeverLeavesAQueryForEveryRecord(t *testing.T) {
	t.Parallel()
	outer := `<link-entity name="new_person" from="new_personid" to="new_boss" alias="b" link-type="outer"><filter>` + always + `</filter></link-entity>`
	for name, filters := range map[string]string{
		"one condition":   `<filter>` + whenName + `</filter>`,
		"two conditions":  `<filter type="or">` + whenName + whenName + `</filter>`,
		"a filter":        `<filter when-set="{{ name }}">` + always + `</filter>`,
		"an outer link's": `<filter>` + whenName + `</filter>` + outer,
		"a link's":        `<link-entity name="new_person" from="new_personid" to="new_boss"><filter>` + whenName + `</filter></link-entity>`,
	} {
		_, faults := rendered(t, mustReady(t, filtered(filters)), nil)
		if len(faults) != 1 || faults[0].Reason != input.VariableUnset || !strings.HasPrefix(faults[0].Field, "fetch_xml:1:") {
			t.Errorf("%s: faults = %v, want VARIABLE_UNSET", name, faults)
		}
	}
	_, faults := rendered(t, mustReady(t, filtered(`<filter>`+always+`<condition attribute="new_name" operator="eq" value="{{ name }}" when-set="{{ other }}"/></filter>`)), map[string]any{"other": "x"})
	if len(faults) != 1 || faults[0].Reason != input.VariableUnset {
		t.Errorf("faults = %v, want the value of a condition that is kept refused", faults)
	}
	_, faults = rendered(t, mustReady(t, filtered(`<filter>`+always+`<condition attribute="new_note" operator="null" when-set="{{ name | plus: 1 }}"/></filter>`)), map[string]any{"name": "Ada"})
	if len(faults) != 1 || faults[0].Reason != input.BadTemplate {
		t.Errorf("faults = %v, want BAD_TEMPLATE for a filter that cannot be applied", faults)
	}
}

// TestWhenSetIsAllThatAVariableDecides: what a variable holds makes no other query than one of two.
func TestWhenSetIsAllThatAVariableDecides(t *testing.T) {
	t.Parallel()
	q := mustReady(t, filtered(`<filter>`+always+`<filter when-set="{{ v }}"><condition attribute="new_note" operator="null"/></filter></filter>`))
	kept, dropped := actionstest.Canonical(t, filtered(`<filter>`+always+`<filter><condition attribute="new_note" operator="null"/></filter></filter>`)), actionstest.Canonical(t, filtered(`<filter>`+always+`</filter>`))
	before := q.fetch.XML()
	rapid.Check(t, func(rt *rapid.T) {
		value := actionstest.Hostile().Draw(rt, "value")
		want := kept
		if input.Blank(value) {
			want = dropped
		}
		got, faults := rendered(t, q, map[string]any{"v": value})
		if len(faults) > 0 || got != want || strings.Contains(got, whenSetAttribute) {
			rt.Fatalf("%q made %s (%v), want %s", value, got, faults, want)
		}
	})
	if q.fetch.XML() != before {
		t.Errorf("the query became %s, was %s", q.fetch.XML(), before)
	}
}
