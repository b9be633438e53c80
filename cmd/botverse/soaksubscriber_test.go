package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/sleep"
)

// soakSubscriber watches presence, now at this process and now at that, by gRPC or server-sent events. It begins with a
// snapshot, and comes back with its cursor.
type soakSubscriber struct {
	s     *soak
	name  string
	fresh bool // begins each session with a snapshot, so that it is told what follows only
	watch func(ctx context.Context, at *soakServe, after string, take func(*botversev1.WatchPresenceResponse)) error

	mu       sync.Mutex
	cursor   string
	sessions int
	events   []*botversev1.PresenceEvent
	ids      map[string]bool // of the events
	rows     map[string]bool // of the events; one that tells what the table of present states had has none
	states   map[string]*botversev1.AgentPresence
	faults   []string
}

func newSoakSubscriber(s *soak, n int) *soakSubscriber {
	ways := []struct {
		name  string
		watch func(context.Context, *soakServe, string, func(*botversev1.WatchPresenceResponse)) error
	}{{"gRPC", watchGRPC}, {"SSE", watchSSE}}
	way := ways[n%len(ways)]
	fresh := n%4 == 3
	if fresh {
		way.name += ", from snapshots"
	}
	return &soakSubscriber{s: s, name: fmt.Sprintf("subscriber %d (%s)", n+1, way.name), fresh: fresh, watch: way.watch, ids: map[string]bool{}, rows: map[string]bool{}}
}

// run watches until ctx ends.
func (b *soakSubscriber) run(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		at := b.s.serves[r.IntN(len(b.s.serves))]
		session, end := context.WithTimeout(ctx, between(r, 200*time.Millisecond, 5*time.Second))
		err := b.watch(session, at, b.begin(), b.take)
		ended := session.Err() != nil
		end()
		if !ended {
			b.judge(err)
			sleep.For(ctx, between(r, 10*time.Millisecond, 200*time.Millisecond))
		}
	}
}

// begin begins a session: where there is no cursor yet, with nothing.
func (b *soakSubscriber) begin() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions++
	if b.fresh {
		b.cursor = ""
	}
	if b.cursor == "" {
		b.states = map[string]*botversev1.AgentPresence{}
	}
	if b.fresh {
		clear(b.ids)
		clear(b.rows)
		b.events = nil
	}
	return b.cursor
}

// judge notes an end that no subscriber should meet: what is away comes back, but a cursor stays good.
func (b *soakSubscriber) judge(err error) {
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded, codes.OK, codes.ResourceExhausted:
		return
	case codes.Unknown:
		if isRefused(err) {
			return
		}
	}
	b.note("a stream ended with %v", err)
}

func (b *soakSubscriber) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// take takes a message.
func (b *soakSubscriber) take(m *botversev1.WatchPresenceResponse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if state := m.GetState(); state != nil {
		b.states[state.GetAgentId()] = state
		return
	}
	if m.GetCursor() < b.cursor {
		b.faults = append(b.faults, fmt.Sprintf("the cursor went back from %s to %s", b.cursor, m.GetCursor()))
	}
	b.cursor = m.GetCursor()
	e := m.GetEvent()
	if e == nil {
		return
	}
	if b.ids[e.GetId()] || e.GetRecordId() != "" && b.rows[e.GetRecordId()] {
		b.faults = append(b.faults, fmt.Sprintf("%s came twice", e.GetId()))
	}
	b.ids[e.GetId()], b.rows[e.GetRecordId()] = true, true
	b.events = append(b.events, e)
	b.apply(e)
}

// apply folds an event into the states. Late events change none.
func (b *soakSubscriber) apply(e *botversev1.PresenceEvent) {
	if e.GetLate() {
		return
	}
	before := b.states[e.GetAgentId()]
	if before != nil && e.GetStartTime().AsTime().Before(before.GetStartTime().AsTime()) {
		b.faults = append(b.faults, fmt.Sprintf("%s is older than the state before it, and not late", e.GetId()))
	}
	if before != nil && e.GetPrevious().GetId() != before.GetPresence().GetId() {
		b.faults = append(b.faults, fmt.Sprintf("%s says that %s was before, and that was %s", e.GetId(), e.GetPrevious().GetId(), before.GetPresence().GetId()))
	}
	after := &botversev1.AgentPresence{AgentId: e.GetAgentId(), Presence: e.GetPresence(), StartTime: e.GetStartTime()}
	if e.GetKind() == botversev1.PresenceEvent_CAPACITY_CHANGED {
		after.StartTime = before.GetStartTime()
	}
	b.states[e.GetAgentId()] = after
}

func (b *soakSubscriber) at() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cursor
}

// missing is the rows of which no event came.
func (b *soakSubscriber) missing(rows []string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return b.rows[row] })
}

// order is the events as they came.
func (b *soakSubscriber) order() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		ids = append(ids, e.GetId())
	}
	return ids
}

// wrong is a state that is not what was set last. The last session of one that begins with snapshots may have ended within one;
// what processes list is looked at instead.
func (b *soakSubscriber) wrong(truth map[string]string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for agent, presence := range truth {
		if got := b.states[agent].GetPresence().GetId(); got != presence && !b.fresh {
			return fmt.Sprintf("%s: %s is %s, want %s", b.name, agent, got, presence)
		}
	}
	return ""
}

// check compares what came with the source.
func (b *soakSubscriber) check(rows []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults[:min(len(b.faults), 5)] {
		b.s.t.Errorf("%s: %s", b.name, fault)
	}
	for _, e := range b.events {
		if row := e.GetRecordId(); row != "" && !slices.Contains(rows, row) && !b.s.before[row] {
			b.s.t.Errorf("%s: %s is of no row", b.name, e.GetId())
		}
	}
}

// watchGRPC watches over gRPC until ctx or the stream ends.
func watchGRPC(ctx context.Context, at *soakServe, after string, take func(*botversev1.WatchPresenceResponse)) error {
	conn, err := grpc.NewClient(at.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := botversev1.NewPresenceServiceClient(conn).WatchPresence(ctx, &botversev1.WatchPresenceRequest{After: after})
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		take(m)
	}
}

// watchSSE watches by server-sent events until ctx or the stream ends.
func watchSSE(ctx context.Context, at *soakServe, after string, take func(*botversev1.WatchPresenceResponse)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.http+"/v1/presence:watch", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusServiceUnavailable {
		return status.Error(codes.Unavailable, response.Status)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	name := ""
	for lines.Scan() {
		if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = event
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if name == "error" {
			return errorOf(data)
		}
		m := new(botversev1.WatchPresenceResponse)
		if err := protojson.Unmarshal([]byte(data), m); err != nil {
			if ctx.Err() != nil || lines.Err() != nil {
				return lines.Err()
			}
			return status.Errorf(codes.Unavailable, "half a message: %v", err) // the process was killed while it wrote
		}
		take(m)
	}
	return lines.Err()
}

// errorOf is the error that a stream ended with.
func errorOf(data string) error {
	for reason, code := range map[string]codes.Code{
		"SHUTTING_DOWN": codes.Unavailable, "JOURNAL_UNAVAILABLE": codes.Unavailable, "SUBSCRIBER_TOO_SLOW": codes.ResourceExhausted,
	} {
		if strings.Contains(data, reason) {
			return status.Error(code, data)
		}
	}
	return status.Error(codes.Internal, data)
}
