package odata_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/botverse/botverse/dataverse/odata"
)

func number(n int) *int { return &n }

// TestQuery has each query as it goes over the wire, and reads it back.
func TestQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		query odata.Query
		want  string
	}{
		{"nothing", odata.Query{}, ""},
		{"select", odata.Query{Select: []string{"name", "_primarycontactid_value"}, Top: number(2)}, "$select=name,_primarycontactid_value&$top=2"},
		{
			"a literal can end nothing", // Web API, "Filter rows": what must be encoded in values
			odata.Query{Filter: compare("name", odata.Eq, odata.String("O'Neill & Sons #1+2 100% a/b?c:d;e=f@g$h,i"))},
			"$filter=name%20eq%20'O''Neill%20%26%20Sons%20%231%2B2%20100%25%20a%2Fb%3Fc%3Ad%3Be%3Df%40g%24h%2Ci'",
		},
		{
			"dates",
			odata.Query{Filter: compare("createdon", odata.Ge, odata.DateTime("2031-05-17T10:00:00+02:00")), OrderBy: []odata.Order{{Path: path("createdon"), Desc: true}, {Path: path("contactid")}}},
			"$filter=createdon%20ge%202031-05-17T10%3A00%3A00%2B02%3A00&$orderby=createdon%20desc,contactid",
		},
		{
			"expand",
			odata.Query{
				Select: []string{"name"}, Count: true,
				Expand: []odata.Expand{
					{Navigation: "primarycontactid", Select: []string{"fullname"}},
					{Navigation: "Account_Tasks", Select: []string{"subject"}, Filter: compare("subject", odata.Eq, odata.String("a;b)c&d")), OrderBy: []odata.Order{{Path: path("createdon"), Desc: true}}, Top: number(5)},
					{Navigation: "ownerid", Ref: true},
					{Navigation: "parentaccountid", Expand: []odata.Expand{{Navigation: "createdby", Select: []string{"fullname"}}}},
				},
			},
			"$select=name&$expand=primarycontactid($select=fullname),Account_Tasks($select=subject;$filter=subject%20eq%20'a%3Bb%29c%26d';$orderby=createdon%20desc;$top=5),ownerid/$ref," +
				"parentaccountid($expand=createdby($select=fullname))&$count=true",
		},
		{
			"apply",
			odata.Query{Apply: &odata.Apply{
				Filter: compare("statecode", odata.Eq, odata.Number("0")), GroupBy: []odata.Path{{"statuscode"}, {"primarycontactid", "fullname"}},
				Aggregates: []odata.Aggregate{{Path: path("revenue"), Method: "sum", As: "total"}, {Method: "count", As: "n"}},
			}},
			"$apply=filter(statecode%20eq%200)/groupby((statuscode,primarycontactid/fullname),aggregate(revenue%20with%20sum%20as%20total,$count%20as%20n))",
		},
		{"apply without groups", odata.Query{Apply: &odata.Apply{Aggregates: []odata.Aggregate{{Path: path("revenue"), Method: "average", As: "mean"}}}}, "$apply=aggregate(revenue%20with%20average%20as%20mean)"},
		{"distinct values", odata.Query{Apply: &odata.Apply{GroupBy: []odata.Path{{"statuscode"}}}}, "$apply=groupby((statuscode))"},
		{"FetchXML", odata.Query{FetchXML: `<fetch top="1"><entity name="account" /></fetch>`}, "fetchXml=%3Cfetch%20top%3D%221%22%3E%3Centity%20name%3D%22account%22%20%2F%3E%3C%2Ffetch%3E"},
		{
			"query function",
			odata.Query{Filter: &odata.QueryFunction{Name: "In", Params: []odata.Param{{Name: "PropertyName", Value: odata.String("lastname")}, {Name: "PropertyValues", Value: odata.Array{odata.String("O'Brian"), odata.String("x")}}}}},
			"$filter=Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=%5B%22O'Brian%22,%22x%22%5D)",
		},
		{
			"aliases and others",
			odata.Query{SkipToken: "<cookie/>", SavedQuery: id, Aliases: map[string]string{"@p2": "'contact'", "@p1": "{'lastname':'Ng'}"}, Other: url.Values{"tag": {"a b"}}},
			"$skiptoken=%3Ccookie%2F%3E&savedQuery=" + id + "&@p1=%7B'lastname'%3A'Ng'%7D&@p2='contact'&tag=a%20b",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.query.Encode()
			if got != test.want {
				t.Fatalf("got  %s\nwant %s", got, test.want)
			}
			back, err := odata.ParseQuery(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.query, back, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("it reads back differently (-wrote +read)\n%s", diff)
			}
		})
	}
}

// TestAliasesStandForFieldsToo reads a query as Microsoft's sample "QueryData" sends it.
func TestAliasesStandForFieldsToo(t *testing.T) {
	t.Parallel()
	const id = "00000000-0000-0000-0000-000000000001"
	q, err := odata.ParseQuery("$filter=contains(@p1,'(sample)')%20and%20@p2%20eq%20@p3%20and%20@p6&$orderby=@p4%20asc,%20@p5%20desc&@p1=fullname&@p2=parentcustomerid_account/accountid&@p3=" + id + "&@p4=jobtitle&@p5=annualincome&@p6=donotphone")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := odata.ParseQuery("$filter=contains(fullname,'(sample)')%20and%20parentcustomerid_account/accountid%20eq%20" + id + "%20and%20donotphone&$orderby=jobtitle%20asc,annualincome%20desc")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{plain.Filter, plain.OrderBy}, []any{q.Filter, q.OrderBy}); diff != "" {
		t.Errorf("(-by name +by alias)\n%s", diff)
	}
}

func TestParseQueryTakesWhatClientsSend(t *testing.T) {
	t.Parallel()
	q, err := odata.ParseQuery("$select=name,%20revenue&$filter=name+eq+'a%2Bb'&$expand=Account_Tasks($select=subject;$top=5)&fetchxml=%3Cfetch/%3E&&$count=false&tag=x&$id=https%3A%2F%2Fh%2Ftasks(1)")
	if err != nil {
		t.Fatal(err)
	}
	want := &odata.Query{
		Select: []string{"name", "revenue"}, Filter: compare("name", odata.Eq, odata.String("a+b")),
		Expand:   []odata.Expand{{Navigation: "Account_Tasks", Select: []string{"subject"}, Top: number(5)}},
		FetchXML: "<fetch/>", Other: url.Values{"tag": {"x"}, "$id": {"https://h/tasks(1)"}},
	}
	if diff := cmp.Diff(want, q, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestParameterAliases(t *testing.T) {
	t.Parallel()
	q, err := odata.ParseQuery("$filter=revenue%20gt%20@p1%20and%20name%20eq%20@none%20and%20contains(name,@p2)%20and%20Microsoft.Dynamics.CRM.In(PropertyName='a',PropertyValues=@p3)&$orderby=@p4%20desc&@p1=1000&@p2='x''y'&@p3=%5B%22a%22%5D&@p4=name")
	if err != nil {
		t.Fatal(err)
	}
	want := and(
		compare("revenue", odata.Gt, odata.Number("1000")), compare("name", odata.Eq, odata.Null{}), // never assigned: null
		&odata.Call{Func: "contains", Path: path("name"), Value: odata.String("x'y")},
		&odata.QueryFunction{Name: "In", Params: []odata.Param{{Name: "PropertyName", Value: odata.String("a")}, {Name: "PropertyValues", Value: odata.Array{odata.String("a")}}}},
	)
	if diff := cmp.Diff(want, q.Filter); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]odata.Order{{Path: path("name"), Desc: true}}, q.OrderBy); diff != "" {
		t.Error(diff)
	}
	if q.Aliases["@p2"] != "'x''y'" {
		t.Errorf("aliases = %v, want them as written", q.Aliases)
	}
}

func TestParseQueryRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ query, message string }{
		{"$skip=5", "The query option '$skip' is not supported"},
		{"$search=x", "'$search' is not supported"},
		{"$Select=name", "'$Select' is not supported"},
		{"$top=-1", "$top must be"},
		{"$top=x", "$top must be"},
		{"$top=99999999999999", "$top must be"},
		{"$count=yes", "$count must be"},
		{"$select=", "the name of a field expected"},
		{"$select=a,,b", "the name of a field expected at position 2"},
		{"$select=a b", "the name of a field expected"},
		{"$filter=a%20eq%201&$filter=b%20eq%202", "comes twice"},
		{"$filter=a%2", "percent-encoding"},
		{"$filter=%ff", "not UTF-8"},
		{"$filter=a%20eq%20@p1&@p1=@p2&@p2=1", "cannot stand for another"},
		{"$filter=a%20eq%20@p1&@p1=contains(name,'x')", "a function is not supported there"},
		{"$filter=contains(@p1,'x')&@p1='name'", "the alias @p1 does not name a field"},
		{"$filter=contains(@p1,'x')", "the alias @p1 does not name a field"},
		{"$orderby=@p1&@p1=5", "the alias @p1 does not name a field"},
		{"fetchXml=", "the option has no document"},
		{"$orderby=@p1&@p1=1", "does not name a field"},
		{"$expand=", "a navigation property expected"},
		{"$expand=a($skip=1)", "'$skip' is not supported in $expand"},
		{"$expand=a($select=b", "the bracket is not closed"},
		{"$expand=a($filter=b%20eq%20@p1)&@p1=1", "aliases are not supported in $expand"},
		{"$expand=a($filter=b%20eq%20'x)", "the bracket is not closed"},
		{"$expand=a(b)c", "a navigation property expected"},
		{"$expand=" + strings.Repeat("a($expand=", 3000) + "b" + strings.Repeat(")", 3000), "levels of nesting"},
		{"$apply=orderby(a)", "$apply must be"},
		{"$apply=groupby((a))/filter(a%20eq%201)", "$apply must be"},
		{"$apply=filter(a%20eq%201)", "$apply must be"},
		{"$apply=aggregate(a%20with%20countdistinct%20as%20b)", "a method expected"},
		{"$apply=aggregate(a%20with%20sum)", "'as' expected"},
		{"$apply=groupby((a),b)", "aggregate(…) expected"},
	}
	for _, test := range tests {
		_, err := odata.ParseQuery(test.query)
		var syntax *odata.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%.60s: error %v, want %q", test.query, err, test.message)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("$select=a,b&$expand=c($select=d;$filter=e%20eq%20'%3B%29';$expand=f/$ref)&$orderby=g%20desc&$top=1&$count=true")
	f.Add("$apply=filter(a%20eq%201)/groupby((b,c/d),aggregate(e%20with%20sum%20as%20f,$count%20as%20n))")
	f.Add("fetchXml=%3Cfetch%3E&@p1='x'&$filter=a%20eq%20@p1&tag=1&$skiptoken=x&savedQuery=y")
	f.Add("$expand=a((((&$select=*&$filter=%ff&@=")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := odata.ParseQuery(raw)
		if err != nil {
			return
		}
		written := q.Encode()
		again, err := odata.ParseQuery(written)
		if err != nil {
			t.Fatalf("%q is written %q, which cannot be read: %v", raw, written, err)
		}
		if diff := cmp.Diff(q, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q is written %q, which reads differently:\n%s", raw, written, diff)
		}
	})
}

// TestAnyTextIsOnlyAText has a literal of any text come back from a URL as it was, with nothing beside it.
func TestAnyTextIsOnlyAText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("'\"&=;,()[]{}%+# /?@$\\\x00\n€")), 0, 12, -1)).Draw(t, "text")
		q := odata.Query{
			Filter: and(compare("a", odata.Eq, odata.String(text)), &odata.QueryFunction{Name: "In", Params: []odata.Param{{Name: "PropertyValues", Value: odata.Array{odata.String(text)}}}}),
			Expand: []odata.Expand{{Navigation: "b", Filter: compare("c", odata.Eq, odata.String(text))}},
		}
		u, err := url.Parse("https://x.crm.dynamics.com/api/data/v9.2/accounts?" + q.Encode())
		if err != nil || u.Fragment != "" {
			t.Fatalf("%v, fragment %q", err, u.Fragment)
		}
		back, err := odata.ParseQuery(u.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&q, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
