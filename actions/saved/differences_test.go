package saved

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expected, answered string
		want               []string
	}{
		"equal":               {`{"a": [1, {"b": "x"}]}`, `{"a": [1, {"b": "x"}]}`, nil},
		"others do not count": {`{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 2}, "d": 3}`, nil},
		"numbers by value":    {`{"a": 1.50, "b": 100}`, `{"a": 1.5, "b": 1e2}`, nil},
		"large numbers":       {`{"a": 9007199254740993}`, `{"a": 9007199254740992}`, []string{"a is 9007199254740992, not 9007199254740993"}},
		"a text is no number": {`{"a": "1"}`, `{"a": 1}`, []string{`a is 1, not "1"`}},
		"left out":            {`{"a": null, "b": [], "c": false, "d": 0, "e": "", "f": {}}`, `{}`, nil},
		"not left out":        {`{"a": null, "b": []}`, `{"a": "x", "b": [1]}`, []string{`a is "x", not null`, `b is [1], not []`}},
		"any value":           {`{"a": "@set", "b": "@set"}`, `{"a": false}`, []string{"b is null, not any value"}},
		"lengths":             {`{"a": [1]}`, `{"a": [1, 2]}`, []string{"a is [1,2], not [1]"}},
		"elements":            {`{"a": [{"b": 1}, {"b": 2}]}`, `{"a": [{"b": 1}, {"b": 3}]}`, []string{"a[1].b is 3, not 2"}},
		"kinds":               {`{"a": {"b": 1}, "c": [1]}`, `{"a": "x", "c": {"0": 1}}`, []string{`a is "x", not {"b":1}`, `c is {"0":1}, not [1]`}},
		"missing object":      {`{"a": {"b": 1}}`, `{}`, []string{"a.b is null, not 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Differences(json.RawMessage(c.expected), json.RawMessage(c.answered)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What a test file says in YAML is held against what an answer says in JSON.
func TestDifferencesOfYAML(t *testing.T) {
	t.Parallel()
	tests, err := ParseTests("x", []byte("tests: [{name: n, expect: {outcome: MATCHED, variables: {n: 1, d: 2026-05-17, t: yes, b: true}}}]"))
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]any{"outcome": "MATCHED", "variables": map[string]any{"n": 1.0, "d": "2026-05-17", "t": "yes", "b": true}}
	if got := Differences(tests.Cases[0].Steps[0].Expect.Answer, answered); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestParseTestsRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                      "x.test.yaml: is empty",
		"tests: []":                             "x.test.yaml:1:1: tests: is missing",
		"seed: demo.yaml":                       "x.test.yaml:1:7: seed: is \"demo.yaml\"",
		"given: {contacts: {}}":                 "x.test.yaml:1:19: given.contacts: must be a list",
		"tests: [{expect: {outcome: MATCHED}}]": "tests[0].name: is missing",
		"tests: [{name: n}]":                    "tests[0].expect: is missing",
		"tests: [{name: n, expect: {}}]":        "needs an outcome, or an error",
		"tests: [{name: n, expect: {outcome: MATCHED, error: {}}}]":                   "needs an outcome, or an error",
		"tests: [{name: n, expect: {outcom: MATCHED}}]":                               "did you mean outcome?",
		"tests: [{name: n, action: a, steps: [{expect: {outcome: MATCHED}}]}]":        "stands beside steps",
		"tests: [{name: n, expect: {outcome: M}, records: [{where: {a: 1}}]}]":        "records[0].entity: is missing",
		"tests: [{name: n, expect: {outcome: M}, records: [{entity: a}]}]":            "records[0].where: is missing",
		"tests: [{name: n, expect: {outcome: M}, records: [{entity: a, count: -1}]}]": "must be a number from 0",
		"tests: [{name: n, faults: {}, expect: {outcome: M}}]":                        "must be a list of faults",
		"tests: [{name: n, variables: [], expect: {outcome: M}}]":                     "must be a mapping, and is a list",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseTests("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
