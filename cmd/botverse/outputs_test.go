package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/internal/await"
)

// serveUntilKilled starts serve in a process of its own and waits until it is ready.
func serveUntilKilled(t *testing.T, args ...string) (cmd *exec.Cmd, local string) {
	t.Helper()
	cmd = program(t, append([]string{"serve"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var welcome strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&welcome, lines.Text())
		if strings.Contains(lines.Text(), "local Dataverse") {
			break
		}
	}
	return cmd, address(t, welcome.String(), `local Dataverse +http://([^/]+)/`)
}

// csvRecords are the record IDs of the rows in all files of an output.
func csvRecords(t *testing.T, dir string) (records []string) {
	t.Helper()
	for _, row := range csvRows(t, dir, "record_id") {
		records = append(records, row[0])
	}
	return records
}

// csvRows are some columns of the rows that tell of a record, in all files of an output. What is just being written is not there yet.
func csvRows(t *testing.T, dir string, columns ...string) (rows [][]string) {
	t.Helper()
	days, err := filepath.Glob(filepath.Join(dir, "daily-*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		f, err := os.Open(day)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil || len(lines) == 0 {
			continue
		}
		record := slices.Index(lines[0], "record_id")
		for _, line := range lines[1:] {
			if line[record] == "" {
				continue // it was read at the first start
			}
			var row []string
			for _, column := range columns {
				row = append(row, line[slices.Index(lines[0], column)])
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Serve is killed while agents change presence; the files have each change once.
func TestFilesHaveEachChangeOnceThoughServeIsKilled(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	args := append(onAnyPort(data), "--presence", fmt.Sprintf("{outputs: {daily: {kind: csv, dir: %q}}}", dir))
	began := time.Now().Add(-time.Second).UTC()
	for range 3 {
		cmd, local := serveUntilKilled(t, args...)
		for n := range 8 {
			status := []string{"Busy", "Available"}[n%2]
			if _, err := say(t, "presence", "set", agent, status, "--local-addr="+local); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	r := serve(t, args[4:]...)
	setPresence(t, r, agent, "Away")
	histories, err := desk{client(t, "http://"+r.local)}.list(t.Context(), "msdyn_agentstatushistory", nil,
		&odata.Compare{Path: odata.Path{"createdon"}, Op: odata.Ge, Value: odata.DateTime(began.Format(time.RFC3339))})
	if err != nil || len(histories) != 25 {
		t.Fatalf("%d changes were made, %v; want 25", len(histories), err)
	}
	var want []string
	for _, h := range histories {
		want = append(want, string(h.ID()))
	}
	slices.Sort(want)
	var got []string
	await.Until(t, "the files have all changes", func() bool {
		got = csvRecords(t, dir)
		return len(got) >= len(want)
	})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the files have %d changes, want each of %d once", len(got), len(want))
	}
}
