package query

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// properties are the names of the columns that the reply shows of the record at a path.
func properties(q *Query, path ...string) []string {
	var found []string
	for _, c := range q.Columns {
		if c.Role == Shown && slices.Equal(c.Path, path) {
			found = append(found, c.Property)
		}
	}
	return found
}

func TestSelectBringsItsCompanions(t *testing.T) {
	t.Parallel()
	tests := []struct{ options, want string }{
		{"$select=name", "name accountid"},
		{"$select=accountid,name,name", "accountid name"},
		{"$select=revenue", "revenue _transactioncurrencyid_value accountid"},
		{"$select=address1_city,address1_line1", "address1_city address1_composite address1_line1 accountid"},
		{"$select=_ownerid_value", "_ownerid_value accountid"},
	}
	for _, tt := range tests {
		if got := strings.Join(properties(mustOData(t, "account", tt.options)), " "); got != tt.want {
			t.Errorf("%s shows %q, want %q", tt.options, got, tt.want)
		}
	}
	if got := len(properties(mustOData(t, "account", ""))); got < 150 {
		t.Errorf("without $select %d properties, want all", got)
	}
}

func TestLookupsComeWithTargetAndName(t *testing.T) {
	t.Parallel()
	opts := testOptions()
	opts.Labels = true
	q, err := odataQuery(t, "contact", "$select=_parentcustomerid_value,_ownerid_value,_createdby_value&$orderby=fullname", opts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range read(t, q).Rows {
		for i, c := range q.Columns {
			if c.Role != Shown || c.Key {
				continue
			}
			target, name := any(nil), any(nil)
			if c.TargetAt >= 0 {
				target = row[c.TargetAt]
			}
			if c.NameAt >= 0 {
				name = row[c.NameAt]
			}
			got = append(got, fmt.Sprint(c.Property, " ", row[i] != nil, " ", target, " ", name))
		}
	}
	want := []string{
		"_parentcustomerid_value true account Contoso", "_ownerid_value true systemuser Uma Underwood", "_createdby_value false <nil> <nil>",
		"_parentcustomerid_value true contact Ada O'Neill", "_ownerid_value true team Desk", "_createdby_value false <nil> <nil>",
		"_parentcustomerid_value true account Contoso", "_ownerid_value true systemuser Ulf Umbra", "_createdby_value false <nil> <nil>",
		"_parentcustomerid_value true account fabrikam", "_ownerid_value false <nil> <nil>", "_createdby_value false <nil> <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestODataOrder(t *testing.T) {
	t.Parallel()
	tests := []struct{ entity, orderBy, want string }{
		{"contact", "fullname", "ada bob jose zoe"},
		{"contact", "fullname desc", "zoe jose bob ada"},
		{"contact", "gendercode", "bob zoe ada"},      // no value is the lowest; jose has none either
		{"contact", "gendercode desc", "ada zoe"},     // and the highest first
		{"contact", "statecode desc,fullname", "bob"}, // the inactive first
		{"contact", "_parentcustomerid_value", "bob"}, // by the name of what it points at: Ada, Contoso, fabrikam
		{"account", "primarycontactid/fullname", "empty contoso fabrikam"},
		{"account", "createdon", "empty fabrikam contoso"}, // within one second, too
		{"account", "preferredcontactmethodcode desc", "contoso fabrikam empty"},
		{"account", "exchangerate desc", "fabrikam contoso empty"},
	}
	for _, tt := range tests {
		q := mustOData(t, tt.entity, "$orderby="+tt.orderBy)
		var got []string
		for _, id := range shown(q, read(t, q), q.Entity.PrimaryID) {
			got = append(got, names([]any{id}))
		}
		if tt.orderBy == "gendercode" {
			got = slices.DeleteFunc(got, func(s string) bool { return s == "jose" })
		}
		if order := strings.Join(got, " "); !strings.HasPrefix(order, tt.want) {
			t.Errorf("order by %s = %s, want %s", tt.orderBy, order, tt.want)
		}
	}
}

func TestODataTopAndCount(t *testing.T) {
	t.Parallel()
	q := mustOData(t, "contact", "$top=2&$count=true&$filter=statecode eq 0&$orderby=fullname")
	page := read(t, q)
	if len(page.Rows) != 2 || page.Total != 3 || page.TotalExceeded || page.More || page.Next != "" {
		t.Errorf("%d rows, total %d (exceeded %v), more %v, next %q; want 2 of 3 and no next page", len(page.Rows), page.Total, page.TotalExceeded, page.More, page.Next)
	}
	none := read(t, mustOData(t, "contact", "$count=true&$filter=fullname eq 'nobody'"))
	if len(none.Rows) != 0 || none.Total != 0 {
		t.Errorf("of nobody %d rows, total %d", len(none.Rows), none.Total)
	}
	if uncounted := read(t, mustOData(t, "contact", "")); uncounted.Total != -1 {
		t.Errorf("total = %d though not asked for, want -1", uncounted.Total)
	}
	text, args := q.CountSQL()
	var n int
	if err := testDB(t).QueryRowContext(context.Background(), text, args...).Scan(&n); err != nil || n != 3 {
		t.Errorf("CountSQL = %d, %v, want 3", n, err)
	}
}

// TestPagesGoThroughAllRows walks by $skiptoken in orders with equal and missing values, forwards and backwards.
func TestPagesGoThroughAllRows(t *testing.T) {
	t.Parallel()
	for _, orderBy := range []string{"", "gendercode", "gendercode desc", "createdon desc", "statecode,fullname desc", "_parentcustomerid_value desc", "birthdate", "parentcustomerid_account/revenue desc", "donotemail"} {
		t.Run(orderBy, func(t *testing.T) {
			t.Parallel()
			opts := testOptions()
			all := walk(t, orderBy, opts)
			opts.PageSize = 1
			if got := walk(t, orderBy, opts); !slices.Equal(got, all) || len(got) != 4 {
				t.Errorf("pages of one = %v, want %v", got, all)
			}
		})
	}
}

func walk(t *testing.T, orderBy string, opts Options) []string {
	t.Helper()
	o := &odata.Query{Select: []string{"fullname"}, Count: true}
	if orderBy != "" {
		orders, err := odata.ParseOrderBy(orderBy)
		if err != nil {
			t.Fatal(err)
		}
		o.OrderBy = orders
	}
	var ids []string
	for number := 1; ; number++ {
		q, err := FromOData(schema.Standard(), schema.Standard().Entity("contact"), o, opts)
		if err != nil {
			t.Fatal(err)
		}
		page := read(t, q)
		for _, id := range shown(q, page, "contactid") {
			ids = append(ids, names([]any{id}))
		}
		if page.Number != number || page.Total != 4 {
			t.Fatalf("page %d of %d records, want page %d of 4", page.Number, page.Total, number)
		}
		if !page.More {
			return ids
		}
		o.SkipToken = page.Next
	}
}

func TestExpandReadsLookupsInTheSameStatement(t *testing.T) {
	t.Parallel()
	q := mustOData(t, "contact", "$select=fullname&$orderby=fullname&$expand=parentcustomerid_account($select=name;$expand=primarycontactid($select=fullname)),ownerid($select=fullname,name)")
	if got := properties(q, "parentcustomerid_account", "primarycontactid"); !slices.Equal(got, []string{"fullname", "contactid"}) {
		t.Errorf("columns of the nested record = %v", got)
	}
	owner := slices.IndexFunc(q.Columns, func(c Column) bool { return c.Key && slices.Equal(c.Path, []string{"ownerid"}) })
	if page := read(t, q); page.Rows[0][owner] != uma || page.Rows[1][owner] != desk || page.Rows[3][owner] != nil {
		t.Errorf("owners = %v, %v, %v; want a user, a team and nobody", page.Rows[0][owner], page.Rows[1][owner], page.Rows[3][owner])
	}
	var got []string
	for _, row := range read(t, q).Rows {
		for i, c := range q.Columns {
			if c.Role == Shown && len(c.Path) > 0 && !c.Key && row[i] != nil {
				got = append(got, fmt.Sprint(names([]any{row[slices.IndexFunc(q.Columns, func(k Column) bool { return k.Key })]}), " ", strings.Join(c.Path, "/"), " ", c.Entity.LogicalName, " ", row[i]))
			}
		}
	}
	want := []string{
		"ada parentcustomerid_account account Contoso", "ada parentcustomerid_account/primarycontactid contact Ada O'Neill", "ada ownerid systemuser " + uma, "ada ownerid systemuser Uma Underwood",
		"bob ownerid team " + desk, "bob ownerid team Desk",
		"jose parentcustomerid_account account Contoso", "jose parentcustomerid_account/primarycontactid contact Ada O'Neill", "jose ownerid systemuser " + ulf, "jose ownerid systemuser Ulf Umbra",
		"zoe parentcustomerid_account account fabrikam", "zoe parentcustomerid_account/primarycontactid contact José Núñez",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExpandReadsCollectionsInTheSameStatement(t *testing.T) {
	t.Parallel()
	q := mustOData(t, "account", "$select=name&$orderby=createdon desc&$expand=Account_Tasks($select=subject,statecode,createdon;$orderby=createdon desc;$filter=statecode ge 0),contact_customer_accounts($select=fullname;$top=1;$orderby=fullname desc;$expand=ownerid($select=fullname))")
	at := slices.IndexFunc(q.Columns, func(c Column) bool { return c.Property == "Account_Tasks" })
	page := read(t, q)
	tasks, ok := page.Rows[0][at].(Collection)
	first := tasks.Rows
	if !ok || len(first) != 2 || first[0][0] != "Call back" || first[0][1] != int64(0) || first[1][0] != "Write" {
		t.Errorf("tasks of the first account = %v", page.Rows[0][at])
	}
	if got := q.Columns[at].Rows[2].JSON(first[0][2]); got != "2020-08-02T00:00:00Z" {
		t.Errorf("createdon of a task = %v", got)
	}
	if second := page.Rows[1][at].(Collection).Rows; len(second) != 0 {
		t.Errorf("tasks of the second account = %v, want none", second)
	}
	contacts := page.Rows[0][at+1].(Collection).Rows
	if len(contacts) != 1 || contacts[0][0] != "José Núñez" {
		t.Errorf("contacts of the first account = %v, want José alone", contacts)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	q := mustOData(t, "contact", "$apply=filter(fullname ne null)/groupby((statecode),aggregate($count as n))")
	var got []string
	for _, row := range read(t, q).Rows {
		got = append(got, fmt.Sprint(row))
	}
	if want := []string{"[0 3]", "[1 1]"}; !slices.Equal(got, want) {
		t.Errorf("groups = %v, want %v", got, want)
	}
	q = mustOData(t, "account", "$apply=aggregate(revenue with sum as total,numberofemployees with average as mean,exchangerate with max as best)")
	row := read(t, q).Rows[0]
	for i, want := range []any{json.Number("1000020.750000000"), json.Number("3850"), json.Number("10.500000000000")} {
		if got := q.Columns[i].JSON(row[i]); got != want {
			t.Errorf("%s = %v, want %v", q.Columns[i].Property, got, want)
		}
	}
	q = mustOData(t, "account", "$apply=groupby((primarycontactid/fullname))")
	if got := q.Columns[0].Property; got != "contact_fullname" {
		t.Errorf("a related group goes by %q, want contact_fullname", got)
	}
}

func TestExpandLimits(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("ownerid,", 15) + "owninguser"
	if _, err := odataQuery(t, "contact", "$expand="+many, testOptions()); err == nil {
		t.Error("sixteen $expand items are taken")
	}
	q := mustOData(t, "account", "$select=name&$expand=primarycontactid/$ref")
	if got := properties(q, "primarycontactid"); !slices.Equal(got, []string{"contactid"}) || !q.Columns[len(q.Columns)-1].Ref {
		t.Errorf("columns of a reference = %v", got)
	}
}

func TestPageSizeOverridesTop(t *testing.T) {
	t.Parallel()
	opts := testOptions()
	opts.PageSize = 3
	q, err := odataQuery(t, "contact", "$top=1", opts)
	if err != nil {
		t.Fatal(err)
	}
	if page := read(t, q); len(page.Rows) != 3 || !page.More {
		t.Errorf("%d rows, more %v; want a page of 3 and more", len(page.Rows), page.More)
	}
}

// TestLastOrderIsTheRecordID holds that nothing is sorted by what can make no difference.
func TestLastOrderIsTheRecordID(t *testing.T) {
	t.Parallel()
	text, _ := mustOData(t, "contact", "$select=contactid&$orderby=createdon,contactid desc,fullname").SQL()
	if !strings.Contains(text, `ORDER BY t0."createdon", t0."contactid" DESC LIMIT`) {
		t.Errorf("statement = %s", text)
	}
}
