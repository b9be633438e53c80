package fetch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/actions/actionstest"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// ready reads a query over standard entities and hobbies, checks it and makes it ready.
func ready(text string) (*Query, []input.Fault) {
	fetch, fault := parse(text)
	if fault != nil {
		return nil, []input.Fault{*fault}
	}
	known := map[string]*schema.Entity{}
	names := []string{fetch.Entity.Name}
	for link := range AllLinks(&fetch.Entity.Contents) {
		names = append(names, link.Name)
	}
	for _, name := range names {
		known[name] = schema.Standard().Entity(name)
		if name == "new_person" {
			known[name] = actionstest.Hobbies()
		}
	}
	q, err := (&Queries{}).ready(fetch, known)
	return q, input.FaultsOf(err)
}

// mustReady is ready of a query without faults.
func mustReady(t testing.TB, text string) *Query {
	t.Helper()
	q, faults := ready(text)
	if len(faults) > 0 {
		t.Fatalf("%s has faults: %v", text, faults)
	}
	return q
}

// rendered is the query with these variables in it, as it would be sent.
func rendered(t testing.TB, q *Query, variables map[string]any) (string, []input.Fault) {
	t.Helper()
	fetch, faults, err := q.Render(t.Context(), Values{Variables: variables, Lookup: byID})
	if err != nil {
		t.Fatal(err)
	}
	return fetch.XML(), faults
}

// byID reads lookups that name their record by its ID.
func byID(_ context.Context, f *schema.Field, value any, o translate.Options) (dataverse.ID, *input.Fault, error) {
	if text, ok := value.(string); ok {
		value = map[string]any{"entity": f.Targets[0], "id": text}
	}
	l, fault := translate.ParseLookup(f, value, o)
	return l.ID, fault, nil
}

// wantRendered holds a query with these variables in it against another one.
func wantRendered(t testing.TB, name string, q *Query, variables map[string]any, want string) {
	t.Helper()
	got, faults := rendered(t, q, variables)
	if len(faults) > 0 {
		t.Errorf("%s: faults %v", name, faults)
		return
	}
	if diff := cmp.Diff(actionstest.Canonical(t, want), got); diff != "" {
		t.Errorf("%s: query (-want +got):\n%s", name, diff)
	}
}

func TestFetchIsMadeReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		text      string
		want      string
		orderedBy []string
	}{
		{
			"an order of one's own gets the primary key",
			`<fetch><entity name="contact"><attribute name="fullname"/><order attribute="createdon" descending="true"/></entity></fetch>`,
			`<fetch><entity name="contact"><attribute name="fullname"/><attribute name="contactid"/><order attribute="createdon" descending="true"/><order attribute="contactid"/></entity></fetch>`,
			[]string{"createdon desc", "contactid asc"},
		},
		{
			"no order is active first, then oldest, by number",
			`<fetch><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/></entity></fetch>`,
			`<fetch useraworderby="true"><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/><order attribute="statecode"/><order attribute="createdon"/><order attribute="contactid"/></entity></fetch>`,
			[]string{"statecode asc", "createdon asc", "contactid asc"},
		},
		{
			"top and count are replaced",
			`<fetch top="50" returntotalrecordcount="false"><entity name="contact"><attribute name="fullname"/><order attribute="contactid"/></entity></fetch>`,
			`<fetch><entity name="contact"><attribute name="fullname"/><attribute name="contactid"/><order attribute="contactid"/></entity></fetch>`,
			[]string{"contactid asc"},
		},
		{
			"nothing selected stays nothing selected",
			`<fetch><entity name="contact"><order attribute="contactid"/></entity></fetch>`,
			`<fetch><entity name="contact"><order attribute="contactid"/></entity></fetch>`,
			[]string{"contactid asc"},
		},
		{
			"all stays all",
			`<fetch><entity name="contact"><all-attributes/><order attribute="contactid"/></entity></fetch>`,
			`<fetch><entity name="contact"><all-attributes/><order attribute="contactid"/></entity></fetch>`,
			[]string{"contactid asc"},
		},
		{
			"orders of links become orders of the root",
			`<fetch><entity name="account"><attribute name="accountid"/><attribute name="name"/>` +
				`<link-entity name="systemuser" from="systemuserid" to="owninguser" alias="owner"><attribute name="fullname"/><order attribute="fullname" descending="true"/></link-entity>` +
				`<order attribute="name"/></entity></fetch>`,
			`<fetch><entity name="account"><attribute name="accountid"/><attribute name="name"/>` +
				`<order attribute="name"/><order entityname="owner" attribute="fullname" descending="true"/><order attribute="accountid"/>` +
				`<link-entity name="systemuser" from="systemuserid" to="owninguser" alias="owner"><attribute name="fullname"/></link-entity></entity></fetch>`,
			[]string{"name asc", "owner.fullname desc", "accountid asc"},
		},
		{
			"a link without an alias is named by its entity",
			`<fetch><entity name="account"><attribute name="accountid"/><attribute name="name"/>` +
				`<link-entity name="systemuser" from="systemuserid" to="owninguser"><order attribute="fullname"/></link-entity></entity></fetch>`,
			`<fetch><entity name="account"><attribute name="accountid"/><attribute name="name"/>` +
				`<order entityname="systemuser" attribute="fullname"/><order attribute="accountid"/>` +
				`<link-entity name="systemuser" from="systemuserid" to="owninguser"/></entity></fetch>`,
			[]string{"systemuser.fullname asc", "accountid asc"},
		},
		{
			"a link of several rows is ordered by its key",
			`<fetch><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/>` +
				`<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><attribute name="subject"/></link-entity>` +
				`<order attribute="fullname"/></entity></fetch>`,
			`<fetch><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/>` +
				`<order attribute="fullname"/><order attribute="contactid"/><order entityname="t" attribute="activityid"/>` +
				`<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"><attribute name="subject"/></link-entity></entity></fetch>`,
			[]string{"fullname asc", "contactid asc", "t.activityid asc"},
		},
		{
			"a link behind one of several rows is ordered by its key",
			`<fetch><entity name="systemuser"><attribute name="systemuserid"/><attribute name="fullname"/><order attribute="fullname"/>` +
				`<link-entity name="teammembership" from="systemuserid" to="systemuserid" intersect="true"><link-entity name="team" from="teamid" to="teamid" alias="t"><attribute name="name"/></link-entity></link-entity></entity></fetch>`,
			`<fetch><entity name="systemuser"><attribute name="systemuserid"/><attribute name="fullname"/><order attribute="fullname"/><order attribute="systemuserid"/><order entityname="t" attribute="teamid"/>` +
				`<link-entity name="teammembership" from="systemuserid" to="systemuserid" intersect="true"><link-entity name="team" from="teamid" to="teamid" alias="t"><attribute name="name"/></link-entity></link-entity></entity></fetch>`,
			[]string{"fullname asc", "systemuserid asc", "t.teamid asc"},
		},
		{
			"links that only test have no part in the order",
			`<fetch><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/><order attribute="contactid"/>` +
				`<link-entity name="incident" from="customerid" to="contactid" link-type="exists"><link-entity name="incident" from="parentcaseid" to="incidentid"><attribute name="title"/></link-entity></link-entity></entity></fetch>`,
			`<fetch><entity name="contact"><attribute name="contactid"/><attribute name="fullname"/><order attribute="contactid"/>` +
				`<link-entity name="incident" from="customerid" to="contactid" link-type="exists"><link-entity name="incident" from="parentcaseid" to="incidentid"><attribute name="title"/></link-entity></link-entity></entity></fetch>`,
			[]string{"contactid asc"},
		},
		{
			"a distinct query selects what it sorts by",
			`<fetch distinct="true"><entity name="contact"><attribute name="lastname"/></entity></fetch>`,
			`<fetch distinct="true" useraworderby="true"><entity name="contact"><attribute name="lastname"/><attribute name="contactid"/><attribute name="fullname"/><attribute name="statecode"/><attribute name="createdon"/>` +
				`<order attribute="statecode"/><order attribute="createdon"/><order attribute="contactid"/></entity></fetch>`,
			[]string{"statecode asc", "createdon asc", "contactid asc"},
		},
		{
			"an aggregate query stays as it is",
			`<fetch aggregate="true" top="5"><entity name="contact"><attribute name="contactid" aggregate="count" alias="n"/></entity></fetch>`,
			`<fetch aggregate="true" top="5"><entity name="contact"><attribute name="contactid" aggregate="count" alias="n"/></entity></fetch>`,
			nil,
		},
	} {
		q, faults := ready(c.text)
		if len(faults) > 0 {
			t.Errorf("%s: faults %v", c.name, faults)
			continue
		}
		if diff := cmp.Diff(actionstest.Canonical(t, c.want), q.fetch.XML()); diff != "" {
			t.Errorf("%s: query (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.orderedBy, q.OrderedBy); diff != "" {
			t.Errorf("%s: ordered by (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestFetchWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []WarningKind
	}{
		{"top", `<fetch top="5"><entity name="contact"/></fetch>`, []WarningKind{PagingReplaced}},
		{"count", `<fetch count="5" page="1"><entity name="contact"/></fetch>`, []WarningKind{PagingReplaced}},
		{"nothing", `<fetch><entity name="contact"/></fetch>`, nil},
		{
			"two links of one entity without an alias",
			`<fetch><entity name="account"><link-entity name="systemuser" from="systemuserid" to="owninguser"><order attribute="fullname"/></link-entity>` +
				`<link-entity name="systemuser" from="systemuserid" to="createdby"/></entity></fetch>`,
			[]WarningKind{OrderNotTotal},
		},
		{
			"two links of one entity and several rows without an alias",
			`<fetch><entity name="account"><link-entity name="contact" from="parentcustomerid" to="accountid"><attribute name="fullname"/></link-entity>` +
				`<link-entity name="contact" from="contactid" to="primarycontactid"/></entity></fetch>`,
			[]WarningKind{OrderNotTotal},
		},
		{
			"groups without an order",
			`<fetch aggregate="true"><entity name="contact"><attribute name="statecode" groupby="true" alias="s"/><attribute name="contactid" aggregate="count" alias="n"/></entity></fetch>`,
			[]WarningKind{OrderNotTotal},
		},
		{
			"groups in order",
			`<fetch aggregate="true"><entity name="contact"><attribute name="statecode" groupby="true" alias="s"/><order alias="s"/></entity></fetch>`,
			nil,
		},
	} {
		q, faults := ready(c.text)
		if len(faults) > 0 {
			t.Errorf("%s: faults %v", c.name, faults)
			continue
		}
		var got []WarningKind
		for _, w := range q.Warnings {
			got = append(got, w.Kind)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: warnings %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFetchFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		reason     input.Reason
		field      string
	}{
		{"no XML", "<fetch>", input.BadFetchXML, ""},
		{"no fetch", "hello", input.BadFetchXML, ""},
		{"unknown field", "<fetch>\n <entity name='contact'>\n  <attribute name='fulname'/></entity></fetch>", input.InvalidField, "fetch_xml:3:20"},
		{"unknown operator", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='is' value='x'/></filter></entity></fetch>", input.BadFetchXML, ""},
		{"second page", "<fetch page='2' count='5'><entity name='contact'/></fetch>", input.BadFetchXML, "fetch_xml:1:14"},
		{"cookie", "<fetch paging-cookie='&lt;cookie/&gt;'><entity name='contact'/></fetch>", input.BadFetchXML, ""},
		{"when-set of a text", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='eq' value='{{x}}'\n when-set='y'/></filter></entity></fetch>", input.BadTemplate, "fetch_xml:2:12"},
		{"when-set of nothing", "<fetch><entity name='contact'><filter when-set=''><condition attribute='fullname' operator='eq' value='{{x}}'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"when-set of an output and more", "<fetch><entity name='contact'><filter when-set='{{x}} '><condition attribute='fullname' operator='not-null'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"when-set of two outputs", "<fetch><entity name='contact'><filter when-set='{{x}}{{y}}'><condition attribute='fullname' operator='not-null'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"when-set that does not parse", "<fetch><entity name='contact'><filter when-set='{{ x | nope }}'><condition attribute='fullname' operator='not-null'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"when-set of a link", "<fetch><entity name='contact'><link-entity name='task' from='regardingobjectid' to='contactid' when-set='{{x}}'/></entity></fetch>", input.BadTemplate, ""},
		{"output as an entity", "<fetch><entity name='{{x}}'/></fetch>", input.BadTemplate, "fetch_xml:1:22"},
		{"output as a field", "<fetch><entity name='contact'>\n<attribute name='{{x}}'/></entity></fetch>", input.BadTemplate, "fetch_xml:2:18"},
		{"output as an operator", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='{{x}}' value='x'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"output as a condition's field", "<fetch><entity name='contact'><filter><condition attribute='{{x}}' operator='eq' value='x'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"output as valueof", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='eq' valueof='{{x}}'/></filter></entity></fetch>", input.BadTemplate, ""},
		{"output as a direction", "<fetch><entity name='contact'><order attribute='fullname' descending='{{x}}'/></entity></fetch>", input.BadTemplate, ""},
		{"output as top", "<fetch top='{{x}}'><entity name='contact'/></fetch>", input.BadTemplate, ""},
		{"output as an alias", "<fetch><entity name='contact'><attribute name='fullname' alias='{{x}}'/></entity></fetch>", input.BadTemplate, ""},
		{"output as text", "<fetch><entity name='contact'>{{x}}</entity></fetch>", input.BadTemplate, ""},
		{"output as an attribute", "<fetch><entity name='contact'><filter>\n<condition {{x}}/></filter></entity></fetch>", input.BadTemplate, "fetch_xml:2:12"},
		{"output as an element", "<fetch><entity name='contact'><{{x}}/></entity></fetch>", input.BadTemplate, "fetch_xml:1:32"},
		{"output without quotes", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='eq' value={{x}}/></filter></entity></fetch>", input.BadTemplate, ""},
		{"quotes inside quotes", `<fetch><entity name="contact"><filter><condition attribute="fullname" operator="eq" value="{{ x | default: "a" }}"/></filter></entity></fetch>`, input.BadTemplate, ""},
		{"output behind a value", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='in'><value>a</value>{{x}}</condition></filter></entity></fetch>", input.BadTemplate, ""},
		{"output before the query", "{{x}}<fetch><entity name='contact'/></fetch>", input.BadTemplate, "fetch_xml:1:1"},
		{"one value for two", "<fetch><entity name='contact'><filter><condition attribute='numberofchildren' operator='between' value='1'/></filter></entity></fetch>", input.BadFetchXML, ""},
		{"tag", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='eq'\n value='{% if x %}'/></filter></entity></fetch>", input.BadTemplate, "fetch_xml:2:9"},
		{"unclosed", "<fetch><entity name='contact'><filter><condition attribute='fullname' operator='in'><value>a</value><value>{{ x</value></condition></filter></entity></fetch>", input.BadTemplate, ""},
	} {
		_, faults := ready(c.text)
		if len(faults) == 0 {
			t.Errorf("%s: no fault, want %s", c.name, c.reason)
			continue
		}
		f := faults[0]
		if f.Reason != c.reason || c.field != "" && f.Field != c.field || !strings.HasPrefix(f.Field, "fetch_xml:") {
			t.Errorf("%s: %s at %s (%s), want %s at %s", c.name, f.Reason, f.Field, f.Message, c.reason, c.field)
		}
	}
}

func TestUnknownFieldOfAQueryNamesTheNearest(t *testing.T) {
	t.Parallel()
	_, faults := ready(`<fetch><entity name="contact"><attribute name="fulname"/></entity></fetch>`)
	if len(faults) != 1 || !slices.Contains(faults[0].Nearest, "fullname") || !strings.HasPrefix(faults[0].Message, `contact has no field "fulname"; the nearest are fullname`) {
		t.Errorf("faults = %v, want fullname as the nearest", faults)
	}
}

// conditioned is a query over hobbies with one condition.
func conditioned(condition string) string {
	return `<fetch><entity name="new_person"><attribute name="new_personid"/><attribute name="new_name"/><filter>` + condition + `</filter><order attribute="new_personid"/></entity></fetch>`
}

func TestOperandsAreTranslated(t *testing.T) {
	t.Parallel()
	variables := map[string]any{
		"name": `Smith & "Sons" <x>`, "pattern": "50% [a_b]", "label": "green", "yes": true, "age": 42.0, "big": "9007199254740993", "id": "{" + strings.ToUpper(actionstest.GUID) + "}",
		"boss": map[string]any{"entity": "new_person", "id": actionstest.GUID, "name": nil}, "labels": []any{"Red", 2.0}, "hobbies": []any{"Golf", "Tennis"},
		"day": "2026-05-17", "moment": "2026-05-17T15:30:00+02:00", "names": []any{"a", "b"}, "range": []any{1.0, 9.0},
	}
	for _, c := range []struct{ name, condition, want string }{
		{"text", `<condition attribute="new_name" operator="eq" value="{{name}}"/>`, `<condition attribute="new_name" operator="eq" value="Smith &amp; &quot;Sons&quot; &lt;x>"/>`},
		{"mixed text", `<condition attribute="new_name" operator="eq" value="Mr {{name}}"/>`, `<condition attribute="new_name" operator="eq" value="Mr Smith &amp; &quot;Sons&quot; &lt;x>"/>`},
		{"wildcards of a variable are literal", `<condition attribute="new_name" operator="like" value="%{{pattern}}_"/>`, `<condition attribute="new_name" operator="like" value="%50[%] [[]a[_]b]_"/>`},
		{"begins-with", `<condition attribute="new_name" operator="begins-with" value="{{pattern}}"/>`, `<condition attribute="new_name" operator="begins-with" value="50[%] [[]a[_]b]"/>`},
		{"not-end-with", `<condition attribute="new_name" operator="not-end-with" value="{{pattern}}"/>`, `<condition attribute="new_name" operator="not-end-with" value="50[%] [[]a[_]b]"/>`},
		{"eq knows no wildcards", `<condition attribute="new_name" operator="eq" value="{{pattern}}"/>`, `<condition attribute="new_name" operator="eq" value="50% [a_b]"/>`},
		{"choice", `<condition attribute="new_color" operator="eq" value="{{label}}"/>`, `<condition attribute="new_color" operator="eq" value="2"/>`},
		{"list of choices", `<condition attribute="new_color" operator="in" value="{{labels}}"/>`, `<condition attribute="new_color" operator="in"><value>1</value><value>2</value></condition>`},
		{"list beside the author's own", `<condition attribute="new_name" operator="in"><value>x</value><value>{{names}}</value></condition>`, `<condition attribute="new_name" operator="in"><value>x</value><value>a</value><value>b</value></condition>`},
		{"one of a set", `<condition attribute="new_name" operator="in"><value>{{name}}</value></condition>`, `<condition attribute="new_name" operator="in"><value>Smith &amp; "Sons" &lt;x></value></condition>`},
		{"multi-select", `<condition attribute="new_hobbies" operator="contain-values"><value>{{hobbies}}</value></condition>`, `<condition attribute="new_hobbies" operator="contain-values"><value>1</value><value>3</value></condition>`},
		{"between", `<condition attribute="new_age" operator="between"><value>{{age}}</value><value>99</value></condition>`, `<condition attribute="new_age" operator="between"><value>42</value><value>99</value></condition>`},
		{"between a list's", `<condition attribute="new_age" operator="between" value="{{range}}"/>`, `<condition attribute="new_age" operator="between"><value>1</value><value>9</value></condition>`},
		{"in CDATA", `<condition attribute="new_name" operator="in"><value><![CDATA[{{name}}]]></value></condition>`, `<condition attribute="new_name" operator="in"><value>Smith &amp; "Sons" &lt;x></value></condition>`},
		{"yes", `<condition attribute="new_vip" operator="eq" value="{{yes}}"/>`, `<condition attribute="new_vip" operator="eq" value="1"/>`},
		{"number", `<condition attribute="new_age" operator="gt" value="{{age}}"/>`, `<condition attribute="new_age" operator="gt" value="42"/>`},
		{"64 bits", `<condition attribute="new_big" operator="eq" value="{{big}}"/>`, `<condition attribute="new_big" operator="eq" value="9007199254740993"/>`},
		{"record ID", `<condition attribute="new_personid" operator="eq" value="{{id}}"/>`, `<condition attribute="new_personid" operator="eq" value="` + actionstest.GUID + `"/>`},
		{"reference as a record ID", `<condition attribute="new_personid" operator="eq" value="{{boss}}"/>`, `<condition attribute="new_personid" operator="eq" value="` + actionstest.GUID + `"/>`},
		{"lookup", `<condition attribute="new_boss" operator="eq" value="{{id}}"/>`, `<condition attribute="new_boss" operator="eq" value="` + actionstest.GUID + `"/>`},
		{"reference", `<condition attribute="new_customer" operator="ne" value="{{boss.id}}"/>`, `<condition attribute="new_customer" operator="ne" value="` + actionstest.GUID + `"/>`},
		{"day", `<condition attribute="new_born" operator="eq" value="{{day}}"/>`, `<condition attribute="new_born" operator="eq" value="2026-05-17"/>`},
		{"moment", `<condition attribute="new_met" operator="ge" value="{{moment}}"/>`, `<condition attribute="new_met" operator="ge" value="2026-05-17T13:30:00Z"/>`},
		{"on the day that is written", `<condition attribute="new_met" operator="on" value="{{moment}}"/>`, `<condition attribute="new_met" operator="on" value="2026-05-17"/>`},
		{"days", `<condition attribute="new_met" operator="last-x-days" value="{{age}}"/>`, `<condition attribute="new_met" operator="last-x-days" value="42"/>`},
		{"no output stays as it is written", `<condition attribute="new_color" operator="eq" value=" 1"/>`, `<condition attribute="new_color" operator="eq" value=" 1"/>`},
	} {
		q, faults := ready(conditioned(c.condition))
		if len(faults) > 0 {
			t.Errorf("%s: faults %v", c.name, faults)
			continue
		}
		wantRendered(t, c.name, q, variables, conditioned(c.want))
	}
}

func TestOperandFaults(t *testing.T) {
	t.Parallel()
	variables := map[string]any{
		"null": nil, "blank": " ", "empty": "", "none": []any{}, "holes": []any{"a", nil}, "names": []any{"a", "b"}, "control": "a\x01b", "bytes": "a\xffb", "object": map[string]any{"a": 1.0}, "name": "Ada", "five": 5.0,
	}
	for _, c := range []struct {
		name, condition string
		reason          input.Reason
	}{
		{"unset", `<condition attribute="new_name" operator="eq" value="{{nobody}}"/>`, input.VariableUnset},
		{"null", `<condition attribute="new_name" operator="eq" value="{{null}}"/>`, input.VariableUnset},
		{"blank", `<condition attribute="new_name" operator="eq" value="{{blank}}"/>`, input.VariableUnset},
		{"empty", `<condition attribute="new_name" operator="eq" value="{{empty}}"/>`, input.VariableUnset},
		{"empty pattern", `<condition attribute="new_name" operator="like" value="%{{empty}}%"/>`, input.VariableUnset},
		{"null pattern", `<condition attribute="new_name" operator="like" value="%{{null}}%"/>`, input.VariableUnset},
		{"empty list", `<condition attribute="new_name" operator="in" value="{{none}}"/>`, input.VariableUnset},
		{"list with a hole", `<condition attribute="new_name" operator="in" value="{{holes}}"/>`, input.VariableUnset},
		{"list for one value", `<condition attribute="new_name" operator="eq" value="{{names}}"/>`, input.InvalidValue},
		{"list of three for two", `<condition attribute="new_name" operator="between"><value>{{names}}</value><value>c</value></condition>`, input.InvalidValue},
		{"one for two", `<condition attribute="new_age" operator="between" value="{{five}}"/>`, input.InvalidValue},
		{"control character", `<condition attribute="new_name" operator="eq" value="{{control}}"/>`, input.InvalidValue},
		{"not UTF-8", `<condition attribute="new_name" operator="eq" value="{{bytes}}"/>`, input.InvalidValue},
		{"object", `<condition attribute="new_name" operator="like" value="{{object}}"/>`, input.InvalidValue},
		{"wrong label", `<condition attribute="new_color" operator="eq" value="{{name}}"/>`, input.InvalidValue},
		{"no GUID", `<condition attribute="new_boss" operator="eq" value="{{name}}"/>`, input.InvalidValue},
		{"no record ID", `<condition attribute="new_personid" operator="eq" value="{{name}}"/>`, input.InvalidValue},
		{"no number of days", `<condition attribute="new_met" operator="last-x-days" value="{{name}}"/>`, input.InvalidValue},
		{"no day", `<condition attribute="new_met" operator="on" value="{{name}}"/>`, input.InvalidValue},
		{"no offset", `<condition attribute="new_met" operator="ge" value="2026-05-17T{{name}}"/>`, input.InvalidValue},
	} {
		_, faults := rendered(t, mustReady(t, conditioned(c.condition)), variables)
		if len(faults) != 1 || faults[0].Reason != c.reason || !strings.HasPrefix(faults[0].Field, "fetch_xml:1:") {
			t.Errorf("%s: faults = %v, want %s", c.name, faults, c.reason)
		}
	}
}

func TestAFaultyTemplateIsPlacedInTheWholeQuery(t *testing.T) {
	t.Parallel()
	_, faults := ready("<fetch><entity name='contact'><filter>\n<condition attribute='fullname' operator='eq' value='ab {{ x | nofilter }}'/></filter></entity></fetch>")
	if len(faults) != 1 || faults[0].Reason != input.BadTemplate || faults[0].Field != "fetch_xml:2:64" {
		t.Errorf("faults = %v, want BAD_TEMPLATE in line 2", faults)
	}
}

func TestConditionsOfLinksAreTranslatedByTheirEntity(t *testing.T) {
	t.Parallel()
	text := `<fetch><entity name="account"><attribute name="accountid"/><attribute name="name"/><filter>` +
		`<condition entityname="c" attribute="preferredcontactmethodcode" operator="eq" value="{{how}}"/>` +
		`<link-entity name="task" from="regardingobjectid" to="accountid" link-type="any"><filter><condition attribute="prioritycode" operator="eq" value="{{priority}}"/></filter></link-entity></filter>` +
		`<link-entity name="contact" from="contactid" to="primarycontactid" alias="c"><filter type="or"><filter><condition attribute="preferredcontactmethodcode" operator="eq" value="{{how}}"/></filter></filter></link-entity></entity></fetch>`
	got, faults := rendered(t, mustReady(t, text), map[string]any{"how": "Email", "priority": "High"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if strings.Count(got, `attribute="preferredcontactmethodcode" operator="eq" value="2"`) != 2 || !strings.Contains(got, `attribute="prioritycode" operator="eq" value="2"`) {
		t.Errorf("query = %s, want the numbers of the labels", got)
	}
}

func TestSourcesOfAQuery(t *testing.T) {
	t.Parallel()
	q := mustReady(t, `<fetch><entity name="account"><attribute name="name"/><attribute name="ownerid"/><attribute name="telephone1" alias="phone"/>`+
		`<link-entity name="systemuser" from="systemuserid" to="owninguser" alias="owner"><attribute name="fullname"/><attribute name="title" alias="job"/><attribute name="parentsystemuserid"/></link-entity>`+
		`<link-entity name="contact" from="contactid" to="primarycontactid"><attribute name="emailaddress1"/></link-entity>`+
		`<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="exists" alias="tested"><attribute name="fullname"/>`+
		`<link-entity name="incident" from="customerid" to="contactid" alias="below"><attribute name="title"/></link-entity></link-entity></entity></fetch>`)
	for source, property := range map[string]string{
		"accountid": "accountid", "name": "name", "ownerid": "_ownerid_value", "phone": "phone", "job": "job",
		"owner.fullname": "owner.fullname", "owner.parentsystemuserid": "owner.parentsystemuserid",
	} {
		c, fault := q.Column(source, "save.x")
		if fault != nil || c.Property != property {
			t.Errorf("%s: property %q, fault %v, want %s", source, c.Property, fault, property)
		}
	}
	for source, nearest := range map[string]string{"telephone1": "", "owner.title": "", "title": "", "owner.fulname": "owner.fullname", "nam": "name", "owner.job": "", "tested.fullname": "", "below.title": ""} {
		_, fault := q.Column(source, "save.x")
		if fault == nil || fault.Reason != input.InvalidField || nearest != "" && !slices.Contains(fault.Nearest, nearest) {
			t.Errorf("%s: fault %v, want INVALID_FIELD with the nearest %s", source, fault, nearest)
		}
	}
	all := mustReady(t, `<fetch><entity name="account"/></fetch>`)
	if _, fault := all.Column("telephone1", "save.x"); fault != nil {
		t.Errorf("a query that selects nothing selects all: %v", fault)
	}
}

func TestRenderingLeavesTheQueryAlone(t *testing.T) {
	t.Parallel()
	q := mustReady(t, conditioned(`<condition attribute="new_name" operator="in" value="{{names}}"/>`))
	before := q.fetch.XML()
	first, _ := rendered(t, q, map[string]any{"names": []any{"a", "b"}})
	second, _ := rendered(t, q, map[string]any{"names": "c"})
	if q.fetch.XML() != before || first == second {
		t.Errorf("the query became %s, was %s", q.fetch.XML(), before)
	}
}

func TestNoVariableChangesAQuery(t *testing.T) {
	t.Parallel()
	q := mustReady(t, conditioned(`<condition attribute="new_name" operator="eq" value="{{v}}"/>`+
		`<condition attribute="new_note" operator="like" value="%{{v}}%"/>`+
		`<filter type="or"><condition attribute="new_name" operator="in"><value>{{v}}</value><value>{{list}}</value></condition></filter>`))
	rapid.Check(t, func(rt *rapid.T) {
		value := actionstest.Hostile().Draw(rt, "value")
		text, faults := rendered(t, q, map[string]any{"v": value, "list": []any{value, "b"}})
		if len(faults) > 0 {
			if unprintable := input.CheckPrintable(value, "") != nil; !unprintable && !input.Blank(value) {
				rt.Fatalf("%q was refused: %v", value, faults)
			}
			return
		}
		back, err := fetchxml.Parse(text)
		if err != nil {
			rt.Fatalf("%q made a query that does not parse: %v\n%s", value, err, text)
		}
		conditions := conditionsOf(back)
		want := [][]string{{value}, {"%" + escapeLike(value) + "%"}, {value, value, "b"}}
		for i, c := range conditions {
			if got := operandsOf(c); !slices.Equal(got, want[i]) {
				rt.Fatalf("%q made the operands %q, want %q", value, got, want[i])
			}
			c.Value, c.HasValue, c.Values = "", true, nil
		}
		if got := back.XML(); got != withoutValues(rt, q.fetch) {
			rt.Fatalf("%q made another query:\n%s\nwant\n%s", value, got, withoutValues(rt, q.fetch))
		}
	})
}

func operandsOf(c *fetchxml.Condition) []string {
	var texts []string
	for _, o := range c.Operands() {
		texts = append(texts, o.Text)
	}
	return texts
}

// withoutValues is a query with all operands blanked.
func withoutValues(t *rapid.T, fetch *fetchxml.Fetch) string {
	c := fetch.Clone()
	for _, condition := range conditionsOf(c) {
		condition.Value, condition.HasValue, condition.Values = "", true, nil
	}
	return c.XML()
}

func TestLiteralPatternsMatchThemselves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("%_[]^-ab"))).Draw(t, "text")
		if got := unescapeLike(t, escapeLike(text)); got != text {
			t.Fatalf("the pattern for %q matches %q only", text, got)
		}
	})
}

// unescapeLike is the one text that a pattern without wildcards matches.
func unescapeLike(t *rapid.T, pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '[':
			if i+2 >= len(pattern) || pattern[i+2] != ']' {
				t.Fatalf("%q has a set", pattern)
			}
			b.WriteByte(pattern[i+1])
			i += 2
		case '%', '_':
			t.Fatalf("%q has a wildcard", pattern)
		default:
			b.WriteByte(pattern[i])
		}
	}
	return b.String()
}

func TestFetchCacheForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	var c cache
	first := cacheKey{text: "first"}
	c.put(first, &Query{})
	for i := range 2 * maxQueries {
		c.put(cacheKey{text: strings.Repeat("x", i)}, &Query{})
	}
	if c.get(first) != nil {
		t.Error("a query is kept behind the bound")
	}
	kept := cacheKey{text: "kept"}
	q := &Query{}
	c.put(kept, q)
	for i := range 3 * maxQueries {
		c.put(cacheKey{environment: "e", text: strings.Repeat("y", i%1000)}, &Query{})
		if c.get(kept) != q {
			t.Fatalf("a query in use was forgotten after %d others", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxQueries {
		t.Errorf("%d queries are kept, want at most %d", n, 2*maxQueries)
	}
}

func TestEntityMismatch(t *testing.T) {
	t.Parallel()
	fetch, fault := parse("<fetch>\n<entity name='account'/></fetch>")
	if fault != nil {
		t.Fatal(fault)
	}
	_, err := (&Queries{}).compile(t.Context(), nil, schema.Standard().Entity("contact"), fetch)
	var refused *input.Error
	if !errors.As(err, &refused) || refused.Faults[0].Reason != input.EntityMismatch || refused.Faults[0].Field != "fetch_xml:2:15" {
		t.Errorf("error = %v, want ENTITY_MISMATCH at 2:15", err)
	}
	fetch, _ = parse("<fetch><entity name='Contact'/></fetch>")
	_, err = (&Queries{}).compile(t.Context(), nil, schema.Standard().Entity("contact"), fetch)
	if !errors.As(err, &refused) || !strings.Contains(refused.Faults[0].Message, "lower case") {
		t.Errorf("error = %v, want it to say that names are in lower case", err)
	}
}
