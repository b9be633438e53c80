package presence

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// In these tests a process of its own receives changes of many agents at the same time, in batches, and is killed.
const (
	killDir    = "PRESENCE_KILL_DIR"  // where it keeps its journal
	killFrom   = "PRESENCE_KILL_FROM" // the row to begin with
	killAgents = 97
)

// Whatever instant a process is killed at: what it acknowledged is there, nothing is there twice, and states and events tell
// the same story.
func TestKillInTheMiddleOfBatches(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killDir); dir != "" {
		receiveUntilKilled(t, dir)
	}
	dir := t.TempDir()
	acknowledged := make(map[string]bool)
	row := 0
	for round := range 3 {
		killAfter(t, dir, row, 150+100*round, acknowledged)
		row += 1_000_000
		wantOneStory(t, dir, acknowledged)
	}
}

// receiveUntilKilled says of each row that is stored that it is.
func receiveUntilKilled(t *testing.T, dir string) {
	var from int64
	if _, err := fmt.Sscan(os.Getenv(killFrom), &from); err != nil {
		t.Fatal(err)
	}
	var row atomic.Int64
	row.Store(from)
	r := openSynced(t, dir)
	r.run()
	for range 64 {
		go func() {
			for {
				n := int(row.Add(1))
				c := change{row: n, agent: n % killAgents, presence: busy, minute: n, capacity: n}
				if _, err := r.Receive(context.Background(), AgentStatus, body(t, c.context()), nil); err == nil {
					fmt.Println("stored", rowID(n))
				}
			}
		}()
	}
	select {}
}

// killAfter kills such a process after so many rows, and notes what it acknowledged.
func killAfter(t *testing.T, dir string, from, rows int, acknowledged map[string]bool) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillInTheMiddleOfBatches$")
	process.Env = append(os.Environ(), killDir+"="+dir, fmt.Sprint(killFrom, "=", from))
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	stored, lines := 0, bufio.NewScanner(out)
	for lines.Scan() { // to the end of what it said before it was killed
		var row string
		if _, err := fmt.Sscanf(lines.Text(), "stored %s", &row); err != nil {
			t.Fatalf("the process says %q", lines.Text())
		}
		acknowledged[row] = true
		if stored++; stored == rows {
			if err := process.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = process.Wait() // it was killed
	if stored < rows {
		t.Fatalf("the process ended by itself after %d rows", stored)
	}
}

// wantOneStory goes on from what was killed, and holds the events to what was acknowledged and to each other.
func wantOneStory(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	r := openSynced(t, dir)
	defer func() { r.stop() }()
	r.run()
	end, err := r.store.logEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events := all(t, r.watch(r.hub.cursors.format(0)), int(end))
	if diff := cmp.Diff(recompute(t, r.Presence), events, cmpopts.IgnoreFields(Event{}, "Environment")); diff != "" {
		t.Errorf("the events are not what the log makes (-want +got):\n%s", diff)
	}
	seen, newest := make(map[string]bool), make(map[string]Event)
	for _, e := range events {
		if seen[e.RecordID] {
			t.Errorf("row %s came twice", e.RecordID)
		}
		seen[e.RecordID] = true
		if !e.Late {
			newest[e.AgentID] = e
		}
	}
	for row := range acknowledged {
		if !seen[row] {
			t.Errorf("row %s was acknowledged and is lost", row)
		}
	}
	for id, event := range newest {
		if diff := cmp.Diff(event, r.hub.agent(agentKey(organization, id)).Event); diff != "" {
			t.Errorf("the state of %s is not of its newest event (-want +got):\n%s", id, diff)
		}
	}
}
