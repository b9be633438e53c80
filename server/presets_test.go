package server

import (
	"testing"

	"google.golang.org/grpc/codes"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// The built-in actions do together what a call needs: who calls, a case with its ticket number, a note of the call, a lead.
func TestPresetsServeACall(t *testing.T) {
	t.Parallel()
	h := startSaved(t, "make", `name: make
createRecord: {entity: contact, fields: {lastname: Preset-Caller, emailaddress1: caller@preset.example, mobilephone: "(317) 555-0177"}, save: {contact: "@record"}}
`)
	for _, a := range h.library.Actions() {
		if a.Reason != "" {
			t.Errorf("%s: %s %s", a.Name, a.Availability, a.Reason)
		}
	}
	made := h.run("make", `{}`).GetRecord().GetId()
	for _, ask := range []struct{ name, variables string }{
		{"find-contact-by-phone", `{"phone":"+1 317.555.0177"}`},
		{"find-contact-by-phone", `{"phone":"317 555 0177","region":"US"}`},
		{"find-contact-by-email", `{"email":" Caller@Preset.Example "}`},
	} {
		found := h.run(ask.name, ask.variables)
		if found.GetOutcome() != botversev1.RunActionResponse_MATCHED || found.GetRecord().GetId() != made || found.GetVariables().AsMap()["contact_name"] == "" {
			t.Errorf("%s %s = %v", ask.name, ask.variables, found)
		}
	}
	contact := `{"entity":"contact","id":"` + made + `"}`
	opened := h.run("create-case", `{"customer":`+contact+`,"title":"The lamp is dark","product":"Lighthouse desk lamp","subject":"Hardware","case_type":"Problem"}`)
	variables := opened.GetVariables().AsMap()
	if opened.GetOutcome() != botversev1.RunActionResponse_CREATED || variables["ticket_number"] == nil || variables["ticket_number"] == "" {
		t.Fatalf("create-case = %v", opened)
	}
	id, _ := variables["case_id"].(string)
	logged := h.run("log-phone-call", `{"from":`+contact+`,"phone":"+13175550177","subject":"The lamp","minutes":"4","about":{"entity":"incident","id":"`+id+`"}}`)
	if logged.GetOutcome() != botversev1.RunActionResponse_CREATED || logged.GetRecord().GetEntity() != "phonecall" {
		t.Errorf("log-phone-call = %v", logged)
	}
	lead := h.run("create-lead", `{"topic":"Twenty lamps","last_name":"Preset-Lead","company":"Preset Ltd"}`)
	if lead.GetOutcome() != botversev1.RunActionResponse_CREATED || lead.GetVariables().AsMap()["lead_name"] != "Preset-Lead" {
		t.Errorf("create-lead = %v", lead)
	}
}

// A3-08: a choice of a case is its label, in any case, or its number; what is neither is refused with the labels.
func TestCaseOriginTakesLabelsAndNumbers(t *testing.T) {
	t.Parallel()
	h := startSaved(t)
	plan := func(origin string) (*botversev1.RunActionResponse, error) {
		return h.actions().RunAction(t.Context(), message(t, &botversev1.RunActionRequest{}, `{"name":"create-case","validateOnly":true,"variables":
			{"title":"x","customer":{"entity":"contact","id":"1a2b3c4d-0000-4000-8000-00000000000f"},"origin":`+origin+`}}`))
	}
	for _, origin := range []string{`"Phone"`, `"phone"`, `"1"`, `1`} {
		planned, err := plan(origin)
		if err != nil {
			t.Errorf("%s: %v", origin, err)
			continue
		}
		last := planned.GetRequests()[0].GetBody()
		for _, r := range planned.GetRequests() {
			if r.GetMethod() == "POST" && r.GetBody().GetFields()["title"] != nil {
				last = r.GetBody()
			}
		}
		if got := last.GetFields()["caseorigincode"].GetNumberValue(); got != 1 {
			t.Errorf("%s: caseorigincode = %v, want 1", origin, got)
		}
	}
	_, err := plan(`"fax"`)
	wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_INVALID_VALUE, "fields.caseorigincode", `"fax"`, "Phone", "Email", "Web")
	_, err = h.try("create-case", `{"title":"x"}`)
	wantFault(t, err, codes.InvalidArgument, botversev1.ErrorDetail_VARIABLE_UNSET, "variables.customer", "required")
}
