package bench

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// allAnnotations is what clients ask for that show values to people.
const allAnnotations = `odata.include-annotations="*"`

// BenchmarkFind reads the first match of a condition the way FindRecord does: two records at most, active ones first, then
// the oldest. Each value is asked for over HTTP, of raw SQLite by the same SQL, and beside that the same number of bytes
// of a server that does nothing. times-raw is what is over the bare round trip, in times of raw SQLite.
func BenchmarkFind(b *testing.B) {
	for _, bench := range []struct {
		name   string
		filter func(i int) string
	}{
		{"email", func(i int) string { return fmt.Sprintf("emailaddress1 eq '%s'", strings.ToUpper(emailOf(i))) }},
		{"fullname", func(i int) string { return fmt.Sprintf("fullname eq '%s'", fullNameOf(i|1)) }},
		{"telephone", func(i int) string { return fmt.Sprintf("telephone1 eq '%s'", phone(2, i)) }},
		{"account", func(i int) string { return "_parentcustomerid_value eq " + recordID('a', mixed(i)%accounts) }},
		{"email and name", func(i int) string {
			return fmt.Sprintf("lastname eq '%s' and emailaddress1 eq '%s'", lastNameOf(i), emailOf(i))
		}},
		{"one of two", func(i int) string {
			return fmt.Sprintf("emailaddress1 eq '%s' or telephone1 eq '%s'", emailOf(i), phone(2, i))
		}},
		{"name begins", func(i int) string { return fmt.Sprintf("startswith(fullname,'%s')", fullNameOf(i|1)) }},
		{"phone number", func(i int) string { return usualPhone(phone(3, i)) }},
		{"phone number of nobody", func(i int) string { return usualPhone(phone(7, i)) }},
		{"common name", func(int) string { return "lastname eq '" + commonName + "'" }},
		{"common name inactive", func(int) string { return "lastname eq '" + commonName + "' and statecode eq 1" }},
	} {
		b.Run(strings.ReplaceAll(bench.name, " ", "-"), func(b *testing.B) {
			find(b, func(i int) string {
				return encoded("$select", "fullname,emailaddress1,_parentcustomerid_value,statecode", "$filter", bench.filter(i),
					"$orderby", "statecode,createdon,contactid", "$top", "2")
			})
		})
	}
}

// BenchmarkFetch runs FetchXML with one link: contacts and their accounts, found from either side.
func BenchmarkFetch(b *testing.B) {
	const document = `<fetch top="2"><entity name="contact"><attribute name="fullname"/><attribute name="emailaddress1"/><order attribute="createdon"/>%s` +
		`<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"><attribute name="name"/>%s</link-entity></entity></fetch>`
	const condition = `<filter><condition attribute="%s" operator="eq" value="%s"/></filter>`
	for _, bench := range []struct {
		name  string
		fetch func(i int) string
	}{
		{"by contact", func(i int) string {
			return fmt.Sprintf(document, fmt.Sprintf(condition, "emailaddress1", emailOf(i)), "")
		}},
		{"by account", func(i int) string {
			return fmt.Sprintf(document, "", fmt.Sprintf(condition, "accountnumber", fmt.Sprintf("A-%07d", mixed(i)%accounts)))
		}},
	} {
		b.Run(strings.ReplaceAll(bench.name, " ", "-"), func(b *testing.B) {
			find(b, func(i int) string { return encoded("fetchXml", bench.fetch(i)) })
		})
	}
}

func find(b *testing.B, options func(i int) string) { findAfter(b, 20, options) }

// findAfter measures after so many calls by which all gets warm.
func findAfter(b *testing.B, warm int, options func(i int) string) {
	dir := largeData(b)
	server, raw, client := start(b, dir), openRaw(b, dir, "mode=ro&_pragma=query_only(1)"), newClient(b, 1)
	var answered, sqlite, bare times
	one := func(i int) {
		rawQuery := options(mixed(-i-1) % contacts)
		text, args := compiled(b, rawQuery)
		var body []byte
		answered.add(b, func() (err error) {
			body, err = get(client, server.api+"contacts?"+rawQuery, allAnnotations)
			return err
		})
		sqlite.add(b, func() error {
			_, err := raw.run(text, args)
			return err
		})
		bare.add(b, func() error { return roundTrip(client, server.bare, len(body)) })
	}
	text, args := compiled(b, options(1))
	b.Logf("%s", raw.plan(b, text, args))
	for i := range warm {
		one(-i - 1)
	}
	answered, sqlite, bare = nil, nil, nil
	b.ResetTimer()
	for i := range b.N {
		one(i)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(answered.median(), "http-µs")
	b.ReportMetric(sqlite.median(), "raw-µs")
	b.ReportMetric(bare.median(), "bare-µs")
	b.ReportMetric((answered.median()-bare.median())/sqlite.median(), "times-raw")
}

func roundTrip(client *http.Client, address string, size int) error {
	_, err := get(client, fmt.Sprintf("%s?n=%d", address, size), "")
	return err
}

// compiled is the SQL that the server runs for a query of contacts.
func compiled(b *testing.B, rawQuery string) (string, []any) {
	b.Helper()
	q, err := compile(rawQuery, "contact", 0)
	if err != nil {
		b.Fatal(err)
	}
	return q.SQL()
}

func compile(rawQuery, entity string, pageSize int) (*query.Query, error) {
	s, opts := schema.Standard(), query.Options{Now: time.Now(), Labels: true, PageSize: pageSize}
	q, err := odata.ParseQuery(rawQuery)
	if err != nil {
		return nil, err
	}
	if q.FetchXML == "" {
		return query.FromOData(s, s.Entity(entity), q, opts)
	}
	f, err := fetchxml.Parse(q.FetchXML)
	if err != nil {
		return nil, err
	}
	return query.FromFetchXML(s, f, opts)
}
