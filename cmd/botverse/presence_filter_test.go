package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence/output"
)

// list runs presence list.
func list(t *testing.T, r *running, args ...string) (string, error) {
	t.Helper()
	out := &safeBuffer{}
	err := run(t.Context(), append([]string{"presence", "list", "--server", r.grpc}, args...), out, &safeBuffer{})
	return out.String(), err
}

// Who is whose member is asked of Dataverse; what a presence amounts to stands in its presence table.
func TestPresenceListChooses(t *testing.T) {
	t.Parallel()
	r := serve(t)
	names := func(args ...string) string {
		t.Helper()
		text, err := list(t, r, append(args, "--format=json")...)
		if err != nil {
			t.Fatalf("presence list %v: %v", args, err)
		}
		var all []string
		for line := range strings.Lines(text) {
			var a struct{ AgentName, Environment, TimeInState string }
			if err := json.Unmarshal([]byte(line), &a); err != nil || a.Environment != "local" || a.TimeInState == "" {
				t.Errorf("%s: %v; want JSON with the environment and the time in state", line, err)
			}
			first, _, _ := strings.Cut(a.AgentName, " ")
			all = append(all, first)
		}
		return strings.Join(all, " ")
	}
	const frontline = "7ea00000-0000-4000-8000-000000000001"
	for _, test := range []struct {
		args string
		want string
	}{
		{"--available", "Aoife Eun-ji Håkon"},
		{"--available --team=" + frontline, "Aoife Eun-ji"},
		{"--team=" + strings.ToUpper(frontline) + " --status=busy --status=busy-dnd", "Bastian Camille"},
		{"--team=Escalations", "Farrukh Giulia Håkon"},
		{"--in-environment=local --agent=50000000-0000-4000-8000-00000000000e", "Darnell"},
		{"--presence-id=3dacae76-c07a-e811-8162-000d3aa11f50", "Darnell"},
		{"--available --order=time-in-state --limit=2", "Aoife Eun-ji"},
		{"--business-unit=b0000000-0000-4000-8000-000000000001", ""},
	} {
		if got := names(strings.Fields(test.args)...); got != test.want {
			t.Errorf("presence list %s: %q, want %q", test.args, got, test.want)
		}
	}
	setPresence(t, r, agent, "Busy")
	setPresence(t, r, agent, "Available") // not for so long any more
	want := "Eun-ji Håkon Aoife"
	for got := ""; got != want; {
		if got = names("--available", "--order=time-in-state"); strings.Count(got, " ") == 2 && strings.HasSuffix(got, "Aoife") && got != want {
			t.Fatalf("by time in state: %q, want %q", got, want)
		}
	}
	for args, want := range map[string]string{
		"--team=Nobody": "no such team", "--status=lunch": "AVAILABLE", "--in-environment=fabrikam": "known are local", "--agent=Aoife": "agent",
	} {
		if _, err := list(t, r, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("presence list %s = %v, want %q", args, err, want)
		}
	}
}

func TestPresenceListFormats(t *testing.T) {
	t.Parallel()
	r := serve(t)
	table, err := list(t, r, "--team=Frontline Support")
	if err != nil || !strings.HasPrefix(table, "AGENT ") || !strings.Contains(table, "Aoife O'Rourke ") || !strings.Contains(table, "5 agents, 2 of them can take work") {
		t.Errorf("the table is\n%s%v", table, err)
	}
	text, err := list(t, r, "--available", "--format=csv")
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) != 4 || !slices.Contains(records[0], "agent_name") || records[0][len(records[0])-1] != "time_in_state_s" || !strings.Contains(text, "Håkon Ødegård") {
		t.Errorf("CSV: %v\n%s; want a header and three agents", err, text)
	}
}

// The CSV of a watch has the columns and the guards of the CSV output, and a filter holds for state and events.
func TestPresenceWatchAsCSV(t *testing.T) {
	t.Parallel()
	r := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	snapshot, out := newWaitBuffer("STATE,"), newWaitBuffer("PRESENCE_CHANGED,")
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"presence", "watch", "--server", r.grpc, "--format=csv", "--status=away", "--team=Frontline Support", "--kind=presence-changed", "--kind=CONSULT",
		}, both{snapshot, out}, &safeBuffer{})
	}()
	wait(t, snapshot, ended)
	setPresence(t, r, "Darnell Whitcombe", "Busy") // leaves the status
	wait(t, out, ended)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	records, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(records) != 3 || !slices.Equal(records[0], output.Header()) {
		t.Fatalf("%v\n%s; want the output's header, a state and an event", err, out)
	}
	at := func(record int, column string) string { return records[record][slices.Index(records[0], column)] }
	if at(1, "kind") != "STATE" || at(1, "base_status") != "AWAY" || at(2, "base_status") != "BUSY" || at(2, "previous_base_status") != "AWAY" || at(2, "agent_name") != "Darnell Whitcombe" {
		t.Errorf("records %q", records[1:])
	}
}

// A line for people has who, what, when, where and how late.
func TestPresenceLineSaysWhereAndHowLate(t *testing.T) {
	t.Parallel()
	r := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	snapshot, out := newWaitBuffer("changes follow"), newWaitBuffer("changed to Busy")
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"presence", "watch", "--server", r.grpc, "--agent=50000000-0000-4000-8000-00000000000b"}, both{snapshot, out}, &safeBuffer{})
	}()
	wait(t, snapshot, ended)
	setPresence(t, r, agent, "Busy")
	wait(t, out, ended)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "is Available since 2026-01-05T08:00:00Z [local]") ||
		!strings.Contains(lines[2], "changed to Busy from Available at ") || !strings.Contains(lines[2], "[local, delay ") {
		t.Errorf("the watch of one agent prints\n%s", out)
	}
}

// both writes to two buffers.
type both struct{ one, other *waitBuffer }

func (b both) Write(p []byte) (int, error) {
	_, _ = b.one.Write(p)
	return b.other.Write(p)
}

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// strange streams what a newer server would, and what none would.
type strange struct {
	botversev1.UnimplementedPresenceServiceServer
}

func (strange) WatchPresence(_ *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	newer := protowire.AppendString(protowire.AppendTag(nil, 99, protowire.BytesType), "new")
	broken := []byte{0xff, 0xff}
	for _, raw := range [][]byte{newer, broken} {
		if err := stream.SendMsg(&raw); err != nil {
			return err
		}
	}
	if err := stream.Send(&botversev1.WatchPresenceResponse{Message: &botversev1.WatchPresenceResponse_SnapshotEnd{SnapshotEnd: &botversev1.SnapshotEnd{}}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// A message that says nothing to the watch does not stop it, and it says why.
func TestUnknownMessageDoesNotStopTheWatch(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(proto.Name)}))
	botversev1.RegisterPresenceServiceServer(s, strange{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ctx, cancel := context.WithCancel(t.Context())
	out, log, ended := newWaitBuffer("changes follow"), &safeBuffer{}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"presence", "watch", "--server", l.Addr().String()}, out, log) }()
	wait(t, out, ended)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.Stop()
	<-served
	if text := log.String(); !strings.Contains(text, "field 99") || !strings.Contains(text, "cannot be read") {
		t.Errorf("the watch says %q, want why two messages were passed over", text)
	}
}
