package saved

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/actions"
)

var update = flag.Bool("update", false, "rewrite action.schema.json")

// The committed schema is what editors see; it must be the one that Parse reads by.
func TestCommittedSchemaIsTheReadersOwn(t *testing.T) {
	t.Parallel()
	if *update {
		if err := os.WriteFile("action.schema.json", Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("action.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, Schema()) {
		t.Error("action.schema.json is not what Schema makes: run go test ./actions/saved -update")
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(SchemaURL, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON is a definition as a validator of JSON sees it.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestSchemaAcceptsThePresets(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	l, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	all := l.Actions()
	if len(all) == 0 {
		t.Fatal("there are no presets")
	}
	for _, a := range all {
		if err := schema.Validate(asJSON(t, a.Definition.Text)); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}

// What the reader refuses by the shape of a definition the schema refuses too, and what it takes, the schema takes.
func TestSchemaAndReaderAgree(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	find := "name: a\nfindRecord: {entity: contact, where: {lastname: x}%s}\n"
	create := "name: a\ncreateRecord: {entity: contact, fields: {lastname: x}%s}\n"
	for text, right := range map[string]bool{
		fmt.Sprintf(find, ""):                                                                                            true,
		fmt.Sprintf(create, ""):                                                                                          true,
		fmt.Sprintf(find, ", order_by: [createdon desc]"):                                                                true,
		fmt.Sprintf(find, ", orderBy: ['']"):                                                                             false,
		fmt.Sprintf(find, ", orderBy: createdon"):                                                                        false,
		fmt.Sprintf(find, ", onMultiple: AMBIGUOUS, maxCandidates: 50"):                                                  true,
		fmt.Sprintf(find, ", onMultiple: NONE"):                                                                          false,
		fmt.Sprintf(find, ", maxCandidates: 51"):                                                                         false,
		fmt.Sprintf(find, ", countMatches: 1"):                                                                           false,
		fmt.Sprintf(find, ", fields: {lastname: x}"):                                                                     false,
		fmt.Sprintf(find, ", variables: {}"):                                                                             false,
		fmt.Sprintf(find, ", conditions: [{field: a, operator: eq, value: [1]}]"):                                        true,
		fmt.Sprintf(find, ", conditions: [{field: a, value: 1}]"):                                                        false,
		fmt.Sprintf(find, ", conditions: [{field: a, operator: eq, values: 1}]"):                                         false,
		fmt.Sprintf(find, ", save: {a.b: fullname}"):                                                                     true,
		fmt.Sprintf(find, ", save: {1a: fullname}"):                                                                      false,
		fmt.Sprintf(find, ", save: {a: ''}"):                                                                             false,
		fmt.Sprintf(create, ", onDuplicate: FILL_BLANKS, matchOn: [lastname]"):                                           true,
		fmt.Sprintf(create, ", onDuplicate: MERGE"):                                                                      false,
		fmt.Sprintf(create, ", countMatches: true"):                                                                      false,
		"name: a\ninputs: {x: {type: text}, y: }\n" + fmt.Sprintf(find, "")[8:]:                                          true,
		"name: a\ninputs: {x: {type: string}}\n" + fmt.Sprintf(find, "")[8:]:                                             false,
		"name: a\ninputs: {x: {kind: text}}\n" + fmt.Sprintf(find, "")[8:]:                                               false,
		"name: a\ninputs: {x: {default: null}}\n" + fmt.Sprintf(find, "")[8:]:                                            false,
		"name: a\ninputs: {x-y: {type: text}}\n" + fmt.Sprintf(find, "")[8:]:                                             false,
		"name: A\n" + fmt.Sprintf(find, "")[8:]:                                                                          false,
		"name: a\nfindRecord: {where: {lastname: x}}\n":                                                                  false,
		"name: a\nfindRecordByFetchXml: {entity: contact}\n":                                                             false,
		"name: a\nfind_record_by_fetch_xml: {entity: contact, fetch_xml: \"<fetch><entity name='contact'/></fetch>\"}\n": true,
		"name: a\n": false,
		fmt.Sprintf(find, "") + fmt.Sprintf(create, "")[8:]: false,
	} {
		_, readErr := Parse("a", []byte(text))
		schemaErr := schema.Validate(asJSON(t, text))
		if (readErr == nil) != right || (schemaErr == nil) != right {
			t.Errorf("%s\nread: %v\nschema: %v\nwant right = %v", text, readErr, schemaErr, right)
		}
	}
}

// Whatever a request of package actions can be asked for, a definition can say: a member of body that no table names would be
// lost, and so would a field of a request that no body fills.
func TestEveryMemberReachesItsRequest(t *testing.T) {
	t.Parallel()
	named := map[uintptr]bool{}
	b := &body{}
	for i := range bodyMembers {
		named[reflect.ValueOf(bodyMembers[i].into(b)).Pointer()] = true
	}
	v := reflect.ValueOf(b).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "fetchPlace" && !named[v.Field(i).UnsafeAddr()] {
			t.Errorf("body.%s is no member of a definition", name)
		}
	}
	full := body{
		entity: "e", recordID: "r", key: map[string]any{"k": 1}, where: map[string]any{"w": 1}, fields: map[string]any{"f": 1},
		conditions: []actions.Condition{{Field: "c"}}, fetchXML: "x", orderBy: []string{"o"}, matchOn: []string{"m"},
		save: map[string]string{"s": "s"}, saveDefaults: map[string]any{"s": 1}, onDuplicate: "FILL_BLANKS", onUnset: "REFUSE", merge: "FILL_BLANKS",
		ignoreRules: true, cutLongText: true, countMatches: true, reportDuplicates: true, asOf: "2026-05-17T15:30:00Z", maxCandidates: 1, timeZone: "UTC", culture: "de",
	}
	call := Call{RequestID: "r", Namespace: "n", ValidateOnly: true}
	writes, reads := full, full
	writes.onMultiple, reads.onMultiple = "FIRST", "AMBIGUOUS"
	variables := map[string]any{"v": 1}
	for _, request := range []any{
		writes.createRecord(call, "env", variables), writes.updateRecord(call, "env", variables), writes.upsertRecord(call, "env", variables),
		reads.findRecord(call, "env", variables), reads.findRecordByFetchXML(call, "env", variables),
	} {
		r := reflect.ValueOf(request)
		for i := range r.NumField() {
			if r.Field(i).IsZero() {
				t.Errorf("%s.%s is filled by no member of a definition", strings.TrimPrefix(r.Type().String(), "actions."), r.Type().Field(i).Name)
			}
		}
	}
}
