package fetchxml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestXML(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"smallest", "<fetch><entity name='a'/></fetch>", `<fetch><entity name="a"/></fetch>`},
		{
			"everything, in order",
			`<fetch version="1.0" options="LoopJoin" datasource="retained" useraworderby="1" latematerialize="1" no-lock="1" returntotalrecordcount="1" aggregatelimit="7" aggregate="0" distinct="1" paging-cookie="&lt;c/&gt;" page="2" count="3" savedqueryid="x" extra="&amp;">
				<entity name="a"> <link-entity name="b" intersect="true" visible="1" to="d" from="c" alias="e" link-type="outer"><no-attrs/></link-entity>
				<filter/><order entityname="e" descending="1" attribute="x"/><attribute alias="n" name="m"/><all-attributes/></entity></fetch>`,
			`<fetch count="3" page="2" paging-cookie="&lt;c/&gt;" distinct="true" aggregatelimit="7" returntotalrecordcount="true" no-lock="true" latematerialize="true" useraworderby="true" datasource="retained" options="LoopJoin" extra="&amp;">` +
				`<entity name="a"><all-attributes/><attribute name="m" alias="n"/><order entityname="e" attribute="x" descending="true"/><filter/>` +
				`<link-entity name="b" from="c" to="d" link-type="outer" alias="e" intersect="true" visible="true"><no-attrs/></link-entity></entity></fetch>`,
		},
		{
			"aggregate",
			`<fetch aggregate="true"><entity name="a"><attribute name="b" alias="c" groupby="true" dategrouping="month" usertimezone="false"/><attribute name="d" alias="e" aggregate="countcolumn" distinct="true"/><attribute name="f" rowaggregate="CountChildren" alias="g"/><order alias="c"/></entity></fetch>`,
			`<fetch aggregate="true"><entity name="a"><attribute name="b" alias="c" groupby="true" dategrouping="month" usertimezone="false"/><attribute name="d" alias="e" aggregate="countcolumn" distinct="true"/><attribute name="f" alias="g" rowaggregate="CountChildren"/><order alias="c"/></entity></fetch>`,
		},
		{
			"filters; when-set never reaches the wire",
			`<fetch><entity name='a'><filter type='or' hint='union' isquickfindfields='1' overridequickfindrecordlimitenabled='1' overridequickfindrecordlimitdisabled='1' when-set='{{x}}'><link-entity name='l' link-type='not any'/><filter type='and'/>
				<condition attribute='b' operator='in' value=''><value> x &lt; "y" </value><value/></condition><condition entityname='e' attribute='c' operator='eq' valueof='d' when-set='{{y}}' uiname='z'/></filter></entity></fetch>`,
			`<fetch><entity name="a"><filter type="or" hint="union" isquickfindfields="true" overridequickfindrecordlimitenabled="true" overridequickfindrecordlimitdisabled="true">` +
				`<condition attribute="b" operator="in" value=""><value> x &lt; "y" </value><value></value></condition><condition entityname="e" attribute="c" operator="eq" valueof="d"/><filter/><link-entity name="l" link-type="not any"/></filter></entity></fetch>`,
		},
	}
	for _, test := range tests {
		f := parse(t, test.text)
		got := f.XML()
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
		if diff := cmp.Diff(withoutWhenSet(f), parse(t, got), places); diff != "" {
			t.Errorf("%s reads back differently\n%s", test.name, diff)
		}
	}
}

// withoutWhenSet is the query as the wire has it.
func withoutWhenSet(f *fetchxml.Fetch) *fetchxml.Fetch {
	f = f.Clone()
	var filters func([]*fetchxml.Filter)
	filters = func(list []*fetchxml.Filter) {
		for _, filter := range list {
			filter.WhenSet = ""
			for _, c := range filter.Conditions {
				c.WhenSet = ""
			}
			filters(filter.Filters)
			for _, l := range filter.Links {
				filters(l.Filters)
			}
		}
	}
	var links func([]*fetchxml.Link)
	links = func(list []*fetchxml.Link) {
		for _, l := range list {
			filters(l.Filters)
			links(l.Links)
		}
	}
	filters(f.Entity.Filters)
	links(f.Entity.Links)
	return f
}

// TestValuesCannotLeaveTheirPlace has texts that would become XML if they were put into a document as they are.
func TestValuesCannotLeaveTheirPlace(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`x' operator='not-null`, `"/><condition attribute="a" operator="null"/>`, `</value><value>`, `&#x3C;&lt;&amp;`, "a\tb\nc\rd", "]]>", "<![CDATA[", " two  spaces ", "€ 日本 🙂", "",
	} {
		f := &fetchxml.Fetch{Entity: &fetchxml.Entity{Name: text + "e", Contents: fetchxml.Contents{Filters: []*fetchxml.Filter{{
			Type: "and", Conditions: []*fetchxml.Condition{{Attribute: "a", Operator: "eq", Value: text, HasValue: true, Values: texts(text, "2")}},
		}}}}}
		if diff := cmp.Diff(f, parse(t, f.XML()), places); diff != "" {
			t.Errorf("%q is written %s, which reads differently\n%s", text, f.XML(), diff)
		}
	}
}

func TestValidText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "a\tb\r\n": true, "🙂 é": true, "a\x00": false, "\x1f": false, "\x0b": false, "\ufffe": false, "\uffff": false, "\xff": false, "\ufffd": true,
	} {
		if got := fetchxml.ValidText(text); got != want {
			t.Errorf("ValidText(%q) = %v", text, got)
		}
	}
	f := parse(t, "<fetch><entity name='a'><filter><condition attribute='b' operator='eq' value='c'/></filter></entity></fetch>")
	f.Entity.Filters[0].Conditions[0].Value = "x\x00\xff"
	if got := parse(t, f.XML()).Entity.Filters[0].Conditions[0].Value; got != "x\ufffd\ufffd" {
		t.Errorf("what XML cannot hold is written as %q", got)
	}
}

func TestCloneIsDeep(t *testing.T) {
	t.Parallel()
	const text = `<fetch top="1" x="y"><entity name="a"><attribute name="b" usertimezone="1"/><order attribute="c"/><filter><filter><condition attribute="d" operator="in"><value>1</value></condition>` +
		`<link-entity name="e" link-type="any"><filter/></link-entity></filter></filter><link-entity name="f"><attribute name="g"/></link-entity></entity></fetch>`
	f := parse(t, text)
	c := f.Clone()
	if diff := cmp.Diff(f, c); diff != "" {
		t.Fatalf("the copy differs\n%s", diff)
	}
	*c.Top = 2
	c.Extra[0].Value = "z"
	c.Entity.Name = "z"
	c.Entity.Attributes[0].Name = "z"
	*c.Entity.Attributes[0].UserTimeZone = false
	c.Entity.Orders[0].Attribute = "z"
	inner := c.Entity.Filters[0].Filters[0]
	inner.Conditions[0].Operator = "z"
	inner.Conditions[0].Values[0].Text = "z"
	inner.Links[0].Filters[0].Type = "or"
	c.Entity.Links[0].Attributes[0].Name = "z"
	c.Entity.Links[0].Name = "z"
	if diff := cmp.Diff(parse(t, text), f); diff != "" {
		t.Errorf("a change of the copy changed the original\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<fetch top="20"><entity name="a"><attribute name="b"/><order attribute="c" descending="true"/><filter type="or"><condition attribute="d" operator="in"><value>1</value><value> 2</value></condition><condition attribute="e" operator="eq" value="{{ x }}" when-set="{{x}}"/></filter></entity></fetch>`,
		`<fetch aggregate="1"><entity name="a"><attribute name="b" alias="c" groupby="true" dategrouping="month" usertimezone="0"/></entity></fetch>`,
		`<?xml version="1.0" encoding="latin1"?><!-- --><fetch xmlns="urn:x" xmlns:g="y" g:z="1" new="&#10;"><entity name="a"><link-entity name="b" from="c" to="d" link-type="outer" alias="e"><all-attributes/><filter><link-entity name="f" link-type="not any"/></filter></link-entity></entity></fetch>`,
		"<fetch><entity name='a'><filter><condition attribute='b' operator='eq' value='1\n\"2&#9;'><value><![CDATA[x]]>&lt;<!-- -->y\r\n</value></condition></filter></entity></fetch>",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><fetch/>", "<fetch", "", "\ufeff<fetch/>", "<fetch a='b' a = \"c\"/>", "<fetch><entity name='&x;'>", "<a:fetch/>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		visited := 0
		walked := fetchxml.Walk(text, func(fetchxml.Attr) { visited++ })
		tree, err := fetchxml.Parse(text)
		if err != nil {
			return
		}
		if walked != nil {
			t.Fatalf("%q is FetchXML but cannot be walked: %v", text, walked)
		}
		written := tree.XML()
		again, err := fetchxml.Parse(written)
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", text, written, err)
		}
		if diff := cmp.Diff(withoutWhenSet(tree), again, places); diff != "" {
			t.Fatalf("%q is written %q, which reads differently:\n%s", text, written, diff)
		}
		if again.XML() != written {
			t.Fatalf("%q is not canonical: it becomes %q", written, again.XML())
		}
		fetchxml.Check(tree, func(string) *schema.Entity { return nil })
	})
}

// TestAnyTextIsOnlyAText has a value of any text that XML can hold come back as it was, with nothing beside it.
func TestAnyTextIsOnlyAText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("'\"&<>/;#x10[]!-\t\n\r €")), 0, 12, -1)).Filter(fetchxml.ValidText).Draw(t, "text")
		f := &fetchxml.Fetch{Entity: &fetchxml.Entity{Name: "a", Contents: fetchxml.Contents{Filters: []*fetchxml.Filter{{
			Type: "and", Conditions: []*fetchxml.Condition{{Attribute: "b", Operator: "in", Value: text, HasValue: true, Values: texts(text)}},
		}}}}}
		back, err := fetchxml.Parse(f.XML())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, back, places); diff != "" {
			t.Fatal(diff)
		}
	})
}
