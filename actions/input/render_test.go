package input

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRenderTellsUnsetFromNull(t *testing.T) {
	t.Parallel()
	var r Renderer
	variables := map[string]any{"nul": nil, "text": "{{ nul }}", "ref": map[string]any{"entity": "account", "id": "7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11"}, "list": []any{"a"}}
	tests := []struct {
		given any
		want  Rendered
	}{
		{nil, Rendered{State: Null}},
		{5.0, Rendered{Value: 5.0}},
		{"plain {", Rendered{Value: "plain {"}},
		{"{{ text }}", Rendered{Value: "{{ nul }}", Templated: true}},
		{"{{ nul }}", Rendered{State: Null, Templated: true}},
		{"{{ nope.x }}", Rendered{State: Unset, Templated: true, Unset: "nope.x"}},
		{"a {{ nope }}", Rendered{State: Unset, Templated: true, Unset: "nope"}},
		{"{{ ref }}", Rendered{Value: variables["ref"], Templated: true}},
		{[]any{"{{ text }}", "b"}, Rendered{Value: []any{"{{ nul }}", "b"}, Templated: true}},
		{map[string]any{"entity": "account", "name": "{{ nope }}"}, Rendered{
			State: Unset, Templated: true, Unset: "nope", Value: map[string]any{"entity": "account", "name": nil},
		}},
		{map[string]any{"entity": "account", "name": "{{ nul }}"}, Rendered{
			State: Null, Templated: true, Value: map[string]any{"entity": "account", "name": nil},
		}},
	}
	for _, test := range tests {
		got, fault := r.Render(test.given, variables, "fields.x")
		if fault != nil || !cmp.Equal(got, test.want) {
			t.Errorf("render(%v) = %+v, %+v; want %+v", test.given, got, fault, test.want)
		}
	}
	for given, want := range map[string]string{"a\n{% if %}": "line 2, column 1", "x {{ ref }}": "ref is an object", "{{ a": "not closed"} {
		_, fault := r.Render(given, variables, "fields.x")
		if fault == nil || fault.Reason != BadTemplate || fault.Field != "fields.x" || !strings.Contains(fault.Message, want) {
			t.Errorf("render(%q) = %+v, want %s with %q", given, fault, BadTemplate, want)
		}
	}
}
