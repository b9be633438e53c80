package local_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// setOrganization changes the one organisation.
func setOrganization(t *testing.T, server *local.Server, c client, body string) {
	t.Helper()
	if status, _, b := c.send(http.MethodPatch, "organizations("+server.OrganizationID()+")", body); status != http.StatusNoContent {
		t.Fatalf("PATCH = %d %s", status, b)
	}
}

// due are the subjects of the tasks that a condition on their time finds, in order.
func due(c client, operator string, values ...string) string {
	condition := `<condition attribute="scheduledend" operator="` + operator + `">`
	for _, v := range values {
		condition += "<value>" + v + "</value>"
	}
	names := []any{}
	for _, task := range c.list("tasks?fetchXml=" + url.QueryEscape(`<fetch><entity name="task"><attribute name="subject"/><order attribute="subject"/><filter>`+condition+`</condition></filter></entity></fetch>`)) {
		names = append(names, task["subject"])
	}
	return fmt.Sprint(names)
}

func TestFiscalCalendarIsTheOrganizations(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	for subject, at := range map[string]string{"A": "2021-04-05T23:59:59Z", "B": "2021-04-06T00:00:00Z", "C": "2021-10-06T00:00:00Z", "D": "2022-04-05T12:00:00Z", "E": "2022-04-06T12:00:00Z"} {
		c.create("tasks", `{"subject":"`+subject+`","scheduledend":"`+at+`"}`)
	}
	if got := due(c, "in-fiscal-year", "2021"); got != "[A B C]" {
		t.Errorf("without settings 2021 has %s, want the calendar's", got)
	}
	setOrganization(t, server, c, `{"fiscalcalendarstart":"2020-04-06T00:00:00Z","fiscalperiodtype":2001}`)
	for _, test := range []struct {
		operator string
		values   []string
		want     string
	}{
		{"in-fiscal-year", []string{"2021"}, "[B C D]"},
		{"in-fiscal-period", []string{"1"}, "[B E]"},
		{"in-fiscal-period", []string{"2"}, "[A C D]"},
		{"in-fiscal-period", []string{"3"}, "[]"},
		{"in-fiscal-period-and-year", []string{"2", "2021"}, "[C D]"},
		{"in-fiscal-period-and-year", []string{"3", "2021"}, "[]"},
		{"in-or-before-fiscal-period-and-year", []string{"1", "2021"}, "[A B]"},
		{"in-or-after-fiscal-period-and-year", []string{"1", "2022"}, "[E]"},
	} {
		if got := due(c, test.operator, test.values...); got != test.want {
			t.Errorf("%s %v finds %s, want %s", test.operator, test.values, got, test.want)
		}
	}
	filter := url.QueryEscape("Microsoft.Dynamics.CRM.InFiscalYear(PropertyName='scheduledend',PropertyValue=2021)")
	if got := c.list("tasks?$filter=" + filter); len(got) != 3 {
		t.Errorf("the query function finds %d tasks, want three", len(got))
	}

	setOrganization(t, server, c, `{"fiscalperiodtype":2003}`)
	groups := c.list("tasks?fetchXml="+url.QueryEscape(`<fetch aggregate="true"><entity name="task"><attribute name="activityid" alias="n" aggregate="count"/>`+
		`<attribute name="scheduledend" alias="p" groupby="true" dategrouping="fiscal-period"/><attribute name="scheduledend" alias="y" groupby="true" dategrouping="fiscal-year"/></entity></fetch>`),
		"Prefer: odata.include-annotations=*")
	got := ""
	for _, g := range groups {
		got += fmt.Sprintf("%v %v %v %v; ", g["p"], g["p@OData.Community.Display.V1.FormattedValue"], g["y"], g["n"])
	}
	if want := "202012 Month 12 FY2020 2020 1; 202101 Month 1 FY2021 2021 1; 202107 Month 7 FY2021 2021 1; 202112 Month 12 FY2021 2021 1; 202201 Month 1 FY2022 2022 1; "; got != want {
		t.Errorf("groups = %s, want %s", got, want)
	}
}

// A fiscal year that begins in three days has most of the days before today.
func TestRelativeFiscalOperators(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	now := time.Now().UTC()
	for subject, days := range map[string]int{"A": -400, "B": -300, "C": -1, "D": 10, "E": 300, "F": 400} {
		c.create("tasks", fmt.Sprintf(`{"subject":%q,"scheduledend":%q}`, subject, now.AddDate(0, 0, days).Format(time.RFC3339)))
	}
	setOrganization(t, server, c, fmt.Sprintf(`{"fiscalcalendarstart":%q,"fiscalperiodtype":2000}`, now.AddDate(0, 0, 3).Format(time.DateOnly)+"T00:00:00Z"))
	for operator, want := range map[string]string{
		"last-fiscal-year": "[A]", "this-fiscal-year": "[B C]", "next-fiscal-year": "[D E]",
		"last-fiscal-period": "[A]", "this-fiscal-period": "[B C]", "next-fiscal-period": "[D E]",
	} {
		if got := due(c, operator); got != want {
			t.Errorf("%s finds %s, want %s", operator, got, want)
		}
	}
	for operator, want := range map[string]string{
		"last-x-fiscal-years": "[A B C]", "next-x-fiscal-years": "[D E]", "last-x-fiscal-periods": "[A B C]", "next-x-fiscal-periods": "[D E]",
	} {
		if got := due(c, operator, "1"); got != want {
			t.Errorf("%s 1 finds %s, want %s", operator, got, want)
		}
	}
}

// TestFiscalYearsAreShownAsTheOrganizationHasIt groups one day, the 20th of the fourth month of a year that begins in April, by its
// fiscal period and year.
func TestFiscalYearsAreShownAsTheOrganizationHasIt(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	c.create("tasks", `{"subject":"A","scheduledend":"2021-07-20T12:00:00Z"}`)
	shown := func() string {
		groups := c.list("tasks?fetchXml="+url.QueryEscape(`<fetch aggregate="true"><entity name="task"><attribute name="activityid" alias="n" aggregate="count"/>`+
			`<attribute name="scheduledend" alias="p" groupby="true" dategrouping="fiscal-period"/><attribute name="scheduledend" alias="y" groupby="true" dategrouping="fiscal-year"/></entity></fetch>`),
			"Prefer: odata.include-annotations=*")
		const formatted = "@OData.Community.Display.V1.FormattedValue"
		return fmt.Sprint(groups[0]["p"], " ", groups[0]["p"+formatted], " | ", groups[0]["y"], " ", groups[0]["y"+formatted])
	}
	setOrganization(t, server, c, `{"fiscalcalendarstart":"2020-04-01T00:00:00Z","fiscalperiodtype":2002}`)
	for _, test := range []struct{ settings, want string }{
		{`{}`, "202102 Quarter 2 FY2021 | 2021 FY2021"},
		{`{"fiscalyearformatprefix":1,"fiscalyearformatyear":2,"fiscalyearformatsuffix":3,"fiscalperiodformatperiod":2,"fiscalyearperiodconnect":"/"}`, "202102 Q2/FY21 | 2021 FY21"},
		{`{"fiscalyearformatprefix":2,"fiscalyearformatyear":1,"fiscalyearformatsuffix":2,"fiscalperiodformatperiod":3,"fiscalyearperiodconnect":" of "}`, "202102 P2 of 2021 Fiscal Year | 2021 2021 Fiscal Year"},
		{`{"fiscalyearformatsuffix":1,"fiscalperiodformatperiod":1,"fiscalyearperiodconnect":null}`, "202102 Quarter 2 2021FY | 2021 2021FY"},
		{`{"fiscalyearformatyear":3,"fiscalperiodtype":2001,"fiscalperiodformatperiod":6}`, "202101 Semester 1 A.D.21FY | 2021 A.D.21FY"},
		{`{"fiscalyearformatyear":1,"fiscalperiodtype":2003,"fiscalperiodformatperiod":7}`, "202104 July 2021FY | 2021 2021FY"},
		{`{"fiscalperiodformatperiod":4}`, "202104 Month 4 2021FY | 2021 2021FY"},
		{`{"fiscalperiodformatperiod":5}`, "202104 M4 2021FY | 2021 2021FY"},
		{`{"fiscalyeardisplaycode":2,"fiscalyearformatsuffix":3,"fiscalyearformatprefix":1}`, "202104 M4 FY2022 | 2021 FY2022"},
		{`{"fiscalcalendarstart":"2020-01-01T00:00:00Z"}`, "202107 M7 FY2021 | 2021 FY2021"},
		{`{"fiscalyeardisplaycode":1,"fiscalperiodformatperiod":null,"fiscalyearformatprefix":null,"fiscalyearformatsuffix":null}`, "202107 Month 7 FY2021 | 2021 FY2021"},
	} {
		setOrganization(t, server, c, test.settings)
		if got := shown(); got != test.want {
			t.Errorf("after %s: %s, want %s", test.settings, got, test.want)
		}
	}
	if got := due(c, "in-fiscal-year", "2021"); got != "[A]" {
		t.Errorf("the fiscal year 2021 has %s, want what is in it whatever it is called", got)
	}
}
