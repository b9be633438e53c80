package bench

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
)

// times are how long the calls of one way took.
type times []time.Duration

// add times a call.
func (t *times) add(b *testing.B, call func() error) {
	start := time.Now()
	err := call()
	*t = append(*t, time.Since(start))
	if err != nil {
		b.Fatal(err)
	}
}

// median is in microseconds.
func (t times) median() float64 {
	sorted := slices.Sorted(slices.Values(t))
	return float64(sorted[len(sorted)/2].Nanoseconds()) / 1e3
}

// get reads an address to its end; the answer must be 200. It returns the answer's body.
func get(client *http.Client, address, prefer string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Prefer", prefer)
	return send(client, request, http.StatusOK)
}

func post(client *http.Client, address, body string, want int) error {
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	_, err = send(client, request, want)
	return err
}

func send(client *http.Client, request *http.Request, want int) ([]byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body := bytes.NewBuffer(make([]byte, 0, max(response.ContentLength, 0)+bytes.MinRead))
	if _, err := io.Copy(body, response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s, want %d: %s", request.Method, request.URL, response.Status, want, body)
	}
	return body.Bytes(), nil
}

// newClient keeps as many connections as it is called by.
func newClient(b *testing.B, callers int) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// rawSQLite is the data set without a server: one connection, its statements prepared once.
type rawSQLite struct {
	db       *sql.DB
	prepared map[string]*sql.Stmt
}

func openRaw(b *testing.B, dir, parameters string) *rawSQLite {
	b.Helper()
	query.RegisterFunctions()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "dataverse.db")+"?_pragma=busy_timeout(5000)&"+parameters)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return &rawSQLite{db: db, prepared: map[string]*sql.Stmt{}}
}

// run reads all rows of a statement and returns how many there were.
func (r *rawSQLite) run(text string, args []any) (int, error) {
	stmt := r.prepared[text]
	if stmt == nil {
		var err error
		if stmt, err = r.db.Prepare(text); err != nil {
			return 0, err
		}
		r.prepared[text] = stmt
	}
	rows, err := stmt.Query(args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	cells, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// plan is how SQLite means to run a statement.
func (r *rawSQLite) plan(b *testing.B, text string, args []any) string {
	b.Helper()
	rows, err := r.db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			b.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return strings.Join(steps, "; ")
}

// residentMB is the memory that a process resides in, "VmRSS", or did at most, "VmHWM"; 0 where the system does not tell.
func residentMB(pid int, name string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

// encoded joins query options, as "$top", "2", ….
func encoded(options ...string) string {
	var parts []string
	for i := 0; i < len(options); i += 2 {
		parts = append(parts, options[i]+"="+url.QueryEscape(options[i+1]))
	}
	return strings.Join(parts, "&")
}
