package fetchxml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/fetchxml"
)

// places is what two trees of the same meaning may differ in.
var places = cmp.Options{
	cmpopts.IgnoreFields(fetchxml.Node{}, "Pos", "Attrs"), cmpopts.IgnoreFields(fetchxml.Condition{}, "ValuePos"),
	cmpopts.IgnoreFields(fetchxml.Text{}, "Pos"), cmpopts.IgnoreFields(fetchxml.Attr{}, "Pos"), cmpopts.EquateEmpty(),
}

func parse(t *testing.T, text string) *fetchxml.Fetch {
	t.Helper()
	f, err := fetchxml.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

func number(n int) *int { return &n }

func texts(values ...string) []fetchxml.Text {
	var list []fetchxml.Text
	for _, v := range values {
		list = append(list, fetchxml.Text{Text: v})
	}
	return list
}

// TestParseShape reads the document that shows FetchXML's shape (FetchXML reference), with all kinds of children mixed.
func TestParseShape(t *testing.T) {
	t.Parallel()
	got := parse(t, `<?xml version="1.0" encoding="utf-16"?>
<!-- made by an editor --><?tool x?>
<fetch top="20" version="1.0" mapping='logical' output-format="xml-platform" no-lock="false" xmlns:generator="MarkMpn.SQL4CDS" generator:x="1">
  <entity name="ticket">
    <attribute name="title" />
    <order attribute="createdon" descending="true" />
    <filter type="and">
      <condition attribute="statecode" operator="eq" value="0" uiname="Open" uitype="state" uihidden="0" />
      <filter type="or">
        <condition attribute="severity" operator="in"><value>1</value><value uiname="x"> 2 &amp; 3<![CDATA[ <4> ]]></value></condition>
        <condition entityname="c" attribute="tier" operator="eq" value="" />
      </filter>
    </filter>
    <attribute name="ticketid" alias="id" addedby="x"/>
    <link-entity name="customer" from="customerid" to="customerid" link-type="outer" alias="c" visible="false">
      <all-attributes />
      <filter><link-entity name="order" from="customerid" to="customerid" link-type="not any"/></filter>
    </link-entity>
    <filter when-set="{{ x }}"><condition attribute="a" operator="on" value="{{ day }}" when-set="{{day}}"/></filter>
  </entity>
</fetch>
<!-- the end -->
`)
	want := &fetchxml.Fetch{
		Top: number(20),
		Entity: &fetchxml.Entity{Name: "ticket", Contents: fetchxml.Contents{
			Attributes: []fetchxml.Attribute{{Name: "title"}, {Name: "ticketid", Alias: "id"}},
			Orders:     []fetchxml.Order{{Attribute: "createdon", Descending: true}},
			Filters: []*fetchxml.Filter{
				{
					Type:       "and",
					Conditions: []*fetchxml.Condition{{Attribute: "statecode", Operator: "eq", Value: "0", HasValue: true}},
					Filters: []*fetchxml.Filter{{Type: "or", Conditions: []*fetchxml.Condition{
						{Attribute: "severity", Operator: "in", Values: texts("1", " 2 & 3 <4> ")},
						{EntityName: "c", Attribute: "tier", Operator: "eq", HasValue: true},
					}}},
				},
				{Type: "and", WhenSet: "{{ x }}", Conditions: []*fetchxml.Condition{{Attribute: "a", Operator: "on", Value: "{{ day }}", HasValue: true, WhenSet: "{{day}}"}}},
			},
			Links: []*fetchxml.Link{{
				Name: "customer", From: "customerid", To: "customerid", LinkType: "outer", Alias: "c",
				Contents: fetchxml.Contents{AllAttributes: true, Filters: []*fetchxml.Filter{{
					Type: "and", Links: []*fetchxml.Link{{Name: "order", From: "customerid", To: "customerid", LinkType: "not any"}},
				}}},
			}},
		}},
	}
	if diff := cmp.Diff(want, got, places); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseFetchAttributes(t *testing.T) {
	t.Parallel()
	got := parse(t, `<fetch count="9000" page="2" paging-cookie="&lt;cookie page=&quot;1&quot;/&gt;" distinct="1" aggregate="true" aggregatelimit="100" returntotalrecordcount="true"
		no-lock="true" latematerialize="1" useraworderby="true" datasource="retained" options="LoopJoin" min-active-row-version="0" new-option="x"><entity name="a"/></fetch>`)
	want := &fetchxml.Fetch{
		Count: number(9000), Page: number(2), PagingCookie: `<cookie page="1"/>`, Distinct: true, Aggregate: true, AggregateLimit: number(100), ReturnTotalRecordCount: true,
		NoLock: true, LateMaterialize: true, UseRawOrderBy: true, DataSource: "retained", Options: "LoopJoin", Entity: &fetchxml.Entity{Name: "a"},
		Node: fetchxml.Node{Extra: []fetchxml.Attr{{Element: "fetch", Name: "new-option", Value: "x"}}},
	}
	if diff := cmp.Diff(want, got, places); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseAggregateAttributes(t *testing.T) {
	t.Parallel()
	no := false
	got := parse(t, `<fetch aggregate="true"><entity name="a"><attribute name="b" alias="c" aggregate="countcolumn" distinct="true"/>
		<attribute name="d" alias="e" groupby="true" dategrouping="fiscal-year" usertimezone="false"/><attribute name="f" alias="g" rowaggregate="CountChildren"/><order alias="c"/></entity></fetch>`).Entity
	want := []fetchxml.Attribute{
		{Name: "b", Alias: "c", Aggregate: "countcolumn", Distinct: true},
		{Name: "d", Alias: "e", GroupBy: true, DateGrouping: "fiscal-year", UserTimeZone: &no},
		{Name: "f", Alias: "g", RowAggregate: "CountChildren"},
	}
	if diff := cmp.Diff(want, got.Attributes, places); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]fetchxml.Order{{Alias: "c"}}, got.Orders, places); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	f := parse(t, "\ufeff<fetch>\r\n  <entity name='é'>\n\t<filter>\n<condition attribute = \"ü\" operator='in'\n  value='é{{x}}'>\n<value>  one</value><value/><value><!-- --><![CDATA[two]]></value></condition></filter></entity></fetch>")
	c := f.Entity.Filters[0].Conditions[0]
	tests := []struct {
		name      string
		got, want fetchxml.Pos
	}{
		{"fetch", f.Pos, fetchxml.Pos{Line: 1, Column: 1}},
		{"entity", f.Entity.Pos, fetchxml.Pos{Line: 2, Column: 3}},
		{"entity's name", f.Entity.PosOf("name"), fetchxml.Pos{Line: 2, Column: 17}},
		{"filter", f.Entity.Filters[0].Pos, fetchxml.Pos{Line: 3, Column: 2}}, // a tab is one column
		{"condition", c.Pos, fetchxml.Pos{Line: 4, Column: 1}},
		{"attribute", c.PosOf("attribute"), fetchxml.Pos{Line: 4, Column: 25}},
		{"operator", c.PosOf("operator"), fetchxml.Pos{Line: 4, Column: 38}}, // columns count characters
		{"value", c.ValuePos, fetchxml.Pos{Line: 5, Column: 10}},
		{"what is not there", c.PosOf("valueof"), c.Pos},
		{"first value", c.Values[0].Pos, fetchxml.Pos{Line: 6, Column: 8}},
		{"empty value", c.Values[1].Pos, fetchxml.Pos{Line: 6, Column: 21}},
		{"CDATA", c.Values[2].Pos, fetchxml.Pos{Line: 6, Column: 53}},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s is at %v, want %v", test.name, test.got, test.want)
		}
	}
}

func TestAttributeWhiteSpace(t *testing.T) {
	t.Parallel()
	c := parse(t, "<fetch><entity name='a'><filter><condition attribute='b' operator='eq' value='1\n2\t3&#10;4\"5\r\n6'/></filter></entity></fetch>").Entity.Filters[0].Conditions[0]
	if want := "1 2 3\n4\"5 6"; c.Value != want {
		t.Errorf("value %q, want %q: a line break as such is a space, a reference is not", c.Value, want)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	entity := func(inside string) string { return "<fetch><entity name='a'>" + inside + "</entity></fetch>" }
	filter := func(inside string) string { return entity("<filter>" + inside + "</filter>") }
	tests := []struct {
		name, text string
		code       code.Code
		at         string // line:column
		message    string
	}{
		{"empty", " \n ", code.EmptyXML, "1:1", "empty"},
		{"too long", "<fetch>" + strings.Repeat(" ", 256<<10), code.RequestLengthTooLarge, "1:1", "262144"},
		{"only a comment", "<!-- x -->", code.QueryBuilderNoDocumentElement, "1:11", "no element"},
		{"text", "hello", code.InvalidXML, "1:1", ""},
		{"not XML", "<fetch>\n  <entity name='a'></fetch>", code.InvalidXML, "2:28", "closed by </fetch>"},
		{"broken off", "<fetch><entity name='a'>", code.InvalidXML, "1:25", ""},
		{"second document", "<fetch><entity name='a'/></fetch>\n<fetch/>", code.InvalidXML, "2:1", "nothing can follow"},
		{"DTD", "<!DOCTYPE fetch [<!ENTITY x 'y'>]><fetch/>", code.InvalidXML, "1:1", "document type"},
		{"entity reference", "<fetch><entity name='&x;'/></fetch>", code.InvalidXML, "", "entity"},
		{"attribute twice", "<fetch><entity name='a' name='b'/></fetch>", code.InvalidXML, "1:31", "comes twice"},
		{"attribute without quotes", "<fetch top=1><entity name='a'/></fetch>", code.InvalidXML, "", "quot"},
		{"control character", "<fetch><entity name='a\x01'/></fetch>", code.InvalidXML, "", ""},
		{"not UTF-8", "<fetch><entity name='a\xff'/></fetch>", code.InvalidXML, "", "UTF-8"},
		{"other root", "<entity name='a'/>", code.InvalidFetchXML, "1:1", "not <entity>"},
		{"upper case", "<Fetch><entity name='a'/></Fetch>", code.InvalidFetchXML, "1:1", "not <Fetch>"},
		{"prefix", "<fetch><x:entity name='a'/></fetch>", code.QueryBuilderInvalidNode, "1:8", "cannot stand"},
		{"no entity", "<fetch></fetch>", code.InvalidXML, "1:1", "<entity>"},
		{"two entities", "<fetch><entity name='a'/><entity name='b'/></fetch>", code.QueryBuilderInvalidNode, "1:26", "one <entity>"},
		{"no name", "<fetch><entity/></fetch>", code.QueryBuilderAttributeNotFound, "1:8", "'name'"},
		{"empty name", "<fetch><entity name=''/></fetch>", code.QueryBuilderAttributeNotFound, "1:8", "'name'"},
		{"text between", entity("oops"), code.InvalidXML, "1:25", "text cannot stand in <entity>"},
		{"unknown element", entity("<column name='b'/>"), code.QueryBuilderInvalidNode, "1:25", "<column> cannot stand in <entity>"},
		{"misplaced element", entity("<condition attribute='b' operator='null'/>"), code.QueryBuilderInvalidNode, "1:25", ""},
		{"child of attribute", entity("<attribute name='b'><order/></attribute>"), code.QueryBuilderInvalidNode, "", ""},
		{"child of value", filter("<condition attribute='b' operator='in'><value><b/></value></condition>"), code.QueryBuilderInvalidNode, "", ""},
		{"misspelt attribute", entity("<order attribute='b' decending='true'/>"), code.QueryBuilderInvalidAttributeValue, "1:57", "did you mean descending?"},
		{"top no number", "<fetch top='{{ n }}'><entity name='a'/></fetch>", code.QueryBuilderInvalidAttributeValue, "1:13", "whole number"},
		{"top 0", "<fetch top='0'><entity name='a'/></fetch>", code.QueryBuilderValueGreaterThanZero, "1:13", "1 or more"},
		{"top 5001", "<fetch top='5001'><entity name='a'/></fetch>", code.InvalidArgument, "1:13", "5000 at most"},
		{"page 0", "<fetch page='0'><entity name='a'/></fetch>", code.QueryBuilderValueGreaterThanZero, "1:14", ""},
		{"count huge", "<fetch count='99999999999999999999'><entity name='a'/></fetch>", code.QueryBuilderInvalidAttributeValue, "", ""},
		{"top and page", "<fetch top='1' page='1'><entity name='a'/></fetch>", code.InvalidArgument, "1:13", "The top attribute can't be specified with paging attribute page"},
		{"top and count", "<fetch top='1' count='1'><entity name='a'/></fetch>", code.InvalidArgument, "", "paging attribute count"},
		{"top and total", "<fetch top='1' returntotalrecordcount='true'><entity name='a'/></fetch>", code.InvalidArgument, "", "paging attribute returntotalrecordcount"},
		{"distinct", "<fetch distinct='yes'><entity name='a'/></fetch>", code.QueryBuilderInvalidDistinct, "1:18", "true, false, 1 or 0"},
		{"aggregate", "<fetch aggregate='TRUE'><entity name='a'/></fetch>", code.QueryBuilderInvalidAggregate, "", ""},
		{"no-lock", "<fetch no-lock='x'><entity name='a'/></fetch>", code.QueryBuilderInvalidNoLock, "", ""},
		{"useraworderby", "<fetch useraworderby='x'><entity name='a'/></fetch>", code.QueryBuilderInvalidUseRawOrderBy, "", ""},
		{"min-active-row-version", "<fetch min-active-row-version='x'><entity name='a'/></fetch>", code.QueryBuilderInvalidMinActiveRowVersion, "", ""},
		{"mapping", "<fetch mapping='physical'><entity name='a'/></fetch>", code.QueryBuilderInvalidMapping, "", "logical"},
		{"utc-offset", "<fetch utc-offset='1'><entity name='a'/></fetch>", code.QueryBuilderInvalidUTCOffset, "", ""},
		{"datasource", "<fetch datasource='x'><entity name='a'/></fetch>", code.QueryBuilderInvalidAttributeValue, "", "retained"},
		{"descending", entity("<order attribute='b' descending='down'/>"), code.QueryBuilderInvalidDescending, "", ""},
		{"groupby", entity("<attribute name='b' groupby='x'/>"), code.QueryBuilderInvalidGroupBy, "", ""},
		{"dategrouping", entity("<attribute name='b' dategrouping='hour'/>"), code.QueryBuilderInvalidDateGrouping, "", "fiscal-year"},
		{"aggregate function", entity("<attribute name='b' aggregate='median'/>"), code.QueryBuilderInvalidAggregate, "", "countcolumn"},
		{"rowaggregate", entity("<attribute name='b' rowaggregate='Sum'/>"), code.QueryBuilderInvalidAttributeValue, "", "CountChildren"},
		{"filter type", entity("<filter type='xor'/>"), code.QueryBuilderInvalidFilterType, "1:39", "and, or"},
		{"isquickfindfields", entity("<filter isquickfindfields='x'/>"), code.QueryBuilderInvalidIsQuickFindFilter, "", ""},
		{"hint", entity("<filter hint='x'/>"), code.QueryBuilderInvalidAttributeValue, "", "union"},
		{"link type", entity("<link-entity name='b' link-type='not-all'/>"), code.QueryBuilderInvalidLinkType, "", "matchfirstrowusingcrossapply"},
		{"any outside a filter", entity("<link-entity name='b' link-type='any'/>"), code.QueryBuilderInvalidLinkType, "", "inner"},
		{"inner in a filter", filter("<link-entity name='b' link-type='inner'/>"), code.QueryBuilderInvalidLinkType, "", "not any"},
		{"no type in a filter", filter("<link-entity name='b'/>"), code.QueryBuilderInvalidLinkType, "", "needs a link-type"},
		{"attribute in a filter's link", filter("<link-entity name='b' link-type='any'><attribute name='c'/></link-entity>"), code.QueryBuilderInvalidNode, "", "returns nothing"},
		{"link without name", entity("<link-entity from='b' to='c'/>"), code.QueryBuilderAttributeNotFound, "", "'name'"},
		{"condition without operator", filter("<condition attribute='b'/>"), code.QueryBuilderAttributeNotFound, "1:33", "'operator'"},
		{"condition without attribute", filter("<condition operator='null'/>"), code.QueryBuilderAttributeNotFound, "", "'attribute'"},
		{"deep filters", entity(strings.Repeat("<filter>", 5000) + strings.Repeat("</filter>", 5000)), code.InvalidFetchXML, "", "within each other"},
		{"deep links", entity(strings.Repeat("<link-entity name='b'>", 5000)), code.InvalidFetchXML, "", "within each other"},
	}
	for _, test := range tests {
		_, err := fetchxml.Parse(test.text)
		var syntax *fetchxml.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: error %v, want a syntax error", test.name, err)
			continue
		}
		at := fmt.Sprintf("%d:%d", syntax.Line, syntax.Column)
		if syntax.Code != test.code || test.at != "" && at != test.at || !strings.Contains(syntax.Message, test.message) {
			t.Errorf("%s: %v %s at %s, want %v %s with %q at %s", test.name, syntax.Code.Name(), syntax.Message, at, test.code, test.code.Name(), test.message, test.at)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	var got []string
	err := fetchxml.Walk("<fetch top='{{ n }}'>\n<!-- {{ c }} --><wrong a=\"{{x}}\" x:y='z'>{{ text }}<value> {{ v }}</value></wrong>\n</fetch>", func(a fetchxml.Attr) {
		got = append(got, fmt.Sprintf("%d:%d %s.%s=%s", a.Pos.Line, a.Pos.Column, a.Element, a.Name, a.Value))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1:13 fetch.top={{ n }}", "2:27 wrong.a={{x}}", "2:42 wrong.={{ text }}", "2:59 value.= {{ v }}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var syntax *fetchxml.SyntaxError
	if err := fetchxml.Walk("<fetch top='{{ n }}'", func(fetchxml.Attr) {}); !errors.As(err, &syntax) {
		t.Errorf("error %v, want a syntax error", err)
	}
}

func TestOperands(t *testing.T) {
	t.Parallel()
	tests := []struct {
		condition fetchxml.Condition
		want      []fetchxml.Text
	}{
		{fetchxml.Condition{}, nil},
		{fetchxml.Condition{HasValue: true}, texts("")},
		{fetchxml.Condition{HasValue: true, Value: "1"}, texts("1")},
		{fetchxml.Condition{HasValue: true, Values: texts("1", "2")}, texts("1", "2")}, // a stray value="" beside value elements
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.condition.Operands()); diff != "" {
			t.Errorf("%+v\n%s", test.condition, diff)
		}
	}
}
