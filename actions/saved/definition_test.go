package saved

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each fault is told with its place in the file and what would be right.
func TestFaultsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "a.yaml: is empty"},
		{"name: a\nfindRecord: [", "a.yaml:"},
		{"- a", "a.yaml:1:1: must be a mapping, and is a list"},
		{"name: a", "a.yaml:1:1: has no action: it needs one of createRecord, updateRecord"},
		{"findRecord: {entity: contact}", "a.yaml:1:1: name: is missing"},
		{"name: b\nfindRecord: {entity: contact}", `a.yaml:1:7: name: is "b", and the file's name says "a"`},
		{"name: a\nfindrecord: {entity: contact}", "a.yaml:2:1: findrecord: there is no such member; did you mean findRecord?"},
		{"name: a\nname: a\nfindRecord: {entity: contact}", "a.yaml:2:1: name: is given more than once"},
		{"name: a\nfindRecord: {entity: contact}\ncreateRecord: {entity: contact, fields: {}}", "a.yaml:3:1: createRecord: is a second action beside findRecord"},
		{"name: a\nfindRecord:\n  entity: contact\n  order_by: []\n  orderBy: []", "a.yaml:5:3: findRecord.orderBy: is given more than once"},
		{"name: a\nfindRecord:\n  entity: contact\n  where: {lastname: {{ last }}}", "a.yaml:4:22: findRecord.where.lastname: has a name that is no text"},
		{"name: a\nfindRecord:\n  entity: contact\n  where: {address1_postalcode: 01234}", "a.yaml:4:32: findRecord.where.address1_postalcode: 01234 is a number in YAML and none in JSON"},
		{"name: a\nfindRecord:\n  entity: contact\n  where: {x: &v y, z: *v}", "a.yaml:4:23: findRecord.where.z: refers to another part of the file"},
		{"name: a\nfindRecord:\n  entity: contact\n  where: {x: !!binary aGk=}", "a.yaml:4:14: findRecord.where.x: has the tag !!binary"},
		{"name: a\nfindRecord:\n  entity: contact\n  where: {x: 1, x: 2}", "a.yaml:4:17: findRecord.where.x: is given more than once"},
		{"name: a\nfindRecord:\n  entity: contact\n  requestId: k", "a.yaml:4:3: findRecord.requestId: comes with each call"},
		{"name: a\nfindRecord:\n  environment: prod\n  entity: contact", "a.yaml:3:3: findRecord.environment: stands beside the action"},
		{"name: a\nfindRecord:\n  entity: con tact", `a.yaml:3:11: findRecord.entity: "con tact" is not valid: it must be an entity's logical name`},
		{"name: a\nfindRecord:\n  entity: contact\n  onMultiple: FRIST", "a.yaml:4:15: findRecord.onMultiple: \"FRIST\" is none of FIRST, AMBIGUOUS"},
		{"name: a\nfindRecord:\n  entity: contact\n  conditions:\n    - field: x\n      operater: eq", "a.yaml:6:7: findRecord.conditions[0].operater: there is no such member; did you mean operator?"},
		{"name: a\nfindRecord:\n  entity: contact\n  where:\n    lastname: '{{ last | upcas }}'", "a.yaml:5:5: findRecord.where.lastname: the template cannot be used: line 1, column"},
		{"name: a\ninputs:\n  last: {type: txt}\nfindRecord: {entity: contact}", `a.yaml:3:16: inputs.last.type: "txt" is no type of an input`},
		{"name: a\ninputs:\n  la-st: {}\nfindRecord: {entity: contact}", `a.yaml:3:3: inputs.la-st: "la-st" is no variable's name`},
		{"name: a\ninputs:\n  n: {type: integer, default: some}\nfindRecord: {entity: contact}", "a.yaml:3:31: inputs.n.default: is no integer: it takes a whole number"},
		{"name: a\ninputs:\n  n: {required: true, default: x}\nfindRecord: {entity: contact}", "a.yaml:3:23: inputs.n.default: is the default of a required input"},
		{"name: a\ninputs:\n  n: {default: '{{ m }}'}\nfindRecord: {entity: contact}", "a.yaml:3:16: inputs.n.default: is a template"},
		{"name: a\n---\nname: b", "a.yaml: has more than one document"},
		{"name: a\nfindRecordByFetchXml:\n  entity: contact\n  fetchXml: |\n    <fetch>\n      <entity nam='contact'/>\n    </fetch>", "a.yaml:6:"},
		{"name: a\nfindRecordByFetchXml:\n  entity: contact\n  fetchXml: \"<fetch><entity name='contact'><attribut/></entity></fetch>\"", "a.yaml:4:4"},
	} {
		_, err := Parse("a", []byte(c.text))
		var found *Error
		if !errors.As(err, &found) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\nerror = %v\nwant    %s", c.text, err, c.want)
		}
	}
}

// A fault of the query is told at its line and column in the file, however the query stands there.
func TestPlacesInQueries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"  fetchXml: |\n    <fetch>\n      <entity name='contact'>\n        <filter><condition attribute='lastname' operator='eq' value='{{ x | nope }}'/></filter></entity></fetch>\n", "6:"},
		{"  fetchXml: |\n\n    <fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{ x | nope }}'/></filter></entity></fetch>\n", "5:"},
		{"  fetchXml: <fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{ x | nope }}'/></filter></entity></fetch>\n", "3:"},
		{"  fetchXml: \"<fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{ x | nope }}'/></filter></entity></fetch>\"\n", "3:"},
	} {
		text := "name: a\nfindRecordByFetchXml:\n" + c.body + "  entity: contact\n"
		_, err := Parse("a", []byte(text))
		var found *Error
		if !errors.As(err, &found) {
			t.Errorf("%s: error = %v", text, err)
			continue
		}
		f := found.Faults[0]
		line := strings.Split(text, "\n")[f.Line-1]
		if !strings.HasPrefix(f.String(), c.want) || !strings.HasPrefix(line[f.Column-1:], "value='{{ x | nope") && !strings.HasPrefix(line[f.Column-1:], "{{ x | nope") {
			t.Errorf("%s\nfault = %v, at %q", text, f, line[min(f.Column-1, len(line)):])
		}
	}
	_, err := Parse("a", []byte("name: a\nfindRecordByFetchXml:\n  entity: contact\n  fetchXml: >\n    <fetch><entity name='contact'>\n    <attribut/></entity></fetch>\n"))
	if err == nil || !strings.Contains(err.Error(), "a.yaml:4:13:") || !strings.Contains(err.Error(), "of the query") {
		t.Errorf("folded: error = %v, want the place of the text and that in the query", err)
	}
}

// A REST call that works is pasted as it is: JSON is YAML.
func TestBodyIsTheRequest(t *testing.T) {
	t.Parallel()
	d, err := Parse("a", []byte(`name: a
createRecord: {"entity":"contact","fields":{"lastname":"{{ visitor.last }}","creditlimit":1234567890.123456789,"donotphone":true,"birthdate":null},
  "save":{"id":"@id"},"save_defaults":{"id":"none"},"onDuplicate":"USE_EXISTING","match_on":["lastname"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	request := d.body.createRecord(Call{}, "", nil)
	if fmt.Sprint(request.Fields["creditlimit"]) != "1234567890.123456789" || request.Fields["donotphone"] != true || len(request.Fields) != 4 || request.SaveDefaults["id"] != "none" ||
		cmp.Diff(request.MatchOn, []string{"lastname"}) != "" {
		t.Errorf("request = %+v", request)
	}
	d, err = Parse("a", []byte("name: a\nfindRecord: {entity: contact, where: {birthdate: 2026-05-17, donotphone: yes}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"birthdate": "2026-05-17", "donotphone": "yes"}, d.body.findRecord(Call{}, "", nil).Where); diff != "" {
		t.Errorf("texts that YAML 1.1 takes for something else (-want +got):\n%s", diff)
	}
}

// Without inputs a definition's templates may name what they like; with them, those alone.
func TestTemplatesNameInputsAlone(t *testing.T) {
	t.Parallel()
	const body = "findRecord: {entity: contact, where: {lastname: \"{{ visitor.last | append: sufix }}\"}}\n"
	if _, err := Parse("a", []byte("name: a\n"+body)); err != nil {
		t.Errorf("without inputs: %v", err)
	}
	_, err := Parse("a", []byte("name: a\ninputs: {visitor: {type: object}, suffix: }\n"+body))
	if err == nil || !strings.Contains(err.Error(), `the variable "sufix" is none of the inputs; did you mean suffix?`) {
		t.Errorf("with inputs: %v", err)
	}
}
