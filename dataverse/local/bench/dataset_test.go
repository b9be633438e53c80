package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// The size of the data set.
const (
	accounts = 100_000
	contacts = 1_000_000
)

// dataDir is the environment variable with the directory that the data set is kept in; without it, it is in the temporary
// directory.
const dataDir = "BOTVERSE_BENCH_DIR"

// dataSet is the data directory with the large data set, which is made where it is not there yet.
var dataSet = sync.OnceValues(func() (string, error) {
	root := os.Getenv(dataDir)
	if root == "" {
		root = filepath.Join(os.TempDir(), "botverse-bench")
	}
	dir := filepath.Join(root, layout())
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	unfinished := dir + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	begun := time.Now()
	if err := generate(context.Background(), unfinished); err != nil {
		return "", errors.Join(fmt.Errorf("make the data set: %w", err), os.RemoveAll(unfinished))
	}
	fmt.Fprintf(os.Stderr, "made %d contacts and %d accounts in %s, in %s\n", contacts, accounts, time.Since(begun).Round(time.Second), dir)
	return dir, os.Rename(unfinished, dir)
})

func largeData(b *testing.B) string {
	b.Helper()
	dir, err := dataSet()
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// layout names how the records lie, so that a data set of another layout is not taken for this one.
func layout() string {
	hash := sha256.Sum256(fmt.Append(nil, accounts, contacts, query.CreateTables(schema.Standard()), templates))
	return fmt.Sprintf("%x", hash[:6])
}

// templates are the records that all others are made of: they are created through the Web API, and the rows that this
// writes are copied with other values.
var templates = []struct{ set, body string }{
	{"accounts", `{"name": "x", "accountnumber": "x", "emailaddress1": "x", "telephone1": "x", "address1_city": "Oslo", "industrycode": 6, "revenue": 1200000.50}`},
	{"contacts", `{"firstname": "x", "lastname": "x", "emailaddress1": "x", "telephone1": "x", "mobilephone": "x", "jobtitle": "Engineer",
		"preferredcontactmethodcode": 2, "birthdate": "1980-05-17", "creditlimit": 1200.50, "address1_line1": "1 Main Street", "address1_city": "Oslo",
		"address1_postalcode": "0150", "address1_country": "Norway", "parentcustomerid_account@odata.bind": "/%s"}`},
}

// generate makes the data set: the templates through a server, the others by SQL, the indexes last.
func generate(ctx context.Context, dir string) error {
	if err := createTemplates(ctx, dir); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "dataverse.db")+
		"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=locking_mode(EXCLUSIVE)&_pragma=cache_size(-200000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := dropIndexes(ctx, db); err != nil {
		return err
	}
	if err := copies(ctx, db, "account", accounts, accountValues); err != nil {
		return err
	}
	if err := copies(ctx, db, "contact", contacts, contactValues); err != nil {
		return err
	}
	for _, statement := range query.CreateTables(schema.Standard()) {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return db.Close()
}

func createTemplates(ctx context.Context, dir string) (err error) {
	cfg := local.Default()
	cfg.DataDir, cfg.Seed = dir, local.SeedNone
	server, err := local.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	created := ""
	for _, t := range templates {
		body := t.body
		if strings.Contains(body, "%s") {
			body = fmt.Sprintf(body, created)
		}
		answer := httptest.NewRecorder()
		server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "http://127.0.0.1/api/data/v9.2/"+t.set, strings.NewReader(body)))
		if answer.Code != http.StatusNoContent {
			return fmt.Errorf("create one of %s: %d %s", t.set, answer.Code, answer.Body)
		}
		_, created, _ = strings.Cut(answer.Header().Get("OData-EntityId"), "/v9.2/")
	}
	return nil
}

func dropIndexes(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('account', 'contact')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var drop strings.Builder
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		fmt.Fprintf(&drop, "DROP INDEX %q;", name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, drop.String())
	return err
}

// copies writes n copies of a table's one row, with the values that differ.
func copies(ctx context.Context, db *sql.DB, table string, n int, values func(i int) map[string]any) error {
	row, err := onlyRow(ctx, db, table)
	if err != nil {
		return err
	}
	var columns []string
	for name := range values(0) {
		row[name] = nil
	}
	args := make([]any, 0, len(row))
	for name, value := range row {
		columns, args = append(columns, name), append(args, value)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after the commit it does nothing
	insert, err := tx.PrepareContext(ctx, insertion(table, columns))
	if err != nil {
		return err
	}
	for i := range n {
		differing := values(i)
		for at, name := range columns {
			if value, ok := differing[name]; ok {
				args[at] = value
			}
		}
		if _, err := insert.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func insertion(table string, columns []string) string {
	return `INSERT INTO "` + table + `" ("` + strings.Join(columns, `", "`) + `") VALUES (?` + strings.Repeat(", ?", len(columns)-1) + `)`
}

// onlyRow is what stands in a table's one row.
func onlyRow(ctx context.Context, db *sql.DB, table string) (map[string]any, error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+table+`" LIMIT 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	if !rows.Next() {
		return nil, fmt.Errorf("no row of %s: %w", table, rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := map[string]any{}
	for i, name := range names {
		if cells[i] != nil {
			row[name] = cells[i]
		}
	}
	return row, nil
}
