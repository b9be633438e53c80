package query

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Record IDs of the records that the tests ask for.
const (
	ada      = "c0000000-0000-4000-8000-000000000001"
	jose     = "c0000000-0000-4000-8000-000000000002"
	bob      = "c0000000-0000-4000-8000-000000000003"
	zoe      = "c0000000-0000-4000-8000-000000000004"
	contoso  = "a0000000-0000-4000-8000-000000000001"
	fabrikam = "a0000000-0000-4000-8000-000000000002"
	empty    = "a0000000-0000-4000-8000-000000000003"
	uma      = "50000000-0000-4000-8000-000000000001"
	ulf      = "50000000-0000-4000-8000-000000000002"
	desk     = "70000000-0000-4000-8000-000000000001"
	unit     = "b0000000-0000-4000-8000-000000000001"
	euro     = "e0000000-0000-4000-8000-000000000001"
)

// ref is a lookup's value in a test record.
type ref struct{ entity, id string }

// testNow is a Monday; its zone in the tests is that of the worked example of FetchXML's relative dates.
var testNow = time.Date(2020, 8, 17, 13, 0, 0, 0, time.UTC)

type testRecord map[string]any

// testRecords are the rows of the test database, in the order of their insertion.
var testRecords = []struct {
	entity string
	values testRecord
}{
	{"transactioncurrency", testRecord{"transactioncurrencyid": euro, "currencyname": "Euro", "isocurrencycode": "EUR", "exchangerate": "1.25"}},
	{"businessunit", testRecord{"businessunitid": unit, "name": "Care"}},
	{"systemuser", testRecord{"systemuserid": uma, "fullname": "Uma Underwood", "domainname": "uma@example.com", "businessunitid": ref{"businessunit", unit}}},
	{"systemuser", testRecord{"systemuserid": ulf, "fullname": "Ulf Umbra", "domainname": "ulf@example.com"}},
	{"team", testRecord{"teamid": desk, "name": "Desk"}},
	{"teammembership", testRecord{"teammembershipid": "71000000-0000-4000-8000-000000000001", "teamid": desk, "systemuserid": uma}},
	{"account", testRecord{
		"accountid": contoso, "name": "Contoso", "numberofemployees": 1500, "revenue": "1000000.5", "statecode": 0, "statuscode": 1,
		"primarycontactid": ref{"contact", ada}, "ownerid": ref{"systemuser", uma}, "createdon": "2020-08-17T10:00:00.250Z",
		"transactioncurrencyid": ref{"transactioncurrency", euro}, "industrycode": 1, "creditonhold": false, "exchangerate": "1.25",
		"emailaddress1": "info@contoso.example", "address1_city": "Redmond", "address1_composite": "Redmond", "versionnumber": 7,
	}},
	{"account", testRecord{
		"accountid": fabrikam, "name": "fabrikam", "numberofemployees": 6200, "revenue": "20.25", "statecode": 0, "statuscode": 1,
		"primarycontactid": ref{"contact", jose}, "ownerid": ref{"team", desk}, "createdon": "2020-08-17T10:00:00.100Z",
		"industrycode": 6, "creditonhold": true, "address1_city": "Redmond", "exchangerate": "10.5", "parentaccountid": ref{"account", contoso},
	}},
	{"account", testRecord{"accountid": empty, "name": "Émpty [50%] Ltd", "statecode": 1, "statuscode": 2, "createdon": "2020-08-01T00:00:00Z", "ownerid": ref{"systemuser", ulf}, "parentaccountid": ref{"account", fabrikam}}},
	{"contact", testRecord{
		"contactid": ada, "fullname": "Ada O'Neill", "firstname": "Ada", "lastname": "O'Neill", "emailaddress1": "ada@example.com",
		"parentcustomerid": ref{"account", contoso}, "birthdate": "1990-08-17", "statecode": 0, "statuscode": 1, "gendercode": 2,
		"preferredcontactmethodcode": 2, "createdon": "2020-08-10T23:30:00Z", "ownerid": ref{"systemuser", uma}, "donotemail": true,
		"lastonholdtime": "2020-08-17T12:59:00Z",
	}},
	{"contact", testRecord{
		"contactid": jose, "fullname": "José Núñez", "firstname": "José", "lastname": "Núñez", "emailaddress1": "jose@example.com",
		"parentcustomerid": ref{"account", contoso}, "birthdate": "2020-08-17", "statecode": 0, "statuscode": 1, "preferredcontactmethodcode": 3,
		"createdon": "2020-08-16T22:30:00Z", "ownerid": ref{"systemuser", ulf},
	}},
	{"contact", testRecord{
		"contactid": bob, "fullname": "Bob Brown", "firstname": "Bob", "lastname": "Brown", "parentcustomerid": ref{"contact", ada},
		"statecode": 1, "statuscode": 2, "createdon": "2020-08-17T12:00:00Z", "emailaddress1": "bob_b@example.com", "ownerid": ref{"team", desk},
	}},
	{"contact", testRecord{
		"contactid": zoe, "lastname": "zoe", "fullname": "zoe", "statecode": 0, "statuscode": 1, "createdon": "2019-12-31T23:30:00Z", "gendercode": 1,
		"parentcustomerid": ref{"account", fabrikam},
	}},
	{"task", testRecord{"activityid": "d0000000-0000-4000-8000-000000000001", "subject": "Call back", "regardingobjectid": ref{"account", contoso}, "statecode": 0, "statuscode": 2, "createdon": "2020-08-02T00:00:00Z"}},
	{"task", testRecord{"activityid": "d0000000-0000-4000-8000-000000000002", "subject": "Write", "regardingobjectid": ref{"account", contoso}, "statecode": 1, "statuscode": 5, "createdon": "2020-08-01T00:00:00Z"}},
	{"task", testRecord{"activityid": "d0000000-0000-4000-8000-000000000003", "subject": "Call", "regardingobjectid": ref{"contact", ada}, "statecode": 1, "statuscode": 5}},
}

// database is one read-only database for all tests of the package.
var database = sync.OnceValues(func() (*sql.DB, error) {
	RegisterFunctions()
	db, err := sql.Open("sqlite", "file:querytest?mode=memory")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range CreateTables(schema.Standard()) {
		if _, err := db.Exec(statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	for _, r := range testRecords {
		if err := insert(db, schema.Standard().Entity(r.entity), r.values); err != nil {
			return nil, err
		}
	}
	return db, nil
})

func insert(db *sql.DB, e *schema.Entity, values testRecord) error {
	var names, marks []string
	var args []any
	add := func(name string, arg any) {
		names, marks, args = append(names, quote(name)), append(marks, "?"), append(args, arg)
	}
	for name, v := range values {
		f := e.Field(name)
		if f == nil {
			return fmt.Errorf("no field %s of %s", name, e.LogicalName)
		}
		if r, ok := v.(ref); ok {
			if target := TargetColumn(f); target != "" {
				add(target, r.entity)
			}
			v = r.id
		}
		encoded, err := Encode(e, f, v)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", e.LogicalName, name, err)
		}
		add(name, encoded)
	}
	_, err := db.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(e.LogicalName), strings.Join(names, ", "), strings.Join(marks, ", ")), args...)
	return err
}

func testDB(t testing.TB) *sql.DB {
	t.Helper()
	db, err := database()
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// read runs a query on the test database.
func read(t testing.TB, q *Query) *Page {
	t.Helper()
	text, args := q.SQL()
	rows, err := testDB(t).QueryContext(context.Background(), text, args...)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	page, err := q.Read(rows)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func testOptions() Options {
	return Options{Now: testNow, UserID: uma, BusinessUnitID: unit, Location: time.UTC}
}

// odataQuery makes the query of a URL's query part, not percent-encoded.
func odataQuery(t testing.TB, entity, options string, opts Options) (*Query, error) {
	t.Helper()
	o, err := odata.ParseQuery(strings.NewReplacer("%", "%25", " ", "%20", "+", "%2B").Replace(options))
	if err != nil {
		t.Fatalf("%s: %v", options, err)
	}
	return FromOData(schema.Standard(), schema.Standard().Entity(entity), o, opts)
}

func mustOData(t testing.TB, entity, options string) *Query {
	t.Helper()
	q, err := odataQuery(t, entity, options, testOptions())
	if err != nil {
		t.Fatalf("%s: %v", options, err)
	}
	return q
}

// shown are a page's values of one property, as in the reply.
func shown(q *Query, p *Page, property string) []any {
	i := slices.IndexFunc(q.Columns, func(c Column) bool { return c.Property == property && c.Role == Shown && len(c.Path) == 0 })
	if i < 0 {
		return nil
	}
	values := make([]any, len(p.Rows))
	for n, row := range p.Rows {
		values[n] = q.Columns[i].JSON(row[i])
	}
	return values
}

// names maps the IDs of test records to short names and sorts them.
func names(ids []any) string {
	short := map[string]string{ada: "ada", jose: "jose", bob: "bob", zoe: "zoe", contoso: "contoso", fabrikam: "fabrikam", empty: "empty", uma: "uma", ulf: "ulf"}
	var found []string
	for _, id := range ids {
		found = append(found, short[fmt.Sprint(id)])
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}
