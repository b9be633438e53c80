package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// fetchRow is a query that engines of others got wrong, and what Dataverse answers: the values of each row in the order of their
// names, a count, or an error code.
type fetchRow struct {
	name   string
	fetch  string // the attributes of <fetch>
	entity string // the root, "account" where it is ""
	inner  string
	want   string
}

// fetchRowRecords are four accounts, of which the first three stand one below the other, four contacts and four tasks.
func fetchRowRecords(c client) {
	account := func(n string) string { return "a9000000-0000-4000-8000-00000000000" + n }
	contact := func(n string) string { return "c9000000-0000-4000-8000-00000000000" + n }
	for _, body := range []string{
		`{"accountid":"` + account("1") + `","name":"Alpha","accountnumber":"10","industrycode":1,"numberofemployees":10,"creditonhold":true,"description":"a^b$c|d)e}\nf","telephone1":"Alpha"}`,
		`{"accountid":"` + account("2") + `","name":"Beta","accountnumber":"20","industrycode":2,"numberofemployees":20,"creditonhold":false,"parentaccountid@odata.bind":"/accounts(` + account("1") + `)"}`,
		`{"accountid":"` + account("3") + `","name":"gamma_x","parentaccountid@odata.bind":"/accounts(` + account("2") + `)","fax":"Gamma"}`,
		`{"accountid":"` + account("4") + `","name":"Delta[1]","accountnumber":"30","industrycode":1,"numberofemployees":5,"telephone1":"other"}`,
	} {
		c.create("accounts", body)
	}
	for n, body := range map[string]string{
		"1": `"lastname":"José","gendercode":1,"parentcustomerid_account@odata.bind":"/accounts(` + account("1") + `)"`,
		"2": `"lastname":"Ng","statecode":0,"parentcustomerid_account@odata.bind":"/accounts(` + account("1") + `)"`,
		"3": `"lastname":"Zed","parentcustomerid_account@odata.bind":"/accounts(` + account("2") + `)"`,
		"4": `"lastname":"Lone"`,
	} {
		c.create("contacts", `{"contactid":"`+contact(n)+`",`+body+`}`)
	}
	if status, _, b := c.send(http.MethodPatch, "contacts("+contact("2")+")", `{"statecode":1}`); status != http.StatusNoContent {
		c.t.Fatalf("%d %s", status, b)
	}
	for _, body := range []string{
		`{"subject":"T1","scheduledend":"2023-08-27T15:30:00Z","regardingobjectid_contact_task@odata.bind":"/contacts(` + contact("1") + `)"}`,
		`{"subject":"T2","scheduledend":"2023-09-30T23:59:59Z","regardingobjectid_contact_task@odata.bind":"/contacts(` + contact("1") + `)"}`,
		`{"subject":"T3","scheduledend":"2023-10-01T00:00:00Z","regardingobjectid_contact_task@odata.bind":"/contacts(` + contact("3") + `)"}`,
		`{"subject":"T4"}`,
	} {
		c.create("tasks", body)
	}
}

// attributesOf selects attributes and orders by the first of them.
func attributesOf(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, `<attribute name=%q/>`, name)
	}
	fmt.Fprintf(&b, `<order attribute=%q/>`, names[0])
	return b.String()
}

// where is a filter of one condition with values.
func where(attribute, operator string, values ...string) string {
	condition := fmt.Sprintf(`<condition attribute=%q operator=%q>`, attribute, operator)
	for _, v := range values {
		condition += "<value>" + v + "</value>"
	}
	return "<filter>" + condition + "</condition></filter>"
}

const (
	allAccounts  = "Alpha; Beta; Delta[1]; gamma_x"
	contactsOf   = `<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c" link-type="%s">%s</link-entity>`
	tasksOf      = `<link-entity name="task" from="regardingobjectid" to="contactid" alias="t" link-type="%s">%s</link-entity>`
	countOf      = `<attribute name="accountid" alias="n" aggregate="count"/>`
	employees    = `<attribute name="numberofemployees" alias="%s" aggregate="%s"/>`
	industry     = `<attribute name="industrycode" alias="i" groupby="true"/>`
	parentsOfTop = `<link-entity name="account" from="accountid" to="parentaccountid" alias="p" link-type="%s"><attribute name="name" alias="parent"/></link-entity>`
)

// fetchRows are numbered as the mistakes that are known of other engines; see the README.
func fetchRows() map[int][]fetchRow {
	name := attributesOf("name")
	rows := map[int][]fetchRow{
		1: {{inner: name + where("industrycode", "ne", "1"), want: "Beta; gamma_x"}, {inner: name + where("industrycode", "neq", "1"), want: "Beta; gamma_x"}},
		2: {{inner: name + where("accountnumber", "not-like", "1%"), want: "Beta; Delta[1]; gamma_x"}, {inner: name + where("industrycode", "not-in", "1", "2"), want: "gamma_x"}},
		4: {{inner: name + fmt.Sprintf(contactsOf, "outer", attributesOf("lastname")+where("lastname", "eq", "Zed")), want: "Alpha; Beta/Zed; Delta[1]; gamma_x"}},
		5: {{inner: name + `<filter type="or"><condition attribute="name" operator="eq" value="Delta[1]"/><condition entityname="c" attribute="lastname" operator="eq" value="Zed"/></filter>` + fmt.Sprintf(contactsOf, "outer", ""), want: "Beta; Delta[1]"}},
		6: {{inner: name + `<filter><condition entityname="c" attribute="gendercode" operator="null"/></filter>` + fmt.Sprintf(contactsOf, "inner", `<attribute name="lastname"/>`), want: "Alpha/Ng; Beta/Zed"}},
		7: {{inner: name + `<filter type="or"><condition attribute="name" operator="eq" value="gamma_x"/>` + fmt.Sprintf(contactsOf, "any", where("statecode", "eq", "1")) + `</filter>`, want: "Alpha; gamma_x"}},
		8: {{inner: name + fmt.Sprintf(contactsOf, "outer", attributesOf("lastname")+fmt.Sprintf(tasksOf, "outer", attributesOf("subject"))), want: "Alpha/José/T1; Alpha/José/T2; Alpha/Ng; Beta/Zed/T3; Delta[1]; gamma_x"}},
		9: {{entity: "contact", inner: attributesOf("lastname") + `<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"/>` + fmt.Sprintf(tasksOf, "inner", attributesOf("subject")), want: "José/T1; José/T2; Zed/T3"}},
		10: {{fetch: `distinct="true"`, inner: attributesOf("industrycode"), want: "; 1; 2"},
			{name: "on a link", fetch: `distinct="true"`, inner: attributesOf("name") + fmt.Sprintf(contactsOf, "inner", `<attribute name="statecode"/>`), want: "Alpha/0; Alpha/1; Beta/0"}},
		11: {{fetch: `count="1" returntotalrecordcount="true"`, inner: name + where("name", "not-null"), want: "Alpha (4)"}},
		12: {{inner: name + where("nothing", "eq", "1"), want: "0x80041103"}, {inner: name + fmt.Sprintf(contactsOf, "inner", where("nothing", "eq", "1")), want: "0x80041103"}},
		13: {{inner: name + where("industrycode", "eq", "1") + where("numberofemployees", "eq", "5"), want: "Delta[1]"},
			{name: "within a link", inner: name + fmt.Sprintf(contactsOf, "inner", `<filter type="or"><filter><condition attribute="lastname" operator="eq" value="Ng"/><condition attribute="statecode" operator="eq" value="0"/></filter><condition attribute="lastname" operator="eq" value="Zed"/></filter>`), want: "Beta"}},
		14: {{entity: "task", inner: attributesOf("subject") + where("scheduledend", "on", "2023-09-30"), want: "T2"}, {entity: "task", inner: attributesOf("subject") + where("scheduledend", "on-or-before", "2023-09-30T01:00:00Z"), want: "T1; T2"}},
		17: {{entity: "task", inner: attributesOf("subject") + where("scheduledend", "eq", "2023-08-27T17:30:00+02:00"), want: "T1"}, {entity: "task", inner: attributesOf("subject") + where("scheduledend", "eq", "2023-08-27T15:30:00"), want: "T1"}},
		18: {{inner: name + where("name", "eq", "ALPHA"), want: "Alpha"}, {inner: name + where("name", "like", "GAM%"), want: "gamma_x"}, {entity: "contact", inner: attributesOf("lastname") + where("lastname", "eq", "jose"), want: "José"}},
		19: {{inner: name + where("name", "like", "%l%a%"), want: "Alpha; Delta[1]"}, {inner: name + where("name", "like", "_eta"), want: "Beta"}, {inner: name + where("name", "like", "[a-b]%a"), want: "Alpha; Beta"},
			{inner: name + where("name", "like", "[^a-b]%"), want: "Delta[1]; gamma_x"}, {inner: name + where("name", "like", "%[_]%"), want: "gamma_x"}, {inner: name + where("name", "like", "%[[]1]"), want: "Delta[1]"}},
		20: {{inner: name + where("description", "like", "a^b$c|d)e}%f"), want: "Alpha"}},
		21: {{fetch: `aggregate="true"`, inner: fmt.Sprintf(employees, "a", "avg") + fmt.Sprintf(employees, "b", "min") + fmt.Sprintf(employees, "c", "max") + fmt.Sprintf(employees, "d", "countcolumn") + countOf, want: "11/5/20/3/4"}},
		22: {{fetch: `aggregate="true"`, inner: countOf + where("name", "eq", "nothing"), want: "0"}, {name: "but none for no groups", fetch: `aggregate="true"`, inner: countOf + industry + where("name", "eq", "nothing"), want: ""}},
		23: {{fetch: `aggregate="true"`, inner: industry + countOf, want: "1; 1/2; 2/1"}, {entity: "contact", fetch: `aggregate="true"`,
			inner: `<attribute name="contactid" alias="n" aggregate="count"/><attribute name="parentcustomerid" alias="a" groupby="true"/>`, want: "1; a9000000-0000-4000-8000-000000000001/2; a9000000-0000-4000-8000-000000000002/1"}},
		24: {{fetch: `aggregate="true"`, inner: `<attribute name="name" alias="a" groupby="true"/><order alias="a"/>` + fmt.Sprintf(contactsOf, "outer", `<attribute name="contactid" alias="n" aggregate="countcolumn"/><attribute name="lastname" alias="z" aggregate="max"/>`),
			want: "Alpha/2/Ng; Beta/1/Zed; Delta[1]/0; gamma_x/0"}},
		25: {{fetch: `aggregate="true"`, inner: countOf + industry + fmt.Sprintf(employees, "m", "max") + `<order alias="n" descending="true"/><order alias="m" descending="true"/>`, want: "1/10/2; 2/20/1; 1"}},
		26: {{entity: "task", fetch: `aggregate="true"`, inner: `<attribute name="activityid" alias="n" aggregate="count"/><attribute name="scheduledend" alias="w" groupby="true" dategrouping="week"/><attribute name="scheduledend" alias="x" groupby="true" dategrouping="fiscal-period"/>` + where("scheduledend", "not-null"),
			want: "1/35/202303; 1/39/202303; 1/40/202304"}},
		27: {{fetch: `aggregate="true"`, inner: `<attribute name="accountid" alias="count.accounts" aggregate="count"/>`, want: "0x80041109"}},
		29: {{inner: attributesOf("name", "accountnumber") + where("industrycode", "null"), want: "gamma_x"}},
		30: {{inner: name + where("name", "like"), want: "0x80041106"}, {inner: name + where("numberofemployees", "between", "1"), want: "0x80041106"}},
		31: {{inner: name + where("name", "lt", "BETB"), want: "Alpha; Beta"}, {inner: name + where("name", "gt", "delta"), want: "Delta[1]; gamma_x"}},
		32: {{inner: name + where("creditonhold", "eq", "1"), want: "Alpha"}, {inner: name + where("creditonhold", "eq", "true"), want: "Alpha"}, {inner: name + where("creditonhold", "eq", "0"), want: "Beta; Delta[1]; gamma_x"}},
		33: {{inner: name + `<filter><condition attribute="industrycode" operator="in" value=""><value>2</value></condition></filter>`, want: "Beta"}},
		34: {{fetch: `top="2"`, inner: `<attribute name="name"/><order attribute="name" descending="true"/>`, want: "gamma_x; Delta[1]"}, {fetch: `count="1" page="2"`, inner: name, want: "Beta"}},
		35: {{fetch: `top="2" page="1"`, inner: name, want: "0x80040203"}, {fetch: `top="2" count="1"`, inner: name, want: "0x80040203"}, {fetch: `top="2" returntotalrecordcount="true"`, inner: name, want: "0x80040203"}},
		36: {{entity: "task", inner: attributesOf("subject") + where("scheduledend", "in-fiscal-period-and-year", "3", "2023"), want: "T1; T2"}},
		37: {{entity: "task", inner: attributesOf("subject") + where("scheduledend", "in-fiscal-period-and-year", "4", "2023"), want: "T3"}},
		40: {{inner: name + `<filter type="or"><filter><condition attribute="name" operator="eq" value="Alpha"/><condition attribute="industrycode" operator="eq" value="2"/></filter><filter><condition attribute="industrycode" operator="eq" value="1"/>` +
			`<filter type="or"><condition attribute="numberofemployees" operator="eq" value="5"/><condition attribute="name" operator="eq" value="x"/></filter></filter></filter>`, want: "Delta[1]"}},
		41: {{inner: name + `<filter><condition attribute="name" operator="ne" valueof="t.subject"/><condition attribute="accountid" operator="eq" valueof="t2.regardingobjectid"/></filter>` +
			fmt.Sprintf(contactsOf, "inner", fmt.Sprintf(tasksOf, "inner", "")+strings.Replace(fmt.Sprintf(tasksOf, "inner", ""), `alias="t"`, `alias="t2"`, 1)), want: ""}},
		42: {{entity: "task", fetch: `aggregate="true"`, inner: `<attribute name="scheduledend" alias="d" groupby="true"/>`, want: "0x80041135"}},
		44: {{entity: "task", inner: attributesOf("subject") + where("scheduledend", "eq", "2023-08-27"), want: ""}, {entity: "task", inner: attributesOf("subject") + where("scheduledend", "on", "2023-08-27"), want: "T1"}},
		45: {{inner: name + `<filter><condition attribute="telephone1" operator="eq" value="Alpha" valueof="name"/></filter>`, want: ""}, {name: "nor in an or, nor negated", inner: name + `<filter type="or"><condition attribute="telephone1" operator="ne" value="" valueof="name"/><condition attribute="name" operator="eq" value="Beta"/></filter>`, want: "Beta"}},
		46: {{inner: name + fmt.Sprintf(parentsOfTop, "inner"), want: "Beta/Alpha; gamma_x/Beta"}},
		49: {{name: "ne: a left null counts", inner: name + `<filter><condition attribute="telephone1" operator="ne" valueof="name"/></filter>`, want: "Beta; Delta[1]; gamma_x"}, {name: "ne: a right null does not", inner: name + `<filter><condition attribute="name" operator="ne" valueof="telephone1"/></filter>`, want: "Delta[1]"},
			{name: "eq", inner: name + `<filter><condition attribute="telephone1" operator="eq" valueof="name"/></filter>`, want: "Alpha"}},
		50: {{fetch: `distinct="true"`, inner: attributesOf("creditonhold"), want: "false; true"}},
	}
	for _, operator := range []string{"not-begin-with", "not-end-with", "not-like"} {
		rows[3] = append(rows[3], fetchRow{name: operator, inner: name + where("accountnumber", operator, "9"), want: allAccounts})
	}
	rows[3] = append(rows[3], fetchRow{name: "not-between", inner: name + where("numberofemployees", "not-between", "1", "5"), want: "Alpha; Beta; gamma_x"}, fetchRow{name: "ne-businessid", inner: name + where("owninguser", "ne-userid"), want: ""})
	return rows
}

// TestFetchXMLOthersGetWrong runs what engines of others are known to get wrong.
func TestFetchXMLOthersGetWrong(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	fetchRowRecords(c)
	for n, rows := range fetchRows() {
		for i, row := range rows {
			t.Run(fmt.Sprintf("%d.%d %s", n, i+1, row.name), func(t *testing.T) {
				t.Parallel()
				c := c
				c.t = t
				if row.entity == "" {
					row.entity = "account"
				}
				if got := shownRows(c, row); got != row.want {
					t.Errorf("<fetch %s><entity name=%q>%s\ngives %q, want %q", row.fetch, row.entity, row.inner, got, row.want)
				}
			})
		}
	}
}

// shownRows is the answer to a row's query: the values of each record by the names of their properties, but the record ID, or the code of the error.
func shownRows(c client, row fetchRow) string {
	c.t.Helper()
	document := `<fetch ` + row.fetch + `><entity name="` + row.entity + `">` + row.inner + `</entity></fetch>`
	_, _, b := c.send(http.MethodGet, row.entity+"s?fetchXml="+url.QueryEscape(document), "")
	var answer struct {
		Error *struct{ Code string }
		Count *int `json:"@odata.count"`
		Value []map[string]any
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		c.t.Fatalf("%s: %v", b, err)
	}
	if answer.Error != nil {
		return answer.Error.Code
	}
	var shown []string
	for _, r := range answer.Value {
		names := make([]string, 0, len(r))
		for name := range r {
			if name != row.entity+"id" && name != "activityid" && name != "@odata.etag" {
				names = append(names, name)
			}
		}
		// the root's before the links', as they stand in the query
		slices.SortFunc(names, func(a, b string) int {
			return 2*(strings.Count(a, ".")-strings.Count(b, ".")) + strings.Compare(a, b)
		})
		var values []string
		for _, name := range names {
			values = append(values, fmt.Sprint(r[name]))
		}
		shown = append(shown, strings.Join(values, "/"))
	}
	text := strings.Join(shown, "; ")
	if answer.Count != nil {
		text += fmt.Sprintf(" (%d)", *answer.Count)
	}
	return text
}
