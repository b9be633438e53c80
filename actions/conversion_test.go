package actions

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestConversions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	AllAtOnce(t, w, map[string]func(*testing.T, world){
		"AreWhatIsSent":        testConversionsAreWhatIsSent,
		"OfAChange":            testConversionsOfAChange,
		"OfASearch":            testConversionsOfASearch,
		"OfFetchXML":           testConversionsOfFetchXML,
		"OfAPhoneNumber":       testConversionsOfAPhoneNumber,
		"HideWhatIsSensitive":  testConversionsHideWhatIsSensitive,
		"AreNotMadeOtherwise":  testConversionsAreNotMadeOtherwise,
		"OfADefaultAndAStatus": testConversionsOfADefaultAndAStatus,
	})
}

// told is conversions as "field: given > sent (reason)".
func told(e *Explanation) []string {
	var all []string
	for _, c := range e.Conversions {
		all = append(all, fmt.Sprintf("%s: %s > %s (%s)", c.Field, c.Given, c.Sent, c.Reason))
	}
	return all
}

// bodyText is a member of a planned body as a conversion tells it.
func bodyText(body map[string]any, field string) string {
	for name, value := range body {
		if name == field || strings.HasSuffix(name, "@odata.bind") && strings.HasPrefix(name, field) {
			if value == nil {
				return "null"
			}
			text, _ := translate.TextOf(value)
			return text
		}
	}
	return "not sent"
}

func testConversionsAreWhatIsSent(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "incident", OnDuplicate: CreateDuplicate, ValidateOnly: true, TimeZone: "Europe/Berlin",
		Fields: map[string]any{
			"title": "{{ v.title }}", "caseorigincode": "phone", "prioritycode": 1.0, "customerid": map[string]any{"entity": "account", "name": demoAccount},
			"followupby": "2026-05-17T12:00", "isescalated": "yes", "billedserviceunits": "12", "description": nil, "ownerid": "{{ v.owner }}",
			"primarycontactid": "{{ v.ref }}", "ticketnumber": "{{ v.unset }}",
		},
		Variables: map[string]any{"v": map[string]any{"title": "Kettle", "owner": "dana.ruiz@harborlights.example.com", "ref": w.contact(t, "ConvAda")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	body, reasons := got.Requests[len(got.Requests)-1].Body, map[string]string{}
	for _, r := range got.Requests {
		if r.Method == http.MethodPost {
			body = r.Body
		}
	}
	for _, c := range got.Explanation.Conversions {
		name := strings.TrimPrefix(c.Field, "fields.")
		if sent := bodyText(body, name); sent != c.Sent {
			t.Errorf("%s: explained as %q, sent as %q", c.Field, c.Sent, sent)
		}
		reasons[name] = c.Reason
	}
	want := map[string]string{
		"title": "text, as given", "caseorigincode": `label "phone" is option 1 of caseorigincode`, "prioritycode": `option 1 of prioritycode is "High"`,
		"customerid": `account "` + demoAccount + `" was found by its name`, "followupby": "local time in Europe/Berlin is 2026-05-17T10:00:00Z",
		"isescalated": `label "yes" is true for isescalated`, "billedserviceunits": `"12" is read as a number`, "description": "the value is null, which clears the field",
		"ownerid": `"dana.ruiz@harborlights.example.com" was found among systemuser or team`, "primarycontactid": "a reference to a record of contact",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if len(body) != len(want)+1 { // and the record's own ID
		t.Errorf("the body has %d members, and %d are explained: %v", len(body), len(want), body)
	}
}

func testConversionsOfAChange(t *testing.T, w world) {
	ada := w.contact(t, "ChangeAda")
	change := UpdateRecord{
		Entity: "contact", Where: map[string]any{"lastname": "{{ who }}", "preferredcontactmethodcode": "any"}, ValidateOnly: true,
		Fields:    map[string]any{"donotemail": "do not allow", "creditlimit": "1.234,50", "preferredcontactmethodcode": "Email"},
		Variables: map[string]any{"who": "ChangeAda", "ref": ada}, Culture: "de",
	}
	got, err := w.UpdateRecord(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"where.lastname: ChangeAda > lastname eq 'ChangeAda' (text, as given)",
		`where.preferredcontactmethodcode: any > preferredcontactmethodcode eq 1 (label "any" is option 1 of preferredcontactmethodcode)`,
		`fields.creditlimit: 1.234,50 > 1234.50 ("1.234,50" is a number as the culture de writes it)`,
		`fields.donotemail: do not allow > true (label "do not allow" is true for donotemail)`,
		`fields.preferredcontactmethodcode: Email > 2 (label "Email" is option 2 of preferredcontactmethodcode)`,
	}
	if diff := cmp.Diff(want, told(got.Explanation)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, r := range got.Requests {
		for _, c := range got.Explanation.Conversions {
			name, ofFields := strings.CutPrefix(c.Field, "fields.")
			if r.Method == http.MethodPatch && ofFields && bodyText(r.Body, name) != c.Sent {
				t.Errorf("%s is explained as %q and sent as %q", name, c.Sent, bodyText(r.Body, name))
			}
			if r.Method == http.MethodGet && strings.Contains(r.URL, "$filter") && !ofFields && !strings.Contains(unescaped(t, r.URL), c.Sent) {
				t.Errorf("%s is explained as %q; sent is %s", c.Field, c.Sent, unescaped(t, r.URL))
			}
		}
	}
	change.Where, change.RecordID = nil, "{{ ref }}"
	got, err = w.UpsertRecord(t.Context(), UpsertRecord{UpdateRecord: change})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Explanation.Conversions[0]; c.Field != "record_id" || c.Sent != ada["id"] || len(got.Explanation.Conversions) != 4 {
		t.Errorf("an upsert by ID: %+v", got.Explanation.Conversions)
	}
}

func unescaped(t *testing.T, address string) string {
	t.Helper()
	text, err := url.QueryUnescape(address)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func testConversionsOfASearch(t *testing.T, w world) {
	got, err := w.FindRecord(t.Context(), FindRecord{
		Entity: "incident", ValidateOnly: true, TimeZone: "Europe/Berlin",
		Where: map[string]any{
			"customerid": map[string]any{"entity": "account", "where": map[string]any{"name": "{{ company }}"}}, "createdon": "2026-05-17", "description": nil,
		},
		Conditions: []Condition{
			{Field: "prioritycode", Operator: "in", Value: []any{"high", "low"}}, {Field: "title", Operator: "contains", Value: "100%"}, {Field: "ticketnumber", Operator: "not_null"},
		},
		Variables: map[string]any{"company": demoAccount},
	})
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	sent := unescaped(t, got.Requests[0].URL)
	for _, r := range got.Requests {
		sent += " " + unescaped(t, r.URL)
	}
	for _, c := range got.Explanation.Conversions {
		reasons = append(reasons, c.Field+": "+c.Reason)
		if !strings.Contains(sent, c.Sent) {
			t.Errorf("%s is explained as %q; sent is %s", c.Field, c.Sent, sent)
		}
	}
	want := []string{
		`conditions[0]: label "high" is option 1 of prioritycode; label "low" is option 3 of prioritycode`,
		"conditions[1]: text, as given",
		"conditions[2]: a search for records that have a value",
		"where.createdon: a day in Europe/Berlin, from its begin to its end",
		"where.customerid: the one record of account that matches the lookup's where",
		"where.customerid.where.name: text, as given",
		"where.description: a search for records without a value",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func testConversionsOfAPhoneNumber(t *testing.T, w world) {
	got, err := w.FindRecord(t.Context(), FindRecord{Entity: "contact", Where: map[string]any{"@phone": "{{ caller }}"}, Variables: map[string]any{"caller": "+1 (317) 555-0125"}, ValidateOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Explanation.Conversions; len(c) != 1 || c[0].Field != "where.@phone" || !strings.Contains(c[0].Reason, "+13175550125") || !strings.Contains(unescaped(t, got.Requests[1].URL), c[0].Sent) {
		t.Errorf("%+v of %s", c, unescaped(t, got.Requests[1].URL))
	}
}

func testConversionsOfFetchXML(t *testing.T, w world) {
	got, err := w.FindRecordByFetchXML(t.Context(), FindRecordByFetchXML{
		Entity: "incident", ValidateOnly: true, TimeZone: "Europe/Berlin",
		FetchXML: `<fetch><entity name="incident"><attribute name="title"/><filter>
<condition attribute="caseorigincode" operator="in"><value>{{ origins }}</value></condition>
<condition attribute="customerid" operator="eq" value="{{ who }}"/>
<condition attribute="title" operator="like" value="%{{ part }}%"/>
<condition attribute="createdon" operator="ge" value="{{ since }}"/>
<condition attribute="followupby" operator="last-x-days" value="{{ days }}"/>
</filter></entity></fetch>`,
		Variables: map[string]any{"origins": []any{"Phone", "2"}, "who": w.contact(t, "FetchAda"), "part": "50%", "since": "2026-05-17T12:00", "days": "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := unescaped(t, got.Requests[0].URL)
	var reasons []string
	for _, c := range got.Explanation.Conversions {
		reasons = append(reasons, c.Given+" > "+c.Reason)
		for part := range strings.SplitSeq(c.Sent, ", ") {
			if !strings.Contains(sent, `"`+part+`"`) && !strings.Contains(sent, ">"+part+"<") {
				t.Errorf("%s is explained as %q; sent is %s", c.Field, part, sent)
			}
		}
	}
	if len(reasons) != 6 || !strings.HasPrefix(got.Explanation.Conversions[0].Field, "fetch_xml:2:") {
		t.Fatalf("%d conversions: %v", len(reasons), told(got.Explanation))
	}
	reasons[2] = strings.TrimLeft(reasons[2][strings.Index(reasons[2], "}"):], "} ")
	want := []string{
		`Phone > label "Phone" is option 1 of caseorigincode`, `2 > option 2 of caseorigincode is "Email"`, "> a reference to a record of contact",
		"%50[%]% > text, with its wildcards made literal", "2026-05-17T12:00 > local time in Europe/Berlin is 2026-05-17T10:00:00Z", "7 > as given",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func testConversionsHideWhatIsSensitive(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "annotation", ValidateOnly: true, Fields: map[string]any{"subject": "S", "documentbody": "c2VjcmV0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Explanation.Conversions[0]
	if c.Field != "fields.documentbody" || !c.Sensitive || c.Given+c.Sent != "" || c.Reason == "" || strings.Contains(c.Reason, "c2Vj") {
		t.Errorf("%+v, want nothing of the file", c)
	}
	secured := *schema.Standard().Entity("contact").Field("emailaddress1")
	secured.Secured = true
	if c := newConversion(&secured, "fields.x", "hunter2", "hunter2", `"hunter2"`); c.Given+c.Sent != "" || strings.Contains(c.Reason, "hunter2") || !strings.Contains(c.Reason, "column security") {
		t.Errorf("%+v, want nothing of the value, and why", c)
	}
}

func testConversionsAreNotMadeOtherwise(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{Entity: "task", Fields: map[string]any{"subject": "S"}, OnDuplicate: CreateDuplicate})
	if err != nil || got.Explanation != nil {
		t.Errorf("a call that is made is explained: %+v, %v", got.Explanation, err)
	}
}

func testConversionsOfADefaultAndAStatus(t *testing.T, w world) {
	got, err := w.CreateRecord(t.Context(), CreateRecord{
		Entity: "contact", ValidateOnly: true, OnDuplicate: CreateDuplicate,
		Fields: map[string]any{"lastname": map[string]any{"value": "{{ unset }}", "default": "Nobody"}, "statuscode": "Inactive", "firstname": strings.Repeat("x", 60)}, CutLongText: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	long, cut := strings.Repeat("x", 60), strings.Repeat("x", 49)+"…"
	want := []string{
		"fields.firstname: " + long + " > " + cut + " (text, cut to 50 characters, the last of which is …)",
		"fields.lastname: Nobody > Nobody (the default, because the variable unset is not set; text, as given)",
		"fields.statecode:  > 1 (the state that goes with the status)",
		`fields.statuscode: Inactive > 2 (label "Inactive" is option 2 of statuscode)`,
	}
	if diff := cmp.Diff(want, told(got.Explanation)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
