package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/internal/vacant"
)

// written puts files into a directory of their own.
func written(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const greet = `name: greet
inputs:
  email: {type: text, required: true}
findRecord:
  entity: contact
  where: {emailaddress1: "{{ email }}"}
  save: {who: fullname, count: "@count"}
`

// The built-in actions come with tests, which anybody can run.
func TestBuiltInActionsPassTheirTests(t *testing.T) {
	t.Parallel()
	out, err := say(t, "action", "test", "-v")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range []string{"create-case", "create-contact", "create-lead", "create-task", "find-contact-by-email", "find-contact-by-phone", "log-phone-call"} {
		if !strings.Contains(out, name+".test.yaml: ") {
			t.Errorf("%s has no tests:\n%s", name, out)
		}
	}
}

func TestFailingTestsSayWhatWasOtherwise(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ test, says string }{
		"outcome":         {`{name: n, variables: {email: x@example.com}, expect: {outcome: MATCHED}}`, `outcome is "NOT_MATCHED", not "MATCHED"`},
		"variable":        {`{name: n, variables: {email: ada@example.com}, expect: {outcome: MATCHED, variables: {who: Ida}}}`, `variables.who is "Ada Lovelace", not "Ida"`},
		"number":          {`{name: n, variables: {email: ada@example.com}, expect: {outcome: MATCHED, matchCount: 2}}`, `matchCount is 1, not 2`},
		"failure":         {`{name: n, expect: {outcome: MATCHED}}`, `the call failed (VARIABLE_UNSET): variables.email`},
		"success":         {`{name: n, variables: {email: x@example.com}, expect: {error: {reason: INVALID_VALUE}}}`, `the call succeeded with outcome NOT_MATCHED`},
		"reason":          {`{name: n, expect: {error: {reason: INVALID_VALUE}}}`, `the reason is VARIABLE_UNSET, not INVALID_VALUE`},
		"field":           {`{name: n, expect: {error: {field: fields.x}}}`, `the fields at fault are variables.email, not fields.x`},
		"message":         {`{name: n, expect: {error: {message: please}}}`, `the message has no "please"`},
		"requests":        {`{name: n, variables: {email: x@example.com}, expect: {outcome: NOT_MATCHED, sent: []}}`, `sent GET contacts, not nothing`},
		"step":            {`{name: n, steps: [{variables: {email: ada@example.com}, expect: {outcome: MATCHED}}, {expect: {outcome: NOT_MATCHED}}]}`, `step 2: outcome is "MATCHED"`},
		"count":           {`{name: n, variables: {email: a@b.c}, expect: {outcome: NOT_MATCHED}, records: [{entity: contact, where: {lastname: Lovelace}, count: 2}]}`, `there is 1 record of contact, not 2`},
		"value":           {`{name: n, variables: {email: a@b.c}, expect: {outcome: NOT_MATCHED}, records: [{entity: contact, where: {lastname: Lovelace}, fields: {firstname: Ida}}]}`, `contact: firstname is "Ada", not "Ida"`},
		"unknown records": {`{name: n, variables: {email: a@b.c}, expect: {outcome: NOT_MATCHED}, records: [{entity: kontact, where: {lastname: L}}]}`, `looking for records of kontact`},
	}
	file := `
given: {contacts: [{firstname: Ada, lastname: Lovelace, emailaddress1: ada@example.com}]}
tests:
  - {name: right, variables: {email: ada@example.com}, expect: {outcome: MATCHED, variables: {who: "@set"}}}
`
	names := slices.Sorted(maps.Keys(cases))
	for _, name := range names {
		file += "  - " + strings.Replace(cases[name].test, "name: n", "name: "+name, 1) + "\n"
	}
	dir := written(t, map[string]string{"greet.yaml": greet, "greet.test.yaml": file})
	out := fails(t, fmt.Sprintf("%d of %d tests failed", len(names), len(names)+1), "action", "test", dir)
	for i, name := range names {
		_, told, found := strings.Cut(out, fmt.Sprintf("greet.test.yaml:%d: %s\n", i+5, name))
		if told, _, _ = strings.Cut(told, "FAIL "); !found || !strings.Contains(told, cases[name].says) {
			t.Errorf("%s: printed %q, want %q", name, told, cases[name].says)
		}
	}
}

func TestTestFilesThatCannotBeRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ test, says string }{
		"member":       {"test: []\n", `did you mean tests?`},
		"given record": {"given: {contacts: [{frstname: Ada}]}\ntests: [{name: n, expect: {outcome: MATCHED}}]\n", "line 1: the record of contacts cannot be made"},
		"given set":    {"given: {contact: [{}]}\ntests: [{name: n, expect: {outcome: MATCHED}}]\n", "the record of contact cannot be made"},
		"faults":       {"tests: [{name: n, faults: [{sttus: 503}], expect: {outcome: MATCHED}}]\n", "sttus"},
		"seed":         {"seed: missing.json\ntests: [{name: n, expect: {outcome: MATCHED}}]\n", "missing.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := written(t, map[string]string{"greet.yaml": greet, "greet.test.yaml": c.test})
			fails(t, c.says, "action", "test", dir)
		})
	}
	fails(t, "no file there is called *.test.yaml", "action", "test", t.TempDir())
	fails(t, "no such file", "action", "test", "nowhere.test.yaml")
}

func TestTestsMayBeginWithAFileOfRecords(t *testing.T) {
	t.Parallel()
	dir := written(t, map[string]string{
		"greet.yaml":      greet,
		"records.json":    `{"contacts": [{"firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "ada@example.com"}]}`,
		"greet.test.yaml": `{seed: records.json, tests: [{name: n, variables: {email: ada@example.com}, expect: {outcome: MATCHED}}]}`,
	})
	must(t, "1 test in", "action", "test", dir)
}

func TestActionLint(t *testing.T) {
	t.Parallel()
	dir := written(t, map[string]string{"greet.yaml": greet})
	must(t, "1 definition, nothing wrong", "action", "lint", dir)
	must(t, "nothing wrong", "action", "lint", filepath.Join(dir, "greet.yaml"))

	dir = written(t, map[string]string{
		"greet.yaml": strings.Replace(greet, "emailaddress1:", "emial:", 1),
		"leave.yaml": "name: leave\nfindRecord: {entity: kontact, where: {lastname: x}}\n",
		"wave.yaml":  strings.NewReplacer("greet", "wave", "findRecord", "findRekord").Replace(greet),
		"good.yaml":  strings.Replace(greet, "greet", "good", 1),
	})
	out := fails(t, "faults in 3 of 4 definitions", "action", "lint", dir)
	for _, want := range []string{"greet.yaml:6:11: findRecord.where.emial: ", "leave.yaml:2:14: findRecord.entity: ", "contact", "wave.yaml:4:1: findRekord: ", "did you mean findRecord?"} {
		if !strings.Contains(out, want) {
			t.Errorf("printed %q, which has no %q", out, want)
		}
	}
	fails(t, "is no definition", "action", "lint", filepath.Join(written(t, map[string]string{"greet.yml": greet}), "greet.yml"))
}

func TestActionsRunWhereServeIs(t *testing.T) {
	t.Parallel()
	r := serve(t)
	there := []string{"--local-addr=" + r.local, "--variables", `{"topic": "Chat"}`, "--var", "last_name=Lovelace"}
	out := must(t, `"outcome": "CREATED"`, append([]string{"action", "run", "create-lead"}, there...)...)
	var answer struct{ Variables map[string]any }
	if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.Variables["lead_name"] != "Lovelace" {
		t.Errorf("printed %q, %v", out, err)
	}
	again := []string{"action", "run", "create-lead", "--server=" + r.grpc, "--request-id=once", "--var=topic=Chat", "--var=last_name=Byron"}
	must(t, `"outcome": "CREATED"`, again...)
	must(t, `"outcome": "ALREADY_CREATED"`, again...)
	file := filepath.Join(written(t, map[string]string{"greet.yaml": greet, "given.json": `{"email": "nobody@example.com"}`}), "greet.yaml")
	must(t, `"outcome": "NOT_MATCHED"`, "action", "run", file, "--local-addr="+r.local, "--variables=@"+filepath.Join(filepath.Dir(file), "given.json"))
	fails(t, "variables.email", "action", "run", file, "--local-addr="+r.local)
	fails(t, "create-lead", "action", "run", "create-laed", "--local-addr="+r.local)
	fails(t, "is `botverse serve` running", "action", "run", file, "--local-addr="+vacant.Always)
	fails(t, "is `botverse serve` running", "action", "run", "create-lead", "--server="+vacant.Always)
	fails(t, "--variables must be a JSON object", "action", "run", file, "--variables=[]")
}

// Explaining needs no Dataverse at all.
func TestActionExplain(t *testing.T) {
	t.Parallel()
	ask := []string{"action", "explain", "create-lead", "--local-addr=" + vacant.Always, "--var=topic=Chat", "--var=last_name=Lovelace", "--var=source=web"}
	out := must(t, "1. POST http://127.0.0.1:", ask...)
	for _, want := range []string{`"lastname": "Lovelace"`, "MSCRM.SuppressDuplicateDetection: false", "if the answer is lost", "telephone1", "cannot apply: there is no emailaddress1", "prvCreateLead", "Cost: 1 to 2 requests to Dataverse"} {
		if !strings.Contains(out, want) {
			t.Errorf("printed %q, which has no %q", out, want)
		}
	}
	var answer struct{ Requests []any }
	if err := json.Unmarshal([]byte(must(t, "{", append(ask, "--format=json")...)), &answer); err != nil || len(answer.Requests) == 0 {
		t.Errorf("the JSON has the requests %v, %v", answer.Requests, err)
	}
}
