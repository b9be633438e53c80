package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// The caller, the business unit and a team of the demo seed.
const (
	botID  = "50000000-0000-4000-8000-000000000003"
	unitID = "bb000000-0000-4000-8000-000000000001"
	teamID = "7ea00000-0000-4000-8000-000000000001"
)

// operatorCase is a condition and the records that it finds, by their names: for operators that compare with the present,
// those that it must and must not find.
type operatorCase struct {
	operator string
	set      string // "" for accounts
	field    string
	values   []string
	want     string // names, sorted
	must     string
	mustNot  string
	function string // the Web API's query function of the same meaning; "" where there is none
}

// operatorRecords are the accounts, conversations and tasks that the conditions are tested on. An account is named by its
// number.
func operatorRecords(c client, now time.Time) {
	c.send(http.MethodPost, "teams("+teamID+")/teammembership_association/$ref", `{"@odata.id":"systemusers(`+botID+`)"}`)
	for _, body := range []string{
		`{"accountid":"99000000-0000-4000-8000-00000000000a","accountnumber":"A","name":"Ångström 100%","numberofemployees":10,"revenue":100.5,"industrycode":1,"creditonhold":true,"address1_latitude":1.5}`,
		`{"accountid":"99000000-0000-4000-8000-00000000000b","accountnumber":"B","name":"angstrom b_x","numberofemployees":1033,"revenue":200,"industrycode":2,"creditonhold":false,"parentaccountid@odata.bind":"/accounts(99000000-0000-4000-8000-00000000000a)"}`,
		`{"accountid":"99000000-0000-4000-8000-00000000000c","accountnumber":"C","name":"bxx [1]","parentaccountid@odata.bind":"/accounts(99000000-0000-4000-8000-00000000000b)","ownerid@odata.bind":"/teams(` + teamID + `)"}`,
		`{"accountid":"99000000-0000-4000-8000-00000000000d","accountnumber":"D","numberofemployees":5,"revenue":0,"industrycode":3}`,
	} {
		c.create("accounts", body)
	}
	for name, channels := range map[string]string{"one": `"192350000"`, "none": "null"} {
		c.create("msdyn_ocliveworkitems", `{"subject":"`+name+`","msdyn_channel":`+channels+`}`)
	}
	midnight := now.Truncate(24 * time.Hour)
	sunday := midnight.AddDate(0, 0, -int(midnight.Weekday()))
	month := time.Date(now.Year(), now.Month(), 15, 12, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{
		"now": now, "yesterday": midnight.Add(-12 * time.Hour), "tomorrow": midnight.Add(36 * time.Hour), "minutes ago": now.Add(-30 * time.Minute), "minutes ahead": now.Add(30 * time.Minute),
		"last week": sunday.Add(-84 * time.Hour), "next week": sunday.Add(252 * time.Hour), "last month": month.AddDate(0, -1, 0), "next month": month.AddDate(0, 1, 0),
		"last year": time.Date(now.Year()-1, 7, 1, 12, 0, 0, 0, time.UTC), "next year": time.Date(now.Year()+1, 7, 1, 12, 0, 0, 0, time.UTC),
		"ancient": now.AddDate(-10, 0, 0), "far": now.AddDate(10, 0, 0), "second quarter of 2021": time.Date(2021, 5, 17, 15, 30, 0, 0, time.UTC),
	} {
		c.create("tasks", fmt.Sprintf(`{"subject":%q,"scheduledend":%q}`, name, at.UTC().Format(time.RFC3339)))
	}
	c.create("tasks", `{"subject":"never"}`)
}

// operatorCases has every operator of FetchXML (FetchXML reference, "Operators"; Web API, "Query functions").
func operatorCases(now time.Time) []operatorCase {
	const root, child = "99000000-0000-4000-8000-00000000000a", "99000000-0000-4000-8000-00000000000b"
	text := func(operator, value, want string) operatorCase {
		return operatorCase{operator: operator, field: "name", values: []string{value}, want: want}
	}
	employees := func(operator, want, function string, values ...string) operatorCase {
		return operatorCase{operator: operator, field: "numberofemployees", values: values, want: want, function: function}
	}
	date := func(operator, must, mustNot, function string, values ...string) operatorCase {
		return operatorCase{operator: operator, set: "tasks", field: "scheduledend", values: values, must: must, mustNot: mustNot + " never", function: function}
	}
	owner := func(operator, want, function string) operatorCase {
		return operatorCase{operator: operator, field: "ownerid", want: want, function: function}
	}
	tree := func(operator, value, want, function string) operatorCase {
		return operatorCase{operator: operator, field: "accountid", values: []string{value}, want: want, function: function}
	}
	channel := func(operator, want, function string) operatorCase {
		return operatorCase{operator: operator, set: "msdyn_ocliveworkitems", field: "msdyn_channel", values: []string{"192350000"}, want: want, function: function}
	}
	year, nextYear := fmt.Sprint(now.Year()), fmt.Sprint(now.Year()+1)
	return []operatorCase{
		text("eq", "ANGSTROM 100%", "A"), text("ne", "angstrom b_x", "A C D"), text("neq", "angstrom b_x", "A C D"),
		text("like", "ang%100[%]", "A"), text("like", "%b[_]x", "B"), text("like", "b__ [[]1]", "C"), text("like", "[a-b]%", "A B C"), text("like", "[^a]%", "C"),
		text("not-like", "ang%", "C D"), text("begins-with", "ÅNG", "A B"), text("not-begin-with", "ang", "C D"), text("ends-with", "]", "C"), text("not-end-with", "]", "A B D"),
		text("gt", "angstrom b_x", "C"), text("le", "angstrom b_x", "A B"),
		employees("gt", "A B", "", "5"), employees("ge", "A B", "", "10"), employees("lt", "D", "", "10"), employees("le", "A D", "", "10"),
		employees("between", "A D", "Between", "5", "10"), employees("between", "", "Between", "10", "5"), employees("not-between", "B C", "NotBetween", "5", "10"),
		employees("in", "A D", "In", "10", "5"), employees("not-in", "B C", "NotIn", "10", "5"), employees("null", "C", ""), employees("not-null", "A B D", ""),
		{operator: "eq", field: "revenue", values: []string{"100.5"}, want: "A"}, {operator: "eq", field: "address1_latitude", values: []string{"1.5"}, want: "A"},
		{operator: "eq", field: "industrycode", values: []string{"2"}, want: "B"}, {operator: "ne", field: "industrycode", values: []string{"2"}, want: "A C D"},
		{operator: "eq", field: "creditonhold", values: []string{"1"}, want: "A"}, {operator: "eq", field: "creditonhold", values: []string{"true"}, want: "A"},
		{operator: "eq", field: "parentaccountid", values: []string{"{" + strings.ToUpper(root) + "}"}, want: "B"}, {operator: "like", field: "parentaccountid", values: []string{"ang%"}, want: "B C"},
		{operator: "eq", field: "parentaccountidname", values: []string{"angstrom b_x"}, want: "C"},
		owner("eq-userid", "A B D", "EqualUserId"), owner("ne-userid", "C", "NotEqualUserId"), owner("eq-userteams", "C", "EqualUserTeams"), owner("eq-useroruserteams", "A B C D", "EqualUserOrUserTeams"),
		owner("eq-useroruserhierarchy", "A B D", "EqualUserOrUserHierarchy"), owner("eq-useroruserhierarchyandteams", "A B C D", "EqualUserOrUserHierarchyAndTeams"),
		{operator: "eq-businessid", field: "owningbusinessunit", want: "A B C D", function: "EqualBusinessId"}, {operator: "ne-businessid", field: "owningbusinessunit", want: "", function: "NotEqualBusinessId"},
		{operator: "eq-userlanguage", field: "numberofemployees", want: "B", function: "EqualUserLanguage"},
		tree("above", child, "A", "Above"), tree("eq-or-above", child, "A B", "AboveOrEqual"), tree("under", root, "B C", "Under"), tree("eq-or-under", root, "A B C", "UnderOrEqual"), tree("not-under", child, "A D", "NotUnder"),
		channel("contain-values", "one", "ContainValues"), channel("not-contain-values", "none", "DoesNotContainValues"), channel("eq", "one", ""), channel("ne", "none", ""), channel("in", "one", ""), channel("not-in", "none", ""),
		date("today", "now", "ancient far yesterday tomorrow", "Today"), date("yesterday", "yesterday", "now ancient tomorrow", "Yesterday"), date("tomorrow", "tomorrow", "now ancient yesterday", "Tomorrow"),
		date("last-seven-days", "now yesterday", "tomorrow ancient far", "Last7Days"), date("next-seven-days", "minutes-ahead tomorrow", "now yesterday far", "Next7Days"),
		date("last-week", "last-week", "now next-week ancient", "LastWeek"), date("this-week", "now", "last-week next-week ancient", "ThisWeek"), date("next-week", "next-week", "now last-week far", "NextWeek"),
		date("last-month", "last-month", "now next-month ancient", "LastMonth"), date("this-month", "now", "last-month next-month ancient", "ThisMonth"), date("next-month", "next-month", "now last-month far", "NextMonth"),
		date("last-year", "last-year", "now next-year ancient", "LastYear"), date("this-year", "now", "last-year next-year ancient", "ThisYear"), date("next-year", "next-year", "now last-year far", "NextYear"),
		date("last-x-hours", "now minutes-ago", "minutes-ahead ancient", "LastXHours", "1"), date("next-x-hours", "minutes-ahead", "now minutes-ago far", "NextXHours", "1"),
		date("last-x-days", "now yesterday", "tomorrow ancient", "LastXDays", "2"), date("next-x-days", "minutes-ahead tomorrow", "now far", "NextXDays", "2"),
		date("last-x-weeks", "now yesterday last-week", "tomorrow ancient", "LastXWeeks", "2"), date("next-x-weeks", "minutes-ahead tomorrow next-week", "now far", "NextXWeeks", "2"),
		date("last-x-months", "now yesterday last-month", "tomorrow ancient", "LastXMonths", "2"), date("next-x-months", "minutes-ahead tomorrow next-month", "now far", "NextXMonths", "2"),
		date("last-x-years", "now last-year", "tomorrow ancient", "LastXYears", "2"), date("next-x-years", "minutes-ahead next-year", "now far", "NextXYears", "2"),
		date("olderthan-x-minutes", "minutes-ago ancient", "now tomorrow", "OlderThanXMinutes", "10"), date("olderthan-x-hours", "ancient", "now minutes-ago", "OlderThanXHours", "2"),
		date("olderthan-x-days", "ancient", "now yesterday", "OlderThanXDays", "1"), date("olderthan-x-weeks", "ancient", "now yesterday", "OlderThanXWeeks", "1"),
		date("olderthan-x-months", "ancient", "now yesterday", "OlderThanXMonths", "1"), date("olderthan-x-years", "ancient", "now yesterday", "OlderThanXYears", "5"),
		date("on", "second-quarter-of-2021", "now ancient", "On", "2021-05-17"), date("on-or-before", "second-quarter-of-2021 ancient", "now far", "OnOrBefore", "2021-05-17"), date("on-or-after", "second-quarter-of-2021 now far", "ancient", "OnOrAfter", "2021-05-17"),
		date("eq", "second-quarter-of-2021", "now", "", "2021-05-17T15:30:00Z"), date("eq", "second-quarter-of-2021", "now", "", "2021-05-17T17:30:00+02:00"), date("eq", "", "second-quarter-of-2021", "", "2021-05-17"),
		date("this-fiscal-year", "now", "last-year next-year", "ThisFiscalYear"), date("last-fiscal-year", "last-year", "now next-year", "LastFiscalYear"), date("next-fiscal-year", "next-year", "now last-year", "NextFiscalYear"),
		date("this-fiscal-period", "now", "ancient far", "ThisFiscalPeriod"), date("last-fiscal-period", "", "now ancient far", "LastFiscalPeriod"), date("next-fiscal-period", "", "now ancient far", "NextFiscalPeriod"),
		date("last-x-fiscal-years", "now last-year", "next-year ancient", "LastXFiscalYears", "2"), date("next-x-fiscal-years", "minutes-ahead next-year", "now far", "NextXFiscalYears", "2"),
		date("last-x-fiscal-periods", "now", "ancient next-year", "LastXFiscalPeriods", "1"), date("next-x-fiscal-periods", "minutes-ahead", "now far", "NextXFiscalPeriods", "1"),
		date("in-fiscal-year", "now", "last-year far", "InFiscalYear", year), date("in-fiscal-period", "second-quarter-of-2021", "", "InFiscalPeriod", "2"), date("in-fiscal-period", "", "second-quarter-of-2021 now", "InFiscalPeriod", "9"),
		date("in-fiscal-period-and-year", "second-quarter-of-2021", "now", "InFiscalPeriodAndYear", "2", "2021"),
		date("in-or-before-fiscal-period-and-year", "second-quarter-of-2021 ancient", "now", "InOrBeforeFiscalPeriodAndYear", "2", "2021"),
		date("in-or-after-fiscal-period-and-year", "far", "now ancient", "InOrAfterFiscalPeriodAndYear", "1", nextYear),
	}
}

// TestEveryOperator sends a condition with each of the operators to the server, in FetchXML and, where there is one, as the
// query function of the same meaning.
func TestEveryOperator(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	now := time.Now().UTC()
	operatorRecords(c, now)
	seen := map[string]bool{}
	for _, test := range operatorCases(now) {
		seen[test.operator] = true
		if _, known := fetchxml.LookupOperator(test.operator); !known {
			t.Errorf("%q is no operator", test.operator)
		}
		test.check(t, "FetchXML", c.found(t, test, "fetchXml="+url.QueryEscape(test.fetchXML())))
		if test.function != "" {
			test.check(t, "the query function", c.found(t, test, "$select="+test.label()+"&$filter="+url.QueryEscape(test.filter())))
		}
	}
	if len(seen) != 83 {
		t.Errorf("%d operators were tested, FetchXML has 83", len(seen))
	}
}

func (test operatorCase) setName() string {
	if test.set == "" {
		return "accounts"
	}
	return test.set
}

func (test operatorCase) label() string {
	if test.set == "" {
		return "accountnumber"
	}
	return "subject"
}

// ours is the condition that leaves out the records of the seed.
func (test operatorCase) ours() (fetch, filter string) {
	if test.set == "" {
		return `<condition attribute="accountnumber" operator="in"><value>A</value><value>B</value><value>C</value><value>D</value></condition>`, "Microsoft.Dynamics.CRM.In(PropertyName='accountnumber',PropertyValues=[\"A\",\"B\",\"C\",\"D\"]) and "
	}
	return "", ""
}

func (test operatorCase) fetchXML() string {
	entity := map[string]string{"accounts": "account", "tasks": "task", "msdyn_ocliveworkitems": "msdyn_ocliveworkitem"}[test.setName()]
	ours, _ := test.ours()
	var b strings.Builder
	fmt.Fprintf(&b, `<fetch><entity name=%q><attribute name=%q/><filter>%s<condition attribute=%q operator=%q`, entity, test.label(), ours, test.field, test.operator)
	op, _ := fetchxml.LookupOperator(test.operator)
	if len(test.values) == 1 && op.Operands == fetchxml.One {
		fmt.Fprintf(&b, ` value="%s"/>`, test.values[0])
	} else {
		b.WriteString(">")
		for _, v := range test.values {
			b.WriteString("<value>" + v + "</value>")
		}
		b.WriteString("</condition>")
	}
	return b.String() + "</filter></entity></fetch>"
}

// filter is the condition as a query function.
func (test operatorCase) filter() string {
	_, ours := test.ours()
	op, _ := fetchxml.LookupOperator(test.operator)
	b := ours + "Microsoft.Dynamics.CRM." + test.function + "(PropertyName='" + test.field + "'"
	switch {
	case op.Operands == fetchxml.One && (test.set == "" || strings.HasPrefix(test.operator, "on")):
		b += ",PropertyValue='" + test.values[0] + "'"
	case op.Operands == fetchxml.One:
		b += ",PropertyValue=" + test.values[0]
	case strings.Contains(test.operator, "fiscal-period-and-year"):
		b += ",PropertyValue1=" + test.values[0] + ",PropertyValue2=" + test.values[1]
	case len(test.values) > 0:
		b += `,PropertyValues=["` + strings.Join(test.values, `","`) + `"]`
	}
	return b + ")"
}

// found returns the names of the records that a query gives, sorted.
func (c client) found(t *testing.T, test operatorCase, query string) []string {
	t.Helper()
	status, _, b := c.send(http.MethodGet, test.setName()+"?"+query, "")
	var page struct{ Value []map[string]any }
	if err := json.Unmarshal(b, &page); err != nil || status != http.StatusOK {
		t.Errorf("%s of %s %q: %d %s", test.operator, test.field, test.values, status, b)
	}
	var names []string
	for _, row := range page.Value {
		names = append(names, strings.ReplaceAll(fmt.Sprint(row[test.label()]), " ", "-"))
	}
	slices.Sort(names)
	return names
}

func (test operatorCase) check(t *testing.T, how string, got []string) {
	t.Helper()
	if test.set != "tasks" {
		if want := strings.Fields(test.want); !slices.Equal(got, want) {
			t.Errorf("%s of %s %q in %s finds %q, want %q", test.operator, test.field, test.values, how, got, want)
		}
		return
	}
	for name := range strings.FieldsSeq(test.must) {
		if !slices.Contains(got, name) {
			t.Errorf("%s %q in %s does not find %q but %q", test.operator, test.values, how, name, got)
		}
	}
	for name := range strings.FieldsSeq(test.mustNot) {
		if slices.Contains(got, name) {
			t.Errorf("%s %q in %s finds %q, which it must not: %q", test.operator, test.values, how, name, got)
		}
	}
}
