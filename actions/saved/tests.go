package saved

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Tests are what a test file says: what the local Dataverse begins with, and calls of saved actions with what must come of
// each. They are only read, by any number of goroutines.
type Tests struct {
	Name  string        // the file's, without TestExtension; the action that tests call which name none
	Seed  string        // SeedNone, SeedDemo, or the path of a file of records, from the test file's directory
	Given []GivenRecord // are made before each test, in this order
	Cases []Case
}

// The seeds that are no files.
const (
	SeedNone = "none"
	SeedDemo = "demo"
)

// GivenRecord is a record that is there before a test.
type GivenRecord struct {
	Set  string         // the entity set, as "contacts"
	Body map[string]any // as the Web API takes it
	Line int
}

// Case is one test: calls one after another, each with the variables that the one before answered, and the records that there
// must be after the last.
type Case struct {
	Name    string
	Line    int
	Faults  []any // the local Dataverse's fault plan, as its JSON; nil for none
	Steps   []Step
	Records []ExpectedRecords
}

// Step is a call.
type Step struct {
	Action    string         // the saved action's name
	Variables map[string]any // beside those of the step before, which they go before
	RequestID string
	TimeZone  string
	Expect    Expectation
	Line      int
}

// Expectation is what must come of a call: a part of the answer, as REST gives it, or an error.
type Expectation struct {
	Answer map[string]any // see Differences for how it is held against the answer
	Error  *ExpectedError // nil where the call succeeds
	Sent   []string       // what was sent to Dataverse, as "POST incidents", metadata left out; nil for any
}

// ExpectedError is a refusal or a failure.
type ExpectedError struct {
	Reason  string // as "VARIABLE_UNSET"; "" for any
	Field   string // that is at fault, as "variables.phone"; "" for any
	Message string // a part of the message; "" for any
}

// ExpectedRecords are records that there must be after a test.
type ExpectedRecords struct {
	Entity string
	Where  map[string]any // as FindRecord's
	Count  int            // how many
	Fields map[string]any // of the first of them, by source, as "statuscode@formatted"
	Line   int
}

// ParseTests reads a test file. The error is an *Error.
func ParseTests(name string, text []byte) (*Tests, error) {
	t := &Tests{Name: name, Seed: SeedNone}
	file := name + TestExtension
	root, fault := parseYAML(text)
	if fault != nil {
		return nil, &Error{File: file, Faults: []Fault{*fault}}
	}
	r := &testReader{reader: reader{places: places{}, text: string(text)}, name: name}
	r.tests(t, root)
	if len(r.faults) > 0 {
		return nil, &Error{File: file, Faults: r.faults}
	}
	return t, nil
}

// testReader takes tests out of a file.
type testReader struct {
	reader
	name string // the action of tests that name none
}

func (r *testReader) tests(t *Tests, root node) {
	for _, m := range r.members(root, "", []string{"seed", "given", "tests"}) {
		switch m.name {
		case "seed":
			t.Seed = r.seed(m)
		case "given":
			t.Given = r.given(m)
		case "tests":
			for i, element := range r.elements(m) {
				t.Cases = append(t.Cases, r.test(element, fmt.Sprintf("tests[%d]", i)))
			}
		}
	}
	if len(t.Cases) == 0 && len(r.faults) == 0 {
		r.fault(root, "tests", "is missing: a test file has at least one test")
	}
}

// elements are those of a list.
func (r *testReader) elements(m member) []node {
	if kindOf(m.value) != "a list" {
		r.fault(m.value, m.path, "must be a list, and is %s", kindOf(m.value))
		return nil
	}
	return m.value.Content
}

func (r *testReader) seed(m member) string {
	text, ok := r.textOf(m.value, m.path)
	if ok && text != SeedNone && text != SeedDemo && filepath.Ext(text) != ".json" {
		r.fault(m.value, m.path, "is %q: it must be %s, %s, or the path of a JSON file of records", text, SeedNone, SeedDemo)
	}
	return text
}

func (r *testReader) given(m member) (given []GivenRecord) {
	for _, set := range r.pairs(m.value, m.path) {
		for i, element := range r.elements(set) {
			at := fmt.Sprintf("%s[%d]", set.path, i)
			body, ok := r.value(element, at, 0).(map[string]any)
			if !ok {
				r.fault(element, at, "must be a record: fields with their values, as the Web API takes them")
			}
			given = append(given, GivenRecord{Set: set.name, Body: body, Line: element.Line})
		}
	}
	return given
}

// stepMembers are those of a call; a test with one call has them itself.
var stepMembers = []string{"action", "variables", "requestId", "timeZone", "expect"}

func (r *testReader) test(n node, path string) Case {
	c := Case{Line: n.Line}
	var call []member
	for _, m := range r.members(n, path, append([]string{"name", "faults", "steps", "records"}, stepMembers...)) {
		switch m.name {
		case "name":
			c.Name, _ = r.textOf(m.value, m.path)
		case "faults":
			if c.Faults, _ = r.value(m.value, m.path, 0).([]any); c.Faults == nil {
				r.fault(m.value, m.path, "must be a list of faults, and is %s", kindOf(m.value))
			}
		case "steps":
			for i, element := range r.elements(m) {
				at := fmt.Sprintf("%s[%d]", m.path, i)
				c.Steps = append(c.Steps, r.step(r.members(element, at, stepMembers), element, at))
			}
		case "records":
			for i, element := range r.elements(m) {
				c.Records = append(c.Records, r.records(element, fmt.Sprintf("%s[%d]", m.path, i)))
			}
		default:
			call = append(call, m)
		}
	}
	switch {
	case c.Name == "":
		r.fault(n, join(path, "name"), "is missing: it says what the test shows")
	case len(call) > 0 && c.Steps != nil:
		r.fault(call[0].key, call[0].path, "stands beside steps: a test has one call, or steps")
	case c.Steps == nil:
		c.Steps = []Step{r.step(call, n, path)}
	}
	return c
}

// step takes a call from its members.
func (r *testReader) step(members []member, n node, path string) Step {
	s := Step{Action: r.name, Line: n.Line}
	var expects bool
	for _, m := range members {
		switch m.name {
		case "action":
			s.Action, _ = r.textOf(m.value, m.path)
		case "variables":
			s.Variables = r.object(m)
		case "requestId":
			s.RequestID, _ = r.textOf(m.value, m.path)
		case "timeZone":
			s.TimeZone, _ = r.textOf(m.value, m.path)
		case "expect":
			s.Expect, expects = r.expectation(m), true
		}
	}
	if !expects {
		r.fault(n, join(path, "expect"), "is missing: it says what must come of the call, as {outcome: MATCHED}")
	}
	return s
}

// object is a value that must be a mapping.
func (r *testReader) object(m member) map[string]any {
	object, ok := r.value(m.value, m.path, 0).(map[string]any)
	if !ok {
		r.fault(m.value, m.path, "must be a mapping, and is %s", kindOf(m.value))
	}
	return object
}

// answerMembers are those of an answer.
var answerMembers = []string{
	"outcome", "record", "variables", "matchCount", "moreMatches", "orderedBy", "candidates", "existing", "matches", "omitted", "warnings",
	"phoneSearch", "phoneMatch",
}

func (r *testReader) expectation(m member) Expectation {
	e := Expectation{Answer: map[string]any{}}
	for _, part := range r.members(m.value, m.path, append([]string{"error", "sent"}, answerMembers...)) {
		switch part.name {
		case "error":
			e.Error = r.expectedError(part)
		case "sent":
			e.Sent = r.texts(part)
		default:
			e.Answer[part.name] = r.value(part.value, part.path, 0)
		}
	}
	if _, answers := e.Answer["outcome"]; answers == (e.Error != nil) {
		r.fault(m.key, m.path, "needs an outcome, or an error, and not both")
	}
	return e
}

func (r *testReader) expectedError(m member) *ExpectedError {
	e := &ExpectedError{}
	for _, part := range r.members(m.value, m.path, []string{"reason", "field", "message"}) {
		text, _ := r.textOf(part.value, part.path)
		switch part.name {
		case "reason":
			e.Reason = text
		case "field":
			e.Field = text
		case "message":
			e.Message = text
		}
	}
	return e
}

// texts are those of a list, which may be empty.
func (r *testReader) texts(m member) []string {
	texts := []string{}
	for i, element := range r.elements(m) {
		text, _ := r.textOf(element, fmt.Sprintf("%s[%d]", m.path, i))
		texts = append(texts, text)
	}
	return texts
}

func (r *testReader) count(m member) int {
	n, err := strconv.Atoi(m.value.Value)
	if err != nil || n < 0 {
		r.fault(m.value, m.path, "must be a number from 0, and is %s", kindOf(m.value))
	}
	return n
}

func (r *testReader) records(n node, path string) ExpectedRecords {
	e := ExpectedRecords{Count: 1, Line: n.Line}
	for _, m := range r.members(n, path, []string{"entity", "where", "count", "fields"}) {
		switch m.name {
		case "entity":
			e.Entity, _ = r.textOf(m.value, m.path)
		case "where":
			e.Where = r.object(m)
		case "count":
			e.Count = r.count(m)
		case "fields":
			e.Fields = r.object(m)
		}
	}
	if e.Entity == "" {
		r.fault(n, join(path, "entity"), "is missing")
	}
	if len(e.Where) == 0 {
		r.fault(n, join(path, "where"), "is missing: it says which records are meant, as for FindRecord")
	}
	return e
}

// PresetTests are the test files of the built-in definitions, by the definition's name.
func PresetTests() (map[string][]byte, error) {
	files, err := fs.Glob(presetFiles, "presets/*"+TestExtension)
	if err != nil {
		return nil, err
	}
	tests := map[string][]byte{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), TestExtension)
		if tests[name], err = presetFiles.ReadFile(file); err != nil {
			return nil, err
		}
	}
	return tests, nil
}
