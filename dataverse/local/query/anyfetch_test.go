package query

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// anyFetch draws a query that is right in most of what it says, and seldom in all.
type anyFetch struct {
	t         *rapid.T
	aggregate bool
	named     []string // the aliases of links, and the fields behind them
	fields    map[string][]string
	links     int
	outputs   int
}

// drawnFields are the fields of the entities that a query is drawn from; drawnLinks how these are linked.
var (
	drawnFields = map[string][]string{
		"contact": {"contactid", "fullname", "createdon", "statecode", "parentcustomerid", "ownerid", "creditlimit", "birthdate", "donotemail"},
		"account": {"accountid", "name", "createdon", "statecode", "revenue", "primarycontactid", "owninguser"},
		"task":    {"activityid", "subject", "regardingobjectid", "scheduledend"},
		"team":    {"teamid", "name", "businessunitid"},
	}
	drawnLinks = map[string][]string{
		"contact": {`name="account" from="accountid" to="parentcustomerid"`, `name="task" from="regardingobjectid" to="contactid"`},
		"account": {`name="contact" from="parentcustomerid" to="accountid"`, `name="contact" from="contactid" to="primarycontactid"`},
		"task":    {`name="contact" from="contactid" to="regardingobjectid"`},
		"team":    {`name="contact" from="owningteam" to="teamid"`},
	}
)

func (a *anyFetch) one(among ...string) string { return rapid.SampledFrom(among).Draw(a.t, "one") }

func (a *anyFetch) some(most int) int { return rapid.IntRange(0, most).Draw(a.t, "some") }

func (a *anyFetch) document() string {
	flags := a.one("", "", ` distinct="true"`, ` aggregate="true"`, ` useraworderby="true"`) + a.one("", ` count="2" page="2"`, ` top="3"`, ` returntotalrecordcount="true"`)
	a.aggregate = strings.Contains(flags, "aggregate")
	entity := a.one("contact", "account", "task", "team")
	return "<fetch" + flags + `><entity name="` + entity + `">` + a.contents(entity, 0, true) + "</entity></fetch>"
}

// contents draws links first: what stands before them may name them.
func (a *anyFetch) contents(entity string, depth int, root bool) string {
	links := ""
	for range a.some(2 - min(depth, 2)) {
		links += a.link(entity, depth, a.one("inner", "outer", "exists", "in", "matchfirstrowusingcrossapply"))
	}
	var b strings.Builder
	for range a.some(2) {
		b.WriteString(a.attribute(entity))
	}
	for range a.some(1) {
		b.WriteString(a.order(entity, root))
	}
	for range a.some(1) {
		b.WriteString(a.filter(entity, depth, root))
	}
	return b.String() + links
}

func (a *anyFetch) link(entity string, depth int, kind string) string {
	ends := a.one(drawnLinks[entity]...)
	linked := strings.Split(ends, `"`)[1]
	alias := ""
	if a.some(2) > 0 {
		a.links++
		name := fmt.Sprintf("a%d", a.links)
		a.named, a.fields[name] = append(a.named, name), drawnFields[linked]
		alias = ` alias="` + name + `"`
	}
	inside := a.contents(linked, depth+1, false)
	if strings.HasPrefix(kind, "a") || strings.HasPrefix(kind, "n") { // a link of a filter
		inside = a.filter(linked, 2, false)
	}
	return "<link-entity " + ends + alias + ` link-type="` + kind + `">` + inside + "</link-entity>"
}

func (a *anyFetch) attribute(entity string) string {
	a.outputs++
	field, alias := a.one(drawnFields[entity]...), fmt.Sprintf(` alias="k%d"`, a.outputs)
	if !a.aggregate {
		return `<attribute name="` + field + `"` + a.one("", "", alias) + "/>"
	}
	grouping := a.one("", ` dategrouping="month"`)
	return `<attribute name="` + field + `"` + alias + a.one(` aggregate="count"`, ` aggregate="max"`, ` aggregate="sum"`, ` groupby="true"`+grouping) + "/>"
}

func (a *anyFetch) order(entity string, root bool) string {
	switch {
	case a.aggregate:
		return fmt.Sprintf(`<order alias="k%d"/>`, a.outputs)
	case root && len(a.named) > 0 && a.some(1) > 0:
		name := a.one(a.named...)
		return `<order entityname="` + name + `" attribute="` + a.one(a.fields[name]...) + `"/>`
	}
	return `<order attribute="` + a.one(drawnFields[entity]...) + `"/>`
}

func (a *anyFetch) filter(entity string, depth int, root bool) string {
	inside := ""
	for range a.some(2) {
		inside += a.condition(entity, root)
	}
	if depth < 2 {
		for range a.some(1) {
			inside += a.link(entity, 2, a.one("any", "not any", "all", "not all"))
		}
	}
	return `<filter type="` + a.one("and", "or") + `">` + inside + "</filter>"
}

func (a *anyFetch) condition(entity string, root bool) string {
	of, fields := "", drawnFields[entity]
	if root && len(a.named) > 0 && a.some(2) == 0 {
		name := a.one(a.named...)
		of, fields = ` entityname="`+name+`"`, a.fields[name]
	}
	other := a.one(drawnFields[entity]...)
	if len(a.named) > 0 && a.some(1) == 0 {
		name := a.one(a.named...)
		other = name + "." + a.one(a.fields[name]...)
	}
	return "<condition" + of + ` attribute="` + a.one(fields...) + `"` + a.one(` operator="null"/>`, ` operator="not-null"/>`, ` operator="eq" value="1"/>`,
		` operator="like" value="a%"/>`, ` operator="today"/>`, ` operator="in"><value>1</value><value>0</value></condition>`, ` operator="eq" valueof="`+other+`"/>`)
}

// TestWhatPassesTheCheckRuns holds that a query is refused with a reason or answered: never is it SQL that cannot be run.
func TestWhatPassesTheCheckRuns(t *testing.T) {
	t.Parallel()
	db := testDB(t)
	rapid.Check(t, func(t *rapid.T) {
		document := (&anyFetch{t: t, fields: map[string][]string{}}).document()
		f, err := fetchxml.Parse(document)
		if err != nil {
			t.Fatalf("%s\n%v", document, err)
		}
		q, err := FromFetchXML(schema.Standard(), f, testOptions())
		if err != nil {
			return
		}
		text, args := q.SQL()
		rows, err := db.Query(text, args...)
		if err != nil {
			t.Fatalf("%s\n%s\n%v", document, text, err)
		}
		if _, err := q.Read(rows); err != nil {
			t.Fatalf("%s\n%s\n%v", document, text, err)
		}
	})
}
