package query

import (
	"context"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/schema"
)

// plan is how SQLite means to run a query.
func plan(t *testing.T, q *Query) string {
	t.Helper()
	text, args := q.SQL()
	rows, err := testDB(t).QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return strings.Join(steps, "\n")
}

func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	tests := []struct{ entity, options, want string }{
		{"contact", "$filter=emailaddress1 eq 'ada@example.com'", "SEARCH t0 USING INDEX by contact emailaddress1 (emailaddress1=?)"},
		{"contact", "$filter=emailaddress1 eq 'ada@example.com'&$orderby=statecode,createdon,contactid&$top=2", "SEARCH t0 USING INDEX by contact emailaddress1 (emailaddress1=?)"},
		{"contact", "$filter=_parentcustomerid_value eq " + contoso, "SEARCH t0 USING INDEX by contact parentcustomerid (parentcustomerid=?)"},
		{"contact", "$filter=contactid eq " + ada, "SEARCH t0 USING INDEX sqlite_autoindex_contact_1 (contactid=?)"},
		{"account", "$filter=primarycontactid/contactid eq " + ada, "SEARCH t0 USING INDEX by account primarycontactid (primarycontactid=?)"},
		{"contact", "$filter=startswith(fullname,'ada')", "SEARCH t0 USING INDEX by contact fullname (fullname>? AND fullname<?)"},
		{"contact", "$filter=Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=[\"a\",\"b\"])", "SEARCH t0 USING INDEX by contact emailaddress1 (emailaddress1=?)"},
		{"contact", "$orderby=createdon&$top=50", "SCAN t0 USING INDEX by contact createdon contactid"},
		{"contact", "$orderby=statecode,createdon,contactid&$top=50", "SCAN t0 USING INDEX by contact statecode createdon contactid"},
		{"contact", "$orderby=fullname&$top=50", "SCAN t0 USING INDEX by contact fullname contactid"},
		{"contact", "$filter=createdon ge 2020-01-01T00:00:00Z&$orderby=createdon", "SEARCH t0 USING INDEX by contact createdon contactid (createdon>?)"},
		{"contact", "$filter=parentcustomerid_account/name eq 'x'&$orderby=createdon", "SEARCH t0 USING INDEX by contact parentcustomerid (parentcustomerid=?)"},
	}
	for _, tt := range tests {
		t.Run(tt.options, func(t *testing.T) {
			t.Parallel()
			got := plan(t, mustOData(t, tt.entity, tt.options))
			if !strings.Contains(got, tt.want) {
				t.Errorf("plan of %s:\n%s\nwant in it: %s", tt.options, got, tt.want)
			}
			if strings.HasPrefix(tt.want, "SCAN") && strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("%s is sorted though the index has the order:\n%s", tt.options, got)
			}
		})
	}
}

// TestFirstMatchIsNotSorted holds that the first match is found as fast among many records of one value as among few.
func TestFirstMatchIsNotSorted(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		"lastname eq 'Lovelace'", "fullname eq 'Ada Lovelace'", "telephone1 eq '1'", "_parentcustomerid_value eq " + contoso,
		"lastname eq 'Lovelace' and statecode eq 0",
	} {
		got := plan(t, mustOData(t, "contact", "$filter="+filter+"&$orderby=statecode,createdon,contactid&$top=2"))
		field, _, _ := strings.Cut(strings.TrimPrefix(filter, "_"), " ")
		field = strings.TrimSuffix(field, "_value")
		if !strings.Contains(got, "SEARCH t0 USING INDEX by contact "+field+" (") || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("plan of %s:\n%s\nwant the index by %s alone", filter, got, field)
		}
	}
}

// TestPhoneNumbersAreLookedUp holds that a search for the usual spellings of a number looks into the index of each field that an
// entity has for phone numbers: were one of them without, every record would be read.
func TestPhoneNumbersAreLookedUp(t *testing.T) {
	t.Parallel()
	for entity, orders := range map[string]string{
		"contact": "statecode,createdon", "account": "statecode,createdon", "lead": "statecode,createdon", "phonecall": "statecode,createdon", "systemuser": "createdon",
	} {
		var terms, names []string
		for _, f := range schema.Standard().Entity(entity).Fields {
			if f.Format == "Phone" {
				names = append(names, f.LogicalName)
				terms = append(terms, "Microsoft.Dynamics.CRM.In(PropertyName='"+f.LogicalName+"',PropertyValues=[\"+13175550125\",\"317-555-0125\"])")
			}
		}
		got := plan(t, mustOData(t, entity, "$filter="+strings.Join(terms, " or ")+"&$orderby="+orders+"&$top=100"))
		for _, name := range names {
			if !strings.Contains(got, "SEARCH t0 USING INDEX by "+entity+" "+name+" ("+name+"=?)") {
				t.Errorf("plan of %s by %s:\n%s\nwant its index", entity, name, got)
			}
		}
		if len(names) == 0 || strings.Contains(got, "SCAN t0") {
			t.Errorf("plan of %s:\n%s\nwant no scan", entity, got)
		}
	}
}

// TestIndexOfFewestRecords holds that of several conditions the one is looked up that fewer records meet.
func TestIndexOfFewestRecords(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		"lastname eq 'Lovelace' and emailaddress1 eq 'ada@example.com'", "emailaddress1 eq 'ada@example.com' and fullname eq 'Ada Lovelace'",
		"emailaddress1 eq 'ada@example.com' and _parentcustomerid_value eq " + contoso, "statecode eq 0 and emailaddress1 eq 'ada@example.com'",
	} {
		got := plan(t, mustOData(t, "contact", "$filter="+filter+"&$orderby=statecode,createdon,contactid&$top=2"))
		if !strings.Contains(got, "USING INDEX by contact emailaddress1 (") {
			t.Errorf("plan of %s:\n%s", filter, got)
		}
	}
}

// TestNextPageSeeks holds that a later page costs no more than the first.
func TestNextPageSeeks(t *testing.T) {
	t.Parallel()
	tests := []struct{ orderBy, want string }{
		{"createdon", "by contact createdon contactid ((createdon,contactid)>(?,?))"},
		{"createdon desc", "by contact createdon contactid (createdon<?)"},
		{"statecode,createdon,contactid", "by contact statecode createdon contactid ((statecode,createdon,contactid)>(?,?,?))"},
		{"fullname", "by contact fullname contactid ((fullname,contactid)>(?,?))"},
		{"fullname desc", "by contact fullname (fullname<?)"},
		{"fullname desc", "by contact fullname contactid (fullname=?)"}, // those without one
	}
	for _, tt := range tests {
		opts := testOptions()
		opts.PageSize = 1
		first, err := odataQuery(t, "contact", "$orderby="+tt.orderBy, opts)
		if err != nil {
			t.Fatal(err)
		}
		second, err := odataQuery(t, "contact", "$orderby="+tt.orderBy+"&$skiptoken="+read(t, first).Next, opts)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan(t, second); !strings.Contains(got, "SEARCH t0 USING INDEX "+tt.want) {
			t.Errorf("plan of the second page by %s:\n%s\nwant in it: %s", tt.orderBy, got, tt.want)
		}
	}
}

func TestTablesAreMadeTwice(t *testing.T) {
	t.Parallel()
	db := testDB(t)
	for _, statement := range CreateTables(schema.Standard()) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("the second time: %v", err)
		}
	}
}

func TestIntersectTables(t *testing.T) {
	t.Parallel()
	e := Intersect(schema.Standard(), "accountleads")
	if e == nil || e.PrimaryID != "accountleadsid" || e.Field("accountid") == nil || e.Field("leadid") == nil {
		t.Errorf("accountleads = %+v", e)
	}
	if Intersect(schema.Standard(), "teammembership") != schema.Standard().Entity("teammembership") {
		t.Error("an intersect entity that the schema describes is not taken from it")
	}
	if Intersect(schema.Standard(), "nothing") != nil {
		t.Error("an unknown name has an intersect entity")
	}
	if _, err := testDB(t).Exec(`SELECT accountid, leadid FROM accountleads`); err != nil {
		t.Error(err)
	}
}

func TestColumnsOfLookups(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{"contact.parentcustomerid": "parentcustomerid!type", "contact.ownerid": "ownerid!type", "account.primarycontactid": "", "contact.fullname": ""} {
		_, f := fieldOf(t, field)
		if got := TargetColumn(f); got != want {
			t.Errorf("target column of %s = %q, want %q", field, got, want)
		}
	}
	for field, want := range map[string]bool{"contact.owneridname": false, "contact.entityimage": true, "contact.entityimage_url": true, "contact.fullname": true, "email.to": false} {
		if _, f := fieldOf(t, field); IsStored(f) != want {
			t.Errorf("%s is stored: %v, want %v", field, !want, want)
		}
	}
}
