package actions

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botverse/botverse/actions/input"
)

// A megabyte in a variable is refused as what it is, wherever it stands: no query of that length is sent, and nothing breaks.
func TestAMegabyteIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := map[string]string{"letters": strings.Repeat("x", 1<<20), "quotes": strings.Repeat("'", 1<<20), "percents": strings.Repeat("%", 1<<20), "emoji": strings.Repeat("😀", 1<<18), "tags": strings.Repeat("</value>", 1<<17), "spaces in it": "a" + strings.Repeat(" ", 1<<20) + "b"}
	fetch := func(condition string) func(map[string]any) error {
		return func(variables map[string]any) error {
			_, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{Entity: "contact", Variables: variables, FetchXML: `<fetch><entity name="contact"><filter><condition attribute="lastname" ` + condition + `</filter></entity></fetch>`})
			return err
		}
	}
	find := func(where map[string]any, conditions ...Condition) func(map[string]any) error {
		return func(variables map[string]any) error {
			_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: where, Conditions: conditions, Variables: variables})
			return err
		}
	}
	for name, ask := range map[string]func(map[string]any) error{
		"where":               find(map[string]any{"lastname": "{{ v }}"}),
		"where, mixed":        find(map[string]any{"lastname": "a{{ v }}"}),
		"where, filtered":     find(map[string]any{"lastname": "{{ v | upcase }}"}),
		"where, a memo":       find(map[string]any{"description": "{{ v }}"}),
		"where, a choice":     find(map[string]any{"preferredcontactmethodcode": "{{ v }}"}),
		"where, a number":     find(map[string]any{"creditlimit": "{{ v }}"}),
		"where, a day":        find(map[string]any{"birthdate": "{{ v }}"}),
		"where, a lookup":     find(map[string]any{"parentcustomerid": map[string]any{"entity": "account", "name": "{{ v }}"}}),
		"contains":            find(nil, Condition{Field: "lastname", Operator: "contains", Value: "{{ v }}"}),
		"contains in a memo":  find(nil, Condition{Field: "description", Operator: "contains", Value: "{{ v }}"}),
		"in":                  find(nil, Condition{Field: "lastname", Operator: "in", Value: []any{"{{ v }}", "b"}}),
		"fetchxml, eq":        fetch(`operator="eq" value="{{ v }}"/>`),
		"fetchxml, like":      fetch(`operator="like" value="%{{ v }}"/>`),
		"fetchxml, lone like": fetch(`operator="like" value="{{ v }}"/>`),
		"fetchxml, raw":       fetch(`operator="like" value="{{ v | raw }}"/>`),
		"fetchxml, in":        fetch(`operator="in"><value>{{ v }}</value></condition>`),
		"fetchxml, when-set":  fetch(`operator="eq" value="{{ v }}" when-set="{{ v }}"/>`),
	} {
		for kind, value := range long {
			w.wire.take()
			err := ask(map[string]any{"v": value})
			faults := input.FaultsOf(err)
			if len(faults) != 1 || len(err.Error()) > 2000 {
				t.Errorf("%s of %s: %.300v, want one fault in few words", name, kind, err)
			}
			if sent := w.wire.take(); len(sent) > 0 && kind == "letters" && !strings.Contains(fmt.Sprint(sent), "batch") {
				t.Errorf("%s sent %.200v", name, sent)
			}
		}
	}
}

// A query is bounded too where each of its values is short enough.
func TestAQueryThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var names []any
	for range 50 {
		names = append(names, strings.Repeat("é", 3000))
	}
	variables := map[string]any{"names": names}
	_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Conditions: []Condition{{Field: "lastname", Operator: "in", Value: "{{ names }}"}}, Variables: variables})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "where" || !strings.Contains(faults[0].Message, "60000 characters") {
		t.Errorf("%v, want the query refused", err)
	}
	_, err = w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{
		Entity: "contact", Variables: variables, FetchXML: `<fetch><entity name="contact"><filter><condition attribute="lastname" operator="in"><value>{{ names }}</value></condition></filter></entity></fetch>`,
	})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Field != "fetch_xml" {
		t.Errorf("%v, want the query refused", err)
	}
	if got := w.find(t, FindRecord{Entity: "contact", Where: map[string]any{"lastname": strings.Repeat("é", 4000)}}); got.Outcome != NotMatched {
		t.Errorf("%s of a long name, want NOT_MATCHED", got.Outcome)
	}
}

func TestWildcardsOfAVariableAreLiteralUnlessRaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fetch := func(condition string, pattern any) (Result, error) {
		return w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{
			Entity: "contact", Variables: map[string]any{"p": pattern}, CountMatches: true,
			FetchXML: `<fetch><entity name="contact"><filter><condition attribute="lastname" ` + condition + `/></filter></entity></fetch>`,
		})
	}
	for _, c := range []struct {
		condition string
		pattern   any
		want      bool
	}{
		{`operator="like" value="{{ p }}"`, "Quint%", false},
		{`operator="like" value="{{ p | raw }}"`, "Quint%", true},
		{`operator="like" value="{{ p | raw | downcase }}"`, "QUINT%", true},
		{`operator="like" value="%{{ p | raw }}"`, "inter_", true},
		{`operator="begins-with" value="{{ p | raw }}"`, "[P-R]uin", true},
		{`operator="ends-with" value="{{ p }}"`, "_ero", false},
		{`operator="ends-with" value="{{ p | raw }}"`, "_ero", true},
	} {
		got, err := fetch(c.condition, c.pattern)
		if err != nil || (got.Outcome == Matched) != c.want {
			t.Errorf("%s with %v: %s, %v, want found %t", c.condition, c.pattern, got.Outcome, err, c.want)
		}
	}
	for condition, at := range map[string]string{
		`operator="eq" value="{{ p | raw }}"`:                      "fetch_xml:1:92",
		`operator="not-null" when-set="{{ p | raw }}"`:             "fetch_xml:1:101",
		`operator="like" value="{{ p }}" when-set="{{ p | raw }}"`: "fetch_xml:1:113",
	} {
		_, err := fetch(condition, "x")
		if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != input.BadTemplate || faults[0].Field != at {
			t.Errorf("%s: %v, want BAD_TEMPLATE at %s", condition, err, at)
		}
	}
	for _, blankPattern := range []any{"", " ", nil} {
		if _, err := fetch(`operator="like" value="{{ p | raw }}%"`, blankPattern); len(input.FaultsOf(err)) != 1 {
			t.Errorf("%v before a wildcard: %v, want it refused", blankPattern, err)
		}
	}
	_, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"lastname": "{{ p | raw }}"}, Conditions: []Condition{{Field: "firstname", Operator: "contains", Value: "{{ p | raw }}"}}, Variables: map[string]any{"p": "x"}})
	if faults := input.FaultsOf(err); len(faults) != 2 || faults[0].Reason != input.BadTemplate || faults[1].Field != "conditions[0].value" {
		t.Errorf("%v, want raw refused in where and conditions", err)
	}
	_, err = w.CreateRecord(t.Context(), CreateRecord{Entity: "contact", Fields: map[string]any{"lastname": "a {{ p | raw }}"}, Variables: map[string]any{"p": "x"}})
	if faults := input.FaultsOf(err); len(faults) != 1 || faults[0].Reason != input.BadTemplate {
		t.Errorf("%v, want raw refused in fields", err)
	}
}
