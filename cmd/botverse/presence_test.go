package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/vacant"
)

const agent = "aoife.orourke@harborlights.example.com"

// A change in Dataverse goes the whole way: webhook, log, stream; over gRPC, newline-delimited JSON and SSE alike.
func TestPresenceChangeReachesEverySubscriber(t *testing.T) {
	t.Parallel()
	r := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	overGRPC, err := botversev1.NewPresenceServiceClient(r.dial(t)).WatchPresence(ctx, &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := overGRPC.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetSnapshotEnd() != nil {
			break
		}
	}
	lines := watchHTTP(ctx, t, r, "application/json", "")
	events := watchHTTP(ctx, t, r, "text/event-stream", "")
	for !strings.Contains(next(t, lines), "snapshotEnd") {
	}
	for !strings.Contains(next(t, events), "snapshotEnd") {
	}

	setPresence(t, r, agent, "Busy")

	m, err := overGRPC.Recv()
	if err != nil {
		t.Fatal(err)
	}
	e := m.GetEvent()
	if e.GetPresence().GetName() != "Busy" || e.GetPresence().GetBaseStatus() != botversev1.Presence_BUSY || !strings.Contains(e.GetAgentName(), "O'Rourke") {
		t.Errorf("over gRPC: %v, want O'Rourke Busy", m)
	}
	line := next(t, lines)
	var answer map[string]any
	if err := json.Unmarshal([]byte(line), &answer); err != nil || at(answer, "result", "event", "id") != e.GetId() {
		t.Errorf("a line of JSON: %s (%v), want event %s", line, err, e.GetId())
	}
	for line = next(t, events); !strings.HasPrefix(line, "data:"); line = next(t, events) {
	}
	if !strings.Contains(line, e.GetId()) {
		t.Errorf("a server-sent event: %s, want event %s", line, e.GetId())
	}

	_, list := r.get(t, "/v1/presence?pageSize=1000")
	states, _ := list["agents"].([]any)
	for _, s := range states {
		if at(s, "agentId") == e.GetAgentId() && at(s, "presence", "name") == "Busy" {
			return
		}
	}
	t.Errorf("ListPresence = %v, want O'Rourke Busy", list)
}

// A subscriber that comes back with its cursor gets what it missed, and nothing twice.
func TestResumeByCursor(t *testing.T) {
	t.Parallel()
	r := serve(t)
	client := botversev1.NewPresenceServiceClient(r.dial(t))
	watch := func(after string) botversev1.PresenceService_WatchPresenceClient {
		stream, err := client.WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{After: after})
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	first := watch("")
	cursor := ""
	for cursor == "" {
		m, err := first.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetSnapshotEnd() != nil {
			cursor = m.GetCursor()
		}
	}
	want := []string{"Away", "Available", "Busy"}
	for _, presence := range want {
		setPresence(t, r, agent, presence)
	}
	second := watch(cursor)
	var got []string
	for len(got) < len(want) {
		m, err := second.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if e := m.GetEvent(); e != nil {
			got = append(got, e.GetPresence().GetName())
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("resumed events = %v, want %v", got, want)
	}
}

func setPresence(t *testing.T, r *running, agent, presence string) {
	t.Helper()
	if err := run(t.Context(), []string{"presence", "set", agent, presence, "--local-addr=" + r.local}, &safeBuffer{}, &safeBuffer{}); err != nil {
		t.Fatalf("presence set %s %s: %v", agent, presence, err)
	}
}

func watchHTTP(ctx context.Context, t *testing.T, r *running, accept, after string) *bufio.Scanner {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.http+"/v1/presence:watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Accept", accept)
	if after != "" {
		q.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("HTTP %d", response.StatusCode)
	}
	return bufio.NewScanner(response.Body)
}

func next(t *testing.T, s *bufio.Scanner) string {
	t.Helper()
	if !s.Scan() {
		t.Fatalf("the stream ended: %v", s.Err())
	}
	return s.Text()
}

// wait waits until a command has printed what its buffer waits for.
func wait(t *testing.T, out *waitBuffer, ended chan error) {
	t.Helper()
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("watch ended: %v\n%s", err, out)
	}
}

func TestPresenceWatchPrints(t *testing.T) {
	t.Parallel()
	r := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watch := func(text string, args ...string) (*waitBuffer, chan error) {
		out, ended := newWaitBuffer(text), make(chan error, 1)
		go func() {
			ended <- run(ctx, append([]string{"presence", "watch", "--server", r.grpc}, args...), out, &safeBuffer{})
		}()
		return out, ended
	}
	people, endedPeople := watch("changes follow")
	machines, endedMachines := watch(`"snapshotEnd"`, "--format=json")
	wait(t, people, endedPeople)
	wait(t, machines, endedMachines)
	var end struct{ Cursor string }
	if err := json.Unmarshal([]byte(lastLine(machines.String())), &end); err != nil {
		t.Fatal(err)
	}

	setPresence(t, r, agent, "Busy")
	resumed, endedResumed := watch("changed to Busy from Available", "--after", end.Cursor)
	wait(t, resumed, endedResumed)
	if line := resumed.String(); !strings.HasPrefix(line, "Aoife O'Rourke ") || strings.Contains(line, "(late)") {
		t.Errorf("a change is printed as %q", line)
	}
	cancel()
	for _, ended := range []chan error{endedPeople, endedMachines, endedResumed} {
		if err := <-ended; err != nil {
			t.Errorf("watch ended with %v on interrupt, want nil", err)
		}
	}
	err := run(t.Context(), []string{"presence", "watch", "--server", vacant.Always}, &safeBuffer{}, &safeBuffer{})
	if err == nil || !strings.Contains(err.Error(), "botverse serve") || exitStatus(err) != 1 {
		t.Errorf("watch where nobody serves = %v, want advice", err)
	}
}

// A watch outlives the server: it says that the connection is lost and back, and prints what it missed, once.
func TestPresenceWatchComesBack(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), vacant.Address(t)
	r := serveWith(t, "--data-dir="+dir, "--grpc-addr="+addr)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	snapshot, out := newWaitBuffer("changes follow"), newWaitBuffer("changed to Away from Busy")
	offline, log := newWaitBuffer("-- offline"), &safeBuffer{}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"presence", "watch", "--server", addr}, io.MultiWriter(snapshot, out), io.MultiWriter(offline, log))
	}()
	wait(t, snapshot, ended)
	local := address(t, r.welcome, `local Dataverse +http://([^/]+)/`)
	setPresence(t, &running{local: local}, agent, "Busy")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	wait(t, offline, ended)

	again := serveWith(t, "--data-dir="+dir, "--grpc-addr="+addr)
	setPresence(t, &running{local: address(t, again.welcome, `local Dataverse +http://([^/]+)/`)}, agent, "Away")
	wait(t, out, ended)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("watch ended with %v on interrupt, want nil", err)
	}
	for _, line := range []string{"changed to Busy from Available", "changed to Away from Busy", "changes follow"} {
		if n := strings.Count(out.String(), line); n != 1 {
			t.Errorf("%q is printed %d times, want once:\n%s", line, n, out)
		}
	}
	if !strings.Contains(log.String(), "-- online --") {
		t.Errorf("it does not say that it is online again: %s", log)
	}
}

// presence set writes what the contact centre writes: the agent's status, the end of the history before, new history.
func TestPresenceSetGoesTheRealWay(t *testing.T) {
	t.Parallel()
	r := serve(t)
	setPresence(t, r, "Aoife O'Rourke", "Do not disturb") // by the text that agents see
	setPresence(t, r, agent, "Away")
	list := func(path string) []any {
		response, err := http.Get("http://" + r.local + "/api/data/v9.2/" + strings.ReplaceAll(path, " ", "%20"))
		if err != nil {
			t.Fatal(err)
		}
		records, _ := readJSON(t, response)["value"].([]any)
		return records
	}
	const ofAgent = "&$filter=_msdyn_agentid_value eq 50000000-0000-4000-8000-00000000000b"
	const dnd, away = "08971864-c07a-e811-8162-000d3aa11f50", "3dacae76-c07a-e811-8162-000d3aa11f50"
	status := list("msdyn_agentstatuses?$select=_msdyn_currentpresenceid_value" + ofAgent)
	if len(status) != 1 || at(status, 0, "_msdyn_currentpresenceid_value") != away {
		t.Errorf("the agent's status = %v, want Away", status)
	}
	history := list("msdyn_agentstatushistories?$select=_msdyn_presenceid_value,msdyn_starttime,msdyn_endtime&$orderby=createdon" + ofAgent)
	if len(history) != 2 || at(history, 0, "_msdyn_presenceid_value") != dnd || at(history, 0, "msdyn_endtime") == nil ||
		at(history, 1, "_msdyn_presenceid_value") != away || at(history, 1, "msdyn_endtime") != nil {
		t.Errorf("history = %v, want one that has ended and one that has not", history)
	}
	for _, args := range [][]string{{"Nobody", "Away"}, {agent, "Asleep"}} {
		err := run(t.Context(), append([]string{"presence", "set", "--local-addr=" + r.local}, args...), &safeBuffer{}, &safeBuffer{})
		if err == nil || !strings.Contains(err.Error(), "there are") || exitStatus(err) != 2 {
			t.Errorf("presence set %q = %v, want the names that there are", args, err)
		}
	}
	err := run(t.Context(), []string{"presence", "set", agent, "Away", "--local-addr=" + vacant.Always}, &safeBuffer{}, &safeBuffer{})
	if err == nil || !strings.Contains(err.Error(), "botverse serve") || exitStatus(err) != 1 {
		t.Errorf("presence set where no local Dataverse is = %v, want advice", err)
	}
}
