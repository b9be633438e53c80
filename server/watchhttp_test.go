package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/presence"
)

// streaming is an HTTP stream that a test reads.
type streaming struct {
	t      testing.TB
	header http.Header
	body   io.Reader
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// openStream opens a stream that is closed at the test's end.
func openStream(t testing.TB, url string, headers ...string) *streaming {
	t.Helper()
	return openStreamBy(t, http.DefaultClient, url, headers...)
}

func openStreamBy(t testing.TB, client *http.Client, url string, headers ...string) *streaming {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("GET %s: status %d: %s", url, resp.StatusCode, body)
	}
	return &streaming{t, resp.Header, resp.Body, bufio.NewScanner(resp.Body), cancel}
}

// line is the next line.
func (s *streaming) line() string {
	s.t.Helper()
	if !s.lines.Scan() {
		s.t.Fatalf("the stream ended: %v", s.lines.Err())
	}
	return s.lines.Text()
}

// block is the next server-sent event, without the blank line behind it.
func (s *streaming) block() string {
	s.t.Helper()
	var block []string
	for {
		line := s.line()
		if line == "" {
			return strings.Join(block, "\n")
		}
		block = append(block, line)
	}
}

// until reads to the line that contains text.
func (s *streaming) until(text string) {
	s.t.Helper()
	for !strings.Contains(s.line(), text) {
	}
}

// rest is all that comes until the end.
func (s *streaming) rest() string {
	var b strings.Builder
	for s.lines.Scan() {
		b.WriteString(s.lines.Text() + "\n")
	}
	return b.String()
}

func hasCursor(err error, cursor string) bool {
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*botversev1.ErrorDetail); ok && detail.GetCursor() == cursor {
			return true
		}
	}
	return false
}

// scripted is a WatchPresence that sends messages and ends with an error.
func scripted(end error, messages ...*presence.Message) stub {
	return stub{watch: func(_ *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
		for _, m := range messages {
			if err := stream.SendMsg(watchMessage{m}); err != nil {
				return err
			}
		}
		return end
	}}
}

func someMessages() []*presence.Message {
	return []*presence.Message{
		{State: &presence.AgentState{AgentID: "a1", AgentName: "Ada\nLovelace", Presence: presence.Status{ID: "p1", Base: presence.BusyDND}}},
		{SnapshotEnd: &presence.SnapshotEnd{Agents: 1}, Cursor: "7-1"},
		{Event: &presence.Event{ID: "e1", Kind: presence.CapacityChanged, AgentID: "a1", Capacity: new(int32)}, Cursor: "7-2"},
		{Heartbeat: &presence.Heartbeat{Time: time.Date(2026, 5, 17, 15, 30, 0, 0, time.UTC)}, Cursor: "7-2"},
	}
}

func TestLinesOfJSON(t *testing.T) {
	t.Parallel()
	r := startStub(t, scripted(inContext{error: presence.ErrTooSlow, cursor: "7-2"}, someMessages()...))
	s := openStream(t, r.base+"/v1/presence:watch")
	if got := s.header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("content type %q", got)
	}
	for _, want := range []string{
		`{"result":{"state":{"agentId":"a1","agentName":"Ada\nLovelace","presence":{"id":"p1","baseStatus":"BUSY_DND"}}}}`,
		`{"result":{"snapshotEnd":{"agents":1},"cursor":"7-1"}}`,
		`{"result":{"event":{"id":"e1","kind":"CAPACITY_CHANGED","agentId":"a1","presence":{},"capacity":0},"cursor":"7-2"}}`,
		`{"result":{"heartbeat":{"time":"2026-05-17T15:30:00Z"},"cursor":"7-2"}}`,
	} {
		if got := s.line(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	var end struct {
		Error struct {
			Code    int
			Details []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(s.line()), &end); err != nil || end.Error.Code != 8 {
		t.Errorf("the last line is %+v, %v", end, err)
	}
	if rest := s.rest(); rest != "" {
		t.Errorf("behind the end comes %q", rest)
	}
	r.log.line(t, "WatchPresence", "SUBSCRIBER_TOO_SLOW")
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	r := startStub(t, scripted(inContext{error: presence.ErrTooSlow, cursor: "7-2"}, someMessages()...))
	s := openStream(t, r.base+"/v1/presence:watch", "Accept", "text/event-stream, */*;q=0.1", "X-Request-Id", "watch-1")
	for key, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Request-Id": "watch-1"} {
		if got := s.header.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, want := range []string{
		"retry: 3000",
		"event: state\n" + `data: {"state":{"agentId":"a1","agentName":"Ada\nLovelace","presence":{"id":"p1","baseStatus":"BUSY_DND"}}}`,
		"id: 7-1\nevent: snapshot_end\n" + `data: {"snapshotEnd":{"agents":1},"cursor":"7-1"}`,
		"id: 7-2\nevent: event\n" + `data: {"event":{"id":"e1","kind":"CAPACITY_CHANGED","agentId":"a1","presence":{},"capacity":0},"cursor":"7-2"}`,
		"id: 7-2\nevent: heartbeat\n" + `data: {"heartbeat":{"time":"2026-05-17T15:30:00Z"},"cursor":"7-2"}`,
	} {
		if got := s.block(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if got := s.block(); !strings.HasPrefix(got, "event: error\ndata: {") || !strings.Contains(got, "SUBSCRIBER_TOO_SLOW") || !strings.Contains(got, `"cursor":"7-2"`) {
		t.Errorf("the end is %s", got)
	}
}

func TestErrorBeforeTheFirstMessageHasItsStatus(t *testing.T) {
	t.Parallel()
	r := startStub(t, scripted(presence.ErrCursorExpired))
	for _, accept := range []string{"text/event-stream", "application/json"} {
		got := send(t, "GET", r.base+"/v1/presence:watch", "", "Accept", accept, "X-Request-Id", "gone-1")
		if d := got.detail(t); got.status != 410 || d.GetReason() != botversev1.ErrorDetail_CURSOR_EXPIRED || d.GetCallId() != "gone-1" {
			t.Errorf("%s: got %d %v", accept, got.status, d)
		}
	}
}

func TestWhereAStreamGoesOn(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{watch: func(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
		return stream.SendMsg(watchMessage{&presence.Message{SnapshotEnd: &presence.SnapshotEnd{}, Cursor: "after " + req.GetAfter()}})
	}})
	for _, test := range []struct{ query, header, want string }{
		{"", "", "after "},
		{"?after=5", "", "after 5"},
		{"", "6", "after 6"},
		{"?after=5", "6", "after 6"}, // the browser's own reconnect: its address still has where it began
	} {
		s := openStream(t, r.base+"/v1/presence:watch"+test.query, "Last-Event-ID", test.header)
		if got := s.line(); !strings.Contains(got, `"`+test.want+`"`) {
			t.Errorf("%+v: got %s", test, got)
		}
	}
	for path, want := range map[string]int{"/v1/presence%3Awatch": 200, "/v1/presence:watch?aftr=5": 400, "/v1/presence:watch/": 404} {
		if got := send(t, "GET", r.base+path, ""); got.status != want {
			t.Errorf("%s: status %d, want %d: %s", path, got.status, want, got.body)
		}
	}
	if got := send(t, "HEAD", r.base+"/v1/presence:watch", ""); got.status != 405 {
		t.Errorf("HEAD: status %d, want 405", got.status)
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"text/event-stream":                       formSSE,
		"Text/Event-Stream":                       formSSE,
		"application/json, text/event-stream;q=1": formSSE,
		"text/event-stream;q=0, application/json": formLines,
		"application/json":                        formLines,
		"*/*":                                     formLines,
		"":                                        formLines,
	} {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		if got := wireFor(r).form; got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}

func TestClientThatLeavesEndsItsStream(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	r := startStub(t, stub{watch: func(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
		defer close(ended)
		return endless(req, stream)
	}})
	s := openStream(t, r.base+"/v1/presence:watch")
	s.line()
	s.cancel()
	select {
	case <-ended:
	case <-time.After(await.Patience):
		t.Fatal("the stream goes on without its client")
	}
	r.log.line(t, "WatchPresence", "CANCELLED")
}

func TestEachFormIsMadeOnce(t *testing.T) {
	t.Parallel()
	shared := &presence.Message{Event: &presence.Event{ID: "e1"}, Cursor: "7-2"}
	first, err := presence.Encoded(shared, formSSE, encodeSSE)
	if err != nil {
		t.Fatal(err)
	}
	r := startStub(t, scripted(nil, shared))
	s := openStream(t, r.base+"/v1/presence:watch", "Accept", "text/event-stream")
	s.block()
	if got := s.block() + "\n\n"; got != string(first) {
		t.Errorf("got %q, want the form made before, %q", got, first)
	}
	// The memo decides: whoever encodes first has encoded for all.
	marked := &presence.Message{Event: &presence.Event{ID: "e2"}}
	if _, err := presence.Encoded(marked, formLines, func(*presence.Message) ([]byte, error) { return []byte("made once\n"), nil }); err != nil {
		t.Fatal(err)
	}
	r = startStub(t, scripted(nil, marked))
	if got := openStream(t, r.base+"/v1/presence:watch").line(); got != "made once" {
		t.Errorf("got %q", got)
	}
}

// TestClientThatDoesNotReadIsCut lets a client stand still until the write deadline, in fake time.
func TestClientThatDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		large := &presence.Message{Event: &presence.Event{AgentName: strings.Repeat("x", 1<<20)}}
		r := startPiped(t, stub{watch: func(_ *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
			for {
				if err := stream.SendMsg(watchMessage{large}); err != nil {
					ended <- time.Now()
					return err
				}
			}
		}})
		start := time.Now()
		conn, err := r.restAt.(*bufconn.Listener).Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /v1/presence:watch HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if took := (<-ended).Sub(start); took != writeTime {
			t.Errorf("a client that does not read held its stream for %v, want %v", took, writeTime)
		}
	})
}
