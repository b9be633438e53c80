package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/dataverse/local"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
)

// startProgram starts `botverse serve` in a process of its own, and waits until it is ready.
func startProgram(t *testing.T, dataDir string) (*exec.Cmd, *running) {
	t.Helper()
	cmd := program(t, append([]string{"serve", "--log-level=error"}, onAnyPort(dataDir)...)...)
	log := &safeBuffer{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var welcome strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "presence:watch") {
		fmt.Fprintln(&welcome, lines.Text())
	}
	if !strings.Contains(welcome.String(), "botverse is ready") {
		t.Fatalf("serve ended before it was ready: %v\n%s", cmd.Wait(), log)
	}
	r := &running{welcome: welcome.String()}
	r.grpc = address(t, r.welcome, `gRPC +(\S+)`)
	r.http = address(t, r.welcome, `HTTP +http://(\S+)`)
	r.local = address(t, r.welcome, `local Dataverse +http://([^/]+)/`)
	return cmd, r
}

// SIGTERM ends streams of every kind with a reason to come back, and the process with status 0, within ten seconds.
func TestSIGTERMEndsOpenStreams(t *testing.T) {
	t.Parallel()
	cmd, r := startProgram(t, t.TempDir())
	overGRPC, err := botversev1.NewPresenceServiceClient(r.dial(t)).WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := overGRPC.Recv(); err != nil {
		t.Fatal(err)
	}
	lines := watchHTTP(t.Context(), t, r, "application/json", "")
	events := watchHTTP(t.Context(), t, r, "text/event-stream", "")
	next(t, lines)
	next(t, events)

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = overGRPC.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the gRPC stream ended with %v, want UNAVAILABLE", err)
	}
	for name, stream := range map[string]*bufio.Scanner{"lines": lines, "events": events} {
		last := ""
		for stream.Scan() {
			if stream.Text() != "" {
				last = stream.Text()
			}
		}
		if stream.Err() != nil || !strings.Contains(last, "SHUTTING_DOWN") {
			t.Errorf("the stream of %s ended with %q (%v), want SHUTTING_DOWN", name, last, stream.Err())
		}
	}
	if err := cmd.Wait(); err != nil { // how soon, the server's tests tell in fake time
		t.Errorf("serve ended with %v, want status 0", err)
	}
}

// A call that is under way when the end comes still finds the local Dataverse, which it may need more than once.
func TestStopLetsCallsFinish(t *testing.T) {
	t.Parallel()
	parsed, err := parse(append([]string{"serve", "--log-level=error"}, onAnyPort(t.TempDir())...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	serve := parsed.(*serveCommand)
	if err := serve.validate(); err != nil {
		t.Fatal(err)
	}
	h := &house{log: serve.logger(&safeBuffer{})}
	defer h.close()
	if err := serve.build(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- h.run(ctx, func() { close(ready) }) }()
	<-ready

	h.local.SetFaults([]local.Fault{{Path: "$batch", Delay: time.Hour}}) // the metadata; the record comes after it
	r := &running{http: h.server.HTTPAddr()}
	answered := make(chan map[string]any, 1)
	go func() {
		_, answer := r.post(t, "find-record", `{"entity": "account", "where": {"statecode": "Active"}, "save": {"n": "name"}}`)
		answered <- answer
	}()
	r.waitForCall(t)
	stop()
	await.Until(t, "the end has come", func() bool {
		conn, err := net.Dial("tcp", r.http)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	h.local.SetFaults(nil) // and the metadata come
	if answer := <-answered; answer["outcome"] != "MATCHED" {
		t.Errorf("the call that the end met = %v, want MATCHED", answer)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

// waitForCall returns when a call is under way, as the metrics tell.
func (r *running) waitForCall(t *testing.T) {
	t.Helper()
	await.Until(t, "a call is under way", func() bool { return activeCall.MatchString(r.metrics(t)) })
}

var activeCall = regexp.MustCompile(`(?m)^botverse_call_active\{.*\} 1$`)

// However the process ends, what Dataverse acknowledged reaches the subscriber that comes back with its cursor, once.
func TestNoEventIsLostOrDoubledOverARestart(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"kill -9": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd, r := startProgram(t, dir)
			_, list := r.get(t, "/v1/presence")
			cursor, _ := list["cursor"].(string)
			acknowledged := changePresence(r.local, 60, func() {
				if err := cmd.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			})
			if err := cmd.Wait(); signal == syscall.SIGTERM && err != nil {
				t.Errorf("serve ended with %v", err)
			}

			_, r = startProgram(t, dir)
			got := recordsAfter(t, r, cursor, acknowledged)
			for id, n := range got {
				if n != 1 {
					t.Errorf("the change %s came %d times", id, n)
				}
			}
		})
	}
}

// changePresence writes changes of presence from several connections until the local Dataverse is gone, calls enough after
// so many of them, and returns those that were acknowledged.
func changePresence(addr string, count int, enough func()) []string {
	var (
		writers      sync.WaitGroup
		mu           sync.Mutex
		acknowledged []string
		start        = time.Now().Add(-time.Hour)
	)
	for range 4 {
		writers.Go(func() {
			for {
				id := uuid.NewString()
				mu.Lock()
				start = start.Add(time.Second)
				at := start
				mu.Unlock()
				if createHistory(addr, id, at) != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				if len(acknowledged) == count {
					enough()
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	return acknowledged
}

// createHistory writes a change of presence through the Web API, with a record ID of our own.
func createHistory(addr, id string, start time.Time) error {
	response, err := http.Post("http://"+addr+"/api/data/v9.2/msdyn_agentstatushistories", "application/json", strings.NewReader(
		`{"msdyn_agentstatushistoryid":"`+id+`","msdyn_starttime":"`+start.UTC().Format(time.RFC3339)+`",
		"msdyn_Agentid@odata.bind":"/systemusers(50000000-0000-4000-8000-00000000000b)",
		"msdyn_presenceid@odata.bind":"/msdyn_presences(efdeb843-c07a-e811-8162-000d3aa11f50)"}`))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return nil
}

// recordsAfter counts the events after a cursor by their record, until all that were acknowledged have come, and what comes
// twice would have. In which order they come is not told here: what Dataverse gave up, because the end met its second attempt,
// is read from the table, after what is delivered meanwhile.
func recordsAfter(t *testing.T, r *running, cursor string, acknowledged []string) map[string]int {
	t.Helper()
	stream, err := botversev1.NewPresenceServiceClient(r.dial(t)).WatchPresence(await.Context(t), &botversev1.WatchPresenceRequest{After: cursor})
	if err != nil {
		t.Fatal(err)
	}
	missing, got := make(map[string]bool), map[string]int{}
	for _, id := range acknowledged {
		missing[id] = true
	}
	await := func() {
		for len(missing) > 0 {
			m, err := stream.Recv()
			if err != nil {
				t.Fatalf("%d acknowledged changes have not come after %d events: %v", len(missing), len(got), err)
			}
			if e := m.GetEvent(); e != nil {
				got[e.GetRecordId()]++
				delete(missing, e.GetRecordId())
			}
		}
	}
	await()
	marker := uuid.NewString()
	if err := createHistory(r.local, marker, time.Now()); err != nil {
		t.Fatal(err)
	}
	missing[marker] = true
	await()
	return got
}
