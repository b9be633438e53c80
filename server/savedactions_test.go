package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// openSaved opens a library of saved actions; dir "" has the built-in ones alone.
func openSaved(t *testing.T, runtime *actions.Runtime, dir string) *saved.Library {
	t.Helper()
	library, err := saved.Open(saved.Config{Dir: dir, Runtime: runtime})
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// savedHouse is a server with a directory of saved actions, on a local Dataverse with demo data.
type savedHouse struct {
	*running
	t       *testing.T
	dir     string
	library *saved.Library
}

func startSaved(t *testing.T, files ...string) *savedHouse {
	t.Helper()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	return startSavedOn(t, base, "local", files...)
}

// startSavedOn is startSaved on a Dataverse at an address, signed in to with a secret. Files are names and texts in turn.
func startSavedOn(t *testing.T, base, secret string, files ...string) *savedHouse {
	t.Helper()
	config := dataverse.Default()
	config.URL = base
	config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: base + "/local/oauth2/v2.0/token", ClientID: "botverse", Credential: dataverse.Credential{ClientSecret: dataverse.Secret(secret)}, Scope: base + "/.default"}
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"local": config}, "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime := actions.New(environments)
	runtime.Ledger = openLedger(t)
	h := &savedHouse{t: t, dir: t.TempDir()}
	for i := 0; i+1 < len(files); i += 2 {
		h.write(files[i], files[i+1])
	}
	h.library = openSaved(t, runtime, h.dir)
	h.library.Refresh(t.Context())
	h.running = start(t, loopback(), Deps{Runtime: runtime, Saved: h.library}, &services{
		actions: actionService{runtime: runtime, saved: h.library}, metadata: metadataService{runtime: runtime}, presence: stub{},
	})
	return h
}

// write puts a definition into the directory as editors do: a new file takes the place of the old one.
func (h *savedHouse) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name+saved.Extension)
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		h.t.Fatal(err)
	}
}

// rewrite is write, and has the library take notice.
func (h *savedHouse) rewrite(name, text string) {
	h.t.Helper()
	h.write(name, text)
	h.library.Refresh(h.t.Context())
}

// run runs a saved action over gRPC.
func (h *savedHouse) run(name, variables string) *botversev1.RunActionResponse {
	h.t.Helper()
	resp, err := h.try(name, variables)
	if err != nil {
		h.t.Fatalf("run %s: %v", name, err)
	}
	return resp
}

func (h *savedHouse) try(name, variables string) (*botversev1.RunActionResponse, error) {
	h.t.Helper()
	return h.actions().RunAction(h.t.Context(), message(h.t, &botversev1.RunActionRequest{}, `{"name":"`+name+`","variables":`+variables+`}`))
}

func (h *savedHouse) get(name string) *botversev1.SavedAction {
	h.t.Helper()
	resp, err := h.actions().GetAction(h.t.Context(), &botversev1.GetActionRequest{Name: name})
	if err != nil {
		h.t.Fatalf("get %s: %v", name, err)
	}
	return resp.GetAction()
}

func message[M proto.Message](t *testing.T, into M, json string) M {
	t.Helper()
	if err := protojson.Unmarshal([]byte(json), into); err != nil {
		t.Fatal(err)
	}
	return into
}

// wantFault checks that an error has a reason and a fault at a place, which says all of the texts.
func wantFault(t *testing.T, err error, code codes.Code, reason botversev1.ErrorDetail_Reason, field string, says ...string) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("error = %v, want %v", err, code)
	}
	detail := detailIn(t, status.Convert(err).Proto().GetDetails())
	if detail.GetReason() != reason {
		t.Errorf("reason = %v, want %v", detail.GetReason(), reason)
	}
	for _, f := range detail.GetFaults() {
		if f.GetField() == field && containsAll(f.GetMessage(), says) {
			return
		}
	}
	t.Errorf("faults = %v, want one of %s that says %q", detail.GetFaults(), field, says)
}

const findByName = `name: find-by-name
inputs:
  last: {type: text, required: true}
findRecord:
  entity: contact
  where: {lastname: "{{ last }}"}
  save: {contact: "@record", first: firstname}
`

// A definition of each kind is run, and does what the request in it does.
func TestSavedActionOfEachKindRuns(t *testing.T) {
	t.Parallel()
	h := startSaved(t,
		"make", "name: make\ninputs: {last: {required: true}}\ncreateRecord:\n  entity: contact\n  fields: {lastname: '{{last}}', firstname: Ada}\n  save: {contact: '@record'}\n",
		"find-by-name", findByName,
		"change", "name: change\nupdateRecord:\n  entity: contact\n  record_id: '{{contact}}'\n  fields: {jobtitle: '{{job}}'}\n",
		"put", "name: put\nupsertRecord:\n  entity: contact\n  where: {emailaddress1: '{{mail}}'}\n  fields: {lastname: Nobody}\n",
		"query", `name: query
findRecordByFetchXml:
  entity: contact
  fetchXml: |
    <fetch>
      <entity name="contact">
        <attribute name="jobtitle"/>
        <filter><condition attribute="lastname" operator="eq" value="{{ last }}"/></filter>
      </entity>
    </fetch>
  save: {job: jobtitle}
`)
	made := h.run("make", `{"last":"Lovelace-Byron","other":7}`)
	if made.GetOutcome() != botversev1.RunActionResponse_CREATED || made.GetVariables().GetFields()["other"].GetNumberValue() != 7 {
		t.Fatalf("made = %v", made)
	}
	contact := made.GetVariables().GetFields()["contact"]
	found := h.run("find-by-name", `{"last":"lovelace-byron"}`)
	if found.GetOutcome() != botversev1.RunActionResponse_MATCHED || found.GetMatchCount() != 1 || found.GetRecord().GetId() != made.GetRecord().GetId() {
		t.Errorf("found = %v", found)
	}
	reference, err := protojson.Marshal(contact)
	if err != nil {
		t.Fatal(err)
	}
	if changed := h.run("change", `{"job":"Countess","contact":`+string(reference)+`}`); changed.GetOutcome() != botversev1.RunActionResponse_UPDATED {
		t.Errorf("changed = %v", changed)
	}
	if put := h.run("put", `{"mail":"nobody@example.com"}`); put.GetOutcome() != botversev1.RunActionResponse_CREATED {
		t.Errorf("put = %v", put)
	}
	if put := h.run("put", `{"mail":"nobody@example.com"}`); put.GetOutcome() != botversev1.RunActionResponse_UNCHANGED {
		t.Errorf("put again = %v", put)
	}
	queried := h.run("query", `{"last":"Lovelace-Byron"}`)
	if queried.GetVariables().GetFields()["job"].GetStringValue() != "Countess" {
		t.Errorf("queried = %v", queried)
	}
	if none := h.run("query", `{"last":"Lovelace-Nobody"}`); none.GetOutcome() != botversev1.RunActionResponse_NOT_MATCHED {
		t.Errorf("none = %v", none)
	}
}

func TestSavedActionOverREST(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", findByName)
	var listed botversev1.ListActionsResponse
	message(t, &listed, send(t, "GET", h.base+"/v1/actions?page_size=1000", "").body)
	var names []string
	for _, a := range listed.GetActions() {
		names = append(names, a.GetName())
	}
	if !containsAll(strings.Join(names, " "), []string{"create-case", "find-by-name", "find-contact-by-email"}) {
		t.Errorf("listed = %v", names)
	}
	var got botversev1.GetActionResponse
	message(t, &got, send(t, "GET", h.base+"/v1/actions/find-by-name", "").body)
	if got.GetDefinition() != findByName || got.GetAction().GetKind() != botversev1.SavedAction_FIND_RECORD || got.GetAction().GetInputs()[0].GetName() != "last" ||
		got.GetAction().GetAvailability() != botversev1.SavedAction_AVAILABLE || got.GetAction().GetOutputs()[0].GetVariable() != "contact" {
		t.Errorf("got = %v", &got)
	}
	var ran botversev1.RunActionResponse
	message(t, &ran, post(t, h.base+"/v1/actions/find-by-name:run", `{"variables":{"last":"nobody at all"}}`).body)
	if ran.GetOutcome() != botversev1.RunActionResponse_NOT_MATCHED {
		t.Errorf("ran = %v", &ran)
	}
	if wrong := send(t, "GET", h.base+"/v1/actions/find-by-name:run", ""); wrong.status != 405 {
		t.Errorf("GET of :run = %d, want 405", wrong.status)
	}
	if unknown := post(t, h.base+"/v1/actions/find-by-nam:run", `{}`); unknown.status != 404 || unknown.detail(t).GetFaults()[0].GetNearest()[0] != "find-by-name" {
		t.Errorf("unknown = %d %s", unknown.status, unknown.body)
	}
}

func TestUnknownSavedActionNamesTheNearest(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", findByName)
	_, err := h.try("find-by-nam", `{}`)
	wantFault(t, err, codes.NotFound, botversev1.ErrorDetail_UNKNOWN_ACTION, "name", "find-by-nam", "find-by-name")
	_, err = h.actions().GetAction(context.Background(), &botversev1.GetActionRequest{Name: "creat-case"})
	wantFault(t, err, codes.NotFound, botversev1.ErrorDetail_UNKNOWN_ACTION, "name", "create-case")
}

// A changed file is in force at once; one with faults never takes the place of a definition that is right.
func TestBrokenFileLeavesTheGoodDefinitionInForce(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", findByName)
	h.rewrite("find-by-name", strings.Replace(findByName, "first: firstname", "whole: fullname", 1))
	if v := h.run("find-by-name", `{"last":"x"}`).GetVariables().GetFields(); v["whole"] == nil || v["first"] != nil {
		t.Errorf("variables = %v, want those of the changed definition", v)
	}
	for _, c := range []struct {
		from, to     string
		line, column int32
		field, says  string
	}{
		{"entity: contact", "entitty: contact", 5, 3, "findRecord.entitty", "did you mean entity?"},
		{"lastname:", "lastnam:", 6, 11, "findRecord.where.lastnam", "lastname"},
		{"first: firstname", "first: firstnam", 7, 30, "findRecord.save.first", "firstname"},
		{"entity: contact", "entity: contcat", 5, 3, "findRecord.entity", "contact"},
		{"{{ last }}", "{{ lst }}", 6, 11, "findRecord.where.lastname", "did you mean last?"},
		{"{{ last }}", "{{ last ", 6, 11, "findRecord.where.lastname", "the template cannot be used"},
		{"findRecord:", "findRecord: [", 0, 0, "", "is not YAML"},
	} {
		h.rewrite("find-by-name", strings.Replace(findByName, c.from, c.to, 1))
		a := h.get("find-by-name")
		if len(a.GetFaults()) == 0 {
			t.Errorf("%s: no faults: %v", c.to, a)
			continue
		}
		f := a.GetFaults()[0]
		if c.line > 0 && (f.GetLine() != c.line || f.GetColumn() != c.column) || c.field != f.GetField() || !strings.Contains(f.GetMessage(), c.says) {
			t.Errorf("%s: fault = %v, want %d:%d %s %q", c.to, f, c.line, c.column, c.field, c.says)
		}
		if a.GetAvailability() != botversev1.SavedAction_AVAILABLE {
			t.Errorf("%s: availability = %v %s", c.to, a.GetAvailability(), a.GetAvailabilityReason())
		}
		if v := h.run("find-by-name", `{"last":"x"}`).GetVariables().GetFields(); v["whole"] == nil {
			t.Errorf("%s: variables = %v, want those of the good definition", c.to, v)
		}
	}
	h.rewrite("find-by-name", findByName)
	if a := h.get("find-by-name"); len(a.GetFaults()) != 0 {
		t.Errorf("faults of the mended file = %v", a.GetFaults())
	}
}

const makeContact = `name: make-contact
inputs:
  last: {type: text, required: true, description: The family name.}
  children: {type: integer}
  phone: {type: text, sensitive: true}
  country: {type: text, default: Kenya}
createRecord:
  entity: contact
  fields: {lastname: "{{ last }}", numberofchildren: "{{ children }}", mobilephone: "{{ phone }}", address1_country: "{{ country }}", gendercode: "{{ phone }}"}
  onDuplicate: CREATE_DUPLICATE
  save: {made: "@id", children_now: numberofchildren, country_now: address1_country}
`

// What needs metadata to be found is told at its line and column too, in a body's values as in a query.
func TestDefinitionsAreHeldAgainstMetadata(t *testing.T) {
	t.Parallel()
	const query = `name: query
findRecordByFetchXml:
  entity: contact
  fetchXml: |
    <fetch>
      <entity name="contact">
        <attribute name="fulname"/>
        <filter><condition attribute="lastname" operator="eq" value="{{ last }}"/></filter>
      </entity>
    </fetch>
`
	h := startSaved(t, "query", query, "make", `name: make
createRecord:
  entity: contact
  fields:
    firstname: Ada
    preferredcontactmethodcode: Pigeon
  timeZone: Europe/Berlim
`)
	for name, want := range map[string][]string{
		"query": {"7:", "findRecordByFetchXml.fetchXml", "fulname", "fullname"},
		"make":  {"6:5:", "createRecord.fields.preferredcontactmethodcode", "Pigeon", "createRecord.fields.lastname", "createRecord.timeZone"},
	} {
		a := h.get(name)
		if a.GetAvailability() != botversev1.SavedAction_UNAVAILABLE || !containsAll(a.GetAvailabilityReason(), want) {
			t.Errorf("%s: %v %s, want it to say %q", name, a.GetAvailability(), a.GetAvailabilityReason(), want)
		}
	}
}

// All that is wrong with a call's variables is told at once, by the variable's name, and nothing is sent.
func TestInputsOfSavedActionsAreChecked(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "make-contact", makeContact)
	_, err := h.try("make-contact", `{"lats":"Okafor","children":"some"}`)
	wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_VARIABLE_UNSET, "variables.last", "required", "lats", "The family name.")
	wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_VARIABLE_UNSET, "variables.children", `"some"`, "whole number")
	for given, want := range map[string]string{`{"last":null}`: "null", `{"last":" "}`: "blank"} {
		_, err = h.try("make-contact", given)
		wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_VARIABLE_UNSET, "variables.last", "required", want)
	}
}

// Texts become what the inputs are, and defaults fill in; the caller's variables come back as they were all the same.
func TestInputsAreConvertedAndVariablesComeBackUntouched(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "make-contact", strings.Replace(makeContact, `, gendercode: "{{ phone }}"`, "", 1))
	got := h.run("make-contact", `{"last":"Okafor","children":" 2 ","mood":{"now":"good"}}`).GetVariables().AsMap()
	if got["children_now"] != 2.0 || got["country_now"] != "Kenya" {
		t.Errorf("variables = %v, want the converted and the default value in the record", got)
	}
	if _, there := got["country"]; there || got["children"] != " 2 " || got["last"] != "Okafor" || got["mood"].(map[string]any)["now"] != "good" {
		t.Errorf("variables = %v, want the caller's own untouched", got)
	}
}

func TestSensitiveInputIsInNoErrorAndNoLog(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "make-contact", makeContact, "search", `name: search
inputs: {phone: {type: date, sensitive: true}}
findRecord: {entity: contact, where: {birthdate: "{{ phone }}"}}
`)
	const secret = "+254 700 555 0199"
	for _, name := range []string{"make-contact", "search"} {
		_, err := h.try(name, `{"last":"Okafor","phone":"`+secret+`"}`)
		if status.Code(err) != codes.InvalidArgument {
			t.Fatalf("%s: error = %v, want it refused", name, err)
		}
		if text := protojson.Format(status.Convert(err).Proto()); strings.Contains(text, secret) {
			t.Errorf("%s: the error shows the value: %s", name, text)
		}
	}
	_, err := h.try("make-contact", `{"last":"Okafor","phone":"`+secret+`"}`)
	wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_INVALID_VALUE, "fields.gendercode", "the value does not fit", "Male")
	h.log.line(t, "RunAction", `"action":"search"`, "INVALID_VALUE")
	if strings.Contains(h.log.String(), secret) {
		t.Errorf("the log shows the value:\n%s", h.log)
	}
}

// What was given is left out of a fault, whatever a filter made of it; what would be right is said all the same.
func TestSensitiveInputIsToldWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "by-number", `name: by-number
inputs: {number: {type: text, sensitive: true}}
findRecord: {entity: contact, where: {"@phone": "{{ number | remove: ' ' }}"}}
`, "by-company", `name: by-company
inputs: {company: {type: text, sensitive: true}}
findRecord: {entity: contact, where: {parentcustomerid: {entity: account, name: "{{ company | upcase }}"}}}
`, "for-somebody", `name: for-somebody
inputs: {kind: {type: text, sensitive: true}}
createRecord: {entity: incident, fields: {title: x, customerid: {entity: "{{ kind | upcase }}", name: x}}}
`)
	for _, c := range []struct {
		name, variables, field, says string
		reason                       botversev1.ErrorDetail_Reason
	}{
		{"by-number", `{"number":"2079 460 958"}`, "where.@phone", `the value cannot be used: it has no country code, and no region says whose number it is; write it as "+13175550125"`, botversev1.ErrorDetail_INVALID_VALUE},
		{"by-number", `{"number":"+31 2079"}`, "where.@phone", "the value cannot be used: it is no phone number: it has too few digits", botversev1.ErrorDetail_INVALID_VALUE},
		{"by-company", `{"company":"Nobody Knows"}`, "where.parentcustomerid", "no active record of account is named the value", botversev1.ErrorDetail_LOOKUP_NOT_FOUND},
		{"for-somebody", `{"kind":"spaceship"}`, "fields.customerid", "points at account or contact, not at the value", botversev1.ErrorDetail_INVALID_VALUE},
	} {
		_, err := h.try(c.name, c.variables)
		wantFault(t, err, codes.InvalidArgument, c.reason, c.field, c.says)
		text := protojson.Format(status.Convert(err).Proto())
		for _, secret := range []string{"2079", "nobody", "spaceship"} {
			if strings.Contains(strings.ToLower(text), secret) {
				t.Errorf("%s: the error shows what was given: %s", c.name, text)
			}
		}
	}
}

// What is to be dialled is stored as machines write it: a number of another country than the caller's stays one, and what is no
// number is not stored.
func TestNumbersToDialKeepTheirCountry(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "call-back", `name: call-back
inputs: {number: {type: text, required: true}, country: {type: text, default: US}}
createRecord:
  entity: phonecall
  fields: {subject: Call back, phonenumber: "{{ number | e164: country }}"}
  save: {dial: phonenumber}
`)
	for variables, want := range map[string]string{
		`{"number":"+31 6 12345678"}`:                  "+31612345678",
		`{"number":"0031 6 12345678"}`:                 "+31612345678",
		`{"number":"06-12345678","country":"NL"}`:      "+31612345678",
		`{"number":"(206) 555-0100"}`:                  "+12065550100",
		`{"number":"1 206 555 0100"}`:                  "+12065550100",
		`{"number":"+1 206 555 0100","country":"NL"}`:  "+12065550100",
		`{"number":"020 7946 0958","country":"gb"}`:    "+442079460958",
		`{"number":"+49 30 23125 000","country":"GB"}`: "+493023125000",
		`{"number":"011 44 20 7946 0958"}`:             "+442079460958",
		`{"number":"+44 (0)7700 900123"}`:              "+447700900123",
	} {
		if got := h.run("call-back", variables).GetVariables().AsMap()["dial"]; got != want {
			t.Errorf("%s is stored as %v, want %s", variables, got, want)
		}
	}
	for variables, says := range map[string]string{
		`{"number":"06-12345678","country":"nowhere"}`: `"NL"`, `{"number":"555-0100"}`: "area code", `{"number":"the front desk"}`: "no phone number",
	} {
		_, err := h.try("call-back", variables)
		wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_BAD_TEMPLATE, "fields.phonenumber", says)
	}
}

// A repeat with the same request ID is told the first outcome, whatever the definition is called; what a changed definition
// would write is other content.
func TestRequestIDOfSavedActions(t *testing.T) {
	t.Parallel()
	definition := strings.Replace(makeContact, `, gendercode: "{{ phone }}"`, "", 1)
	h := startSaved(t, "make-contact", definition)
	call := func(name string, header ...string) reply {
		return post(t, h.base+"/v1/actions/"+name+":run", `{"variables":{"last":"Repeat"},"requestId":"step-1"}`, header...)
	}
	first, second := call("make-contact"), call("make-contact", "Idempotency-Key", "step-1")
	if !strings.Contains(first.body, `"CREATED"`) || !strings.Contains(second.body, `"ALREADY_CREATED"`) {
		t.Fatalf("first = %s\nsecond = %s", first.body, second.body)
	}
	h.rewrite("renamed", strings.Replace(definition, "name: make-contact", "name: renamed\ndescription: another text", 1))
	if again := call("renamed"); !strings.Contains(again.body, `"ALREADY_CREATED"`) {
		t.Errorf("the same content under another name = %s", again.body)
	}
	h.rewrite("make-contact", strings.Replace(definition, "default: Kenya", "default: Uganda", 1))
	if changed := call("make-contact"); changed.detail(t).GetReason() != botversev1.ErrorDetail_KEY_REUSED {
		t.Errorf("other content under the same key = %s", changed.body)
	}
}

func TestValidateOnlyOfASavedActionSendsNothing(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "make-contact", strings.Replace(makeContact, `, gendercode: "{{ phone }}"`, "", 1), "find-by-name", findByName)
	resp, err := h.actions().RunAction(t.Context(), message(t, &botversev1.RunActionRequest{},
		`{"name":"make-contact","variables":{"last":"Planned-Only"},"validateOnly":true}`))
	if err != nil || resp.GetOutcome() != 0 || len(resp.GetRequests()) == 0 || resp.GetExplanation() == nil {
		t.Fatalf("validated = %v, %v", resp, err)
	}
	if found := h.run("find-by-name", `{"last":"Planned-Only"}`); found.GetOutcome() != botversev1.RunActionResponse_NOT_MATCHED {
		t.Errorf("found = %v: something was written", found)
	}
}

// Only a definition of which nothing was ever right keeps its action from running.
func TestActionThatWasNeverRightDoesNotRun(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", strings.Replace(findByName, "entity: contact", "entity: contcat", 1))
	if a := h.get("find-by-name"); a.GetAvailability() != botversev1.SavedAction_UNAVAILABLE || !strings.Contains(a.GetAvailabilityReason(), "5:3") || a.GetEntity() != "contcat" {
		t.Errorf("action = %v", a)
	}
	_, err := h.try("find-by-name", `{"last":"x"}`)
	wantFault(t, err, codes.FailedPrecondition, botversev1.ErrorDetail_BROKEN_ACTION, "name", "find-by-name.yaml:5:3", "contact")
	h.rewrite("find-by-name", findByName)
	h.run("find-by-name", `{"last":"x"}`)
}

// A4-08: what credentials that Dataverse refuses mean for the actions, their list says.
func TestBadSecretMakesActionsUnavailable(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo, RequireAuth: true, ClientSecrets: []local.ClientSecret{{Value: "right"}}})
	h := startSavedOn(t, base, "wrong", "find-by-name", findByName)
	listed, err := h.actions().ListActions(t.Context(), &botversev1.ListActionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range listed.GetActions() {
		if a.GetAvailability() != botversev1.SavedAction_UNAVAILABLE || !strings.Contains(a.GetAvailabilityReason(), "sign-in") || strings.Contains(a.GetAvailabilityReason(), "wrong") {
			t.Errorf("%s: %v %q, want it unavailable for the sign-in", a.GetName(), a.GetAvailability(), a.GetAvailabilityReason())
		}
	}
}

func TestDataverseOutOfReachLeavesActionsUnchecked(t *testing.T) {
	t.Parallel()
	h := startSavedOn(t, "http://127.0.0.1:1", "local", "find-by-name", findByName)
	if a := h.get("find-by-name"); a.GetAvailability() != botversev1.SavedAction_NOT_CHECKED || !strings.Contains(a.GetAvailabilityReason(), "cannot be reached") {
		t.Errorf("action = %v", a)
	}
	if _, err := h.try("find-by-name", `{"last":"x"}`); status.Code(err) != codes.Unavailable {
		t.Errorf("error = %v, want UNAVAILABLE", err)
	}
}

// A file takes the place of the built-in action of its name; where the file has faults, or goes, the built-in one is there.
func TestFileReplacesPreset(t *testing.T) {
	t.Parallel()
	h := startSaved(t)
	const name = "find-contact-by-email"
	if a := h.get(name); !a.GetBuiltIn() || a.GetAvailability() != botversev1.SavedAction_AVAILABLE {
		t.Fatalf("the built-in action = %v", a)
	}
	h.rewrite(name, "name: "+name+"\ndescription: ours\nfindRecord: {entity: contact, where: {emailaddress1: '{{ email }}'}}\n")
	if a := h.get(name); a.GetBuiltIn() || a.GetDescription() != "ours" {
		t.Errorf("with a file: %v", a)
	}
	h.write(name, "name: other\n")
	if err := os.Remove(filepath.Join(h.dir, name+saved.Extension)); err != nil {
		t.Fatal(err)
	}
	h.library.Refresh(t.Context()) // an editor may take a file away for a moment
	if a := h.get(name); a.GetDescription() != "ours" {
		t.Errorf("a moment after the file went: %v", a)
	}
	h.library.Refresh(t.Context())
	if a := h.get(name); !a.GetBuiltIn() {
		t.Errorf("after the file went: %v", a)
	}
	h.rewrite(name, "name: other\n")
	if a := h.get(name); !a.GetBuiltIn() || len(a.GetFaults()) == 0 || a.GetAvailability() != botversev1.SavedAction_AVAILABLE {
		t.Errorf("with a file that has faults: %v", a)
	}
}

func TestActionsAreListedInPages(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", findByName)
	var names []string
	for token := ""; ; {
		page, err := h.actions().ListActions(t.Context(), &botversev1.ListActionsRequest{PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.GetActions() {
			names = append(names, a.GetName())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(names) < 4 || !slices.IsSorted(names) || len(slices.Compact(names)) != len(names) {
		t.Errorf("names = %v", names)
	}
}

// Metrics tell actions apart, but not the names that callers make up.
func TestMetricsNameSavedActions(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "find-by-name", findByName)
	h.run("find-by-name", `{"last":"x"}`)
	if _, err := h.try("made-up", `{}`); err == nil {
		t.Fatal("an unknown action ran")
	}
	metrics := send(t, "GET", h.base+"/metrics", "").body
	if !strings.Contains(metrics, `action="find-by-name"`) || !strings.Contains(metrics, `action="unknown"`) || strings.Contains(metrics, "made-up") {
		t.Errorf("metrics:\n%s", metrics)
	}
	names := &actionNames{library: h.library}
	for i := range 2 * maxActionNames {
		names.label(fmt.Sprint(i))
	}
	if got := names.label("one more"); got != otherAction {
		t.Errorf("label = %q beyond the bound, want %q", got, otherAction)
	}
}

// What a request can say, a definition can say, by the same names and with the same values; what comes with each call it
// cannot.
func TestDefinitionsFollowTheContract(t *testing.T) {
	t.Parallel()
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(saved.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	perCall := []string{"environment", "variables", "requestId", "validateOnly"}
	for kind, request := range map[saved.Kind]proto.Message{
		saved.CreateRecord: &botversev1.CreateRecordRequest{}, saved.UpdateRecord: &botversev1.UpdateRecordRequest{},
		saved.UpsertRecord: &botversev1.UpsertRecordRequest{}, saved.FindRecord: &botversev1.FindRecordRequest{},
		saved.FindRecordByFetchXML: &botversev1.FindRecordByFetchXMLRequest{},
	} {
		properties := schema.Defs[string(kind)].Properties
		fields := request.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			p, can := properties[f.JSONName()]
			if can == slices.Contains(perCall, f.JSONName()) {
				t.Errorf("%s: a definition can say %s: %v (package actions/saved, bodyMembers)", kind, f.JSONName(), can)
			}
			delete(properties, f.JSONName())
			delete(properties, string(f.Name()))
			if f.Kind() != protoreflect.EnumKind {
				continue
			}
			var values []string
			for j := 1; j < f.Enum().Values().Len(); j++ {
				values = append(values, string(f.Enum().Values().Get(j).Name()))
			}
			if slices.Sort(values); !slices.Equal(values, slices.Sorted(slices.Values(p.Enum))) {
				t.Errorf("%s.%s: a definition can say %v, the contract %v", kind, f.JSONName(), p.Enum, values)
			}
		}
		for name := range properties {
			t.Errorf("%s: a definition can say %s, which no request has", kind, name)
		}
	}
}

// The answer of each action is a part of RunAction's.
func TestRunActionAnswersWhatAnyActionAnswers(t *testing.T) {
	t.Parallel()
	all := (&botversev1.RunActionResponse{}).ProtoReflect().Descriptor().Fields()
	for _, response := range []proto.Message{&botversev1.CreateRecordResponse{}, &botversev1.UpdateRecordResponse{}, &botversev1.UpsertRecordResponse{},
		&botversev1.FindRecordResponse{}, &botversev1.FindRecordByFetchXMLResponse{}} {
		fields := response.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			same := all.ByName(f.Name())
			if same == nil || same.Kind() != f.Kind() || same.Cardinality() != f.Cardinality() || f.Kind() == protoreflect.MessageKind && same.Message() != f.Message() {
				t.Errorf("%s is not as RunActionResponse has it", f.FullName())
				continue
			}
			if f.Kind() != protoreflect.EnumKind {
				continue
			}
			for j := 1; j < f.Enum().Values().Len(); j++ {
				if name := f.Enum().Values().Get(j).Name(); same.Enum().Values().ByName(name) == nil {
					t.Errorf("RunActionResponse has no outcome %s", name)
				}
			}
		}
	}
}
