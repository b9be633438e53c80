package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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
	config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: base + "/local/oauth2/v2.0/token", ClientID: "botverse", ClientSecret: dataverse.Secret(secret), Scope: base + "/.default"}
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
	h.running = start(t, loopback(), Deps{Runtime: runtime}, &services{
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
