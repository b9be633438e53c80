package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/vacant"
)

// The welcome's own commands are what a newcomer pastes first; they must work, and work again.
func TestWelcomeCommandsWorkTwice(t *testing.T) {
	t.Parallel()
	r := serve(t)
	commands := regexp.MustCompile(`(?s)/v1/actions/(\S+) -d '(.*?)'`).FindAllStringSubmatch(r.welcome, -1)
	if len(commands) != 2 {
		t.Fatalf("the welcome has %d actions to try, want 2:\n%s", len(commands), r.welcome)
	}
	for round, created := range []string{"CREATED", "ALREADY_CREATED"} {
		for i, outcome := range []string{"MATCHED", created} {
			code, answer := r.post(t, commands[i][1], commands[i][2])
			if code != 200 || answer["outcome"] != outcome {
				t.Errorf("round %d, %s: HTTP %d, %v; want %s", round, commands[i][1], code, answer, outcome)
			}
		}
	}
}

func TestCreateFindAndFetchTheSameRecord(t *testing.T) {
	t.Parallel()
	r := serve(t)
	client := botversev1.NewActionServiceClient(r.dial(t))

	created, err := client.CreateRecord(t.Context(), request(t, &botversev1.CreateRecordRequest{}, `{
		"entity": "contact",
		"fields": {"firstname": "{{visitor.first}}", "lastname": "{{visitor.last}}", "emailaddress1": "{{visitor.email | downcase}}",
			"preferredcontactmethodcode": "email", "parentcustomerid": {"entity": "account", "name": "{{visitor.company}}"}},
		"variables": {"visitor": {"first": "Ada", "last": "O'Neill", "email": "Ada@Example.com", "company": "`+accountName(t, r)+`"}},
		"save": {"contact_id": "@id"}}`))
	if err != nil {
		t.Fatal(err)
	}
	id := created.GetRecord().GetId()
	if created.GetOutcome() != botversev1.CreateRecordResponse_CREATED || created.GetVariables().GetFields()["contact_id"].GetStringValue() != id || id == "" {
		t.Fatalf("created = %v", created)
	}

	found, err := client.FindRecord(t.Context(), request(t, &botversev1.FindRecordRequest{}, `{
		"entity": "contact", "where": {"emailaddress1": "{{mail}}"}, "variables": {"mail": "ADA@example.COM"},
		"save": {"name": "fullname", "how": "preferredcontactmethodcode@formatted"}}`))
	if err != nil {
		t.Fatal(err)
	}
	variables := found.GetVariables().GetFields()
	if found.GetRecord().GetId() != id || found.GetMatchCount() != 1 || variables["how"].GetStringValue() != "Email" || !strings.Contains(variables["name"].GetStringValue(), "O'Neill") {
		t.Errorf("found = %v, want the record %s", found, id)
	}

	code, fetched := r.post(t, "find-record-by-fetchxml", `{
		"entity": "contact", "variables": {"last": "O'Neill"}, "save": {"company": "a.name", "id": "@id"},
		"fetchXml": "<fetch><entity name='contact'><attribute name='fullname'/><filter><condition attribute='lastname' operator='eq' value='{{last}}'/></filter><link-entity name='account' from='accountid' to='parentcustomerid' alias='a'><attribute name='name'/></link-entity></entity></fetch>"}`)
	if code != 200 || at(fetched, "variables", "id") != id || at(fetched, "variables", "company") != accountName(t, r) {
		t.Errorf("fetched = HTTP %d %v, want the record %s", code, fetched, id)
	}

	again, err := client.CreateRecord(t.Context(), request(t, &botversev1.CreateRecordRequest{}, `{
		"entity": "contact", "fields": {"lastname": "Neill", "emailaddress1": "ada@example.com"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if again.GetOutcome() != botversev1.CreateRecordResponse_DUPLICATE || len(again.GetExisting()) != 1 || again.GetExisting()[0].GetId() != id {
		t.Errorf("the second contact with that address = %v, want DUPLICATE with %s", again, id)
	}
}

// accountName is the name of the demo account whose name has an apostrophe or else comes first.
func accountName(t *testing.T, r *running) string {
	t.Helper()
	_, answer := r.post(t, "find-record-by-fetchxml", `{"entity":"account","fetchXml":"<fetch><entity name='account'><attribute name='name'/></entity></fetch>","save":{"n":"name"}}`)
	name, _ := at(answer, "variables", "n").(string)
	if name == "" {
		t.Fatalf("no account in the demo data: %v", answer)
	}
	return name
}

func request[M proto.Message](t *testing.T, into M, json string) M {
	t.Helper()
	if err := protojson.Unmarshal([]byte(json), into); err != nil {
		t.Fatal(err)
	}
	return into
}

// What a new user gets wrong first: each answer says what was given, what is wrong and what would be right.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	r := serve(t)
	for name, c := range map[string]struct {
		action, body string
		code         int
		reason       string
		says         []string
	}{
		"unknown entity":  {"find-record", `{"entity":"contcat","where":{"lastname":"x"}}`, 400, "UNKNOWN_ENTITY", []string{"contcat", "contact"}},
		"misspelt field":  {"create-record", `{"entity":"contact","fields":{"lastname":"x","emialaddress1":"a@example.com"}}`, 400, "INVALID_FIELD", []string{"emialaddress1", "emailaddress1"}},
		"misspelt member": {"find-record", `{"entity":"contact","wehre":{"lastname":"x"}}`, 400, "MALFORMED_REQUEST", []string{"wehre", "where"}},
		"wrong choice label": {"create-record", `{"entity":"contact","fields":{"lastname":"x","preferredcontactmethodcode":"Pigeon"}}`, 400, "INVALID_VALUE",
			[]string{"preferredcontactmethodcode", "Pigeon", "Email", "Phone"}},
		"template that does not parse": {"create-record", `{"entity":"contact","fields":{"lastname":"{{ visitor.name "}}`, 400, "BAD_TEMPLATE", []string{"fields.lastname", "line 1, column 1"}},
		"FetchXML for another entity":  {"find-record-by-fetchxml", `{"entity":"contact","fetchXml":"<fetch><entity name='account'/></fetch>"}`, 400, "ENTITY_MISMATCH", []string{"account", "contact"}},
		"unset variable in where":      {"find-record", `{"entity":"contact","where":{"emailaddress1":"{{visitor.email}}"}}`, 400, "VARIABLE_UNSET", []string{"visitor.email", "where.emailaddress1"}},
		"missing required field":       {"create-record", `{"entity":"account","fields":{"telephone1":"1"}}`, 400, "MISSING_REQUIRED", []string{"name"}},
		"unknown environment":          {"find-record", `{"environment":"prod","entity":"contact","where":{"lastname":"x"}}`, 404, "UNKNOWN_ENVIRONMENT", []string{"prod", "local"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, answer := r.post(t, c.action, c.body)
			if code != c.code || !hasReason(answer, c.reason) {
				t.Errorf("HTTP %d %v, want %d %s", code, answer, c.code, c.reason)
			}
			b, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.says {
				if !strings.Contains(string(b), want) {
					t.Errorf("the answer does not mention %q: %s", want, b)
				}
			}
		})
	}
}

// hasReason looks for the ErrorDetail of an error body.
func hasReason(answer map[string]any, reason string) bool {
	details, _ := answer["details"].([]any)
	for _, d := range details {
		if at(d, "reason") == reason {
			return true
		}
	}
	return false
}

func TestNoDataverseReachable(t *testing.T) {
	t.Parallel()
	r := serveEnvironment(t, "http://"+vacant.Always)
	client := botversev1.NewActionServiceClient(r.dial(t))
	_, err := client.FindRecord(t.Context(), request(t, &botversev1.FindRecordRequest{}, `{"entity":"contact","where":{"lastname":"x"}}`))
	s := status.Convert(err)
	if s.Code() != codes.Unavailable {
		t.Fatalf("error = %v, want UNAVAILABLE", err)
	}
	for _, d := range s.Details() {
		if detail, ok := d.(*botversev1.ErrorDetail); ok && detail.GetRetryable() && detail.GetReason() == botversev1.ErrorDetail_DATAVERSE_UNAVAILABLE {
			return
		}
	}
	t.Errorf("details = %v, want a retryable DATAVERSE_UNAVAILABLE", s.Details())
}
