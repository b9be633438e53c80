package query

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// TestGoldenSQL shows what statements look like.
func TestGoldenSQL(t *testing.T) {
	t.Parallel()
	tests := []struct{ entity, options, want, args string }{
		{
			"account", "$select=name&$filter=name eq 'O''Neill' and (numberofemployees gt 5 or revenue eq 1.5)&$top=3",
			`SELECT t0."name", t0."accountid", t0."versionnumber", t0."accountid" FROM "account" AS t0 ` +
				`WHERE ((t0."name" = ?) AND ((t0."numberofemployees" > ?) OR (t0."revenue" = ?))) ORDER BY t0."accountid" LIMIT ?`,
			"[O'Neill 5 15000 3]",
		},
		{
			"contact", "$select=firstname&$filter=parentcustomerid_account/name eq 'x'&$orderby=createdon desc",
			`SELECT t0."firstname", t0."contactid", t0."versionnumber", t0."createdon", t0."contactid" FROM "contact" AS t0 ` +
				`LEFT JOIN "account" AS t1 ON ((t1."accountid" = t0."parentcustomerid") AND (t0."parentcustomerid!type" = ?)) ` +
				`WHERE (t1."name" = ?) ORDER BY t0."createdon" DESC, t0."contactid" LIMIT ?`,
			"[account x 5001]",
		},
		{
			"contact", "$select=contactid&$filter=startswith(fullname,'ad')&$count=true&$top=1",
			`SELECT t0."contactid", t0."versionnumber", t0."contactid", (SELECT COUNT(*) FROM (SELECT 1 FROM "contact" AS t0 ` +
				`WHERE ((t0."fullname" >= ?) AND ((t0."fullname" < ?) AND dataverse_like(?, t0."fullname"))) LIMIT ?)) FROM "contact" AS t0 ` +
				`WHERE ((t0."fullname" >= ?) AND ((t0."fullname" < ?) AND dataverse_like(?, t0."fullname"))) ORDER BY t0."contactid" LIMIT ?`,
			"[ad ad\U0010FFFF ad% 5001 ad ad\U0010FFFF ad% 1]",
		},
	}
	for _, tt := range tests {
		text, args := mustOData(t, tt.entity, tt.options).SQL()
		if text != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.options, text, tt.want)
		}
		if got := fmt.Sprint(args); got != tt.args {
			t.Errorf("%s: parameters %s, want %s", tt.options, got, tt.args)
		}
	}
}

// TestValuesNeverReachTheText holds that the text of a statement follows from the shape of a query alone.
func TestValuesNeverReachTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		marker := "q" + rapid.StringMatching(`[a-z'"\[\]%_;\-]{0,12}`).Draw(t, "text") + "zq"
		number := fmt.Sprint(rapid.IntRange(700000, 800000).Draw(t, "number"))
		filter := &odata.Logical{Op: odata.And, Terms: []odata.Expr{
			&odata.Compare{Path: odata.Path{"name"}, Op: odata.Eq, Value: odata.String(marker)},
			&odata.Call{Func: "contains", Path: odata.Path{"address1_city"}, Value: odata.String(marker)},
			&odata.Compare{Path: odata.Path{"numberofemployees"}, Op: odata.Gt, Value: odata.Number(number)},
			&odata.Compare{Path: odata.Path{"primarycontactid", "fullname"}, Op: odata.Ne, Value: odata.String(marker)},
		}}
		text := compile(t, filter)
		if strings.Contains(text, marker) || strings.Contains(text, number) {
			t.Fatalf("a value is in the text: %s", text)
		}
		filter.Terms[0] = &odata.Compare{Path: odata.Path{"name"}, Op: odata.Eq, Value: odata.String("other")}
		if again := compile(t, filter); again != text {
			t.Fatalf("the text changed with a value:\n%s\n%s", text, again)
		}
	})
}

func compile(t *rapid.T, filter odata.Expr) string {
	q, err := FromOData(schema.Standard(), schema.Standard().Entity("account"), &odata.Query{Filter: filter}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	text, args := q.SQL()
	if marks := strings.Count(text, "?"); marks != len(args) {
		t.Fatalf("%d marks for %d parameters", marks, len(args))
	}
	return text
}

// TestLongFiltersAreNotTooDeep holds that SQLite's limit on depth is not met.
func TestLongFiltersAreNotTooDeep(t *testing.T) {
	t.Parallel()
	filter := &odata.Logical{Op: odata.Or}
	for i := range 3000 {
		filter.Terms = append(filter.Terms, &odata.Compare{Path: odata.Path{"numberofemployees"}, Op: odata.Eq, Value: odata.Number(fmt.Sprint(i))})
	}
	q, err := FromOData(schema.Standard(), schema.Standard().Entity("account"), &odata.Query{Filter: filter}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got := names(shown(q, read(t, q), "accountid")); got != "contoso" {
		t.Errorf("got %q, want contoso", got)
	}
}

// TestFetchXMLValuesNeverReachTheText is the same of FetchXML, where names that the author makes up, as aliases, stay
// out too.
func TestFetchXMLValuesNeverReachTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		marker := "q" + rapid.StringMatching(`[a-z'"\[\]%_;\-]{0,12}`).Draw(t, "text") + "zq"
		alias := rapid.StringMatching(`zz[a-z_]{3,8}`).Draw(t, "alias")
		op := rapid.SampledFrom([]string{"eq", "ne", "like", "not-like", "begins-with", "ends-with", "gt", "in", "not-in"}).Draw(t, "operator")
		build := func(value string) string {
			f := &fetchxml.Fetch{Entity: &fetchxml.Entity{Name: "contact"}}
			condition := func(entity string) *fetchxml.Filter {
				c := &fetchxml.Condition{EntityName: entity, Attribute: "name", Operator: op, Value: value, HasValue: true}
				if entity == "" {
					c.Attribute = "fullname"
				}
				return &fetchxml.Filter{Type: "and", Conditions: []*fetchxml.Condition{c}}
			}
			link := &fetchxml.Link{Name: "account", From: "accountid", To: "parentcustomerid", Alias: alias, LinkType: "outer"}
			link.Attributes = []fetchxml.Attribute{{Name: "name", Alias: alias + "name"}}
			f.Entity.Links = []*fetchxml.Link{link}
			f.Entity.Filters = []*fetchxml.Filter{condition(""), condition(alias)}
			f.Entity.Orders = []fetchxml.Order{{Attribute: "name", EntityName: alias}}
			q, err := FromFetchXML(schema.Standard(), f, testOptions())
			if err != nil {
				t.Fatal(err)
			}
			text, args := q.SQL()
			if marks := strings.Count(text, "?"); marks != len(args) {
				t.Fatalf("%d marks for %d parameters", marks, len(args))
			}
			return text
		}
		text := build(marker)
		if strings.Contains(text, marker) || strings.Contains(text, alias) {
			t.Fatalf("what the author wrote is in the text: %s", text)
		}
		if again := build("another"); again != text {
			t.Fatalf("the text changed with a value:\n%s\n%s", text, again)
		}
	})
}

// TestListsAreOneParameter holds that a longer list changes no text.
func TestListsAreOneParameter(t *testing.T) {
	t.Parallel()
	list := func(values string) string {
		text, _ := mustOData(t, "contact", `$filter=Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=[`+values+`])`).SQL()
		return text
	}
	if two, four := list(`"a","b"`), list(`"a","b","c","d"`); two != four {
		t.Errorf("two values: %s\nfour: %s", two, four)
	}
}

func BenchmarkCompileFind(b *testing.B) {
	o, err := odata.ParseQuery("$select=fullname&$filter=emailaddress1%20eq%20'ada@example.com'&$orderby=statecode,createdon,contactid&$top=2")
	if err != nil {
		b.Fatal(err)
	}
	contact := schema.Standard().Entity("contact")
	b.ReportAllocs()
	for b.Loop() {
		q, err := FromOData(schema.Standard(), contact, o, testOptions())
		if err != nil {
			b.Fatal(err)
		}
		q.SQL()
	}
}

func BenchmarkFind(b *testing.B) {
	q := mustOData(b, "contact", "$select=fullname&$filter=emailaddress1 eq 'ada@example.com'&$orderby=statecode,createdon,contactid&$top=2")
	text, args := q.SQL()
	statement, err := testDB(b).Prepare(text)
	if err != nil {
		b.Fatal(err)
	}
	defer statement.Close()
	b.ReportAllocs()
	for b.Loop() {
		rows, err := statement.Query(args...)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := q.Read(rows); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLike(b *testing.B) {
	p := parsePattern("%nunez%")
	b.ReportAllocs()
	for b.Loop() {
		p.matches("José Luis Núñez García")
	}
}
