package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

func fetchQuery(t testing.TB, document string, opts Options) (*Query, error) {
	t.Helper()
	f, err := fetchxml.Parse(document)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return FromFetchXML(schema.Standard(), f, opts)
}

func mustFetch(t testing.TB, document string) *Query {
	t.Helper()
	q, err := fetchQuery(t, document, testOptions())
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return q
}

func TestFetchXMLConditions(t *testing.T) {
	t.Parallel()
	tests := []struct{ entity, conditions, want string }{
		{"contact", `<condition attribute="firstname" operator="eq" value="ADA"/>`, "ada"},
		{"contact", `<condition attribute="firstname" operator="ne" value="Ada"/>`, "bob jose zoe"}, // a negation also matches no value
		{"contact", `<condition attribute="firstname" operator="neq" value="Ada"/>`, "bob jose zoe"},
		{"contact", `<condition attribute="firstname" operator="gt" value="b"/>`, "bob jose"},
		{"contact", `<condition attribute="firstname" operator="in"><value>ada</value><value>JOSE</value></condition>`, "ada jose"},
		{"contact", `<condition attribute="firstname" operator="not-in"><value>ada</value><value>JOSE</value></condition>`, "bob zoe"},
		{"contact", `<condition attribute="firstname" operator="null"/>`, "zoe"},
		{"contact", `<condition attribute="firstname" operator="not-null" value="0"/>`, "ada bob jose"},
		{"contact", `<condition attribute="fullname" operator="like" value="jose n%"/>`, "jose"},
		{"contact", `<condition attribute="firstname" operator="not-like" value="%o%"/>`, "ada zoe"},
		{"contact", `<condition attribute="fullname" operator="begins-with" value="B"/>`, "bob"},
		{"contact", `<condition attribute="firstname" operator="not-begin-with" value="B"/>`, "ada jose zoe"},
		{"contact", `<condition attribute="fullname" operator="ends-with" value="NEZ"/>`, "jose"},
		{"contact", `<condition attribute="firstname" operator="not-end-with" value="b"/>`, "ada jose zoe"},
		{"contact", `<condition attribute="parentcustomerid" operator="like" value="cont%"/>`, "ada jose"},
		{"contact", `<condition attribute="parentcustomeridname" operator="eq" value="CONTOSO"/>`, "ada jose"},
		{"contact", `<condition attribute="parentcustomeridtype" operator="eq" value="2"/>`, "bob"}, // entities go by number
		{"contact", `<condition attribute="preferredcontactmethodcodename" operator="eq" value="email"/>`, "ada"},
		{"contact", `<condition attribute="parentcustomerid" operator="eq" value="{` + strings.ToUpper(contoso) + `}"/>`, "ada jose"},
		{"account", `<condition attribute="numberofemployees" operator="between"><value>1500</value><value>6199</value></condition>`, "contoso"},
		{"account", `<condition attribute="numberofemployees" operator="not-between"><value>1500</value><value>6199</value></condition>`, "empty fabrikam"},
		{"account", `<condition attribute="numberofemployees" operator="between"><value>6200</value><value>1</value></condition>`, ""},
		{"account", `<condition attribute="revenue" operator="ge" value="1000000.5"/>`, "contoso"},
		{"account", `<condition attribute="exchangerate" operator="in"><value>1.250</value><value>10.5</value></condition>`, "contoso fabrikam"},
		{"account", `<condition attribute="creditonhold" operator="eq" value="0"/>`, "contoso"},
		{"account", `<condition attribute="creditonhold" operator="eq" value="true"/>`, "fabrikam"},
		{"account", `<condition attribute="creditonhold" operator="ne" value="1"/>`, "contoso empty"},
		{"contact", `<condition attribute="ownerid" operator="eq-userid"/>`, "ada"},
		{"contact", `<condition attribute="ownerid" operator="ne-userid"/>`, "bob jose zoe"},
		{"contact", `<condition attribute="ownerid" operator="eq-userteams"/>`, "bob"},
		{"contact", `<condition attribute="ownerid" operator="eq-useroruserteams"/>`, "ada bob"},
		{"systemuser", `<condition attribute="businessunitid" operator="eq-businessid"/>`, "uma"},
		{"systemuser", `<condition attribute="businessunitid" operator="ne-businessid"/>`, "ulf"},
		{"contact", `<condition attribute="createdon" operator="on" value="2020-08-16"/>`, "jose"},
		{"contact", `<condition attribute="createdon" operator="on-or-before" value="2020-08-10T01:00:00Z"/>`, "ada zoe"},
		{"contact", `<condition attribute="createdon" operator="on-or-after" value="2020-08-16T23:59:00Z"/>`, "bob jose"},
		{"contact", `<condition attribute="birthdate" operator="eq" value="1990-08-17"/>`, "ada"},
		{"contact", `<condition attribute="birthdate" operator="today"/>`, "jose"},
		{"contact", `<condition attribute="birthdate" operator="last-x-days" value="1"/>`, "jose"}, // today included
		{"contact", `<condition attribute="createdon" operator="yesterday"/>`, "jose"},
		{"contact", `<condition attribute="createdon" operator="this-month"/>`, "ada bob jose"},
		{"contact", `<condition attribute="createdon" operator="last-year"/>`, "zoe"},
		{"contact", `<condition attribute="createdon" operator="olderthan-x-days" value="3"/>`, "ada zoe"},
		{"contact", `<condition attribute="createdon" operator="last-seven-days"/>`, "ada bob jose"},
		{"account", `<condition attribute="accountid" operator="under" value="` + contoso + `"/>`, "empty fabrikam"},
		{"account", `<condition attribute="accountid" operator="eq-or-under" value="` + fabrikam + `"/>`, "empty fabrikam"},
		{"account", `<condition attribute="accountid" operator="not-under" value="` + fabrikam + `"/>`, "contoso"},
		{"account", `<condition attribute="accountid" operator="above" value="` + empty + `"/>`, "contoso fabrikam"},
		{"account", `<condition attribute="accountid" operator="eq-or-above" value="` + fabrikam + `"/>`, "contoso fabrikam"},
		{"account", `<condition attribute="parentaccountid" operator="under" value="` + contoso + `"/>`, "empty"},
		{"contact", `<condition attribute="createdon" operator="in-fiscal-year" value="2019"/>`, "zoe"},
		{"contact", `<condition attribute="createdon" operator="in-fiscal-period" value="3"/>`, "ada bob jose"},
		{"contact", `<condition attribute="createdon" operator="in-fiscal-period-and-year"><value>4</value><value>2019</value></condition>`, "zoe"},
		{"contact", `<condition attribute="createdon" operator="in-or-before-fiscal-period-and-year"><value>2</value><value>2020</value></condition>`, "zoe"},
		{"contact", `<condition attribute="createdon" operator="in-or-after-fiscal-period-and-year"><value>1</value><value>2020</value></condition>`, "ada bob jose"},
		{"contact", `<condition attribute="createdon" operator="in-fiscal-period-and-year"><value>5</value><value>2019</value></condition>`, ""},
		{"account", `<condition attribute="createdon" operator="eq" value="2020-08-17T10:00:00Z"/>`, "contoso fabrikam"},
		{"contact", `<condition attribute="lastname" operator="eq" valueof="fullname"/>`, "zoe"},
		{"contact", `<condition attribute="firstname" operator="ne" valueof="lastname"/>`, "ada bob jose zoe"}, // on the left no value counts as different
	}
	for _, tt := range tests {
		t.Run(tt.conditions, func(t *testing.T) {
			t.Parallel()
			q := mustFetch(t, `<fetch><entity name="`+tt.entity+`"><filter>`+tt.conditions+`</filter></entity></fetch>`)
			if got := names(shown(q, read(t, q), q.Entity.PrimaryID)); got != tt.want {
				text, args := q.SQL()
				t.Errorf("got %q, want %q\n%s\n%v", got, tt.want, text, args)
			}
		})
	}
}

func TestFetchXMLQueries(t *testing.T) {
	t.Parallel()
	const adaOrBob = `<condition attribute="firstname" operator="eq" value="Ada"/><condition attribute="firstname" operator="eq" value="Bob"/>`
	tests := []struct{ what, entity, inside, want string }{
		{"or inside and", "contact", `<filter><filter type="or">` + adaOrBob + `</filter><condition attribute="statecode" operator="eq" value="1"/></filter>`, "bob"},
		{"and inside or", "contact", `<filter type="or"><filter>` + adaOrBob + `</filter><condition attribute="statecode" operator="eq" value="1"/></filter>`, "bob"},
		{"filters beside each other", "contact", `<filter type="or">` + adaOrBob + `</filter><filter><condition attribute="statecode" operator="eq" value="0"/></filter>`, "ada"},
		{"an empty filter", "contact", `<filter/>`, "ada bob jose zoe"},
		{"inner link", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid"/>`, "ada jose zoe"},
		{"inner link's filter", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid"><filter><condition attribute="name" operator="eq" value="Fabrikam"/></filter></link-entity>`, "zoe"},
		{"outer link's filter keeps parents", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer"><filter><condition attribute="name" operator="eq" value="Fabrikam"/></filter></link-entity>`, "ada bob jose zoe"},
		{"condition on a link's field", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"/><filter><condition entityname="a" attribute="name" operator="eq" value="Fabrikam"/></filter>`, "zoe"},
		{"negative condition on a missing link", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"/><filter><condition entityname="a" attribute="name" operator="ne" value="Contoso"/></filter>`, "bob zoe"},
		{"anti-join", "account", `<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="outer" alias="c"/><filter><condition entityname="c" attribute="contactid" operator="null"/></filter>`, "empty"},
		{"root or link", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"/><filter type="or"><condition entityname="a" attribute="name" operator="eq" value="Fabrikam"/><condition attribute="firstname" operator="eq" value="Bob"/></filter>`, "bob zoe"},
		{"link by its entity's name", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid"/><filter><condition entityname="account" attribute="name" operator="eq" value="Contoso"/></filter>`, "ada jose"},
		{"a row for each joined record", "account", `<link-entity name="contact" from="parentcustomerid" to="accountid"/>`, "contoso contoso fabrikam"},
		{"nested links", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid"><link-entity name="contact" from="contactid" to="primarycontactid"><filter><condition attribute="firstname" operator="eq" value="Ada"/></filter></link-entity></link-entity>`, "ada jose"},
		{"nested outer links", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer"><link-entity name="contact" from="contactid" to="primarycontactid" link-type="outer"/></link-entity>`, "ada bob jose zoe"},
		{"inner below outer drops parents", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer"><link-entity name="contact" from="contactid" to="primarycontactid"/></link-entity>`, "ada jose zoe"},
		{"siblings are both wanted", "account", `<link-entity name="contact" from="contactid" to="primarycontactid"/><link-entity name="task" from="regardingobjectid" to="accountid"/>`, "contoso contoso"},
		{"exists", "account", `<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="exists"/>`, "contoso fabrikam"},
		{"in", "account", `<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="in"><filter><condition attribute="firstname" operator="not-null"/></filter></link-entity>`, "contoso"},
		{"first of several", "account", `<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="matchfirstrowusingcrossapply"><attribute name="fullname"/></link-entity>`, "contoso fabrikam"},
		{"any", "account", `<filter><link-entity name="contact" from="parentcustomerid" to="accountid" link-type="any"><filter><condition attribute="firstname" operator="eq" value="Ada"/></filter></link-entity></filter>`, "contoso"},
		{"not any", "account", `<filter><link-entity name="contact" from="parentcustomerid" to="accountid" link-type="not any"/></filter>`, "empty"},
		{"all means none matches", "account", `<filter><link-entity name="contact" from="parentcustomerid" to="accountid" link-type="all"><filter><condition attribute="firstname" operator="eq" value="Ada"/></filter></link-entity></filter>`, "fabrikam"},
		{"not all means any", "account", `<filter><link-entity name="contact" from="parentcustomerid" to="accountid" link-type="not all"><filter><condition attribute="firstname" operator="eq" value="Ada"/></filter></link-entity></filter>`, "contoso"},
		{"any or a condition", "account", `<filter type="or"><link-entity name="task" from="regardingobjectid" to="accountid" link-type="any"/><condition attribute="name" operator="eq" value="fabrikam"/></filter>`, "contoso fabrikam"},
		{"many to many", "systemuser", `<link-entity name="team"><filter><condition attribute="name" operator="eq" value="Desk"/></filter></link-entity>`, "uma"},
		{"exists many to many", "systemuser", `<link-entity name="team" link-type="exists"/>`, "uma"},
		{"not any many to many", "systemuser", `<filter><link-entity name="team" link-type="not any"/></filter>`, "ulf"},
		{"first of many to many", "systemuser", `<link-entity name="team" link-type="matchfirstrowusingcrossapply"/>`, "uma"},
		{"outer many to many", "systemuser", `<link-entity name="team" link-type="outer"/>`, "ulf uma"},
		{"over the intersect entity", "systemuser", `<link-entity name="teammembership" from="systemuserid" to="systemuserid" intersect="true"><link-entity name="team" from="teamid" to="teamid"/></link-entity>`, "uma"},
		{"fields of two records", "contact", `<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"/><filter><condition attribute="contactid" operator="eq" valueof="a.primarycontactid"/></filter>`, "ada"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			e := schema.Standard().Entity(tt.entity)
			q := mustFetch(t, `<fetch><entity name="`+tt.entity+`"><attribute name="`+e.PrimaryID+`"/>`+tt.inside+`</entity></fetch>`)
			if got := names(shown(q, read(t, q), e.PrimaryID)); got != tt.want {
				text, args := q.SQL()
				t.Errorf("got %q, want %q\n%s\n%v", got, tt.want, text, args)
			}
		})
	}
}

// TestRelativeDates follows the worked example of FetchXML's documentation: bounds seen from Monday 2020-08-17 13:00.
func TestRelativeDates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operator string
		x        int
		from, to string
	}{
		{"yesterday", 0, "2020-08-16T00:00", "2020-08-17T00:00"},
		{"today", 0, "2020-08-17T00:00", "2020-08-18T00:00"},
		{"tomorrow", 0, "2020-08-18T00:00", "2020-08-19T00:00"},
		{"last-seven-days", 0, "2020-08-10T00:00", "2020-08-17T13:00"},
		{"next-seven-days", 0, "2020-08-17T13:00", "2020-08-25T00:00"},
		{"last-week", 0, "2020-08-09T00:00", "2020-08-16T00:00"},
		{"this-week", 0, "2020-08-16T00:00", "2020-08-23T00:00"},
		{"next-week", 0, "2020-08-23T00:00", "2020-08-30T00:00"},
		{"last-month", 0, "2020-07-01T00:00", "2020-08-01T00:00"},
		{"this-month", 0, "2020-08-01T00:00", "2020-09-01T00:00"},
		{"next-month", 0, "2020-09-01T00:00", "2020-10-01T00:00"},
		{"last-year", 0, "2019-01-01T00:00", "2020-01-01T00:00"},
		{"this-year", 0, "2020-01-01T00:00", "2021-01-01T00:00"},
		{"next-year", 0, "2021-01-01T00:00", "2022-01-01T00:00"},
		{"this-fiscal-period", 0, "2020-07-01T00:00", "2020-10-01T00:00"},
		{"last-x-hours", 2, "2020-08-17T11:00", "2020-08-17T13:00"},
		{"next-x-hours", 2, "2020-08-17T13:00", "2020-08-17T16:00"},
		{"last-x-days", 4, "2020-08-13T00:00", "2020-08-17T13:00"},
		{"next-x-days", 4, "2020-08-17T13:00", "2020-08-22T00:00"},
		{"last-x-weeks", 2, "2020-08-03T00:00", "2020-08-17T13:00"},
		{"next-x-weeks", 2, "2020-08-17T13:00", "2020-09-01T00:00"},
		{"last-x-months", 3, "2020-05-17T00:00", "2020-08-17T13:00"},
		{"next-x-months", 3, "2020-08-17T13:00", "2020-11-18T00:00"},
		{"last-x-years", 2, "2018-08-17T00:00", "2020-08-17T13:00"},
		{"next-x-years", 2, "2020-08-17T13:00", "2022-08-18T00:00"},
		{"olderthan-x-minutes", 30, "", "2020-08-17T12:30"},
		{"olderthan-x-hours", 3, "", "2020-08-17T10:00"},
		{"olderthan-x-days", 3, "", "2020-08-14T00:00"},
		{"olderthan-x-weeks", 3, "", "2020-07-27T00:00"},
		{"olderthan-x-months", 3, "", "2020-05-17T00:00"},
		{"olderthan-x-years", 3, "", "2017-08-17T00:00"},
	}
	c := (&builder{opts: testOptions()}).calendar()
	show := func(m *moment) string {
		switch {
		case m == nil:
			return ""
		case m.isNow:
			return c.now.Format("2006-01-02T15:04")
		}
		return m.utc().Format("2006-01-02T15:04")
	}
	for _, tt := range tests {
		s, ok := c.span(tt.operator)
		if tt.x > 0 {
			s, ok = c.spanOf(tt.operator, tt.x)
		}
		if !ok || show(s.from) != tt.from || show(s.to) != tt.to {
			t.Errorf("%s %d = [%s, %s), want [%s, %s)", tt.operator, tt.x, show(s.from), show(s.to), tt.from, tt.to)
		}
	}
}

func TestMonthsEndAtTheirLastDay(t *testing.T) {
	t.Parallel()
	if got := (civil{2021, time.March, 31, 0, 0}).addMonths(-1); got != (civil{2021, time.February, 28, 0, 0}) {
		t.Errorf("a month before the 31st of March = %v, want the 28th of February", got)
	}
	if got := (civil{2020, time.February, 29, 0, 0}).addYears(1); got != (civil{2021, time.February, 28, 0, 0}) {
		t.Errorf("a year after the 29th of February = %v, want the 28th", got)
	}
}

// TestRelativeDatesAreTheCallersDays asks in a zone, and over a change of its clocks.
func TestRelativeDatesAreTheCallersDays(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	opts := testOptions()
	opts.Location = zone
	q, err := fetchQuery(t, `<fetch><entity name="contact"><filter><condition attribute="createdon" operator="today"/></filter></entity></fetch>`, opts)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(shown(q, read(t, q), "contactid")); got != "bob jose" { // 22:30 in UTC is half past midnight there
		t.Errorf("today in Berlin = %q, want bob jose", got)
	}
	opts.Now = time.Date(2021, 3, 28, 12, 0, 0, 0, zone) // a day of 23 hours
	c := (&builder{opts: opts}).calendar()
	s, _ := c.span("today")
	_, f := fieldOf(t, "contact.createdon")
	v := value{field: f, kind: schema.DateTime}
	if got := time.Duration(c.bound(v, *s.to, true)-c.bound(v, *s.from, false)) * time.Microsecond; got != 23*time.Hour {
		t.Errorf("the day of the change of clocks has %v, want 23h", got)
	}
}

func TestFetchXMLRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		document string
		want     code.Code
	}{
		{`<fetch><entity name="nothing"/></fetch>`, code.QueryBuilderNoEntity},
		{`<fetch><entity name="contact"><attribute name="nome"/></entity></fetch>`, code.QueryBuilderNoAttribute},
		{`<fetch><entity name="contact"><filter><condition attribute="nome" operator="eq" value="x"/></filter></entity></fetch>`, code.QueryBuilderNoAttribute},
		{`<fetch><entity name="contact"><order attribute="nome"/></entity></fetch>`, code.QueryBuilderNoAttribute},
		{`<fetch><entity name="contact"><filter><condition attribute="parentcustomerid" operator="eq" value="Contoso"/></filter></entity></fetch>`, code.InvalidArgument},
		{`<fetch><entity name="account"><filter><condition attribute="numberofemployees" operator="eq" value="many"/></filter></entity></fetch>`, code.InvalidArgument},
		{`<fetch><entity name="contact"><filter><condition attribute="createdon" operator="eq" value="21-8-2024 09:29:16"/></filter></entity></fetch>`, code.InvalidDateTime},
		{`<fetch><entity name="contact"><filter><condition attribute="createdon" operator="last-x-days" value="0"/></filter></entity></fetch>`, code.QueryBuilderValueGreaterThanZero},
		{`<fetch><entity name="contact"><filter><condition entityname="x" attribute="name" operator="eq" value="x"/></filter></entity></fetch>`, code.QueryBuilderAliasDoesNotExist},
		{`<fetch><entity name="task"><filter><condition attribute="activityid" operator="under" value="` + ada + `"/></filter></entity></fetch>`, code.MissingHierarchicalRelationshipForOperator},
		{`<fetch count="5" page="10002"><entity name="contact"/></fetch>`, code.OverRetrievalUpperLimitWithoutPagingCookie},
		{`<fetch page="2" paging-cookie="nonsense"><entity name="contact"/></fetch>`, code.QueryBuilderInvalidPagingCookie},
		{`<fetch page="2" paging-cookie="&lt;cookie page=&quot;x&quot;/&gt;"><entity name="contact"/></fetch>`, code.QueryBuilderInvalidPagingCookie},
		{`<fetch page="2" paging-cookie="&lt;cookie page=&quot;1&quot;&gt;&lt;fullname last=&quot;x&quot;/&gt;&lt;/cookie&gt;"><entity name="contact"/></fetch>`, code.QueryBuilderPagingOrderBy},
		{`<fetch aggregate="true"><entity name="contact"><attribute name="statecode" alias="s" aggregate="sum"/></entity></fetch>`, code.QueryBuilderInvalidAggregateAttribute},
		{`<fetch aggregate="true"><entity name="contact"><attribute name="createdon" alias="s" groupby="true"/></entity></fetch>`, code.QueryBuilderInvalidDateGrouping},
	}
	for _, tt := range tests {
		t.Run(tt.document, func(t *testing.T) {
			t.Parallel()
			_, err := fetchQuery(t, tt.document, testOptions())
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != tt.want {
				t.Errorf("error = %v, want code %v (%s)", err, tt.want, tt.want.Name())
			}
		})
	}
}

func TestFetchXMLColumns(t *testing.T) {
	t.Parallel()
	tests := []struct{ what, inside, want string }{
		{"attributes", `<attribute name="fullname"/><attribute name="ownerid"/>`, "fullname _ownerid_value contactid"},
		{"an alias", `<attribute name="fullname" alias="who"/>`, "who contactid"},
		{"of a link", `<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"><attribute name="name"/><attribute name="ownerid"/><attribute name="revenue" alias="money"/></link-entity>`, "contactid a.name a.ownerid money"},
		{"of a link without alias", `<attribute name="fullname"/><link-entity name="account" from="accountid" to="parentcustomerid"><attribute name="name"/></link-entity>`, "fullname contactid account1.name"},
		{"of a link that only tests, and below it", `<attribute name="fullname"/><link-entity name="account" from="accountid" to="parentcustomerid" link-type="exists" alias="a"><attribute name="name"/>` +
			`<link-entity name="contact" from="contactid" to="primarycontactid" alias="b"><attribute name="fullname"/><all-attributes/></link-entity></link-entity>`, "fullname contactid"},
		{"of a cross apply", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="matchfirstrowusingcrossapply" alias="a"><attribute name="accountid"/></link-entity>`, "contactid AccountId"},
	}
	for _, tt := range tests {
		q := mustFetch(t, `<fetch><entity name="contact">`+tt.inside+`</entity></fetch>`)
		if got := strings.Join(properties(q), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
	all := len(properties(mustFetch(t, `<fetch><entity name="contact"/></fetch>`)))
	if again := len(properties(mustFetch(t, `<fetch><entity name="contact"><all-attributes/></entity></fetch>`))); all < 200 || again != all {
		t.Errorf("nothing selected shows %d properties, all-attributes %d; want all of them", all, again)
	}
	tested := mustFetch(t, `<fetch distinct="true"><entity name="contact"><link-entity name="account" from="accountid" to="parentcustomerid" link-type="in"><attribute name="name"/></link-entity></entity></fetch>`)
	if page := read(t, tested); len(page.Rows) != 3 || len(properties(tested)) != all {
		t.Errorf("nothing selected but in a link that only tests: %d rows of %d properties, want 3 of %d", len(page.Rows), len(properties(tested)), all)
	}
	distinct := mustFetch(t, `<fetch distinct="true"><entity name="contact"><attribute name="statecode"/></entity></fetch>`)
	if page := read(t, distinct); len(page.Rows) != 2 || slices.ContainsFunc(distinct.Columns, func(c Column) bool { return c.Key || c.Role == Version }) {
		t.Errorf("distinct states = %v", page.Rows)
	}
}

func TestFetchXMLOrder(t *testing.T) {
	t.Parallel()
	tests := []struct{ fetch, inside, want string }{
		{"", `<order attribute="fullname" descending="true"/>`, "zoe jose bob ada"},
		{"", `<order attribute="preferredcontactmethodcode" descending="true"/><order attribute="fullname"/>`, "jose ada bob zoe"}, // Phone, Email
		{`useraworderby="true"`, `<order attribute="statecode"/><order attribute="fullname"/>`, "ada jose zoe bob"},
		{"", `<order attribute="statecode" descending="true"/><order attribute="fullname"/>`, "bob ada jose zoe"}, // Inactive, Active
		{"", `<order attribute="parentcustomerid"/><order attribute="fullname"/>`, "bob ada jose zoe"},            // Ada, Contoso, fabrikam
		{"", `<order attribute="statecode"/><link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"><order attribute="name" descending="true"/></link-entity><order attribute="fullname"/>`, "ada jose zoe bob"},
		{"", `<order entityname="a" attribute="name" descending="true"/><order attribute="fullname" descending="true"/><link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"/>`, "zoe jose ada bob"},
	}
	for _, tt := range tests {
		q := mustFetch(t, `<fetch `+tt.fetch+`><entity name="contact"><attribute name="contactid"/>`+tt.inside+`</entity></fetch>`)
		var got []string
		for _, id := range shown(q, read(t, q), "contactid") {
			got = append(got, names([]any{id}))
		}
		if order := strings.Join(got, " "); order != tt.want {
			t.Errorf("%s: %s, want %s", tt.inside, order, tt.want)
		}
	}
}

// TestFetchXMLPages walks with the cookie as clients do, and by number alone.
func TestFetchXMLPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		what, inside string
		rows         int
		cookie       bool
	}{
		{"without order", ``, 4, true},
		{"by name", `<order attribute="fullname"/>`, 4, true},
		{"by choice and missing values", `<order attribute="gendercode" descending="true"/>`, 4, true},
		{"by lookup", `<order attribute="parentcustomerid" descending="true"/>`, 4, true},
		{"parents with several children", `<link-entity name="contact" from="parentcustomerid" to="contactid" link-type="outer" alias="c"/><link-entity name="task" from="regardingobjectid" to="parentcustomerid" link-type="outer" alias="t"/>`, 6, true},
		{"by a link's field", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"><order attribute="name"/></link-entity>`, 4, false},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			rows, cookies := walkFetch(t, tt.inside, true)
			if rows != tt.rows || (cookies > 0) != tt.cookie {
				t.Errorf("%d rows with %d cookies, want %d rows, cookies %v", rows, cookies, tt.rows, tt.cookie)
			}
			if rows, _ := walkFetch(t, tt.inside, false); rows != tt.rows {
				t.Errorf("by number %d rows, want %d", rows, tt.rows)
			}
		})
	}
}

// walkFetch reads page by page and counts the rows, none of which may come twice.
func walkFetch(t *testing.T, inside string, useCookie bool) (rows, cookies int) {
	t.Helper()
	seen := map[string]bool{}
	f, err := fetchxml.Parse(`<fetch count="1" page="1" returntotalrecordcount="true"><entity name="contact"><attribute name="fullname"/>` +
		strings.NewReplacer(`alias="c"/>`, `alias="c"><attribute name="contactid"/></link-entity>`, `alias="t"/>`, `alias="t"><attribute name="activityid"/></link-entity>`).Replace(inside) + `</entity></fetch>`)
	if err != nil {
		t.Fatal(err)
	}
	for number := 1; ; number++ {
		f.Page = &number
		q, err := FromFetchXML(schema.Standard(), f, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		page := read(t, q)
		for _, row := range page.Rows {
			if seen[fmt.Sprint(row)] {
				t.Fatalf("page %d has a row that was there before: %v", number, row)
			}
			seen[fmt.Sprint(row)] = true
			rows++
		}
		if !page.More {
			if page.Total != rows {
				t.Errorf("total = %d of %d rows", page.Total, rows)
			}
			return rows, cookies
		}
		cookie, next, ok := readAnnotation(page.Next)
		if ok {
			cookies++
			if next != number+1 {
				t.Fatalf("page %d leads to page %d", number, next)
			}
		}
		if useCookie {
			f.PagingCookie = cookie
		}
	}
}

func TestCookieLooksLikeDataverses(t *testing.T) {
	t.Parallel()
	q := mustFetch(t, `<fetch count="2"><entity name="contact"><attribute name="fullname"/><order attribute="gendercode"/><order attribute="createdon"/></entity></fetch>`)
	cookie, page, ok := readAnnotation(read(t, q).Next)
	want := `<cookie page="1"><gendercode lastnull="1" firstnull="1"></gendercode>` +
		`<createdon last="2020-08-17T12:00:00.000000Z" first="2020-08-16T22:30:00.000000Z"></createdon>` +
		`<contactid last="{` + strings.ToUpper(bob) + `}" first="{` + strings.ToUpper(jose) + `}"></contactid></cookie>`
	if !ok || page != 2 || cookie != want {
		t.Errorf("cookie = %s\nwant %s", cookie, want)
	}
}

func TestFetchXMLTop(t *testing.T) {
	t.Parallel()
	page := read(t, mustFetch(t, `<fetch top="2"><entity name="contact"><attribute name="fullname"/></entity></fetch>`))
	if len(page.Rows) != 2 || page.More || page.Next != "" {
		t.Errorf("top 2 = %d rows, more %v, next %q", len(page.Rows), page.More, page.Next)
	}
}

func TestFetchXMLAggregates(t *testing.T) {
	t.Parallel()
	tests := []struct{ what, inside, want string }{
		{"functions", `<attribute name="numberofemployees" alias="n" aggregate="count"/><attribute name="numberofemployees" alias="c" aggregate="countcolumn"/>
			<attribute name="numberofemployees" alias="s" aggregate="sum"/><attribute name="numberofemployees" alias="a" aggregate="avg"/>
			<attribute name="numberofemployees" alias="lo" aggregate="min"/><attribute name="numberofemployees" alias="hi" aggregate="max"/>
			<attribute name="address1_city" alias="d" aggregate="countcolumn" distinct="true"/>`, "n=3 c=2 s=7700 a=3850 lo=1500 hi=6200 d=1"},
		{"money and decimals", `<attribute name="revenue" alias="s" aggregate="sum"/><attribute name="revenue" alias="a" aggregate="avg"/><attribute name="exchangerate" alias="x" aggregate="sum"/><attribute name="exchangerate" alias="m" aggregate="max"/>`,
			"s=1000020.7500 a=500010.3750 x=11.750000000000 m=10.500000000000"},
		{"groups", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="statecode" alias="s" groupby="true"/>`, "n=2 s=0; n=1 s=1"},
		{"no value is a group", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="creditonhold" alias="h" groupby="true"/>`, "n=1 h=<nil>; n=1 h=false; n=1 h=true"},
		{"sum of nothing but no values", `<attribute name="numberofemployees" alias="s" aggregate="sum"/><attribute name="statecode" alias="g" groupby="true"/><filter><condition attribute="statecode" operator="eq" value="1"/></filter>`, "s=0 g=1"},
		{"no rows", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="numberofemployees" alias="s" aggregate="sum"/><filter><condition attribute="name" operator="eq" value="none"/></filter>`, "n=0 s=<nil>"},
		{"no rows in groups", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="statecode" alias="s" groupby="true"/><filter><condition attribute="name" operator="eq" value="none"/></filter>`, ""},
		{"order by an aggregate", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="statecode" alias="s" groupby="true"/><order alias="n"/>`, "n=1 s=1; n=2 s=0"},
		{"of a link", `<attribute name="name" alias="who" groupby="true"/><link-entity name="contact" from="parentcustomerid" to="accountid" link-type="outer"><attribute name="contactid" alias="n" aggregate="countcolumn"/></link-entity><order alias="who" descending="true"/>`,
			"who=fabrikam n=1; who=Émpty [50%] Ltd n=0; who=Contoso n=2"},
		{"by lookup", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="ownerid" alias="o" groupby="true"/><order alias="o"/>`, "n=1 o=" + desk + "; n=1 o=" + ulf + "; n=1 o=" + uma},
		{"by month", `<attribute name="accountid" alias="n" aggregate="count"/><attribute name="createdon" alias="y" groupby="true" dategrouping="year"/><attribute name="createdon" alias="m" groupby="true" dategrouping="month"/>`, "n=3 y=2020 m=8"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			q := mustFetch(t, `<fetch aggregate="true"><entity name="account">`+tt.inside+`</entity></fetch>`)
			var rows []string
			for _, row := range read(t, q).Rows {
				var values []string
				for i, c := range q.Columns {
					if c.Role == Shown {
						values = append(values, fmt.Sprintf("%s=%v", c.Property, c.JSON(row[i])))
					}
				}
				rows = append(rows, strings.Join(values, " "))
			}
			if got := strings.Join(rows, "; "); got != tt.want {
				text, _ := q.SQL()
				t.Errorf("got %s, want %s\n%s", got, tt.want, text)
			}
		})
	}
}

func TestDateParts(t *testing.T) {
	t.Parallel()
	sunday := time.Date(2023, 8, 27, 0, 0, 0, 0, time.UTC)
	got := map[string]int64{}
	for _, part := range []string{"day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year"} {
		got[part] = partOf(part, sunday)
	}
	want := map[string]int64{"day": 27, "week": 35, "month": 8, "quarter": 3, "year": 2023, "fiscal-period": 202303, "fiscal-year": 2023}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	opts := testOptions()
	opts.Location = time.FixedZone("", 2*60*60)
	q, err := fetchQuery(t, `<fetch aggregate="true"><entity name="contact"><attribute name="createdon" alias="d" groupby="true" dategrouping="day"/><attribute name="contactid" alias="n" aggregate="count"/><filter><condition attribute="firstname" operator="eq" value="Jose"/></filter></entity></fetch>`, opts)
	if err != nil {
		t.Fatal(err)
	}
	if row := read(t, q).Rows[0]; row[0] != int64(17) { // half past ten in the evening in UTC
		t.Errorf("day in the caller's zone = %v, want 17", row[0])
	}
	fiscal := Column{DateGrouping: "fiscal-period"}
	if got := fiscal.Text(int64(202301), Format{}); got != "Quarter 1 FY2023" {
		t.Errorf("fiscal period shown as %q", got)
	}
	if got := (Column{Aggregate: "count"}).JSON(int64(35200)); got != json.Number("35200") {
		t.Errorf("count = %v", got)
	}
}

func TestAggregateLimit(t *testing.T) {
	t.Parallel()
	q := mustFetch(t, `<fetch aggregate="true" aggregatelimit="3"><entity name="contact"><attribute name="contactid" alias="n" aggregate="count"/></entity></fetch>`)
	text, args := q.SQL()
	rows, err := testDB(t).QueryContext(context.Background(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if _, err := q.Read(rows); !errors.As(err, &refused) || refused.Code != code.AggregateQueryRecordLimitExceeded {
		t.Errorf("four records where three may be read: %v", err)
	}
}

func TestContainValues(t *testing.T) {
	t.Parallel()
	f := &schema.Field{LogicalName: "colours", Type: schema.MultiSelectPicklist, Readable: true}
	id := &schema.Field{LogicalName: "thingid", Type: schema.Uniqueidentifier, Readable: true}
	s := schema.New(&schema.Entity{LogicalName: "thing", EntitySetName: "things", PrimaryID: "thingid", Fields: []*schema.Field{id, f}})
	db := testDB(t)
	for _, statement := range CreateTables(s) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	for i, colours := range []any{"1,9", "19", nil} {
		column, err := Encode(s.Entity("thing"), f, colours)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`INSERT OR REPLACE INTO thing VALUES (?, ?)`, fmt.Sprint(i), column); err != nil {
			t.Fatal(err)
		}
	}
	for condition, want := range map[string]string{
		`operator="contain-values"><value>9</value><value>5</value>`: "0",
		`operator="contain-values"><value>19</value>`:                "1",
		`operator="not-contain-values"><value>9</value>`:             "1 2",
		`operator="eq" value="9,1">`:                                 "0",
		`operator="in"><value>9</value><value>1</value>`:             "0",
		`operator="null">`:                                           "2",
	} {
		document, err := fetchxml.Parse(`<fetch><entity name="thing"><filter><condition attribute="colours" ` + condition + `</condition></filter></entity></fetch>`)
		if err != nil {
			t.Fatal(err)
		}
		q, err := FromFetchXML(s, document, testOptions())
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		var got []string
		for _, row := range read(t, q).Rows {
			got = append(got, fmt.Sprint(row[0]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", condition, got, want)
		}
	}
}

// TestGoldenFetchXML shows what a statement of FetchXML looks like.
func TestGoldenFetchXML(t *testing.T) {
	t.Parallel()
	text, args := mustFetch(t, `<fetch count="10" page="2"><entity name="contact"><attribute name="fullname"/><order attribute="fullname"/>
		<filter type="or"><condition attribute="emailaddress1" operator="ne" value="x@y"/><condition entityname="a" attribute="name" operator="in"><value>A</value><value>B</value></condition></filter>
		<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"><attribute name="name"/>
			<filter><condition attribute="statecode" operator="eq" value="0"/></filter></link-entity></entity></fetch>`).SQL()
	want := `SELECT t0."fullname", t0."contactid", t0."versionnumber", t1."name", t0."fullname", t0."contactid" FROM "contact" AS t0 ` +
		`LEFT JOIN "account" AS t1 ON ((t1."accountid" = t0."parentcustomerid") AND (t1."statecode" = ?)) ` +
		`WHERE (((t0."emailaddress1" <> ?) OR (t0."emailaddress1" IS NULL)) OR (t1."name" IN (SELECT value FROM json_each(?)))) ` +
		`ORDER BY t0."fullname", t0."contactid" LIMIT ? OFFSET ?`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if got := fmt.Sprint(args); got != `[0 x@y ["A","B"] 11 10]` {
		t.Errorf("parameters %s", got)
	}
}
