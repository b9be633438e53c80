package template

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func variables() map[string]any {
	return map[string]any{
		"visitor": map[string]any{"email": "Ada@Example.com", "first name": "Ada", "null": nil, "empty": "", "age": 36.0},
		"items":   []any{map[string]any{"name": "pen"}, map[string]any{"name": "ink"}},
		"tags":    []any{"b", "a", nil, "b"},
		"million": 1000000.0,
		"price":   "19.90",
		"exact":   json.Number("12345678901234567.8901"),
		"flag":    false,
		"none":    nil,
		"evil":    "{{ visitor.email }}{% if x %}",
		"ä":       "umlaut",
		"no-dash": "dashed",
		"percent": "100%",
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		want   any
	}{
		{"", ""},
		{"plain } text { with }} braces", "plain } text { with }} braces"},
		{"{{visitor.email}}", "Ada@Example.com"},
		{"Hi {{ visitor.email }}!", "Hi Ada@Example.com!"},
		{"a {{- visitor.email -}} b", "aAda@Example.comb"},
		{"  {{- million -}}  ", 1000000.0},
		{"{{ million }} people", "1000000 people"},
		{"{{ visitor.age }}", 36.0},
		{"{{ exact }}", json.Number("12345678901234567.8901")},
		{"={{ exact }}", "=12345678901234567.8901"},
		{`{{ visitor["first name"] }}`, "Ada"},
		{"{{ visitor['first name'] }}", "Ada"},
		{`{{ ["percent"] }}{{ ['visitor'].email }}`, "100%Ada@Example.com"},
		{"{{ items[0].name }}{{ items[-1].name }}", "penink"},
		{"{{ items.size }}", 2},
		{"{{ items.first.name }}{{ items.last.name }}", "penink"},
		{"{{ items }}", []any{map[string]any{"name": "pen"}, map[string]any{"name": "ink"}}},
		{"{{ flag }}", false},
		{"{{ flag }}?", "false?"},
		{"x{{ none }}y", "xy"},
		{"{{ evil }}", "{{ visitor.email }}{% if x %}"},
		{"-{{ evil }}", "-{{ visitor.email }}{% if x %}"},
		{"{{ ä }}", "umlaut"},
		{"{{ no-dash }}", "dashed"},
		{"{{ no-dash-}} x", "dashedx"},
		{"{{ 'a | b' }}", "a | b"},
		{"{{ '{% tag %}' }}", "{% tag %}"},
		{"{{ true }}", true},
		{"{{ 1.50 }}", json.Number("1.50")},
		{"{{ percent }}", "100%"},

		{"{{ nope | default: 'friend' }}", "friend"},
		{"{{ none | default: 'friend' }}", "friend"},
		{"{{ visitor.empty | default: 'friend' }}", "friend"},
		{"{{ flag | default: true }}", true},
		{"{{ flag | default: true, allow_false: true }}", false},
		{"{{ nope | upcase | default: visitor.email | downcase }}", "ada@example.com"},
		{"{{ visitor.email | default: nope }}", "Ada@Example.com"},

		{"{{ visitor.email | downcase }}", "ada@example.com"},
		{"{{ visitor.email | upcase }}", "ADA@EXAMPLE.COM"},
		{"{{ 'o\u2019NEILL' | capitalize }}", "O\u2019neill"},
		{"{{ ' a ' | strip }}{{ ' a ' | lstrip }}{{ ' a ' | rstrip }}|", "aa  a|"},
		{"{{ 'a' | append: 'b' | prepend: 'c' }}", "cab"},
		{"{{ 'aXbX' | replace: 'X', '-' }}", "a-b-"},
		{"{{ 'aXbX' | replace_first: 'X', '-' }}", "a-bX"},
		{"{{ 'aXbX' | remove: 'X' }}", "ab"},
		{"{{ 'aXbX' | remove_first: 'X' }}", "abX"},
		{"{{ 'Grüße an alle' | truncate: 8 }}", "Grüße..."},
		{"{{ 'Grüße an alle' | truncate: 6, '…' }}", "Grüße…"},
		{"{{ 'short' | truncate: 5 }}", "short"},
		{"{{ 'one two three' | truncatewords: 2 }}", "one two..."},
		{"{{ 'Liquid' | slice: 2 }}{{ 'Liquid' | slice: 2, 5 }}{{ 'Liquid' | slice: -3, 2 }}{{ 'x' | slice: 9 }}", "qquidui"},
		{"{{ 'a,b,c' | split: ',' }}", []any{"a", "b", "c"}},
		{"{{ 'a,b,,' | split: ',' | join: '+' }}", "a+b"},
		{"{{ 'a,b' | split: ',' | first }}", "a"},
		{"{{ tags | compact | uniq | reverse | join }}", "a b"},
		{"{{ tags | last }}{{ tags | size }}", "b4"},
		{"{{ 'Grüße' | size }}", 5},
		{"{{ '<b> & \"c\"' | escape }}", "&lt;b&gt; &amp; &#34;c&#34;"},
		{"{{ 'a b&c' | url_encode }}", "a+b%26c"},
		{"{{ 'a+b%26c' | url_decode }}", "a b&c"},
		{"{{ percent | url_decode }}", "100%"},
		{"{{ items | json }}", `[{"name":"pen"},{"name":"ink"}]`},
		{"{{ 'a\nb' | strip_newlines }}", "ab"},

		{"{{ price | plus: 0.10 }}", json.Number("20")},
		{"{{ price | times: 1.19 }}", json.Number("23.681")},
		{"{{ exact | minus: 0.0001 }}", json.Number("12345678901234567.89")},
		{"{{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }}", "3 -4"},
		{"{{ 7 | divided_by: 2.0 }} {{ 1.0 | divided_by: 3 }}", "3.5 0.333333333333333"},
		{"{{ 7 | modulo: 3 }} {{ -7 | modulo: 3 }}", "1 2"},
		{"{{ 2.5 | round }} {{ -2.5 | round }} {{ 23.685 | round: 2 }}", "3 -3 23.69"},
		{"{{ 1.2 | ceil }} {{ 1.8 | floor }} {{ -1.2 | ceil }} {{ -3 | abs }}", "2 1 -1 3"},
		{"{{ 3 | at_least: 5 }} {{ 3 | at_most: 2 }}", "5 2"},
		{"{{ '2026-05-17' | date: '%d.%m.%Y' }}", "17.05.2026"},
		{"{{ '2026-05-07T15:04:05.678Z' | date: '%-d %B %y, %H:%M:%S.%L %A %s %%' }}", "7 May 26, 15:04:05.678 Thursday 1778166245 %"},
		{"{{ 0 | date: '%F' }}", "1970-01-01"},
	}
	for _, test := range tests {
		parsed, err := Parse(test.source)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.source, err)
			continue
		}
		got, err := parsed.Render(variables())
		if err != nil {
			t.Errorf("Render(%q): %v", test.source, err)
			continue
		}
		if diff := cmp.Diff(Value{V: test.want}, got); diff != "" {
			t.Errorf("Render(%q), -want +got:\n%s", test.source, diff)
		}
	}
}

func TestUnsetNullAndEmptyAreThreeThings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		want   Value
	}{
		{"{{ visitor.empty }}", Value{V: ""}},
		{"{{ visitor.null }}", Value{Kind: Null}},
		{"{{ visitor.null | upcase }}", Value{Kind: Null}},
		{"{{ tags[2] }}", Value{Kind: Null}},
		{"{{ visitor.nope }}", Value{Kind: Unset, Path: "visitor.nope"}},
		{"{{ nope | upcase | append: 'z' }}", Value{Kind: Unset, Path: "nope"}},
		{"{{ 'a' | append: nope }}", Value{Kind: Unset, Path: "nope"}},
		{"Hi {{ visitor.nope }}!", Value{Kind: Unset, Path: "visitor.nope"}},
		{"{{ visitor.null.deeper }}", Value{Kind: Unset, Path: "visitor.null.deeper"}},
		{"{{ items[7] }}", Value{Kind: Unset, Path: "items[7]"}},
		{"{{ visitor[0] }}", Value{Kind: Unset, Path: "visitor[0]"}},
		{"{{ visitor.email.domain }}", Value{Kind: Unset, Path: "visitor.email.domain"}},
	}
	for _, test := range tests {
		parsed, err := Parse(test.source)
		if err != nil {
			t.Fatalf("Parse(%q): %v", test.source, err)
		}
		got, err := parsed.Render(variables())
		if err != nil || !cmp.Equal(got, test.want) {
			t.Errorf("Render(%q) = %+v, %v; want %+v", test.source, got, err, test.want)
		}
	}
}

func TestParseRefusesWithLineAndColumn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source, want string
	}{
		{"a\n  {% if x %}", "line 2, column 3: tags"},
		{"{%- raw -%}", "line 1, column 1: tags"},
		{"Grüße {{ a ", "line 1, column 7: the output is not closed"},
		{"{{ a }", "line 1, column 6: unexpected '}'"},
		{"{{ a | upcase", "line 1, column 1: the output is not closed"},
		{"{{ a[0", "line 1, column 1: the output is not closed"},
		{"{{}}", "the output is empty"},
		{"x\n{{ a | shout }}", "line 2, column 8: there is no filter \"shout\""},
		{"{{ a | append }}", "the filter append takes one argument, not 0"},
		{"{{ a | upcase: 1 }}", "the filter upcase takes no arguments, not 1"},
		{"{{ a | truncate: 1, 'x', 2 }}", "takes 0 to 2 arguments"},
		{"{{ a | default: 1, allow: true }}", "no argument named \"allow\""},
		{"{{ 'a }}", "the text is not closed: ' is missing"},
		{"{{ a..b }}", "a name must follow the dot"},
		{"{{ a[x] }}", "between [ and ] stands a number"},
		{"{{ a b }}", "unexpected 'b'"},
		{"{{ - }}", "the number is not one"},
		{"{{ a | }}", "a filter's name must follow |"},
		{"{{ a" + strings.Repeat(".b", 100) + " }}", "more than 64 steps"},
		{"{{ a" + strings.Repeat("|upcase", 100) + " }}", "more than 32 filters"},
		{strings.Repeat("{{a}}", 1001), "more than 1000 outputs"},
		{strings.Repeat("a", maxTemplate+1), "longer than"},
	}
	for _, test := range tests {
		_, err := Parse(test.source)
		if e := new(Error); !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Parse(%.60q) fails with %v, want %q", test.source, err, test.want)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source, want string
	}{
		{"a {{ visitor }}", "visitor is an object"},
		{"a\n{{ items }}", "line 2, column 1: items is a list"},
		{"{{ visitor.email | plus: 1 }}", "visitor.email is not one here"},
		{"{{ 1 | plus: visitor.email }}", "its argument must be a number"},
		{"{{ 1 | divided_by: 0 }}", "cannot be divided by 0"},
		{"{{ 1 | modulo: 0 }}", "cannot be divided by 0"},
		{"{{ items | upcase }}", "it takes a text"},
		{"{{ visitor.email | join }}", "it takes a list"},
		{"{{ items | join }}", "element 0 is an object"},
		{"{{ visitor.email | date: '%Y' }}", "it takes a date"},
		{"{{ '2026-05-17' | date: '%Q' }}", "directive %Q"},
		{"{{ '2026-05-17' | date: 'x%' }}", "ends in %"},
		{"{{ 'a' | truncate: 'x' }}", "whole number"},
		{"{{ 1.5 | round: 101 }}", "from 0 to 100"},
	}
	for _, test := range tests {
		parsed, err := Parse(test.source)
		if err != nil {
			t.Fatalf("Parse(%q): %v", test.source, err)
		}
		_, err = parsed.Render(variables())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Render(%q) fails with %v, want %q", test.source, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "Ada@") {
			t.Errorf("Render(%q) shows a variable's value: %v", test.source, err)
		}
	}
}

func TestResultsAndWorkAreBounded(t *testing.T) {
	t.Parallel()
	big := map[string]any{"big": strings.Repeat("x", maxResult), "nines": strings.Repeat("9", maxNumber)}
	for _, source := range []string{
		"{{ 'xxxxxxxxxx'" + strings.Repeat("| replace: 'x', 'xxxxxxxxxx'", 8) + " }}",
		"{{ big | append: 'y' }}",
		"{{ big }}{{ big }}",
		"{{ big | split: '' }}",
		"{{ big" + strings.Repeat("| upcase", 30) + "}}",
		"{{ nines | times: nines }}",
		"{{ '1e999999999' | plus: 1 }}",
	} {
		parsed, err := Parse(source)
		if err != nil {
			t.Fatalf("Parse(%.60q): %v", source, err)
		}
		if v, err := parsed.Render(big); err == nil {
			t.Errorf("Render(%.60q) makes %d bytes, want an error", source, size(v.V))
		}
	}
}

func TestRenderEscapedLeavesTheAuthorsText(t *testing.T) {
	t.Parallel()
	parsed, err := Parse("100% {{ percent }}%")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parsed.RenderEscaped(variables(), func(s string, _ bool) string { return strings.ReplaceAll(s, "%", "[%]") })
	if want := "100% 100[%]%"; err != nil || got.V != want {
		t.Errorf("RenderEscaped = %v, %v; want %q", got.V, err, want)
	}
}

func TestTextRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		vars := map[string]any{"v": map[string]any{"x": text}}
		for _, source := range []string{"{{ v.x }}", "{{ v['x'] | append: '' }}", "{{v.x}}{{''}}"} {
			parsed, err := Parse(source)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := parsed.Render(vars); err != nil || got.V != text {
				t.Fatalf("%s gives %q, %v; want %q", source, got.V, err, text)
			}
		}
	})
}

func TestCacheKeepsWhatIsInUse(t *testing.T) {
	t.Parallel()
	var c Cache
	first, err := c.Parse("{{ used }}")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 2 * maxCached {
				if _, err := c.Parse(strings.Repeat("x", i) + strings.Repeat("y", worker)); err != nil {
					t.Error(err)
				}
				if again, err := c.Parse("{{ used }}"); err != nil || again != first {
					t.Error("a template in use was parsed again")
					return
				}
			}
		})
	}
	group.Wait()
	if len(c.young) > maxCached || len(c.old) > maxCached || c.bytes > maxCachedBytes {
		t.Errorf("the cache holds %d and %d templates of %d bytes", len(c.young), len(c.old), c.bytes)
	}
}

func FuzzParseAndRender(f *testing.F) {
	for _, seed := range []string{"{{ visitor.email | downcase }}", "a {{- x[0]['k'] | default: 'y', allow_false: true -}} b", "{% if %}", "{{ 1.5 | times: price | round: 2 }}", "{{ tags | join: ', ' | slice: -3, 99 }}", "{{ '2026-01-01' | date: '%-d%%' }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		parsed, err := Parse(source)
		if err != nil {
			if e := new(Error); !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("Parse(%q) fails with %v, which has no place", source, err)
			}
			return
		}
		v, err := parsed.Render(variables())
		if err == nil && size(v.V) > 2*maxResult {
			t.Fatalf("Render(%q) makes %d bytes", source, size(v.V))
		}
		if parsed.IsLiteral() && v.V != source {
			t.Fatalf("the literal %q renders to %q", source, v.V)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	parsed, err := Parse("Hi {{ visitor.email | downcase }}!")
	if err != nil {
		b.Fatal(err)
	}
	vars := variables()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parsed.Render(vars); err != nil {
			b.Fatal(err)
		}
	}
}
