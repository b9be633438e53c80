package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// finds are the names of the records that conditions find, in their order.
func finds(c client, path, name string) string {
	c.t.Helper()
	var names []string
	for _, r := range c.list(path) {
		names = append(names, fmt.Sprint(r[name]))
	}
	return strings.Join(names, " ")
}

// fetched is a query for the records of an entity by a condition on a field, in the order of their names.
func fetched(entity, name, field, operator, values string) string {
	return "fetchXml=" + url.QueryEscape(`<fetch><entity name="`+entity+`"><attribute name="`+name+`"/><order attribute="`+name+`"/><filter><condition attribute="`+field+`" operator="`+operator+`">`+values+`</condition></filter></entity></fetch>`)
}

// TestDateOnlyFieldsHoldDays has birthdays in every place where a value goes in or comes out (Dataverse, "Behavior and format of the
// date and time column").
func TestDateOnlyFieldsHoldDays(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	for name, day := range map[string]string{"A": "1980-05-17", "B": "1980-05-18", "C": "1981-05-17", "D": "1753-01-01", "E": "9999-12-31"} {
		c.create("contacts", `{"lastname":"`+name+`","birthdate":"`+day+`"}`)
	}
	c.create("contacts", `{"lastname":"F"}`)
	for _, bad := range []string{"1980-05-17T00:00:00Z", "1980-05-17T12:00:00", "17.5.1980", "1980-02-30", ""} {
		if status, _, b := c.send(http.MethodPost, "contacts", `{"lastname":"X","birthdate":"`+bad+`"}`); status != http.StatusBadRequest || !strings.Contains(string(b), "Edm.Date") {
			t.Errorf("birthdate %q = %d %s, want it refused", bad, status, b)
		}
	}
	if status, _, b := c.send(http.MethodPost, "contacts", `{"lastname":"X","birthdate":"1752-12-31"}`); status != http.StatusBadRequest || !strings.Contains(string(b), "0x80040239") {
		t.Errorf("a day before 1753 = %d %s", status, b)
	}

	const a = "$filter=lastname eq 'A'"
	row := c.list("contacts?$select=birthdate&"+a, "Prefer: odata.include-annotations=*")[0]
	if row["birthdate"] != "1980-05-17" || row["birthdate@OData.Community.Display.V1.FormattedValue"] != "5/17/1980" {
		t.Errorf("read = %v, want the day and no time", row)
	}
	contact := "contacts(" + row["contactid"].(string) + ")"
	if _, _, b := c.send(http.MethodGet, contact+"/birthdate", ""); !strings.Contains(string(b), `"value":"1980-05-17"`) {
		t.Errorf("the value alone = %s", b)
	}
	if _, _, b := c.send(http.MethodGet, contact+"/birthdate/$value", ""); string(b) != "1980-05-17" {
		t.Errorf("$value = %s", b)
	}
	for filter, want := range map[string]string{
		"birthdate eq 1980-05-17": "A", "birthdate ne 1980-05-17": "B C D E", "birthdate gt 1980-05-17": "B C E", "birthdate ge 1980-05-17": "A B C E", "birthdate lt 1980-05-18": "A D",
		"birthdate le 1980-05-18": "A B D", "birthdate eq null": "F", "Microsoft.Dynamics.CRM.On(PropertyName='birthdate',PropertyValue=1980-05-17)": "A",
		"Microsoft.Dynamics.CRM.OnOrBefore(PropertyName='birthdate',PropertyValue=1980-05-17)": "A D", "Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='birthdate',PropertyValue=1980-05-18)": "B C E",
		`Microsoft.Dynamics.CRM.In(PropertyName='birthdate',PropertyValues=["1980-05-18","1981-05-17"])`:      "B C",
		`Microsoft.Dynamics.CRM.Between(PropertyName='birthdate',PropertyValues=["1980-05-17","1980-05-18"])`: "A B",
	} {
		if got := finds(c, "contacts?$orderby=lastname&$filter="+url.QueryEscape(filter), "lastname"); got != want {
			t.Errorf("$filter=%s finds %q, want %q", filter, got, want)
		}
	}
	for _, test := range [][3]string{
		{"eq", "<value>1980-05-17</value>", "A"}, {"ne", "<value>1980-05-17</value>", "B C D E F"}, {"on", "<value>1980-05-17T23:00:00Z</value>", "A"}, {"on-or-before", "<value>1980-05-17</value>", "A D"},
		{"on-or-after", "<value>1980-05-18</value>", "B C E"}, {"between", "<value>1980-05-17</value><value>1980-05-18</value>", "A B"}, {"in", "<value>1980-05-18</value><value>1981-05-17</value>", "B C"},
		{"gt", "<value>1980-05-17</value>", "B C E"}, {"null", "", "F"}, {"olderthan-x-years", "<value>5</value>", "A B C D"}, {"in-fiscal-year", "<value>1980</value>", "A B"},
	} {
		if got := finds(c, "contacts?"+fetched("contact", "lastname", "birthdate", test[0], test[1]), "lastname"); got != test[2] {
			t.Errorf("%s %s finds %q, want %q", test[0], test[1], got, test[2])
		}
	}
	if status, _, b := c.send(http.MethodGet, "contacts?"+fetched("contact", "lastname", "birthdate", "last-x-hours", "<value>5</value>"), ""); status != http.StatusBadRequest {
		t.Errorf("hours of a day = %d %s, want them refused", status, b)
	}
	if got := finds(c, "contacts?$select=lastname&$orderby=birthdate desc,lastname", "lastname"); got != "E C B A D F" {
		t.Errorf("ordered: %q", got)
	}
	groups := c.list("contacts?fetchXml=" + url.QueryEscape(`<fetch aggregate="true"><entity name="contact"><attribute name="contactid" alias="n" aggregate="count"/><attribute name="birthdate" alias="d" groupby="true" dategrouping="day"/>`+
		`<attribute name="birthdate" alias="first" aggregate="min"/><attribute name="birthdate" alias="last" aggregate="max"/><filter><condition attribute="birthdate" operator="between"><value>1980-01-01</value><value>1981-12-31</value></condition></filter></entity></fetch>`))
	if got, _ := json.Marshal(groups); string(got) != `[{"d":17,"first":"1980-05-17","last":"1981-05-17","n":2},{"d":18,"first":"1980-05-18","last":"1980-05-18","n":1}]` {
		t.Errorf("grouped: %s", got)
	}
	if status, _, b := c.send(http.MethodPatch, contact, `{"birthdate":"2000-02-29"}`); status != http.StatusNoContent {
		t.Fatalf("PATCH = %d %s", status, b)
	}
	if got := finds(c, "contacts?"+a, "birthdate"); got != "2000-02-29" {
		t.Errorf("after a change: %s", got)
	}
	if status, _, _ := c.send(http.MethodDelete, contact+"/birthdate", ""); status != http.StatusNoContent {
		t.Errorf("DELETE of the value = %d", status)
	}
	if got := finds(c, "contacts?"+a, "birthdate"); got != "<nil>" {
		t.Errorf("after that: %s", got)
	}
}

// TestTimeZoneIndependentFieldsHoldClockTimes has the one standard field of that behavior, which no client can set: the records are a
// seed's. Whatever offset a time is given with, the clock is what counts.
func TestTimeZoneIndependentFieldsHoldClockTimes(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: seedFile(t, `{"appointments": [
 {"subject": "A", "formattedscheduledend": "2026-03-29T02:30:00"},
 {"subject": "B", "formattedscheduledend": "2026-03-29T23:30:00+05:00"},
 {"subject": "C", "formattedscheduledend": "2026-03-30T00:15:00-11:00"},
 {"subject": "D"}]}`)})
	c := newClient(t, base)
	row := c.list("appointments?$select=formattedscheduledend&$filter=subject eq 'B'", "Prefer: odata.include-annotations=*")[0]
	if row["formattedscheduledend"] != "2026-03-29T23:30:00Z" || row["formattedscheduledend@OData.Community.Display.V1.FormattedValue"] != "3/29/2026 11:30 PM" {
		t.Errorf("read = %v, want the clock as it was given", row)
	}
	for filter, want := range map[string]string{
		"formattedscheduledend eq 2026-03-29T23:30:00Z": "B", "formattedscheduledend eq 2026-03-29T23:30:00-08:00": "B", "formattedscheduledend gt 2026-03-29T23:30:00Z": "C",
		"formattedscheduledend le 2026-03-29T23:30:00+14:00": "A B", "formattedscheduledend eq null": "D",
		"Microsoft.Dynamics.CRM.On(PropertyName='formattedscheduledend',PropertyValue=2026-03-29)": "A B",
	} {
		if got := finds(c, "appointments?$orderby=subject&$filter="+url.QueryEscape(filter), "subject"); got != want {
			t.Errorf("$filter=%s finds %q, want %q", filter, got, want)
		}
	}
	for _, test := range [][3]string{
		{"on", "<value>2026-03-29</value>", "A B"}, {"on-or-after", "<value>2026-03-30</value>", "C"}, {"eq", "<value>2026-03-29T02:30:00+03:00</value>", "A"},
		{"between", "<value>2026-03-29T02:30:00</value><value>2026-03-29T23:30:00</value>", "A B"}, {"null", "", "D"}, {"in-fiscal-period-and-year", "<value>1</value><value>2026</value>", "A B C"},
	} {
		if got := finds(c, "appointments?"+fetched("appointment", "subject", "formattedscheduledend", test[0], test[1]), "subject"); got != test[2] {
			t.Errorf("%s %s finds %q, want %q", test[0], test[1], got, test[2])
		}
	}
	groups := c.list("appointments?fetchXml=" + url.QueryEscape(`<fetch aggregate="true"><entity name="appointment"><attribute name="activityid" alias="n" aggregate="count"/><attribute name="formattedscheduledend" alias="d" groupby="true" dategrouping="day"/>`+
		`<attribute name="formattedscheduledend" alias="last" aggregate="max"/></entity></fetch>`))
	if got, _ := json.Marshal(groups); string(got) != `[{"n":1},{"d":29,"last":"2026-03-29T23:30:00Z","n":2},{"d":30,"last":"2026-03-30T00:15:00Z","n":1}]` {
		t.Errorf("grouped: %s", got)
	}
	if got := finds(c, "appointments?$select=subject&$orderby=formattedscheduledend desc", "subject"); got != "C B A D" {
		t.Errorf("ordered: %q", got)
	}
}
