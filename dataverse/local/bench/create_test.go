package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

const (
	creators = 64  // callers that create at once
	batch    = 500 // creates of one way before it is the other's turn
)

// BenchmarkCreate creates contacts over HTTP, durably and 64 at a time, and in turn inserts the same row into raw SQLite
// that has the same tables and indexes and is as durable, each row in a transaction of its own. An empty POST that is
// read and answered shows what HTTP alone takes.
func BenchmarkCreate(b *testing.B) {
	dir := b.TempDir()
	server, client := start(b, dir), newClient(b, creators)
	body := func(i int) string {
		return fmt.Sprintf(`{"firstname": "Ada", "lastname": %q, "emailaddress1": %q, "telephone1": %q, "mobilephone": %q, "jobtitle": "Engineer",
			"preferredcontactmethodcode": 2, "birthdate": "1980-05-17", "address1_line1": "1 Main Street", "address1_city": "Oslo"}`,
			lastNameOf(i), emailOf(i), phone(2, i), phone(3, i))
	}
	if err := post(client, server.api+"contacts", body(0), http.StatusNoContent); err != nil {
		b.Fatal(err)
	}
	insert := rawInsertion(b, dir)
	var answered, sqlite, bare time.Duration
	created := 1
	b.ResetTimer()
	for range b.N {
		begun := time.Now()
		together(b, func(i int) error {
			return post(client, server.api+"contacts", body(created+i), http.StatusNoContent)
		})
		answered += time.Since(begun)
		begun = time.Now()
		for i := range batch {
			if err := insert(created + i); err != nil {
				b.Fatal(err)
			}
		}
		sqlite += time.Since(begun)
		begun = time.Now()
		together(b, func(i int) error { return post(client, server.bare, body(created+i), http.StatusOK) })
		bare += time.Since(begun)
		created += batch
	}
	perSecond := func(d time.Duration) float64 { return float64(b.N*batch) / d.Seconds() }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perSecond(answered), "http/s")
	b.ReportMetric(perSecond(sqlite), "raw/s")
	b.ReportMetric(perSecond(bare), "bare/s")
	b.ReportMetric(perSecond(answered)/perSecond(sqlite), "of-raw")
}

// together does a batch's calls, so many at once as there are creators.
func together(b *testing.B, call func(i int) error) {
	b.Helper()
	var done sync.WaitGroup
	var mu sync.Mutex
	var faults error
	for creator := range creators {
		done.Go(func() {
			for i := creator; i < batch; i += creators {
				if err := call(i); err != nil {
					mu.Lock()
					faults = errors.Join(faults, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	done.Wait()
	if faults != nil {
		b.Fatal(faults)
	}
}

// rawInsertion returns what inserts the server's one contact again and again, with other values, into a database of its own.
func rawInsertion(b *testing.B, served string) func(i int) error {
	b.Helper()
	ctx := context.Background()
	row, err := onlyRow(ctx, openRaw(b, served, "mode=ro").db, "contact")
	if err != nil {
		b.Fatal(err)
	}
	raw := openRaw(b, b.TempDir(), "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	for _, statement := range query.CreateTables(schema.Standard()) {
		if _, err := raw.db.ExecContext(ctx, statement); err != nil {
			b.Fatal(err)
		}
	}
	columns := make([]string, 0, len(row))
	for name := range row {
		columns = append(columns, name)
	}
	insert, err := raw.db.PrepareContext(ctx, insertion("contact", columns))
	if err != nil {
		b.Fatal(err)
	}
	return func(i int) error {
		values, args := contactValues(i), make([]any, len(columns))
		for at, name := range columns {
			args[at] = row[name]
			if value, ok := values[name]; ok {
				args[at] = value
			}
		}
		_, err := insert.ExecContext(ctx, args...)
		return err
	}
}
