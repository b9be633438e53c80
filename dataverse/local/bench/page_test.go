package bench

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local/query"
)

const (
	walked   = 100_000 // records that a walk reads
	pageSize = 1000
	edge     = 10 // how many pages at the beginning are compared with as many at the end
)

// BenchmarkPages follows the links to the next page through 100,000 records, and runs the SQL of each page on raw SQLite
// as well. last/first is the median time of the last ten pages in times of that of the first ten: it is 1 where a page costs
// the same wherever it lies. peak-MB is the most memory that the server resided in during the walk, rest-MB what it
// resided in before.
func BenchmarkPages(b *testing.B) {
	for _, bench := range []struct{ name, entity, set, options string }{
		{"accounts by ID", "account", "accounts", "$select=name,telephone1"},
		{"contacts, newest first", "contact", "contacts", "$select=fullname,emailaddress1,_parentcustomerid_value&$orderby=createdon%20desc"},
		{"contacts by name", "contact", "contacts", "$select=fullname,emailaddress1&$orderby=fullname"},
		{"contacts by e-mail, last first", "contact", "contacts", "$select=fullname,emailaddress1&$orderby=emailaddress1%20desc"},
		{"contacts filtered", "contact", "contacts", "$select=fullname,emailaddress1&$filter=lastname%20ne%20'" + commonName + "'&$orderby=createdon"},
		{"contacts, all fields", "contact", "contacts", "$orderby=statecode,createdon"},
	} {
		b.Run(strings.NewReplacer(" ", "-", ",", "").Replace(bench.name), func(b *testing.B) {
			for range b.N {
				walkPages(b, bench.entity, bench.set, bench.options)
			}
		})
	}
}

func walkPages(b *testing.B, entity, set, options string) {
	dir := largeData(b)
	server, raw, client := start(b, dir), openRaw(b, dir, "mode=ro&_pragma=query_only(1)"), newClient(b, 1)
	rest := residentMB(server.pid, "VmRSS")
	var answered, sqlite times
	rows, next := 0, server.api+set+"?"+options
	for range walked / pageSize {
		u, err := url.Parse(next)
		if err != nil {
			b.Fatal(err)
		}
		q, err := compile(u.RawQuery, entity, pageSize)
		if err != nil {
			b.Fatal(err)
		}
		var page struct {
			Next string `json:"@odata.nextLink"`
		}
		var body []byte
		answered.add(b, func() error {
			body, err = get(client, next, `odata.maxpagesize=1000,odata.include-annotations="*"`)
			return err
		})
		sqlite.add(b, func() error { return readPage(raw, q, &rows) })
		if err := json.Unmarshal(body, &page); err != nil {
			b.Fatal(err)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if rows < walked*99/100 {
		b.Fatalf("the walk ended after %d records", rows)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(answered.median(), "http-µs/page")
	b.ReportMetric(sqlite.median(), "raw-µs/page")
	b.ReportMetric(answered.median()/sqlite.median(), "times-raw")
	b.ReportMetric(answered.edges(), "last/first")
	b.ReportMetric(sqlite.edges(), "raw-last/first")
	b.ReportMetric(rest, "rest-MB")
	b.ReportMetric(residentMB(server.pid, "VmHWM"), "peak-MB")
}

// edges is the median of the last pages in times of that of the first.
func (t times) edges() float64 { return t[len(t)-edge:].median() / t[:edge].median() }

func readPage(raw *rawSQLite, q *query.Query, rows *int) error {
	text, args := q.SQL()
	n, err := raw.run(text, args)
	*rows += min(n, pageSize)
	return err
}
