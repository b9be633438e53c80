package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/dataverse/webhook"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
)

const (
	webhookKey    = "the-key-of-the-webhook"
	presenceBusy  = "efdeb843-c07a-e811-8162-000d3aa11f50"
	presenceReady = "f523f628-c07a-e811-8162-000d3aa11f50"
)

// startPresence runs a presence on a journal of its own until the test ends.
func startPresence(t testing.TB, change func(*presence.Config)) *presence.Presence {
	t.Helper()
	return startPresenceOn(t, openJournal(t, false), change)
}

// openJournal opens a journal that syncs each write, or does not. Who uses it closes it.
func openJournal(t testing.TB, synced bool) *journal.Journal {
	t.Helper()
	settings := journal.Default()
	settings.Dir, settings.Sync, settings.Logger = t.TempDir(), synced, slog.New(slog.DiscardHandler)
	j, err := journal.Open(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// startPresenceOn runs a presence on a journal, and closes both.
func startPresenceOn(t testing.TB, j *journal.Journal, change func(*presence.Config)) *presence.Presence {
	t.Helper()
	config := presence.Default()
	source := config.Sources[presence.AgentStatus]
	source.Keys = []presence.Key{webhookKey}
	config.Sources[presence.AgentStatus] = source
	config.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&config)
	}
	p, err := presence.Open(t.Context(), config, j, nil)
	if err != nil {
		t.Fatal(errors.Join(err, j.Close()))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, j.Close()); err != nil {
			t.Errorf("presence ended with %v", err)
		}
	})
	return p
}

// startWatched runs a server with a real presence behind it.
func startWatched(t testing.TB, config Config, change func(*presence.Config)) (*running, *presence.Presence) {
	t.Helper()
	p := startPresence(t, change)
	s := stub{}
	return start(t, config, Deps{Presence: p}, &services{actions: s, metadata: s, presence: presenceService{presence: p}}), p
}

// delivery is what Dataverse posts when an agent's presence changes for the nth time.
func delivery(t testing.TB, n, agent int, presenceID string) []byte {
	t.Helper()
	row := fmt.Sprintf("4a000000-0000-4000-8000-%012d", n)
	record := webhook.Entity{LogicalName: "msdyn_agentstatushistory", ID: row, Attributes: []webhook.Attribute{
		{Key: "msdyn_agentid", Value: webhook.EntityReference{LogicalName: "systemuser", ID: fmt.Sprintf("a9000000-0000-4000-8000-%012d", agent)}},
		{Key: "msdyn_presenceid", Value: webhook.EntityReference{LogicalName: "msdyn_presence", ID: presenceID}},
		{Key: "msdyn_starttime", Value: time.Date(2026, 1, 1, 10, 0, n, 0, time.UTC)},
		{Key: "msdyn_availablecapacity", Value: 100},
		{Key: "msdyn_isagentloggedin", Value: true},
	}, Formatted: []webhook.Pair{{Key: "msdyn_agentid", Value: fmt.Sprintf("Agent %d", agent)}}}
	body, err := webhook.Encode(&webhook.Context{
		MessageName: "Create", PrimaryEntityName: record.LogicalName, PrimaryEntityID: row, Stage: 40, Mode: webhook.Asynchronous,
		OperationCreatedOn: time.Date(2026, 1, 1, 10, 0, n, 0, time.UTC),
		OrganizationID:     "07000000-0000-4000-8000-000000000007", OrganizationName: "unq07",
		PostEntityImages: []webhook.Image{{Alias: "presence_post", Entity: record}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

const agentStatusPath = "/webhooks/dataverse/" + presence.AgentStatus

// deliver posts a change as Dataverse does.
func (r *running) deliver(t testing.TB, n, agent int, presenceID string) {
	t.Helper()
	if got := post(t, r.hook+agentStatusPath+"?code="+webhookKey, string(delivery(t, n, agent, presenceID))); got.status != http.StatusNoContent {
		t.Fatalf("delivery %d: status %d: %s", n, got.status, got.body)
	}
}

func TestAChangeReachesSubscribersOfEveryKind(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	r.deliver(t, 1, 1, presenceReady)
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	lines := openStream(t, r.base+"/v1/presence:watch")
	sse := openStream(t, r.base+"/v1/presence:watch", "Accept", "text/event-stream")
	seen := recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool { return m.GetSnapshotEnd() != nil })
	lines.until("snapshotEnd")
	sse.until("snapshotEnd")

	r.deliver(t, 2, 1, presenceBusy)
	got := recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool {
		return m.GetEvent().GetPresence().GetId() == presenceBusy
	})
	e := got.GetEvent()
	if e.GetKind() != botversev1.PresenceEvent_PRESENCE_CHANGED || e.GetAgentName() != "Agent 1" || e.GetPrevious().GetId() != presenceReady ||
		e.GetCapacity() != 100 || !e.GetSignedIn() || e.GetStartTime().AsTime().Second() != 2 || e.GetOrganizationName() != "unq07" {
		t.Errorf("the event is %v", e)
	}
	if got.GetCursor() == "" || got.GetCursor() == seen.GetCursor() {
		t.Errorf("cursor %q after %q", got.GetCursor(), seen.GetCursor())
	}
	lines.until(presenceBusy)
	sse.until(presenceBusy)
}

// recvUntil receives messages up to the one that is wanted.
func recvUntil(t testing.TB, stream interface {
	Recv() (*botversev1.WatchPresenceResponse, error)
}, wanted func(*botversev1.WatchPresenceResponse) bool) *botversev1.WatchPresenceResponse {
	t.Helper()
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		if wanted(m) {
			return m
		}
	}
}

func TestResumeGoesOnAfterTheCursorOverEveryDoor(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r.deliver(t, 1, 1, presenceReady)
	first := recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool { return m.GetEvent() != nil || m.GetState() != nil })
	if first.GetState() != nil { // the snapshot had it already
		first = recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool { return m.GetSnapshotEnd() != nil })
	}
	r.deliver(t, 2, 1, presenceBusy)
	second := recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool { return m.GetEvent() != nil })

	resumed, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{After: first.GetCursor()})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := resumed.Recv(); err != nil || m.GetEvent().GetId() != second.GetEvent().GetId() {
		t.Errorf("gRPC: after the first event comes %v, %v", m, err)
	}
	for what, s := range map[string]*streaming{
		"after":         openStream(t, r.base+"/v1/presence:watch?after="+first.GetCursor()),
		"Last-Event-ID": openStream(t, r.base+"/v1/presence:watch", "Last-Event-ID", first.GetCursor()),
	} {
		if got := s.line(); !strings.Contains(got, second.GetEvent().GetId()) {
			t.Errorf("%s: after the first event comes %s", what, got)
		}
	}
}

func TestForeignCursorIsGone(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{After: "foreign"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.OutOfRange {
		t.Errorf("gRPC: got %v, want OUT_OF_RANGE", err)
	}
	got := send(t, "GET", r.base+"/v1/presence:watch?after=foreign", "", "Accept", "text/event-stream")
	if d := got.detail(t); got.status != 410 || d.GetReason() != botversev1.ErrorDetail_CURSOR_EXPIRED {
		t.Errorf("HTTP: got %d %v, want 410 CURSOR_EXPIRED", got.status, d)
	}
}

func TestFirstMessageComesAtOnce(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), func(c *presence.Config) { c.Heartbeat = time.Hour })                // so that nothing else would come
	if first := openStream(t, r.base+"/v1/presence:watch").line(); !strings.Contains(first, "snapshotEnd") { // nobody was heard of
		t.Errorf("the first message is %s, want the snapshot's end", first)
	}
}

func TestSlowSubscriberIsEndedWithItsCursor(t *testing.T) {
	t.Parallel()
	r, p := startWatched(t, loopback(), func(c *presence.Config) { c.Buffer = 16 })
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	for n := range 1500 { // more than the windows of a connection and the buffer hold
		if _, err := p.Receive(t.Context(), presence.AgentStatus, delivery(t, n, n%7, presenceBusy), http.Header{}); err != nil {
			t.Fatal(err)
		}
	}
	cursor := ""
	for {
		m, err := stream.Recv()
		if err == nil {
			cursor = m.GetCursor()
			continue
		}
		d := detailIn(t, status.Convert(err).Proto().GetDetails())
		if status.Code(err) != codes.ResourceExhausted || d.GetReason() != botversev1.ErrorDetail_SUBSCRIBER_TOO_SLOW || !hasCursor(err, cursor) {
			t.Errorf("the stream ended with %v after the cursor %s", err, cursor)
		}
		break
	}
	resumed, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{After: cursor})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := resumed.Recv(); err != nil || m.GetEvent() == nil {
		t.Errorf("after the end the stream goes on with %v, %v", m, err)
	}
}

func TestListPresenceInPages(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	watching := openStream(t, r.base+"/v1/presence:watch")
	for agent := range 3 {
		r.deliver(t, agent, agent, presenceBusy)
	}
	for seen := map[int]bool{}; len(seen) < 3; { // all three are in the states
		line := watching.line()
		for agent := range 3 {
			if strings.Contains(line, fmt.Sprintf("Agent %d", agent)) {
				seen[agent] = true
			}
		}
	}

	first, err := r.presence().ListPresence(t.Context(), &botversev1.ListPresenceRequest{PageSize: 2})
	if err != nil || len(first.GetAgents()) != 2 || first.GetNextPageToken() == "" || first.GetCursor() == "" {
		t.Fatalf("first page: %v, %v", first, err)
	}
	got := send(t, "GET", r.base+"/v1/presence?pageSize=2&pageToken="+first.GetNextPageToken(), "")
	if got.status != 200 || !strings.Contains(got.body, "Agent 2") || strings.Contains(got.body, "nextPageToken") {
		t.Errorf("second page: %d %s", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/v1/presence?pageToken=invented", ""); got.status != 400 {
		t.Errorf("an invented token: %d %s", got.status, got.body)
	}
}

func TestWebhookIntake(t *testing.T) {
	t.Parallel()
	config := loopback()
	config.MaxBody = 64 << 10
	r, _ := startWatched(t, config, nil)
	good := string(delivery(t, 1, 1, presenceBusy))
	for _, test := range []struct {
		what, method, path, body string
		headers                  []string
		want                     int
	}{
		{"key in the query", "POST", agentStatusPath + "?code=" + webhookKey, good, nil, 204},
		{"again", "POST", agentStatusPath + "?code=" + webhookKey, good, nil, 204},
		{"key in a header", "POST", agentStatusPath, good, []string{"X-Botverse-Key", webhookKey}, 204},
		{"key in another parameter", "POST", agentStatusPath + "?a=b&key=" + webhookKey, good, nil, 204},
		{"unknown content", "POST", agentStatusPath + "?code=" + webhookKey, `{"MessageName":"Retrieve"}`, nil, 204},
		{"wrong key", "POST", agentStatusPath + "?code=wrong-key", good, nil, 401},
		{"no key", "POST", agentStatusPath, good, nil, 401},
		{"no key, no body", "POST", agentStatusPath, "", nil, 401},
		{"method", "GET", agentStatusPath + "?code=" + webhookKey, "", nil, 405},
		{"method of anybody", "OPTIONS", agentStatusPath, "", nil, 405},
		{"source", "POST", "/webhooks/dataverse/agent-stats?code=" + webhookKey, good, nil, 404},
		{"not JSON", "POST", agentStatusPath + "?code=" + webhookKey, "<xml/>", nil, 400},
		{"empty", "POST", agentStatusPath + "?code=" + webhookKey, "", nil, 400},
		{"too large", "POST", agentStatusPath + "?code=" + webhookKey, strings.Repeat(" ", 64<<10+1), nil, 413},
		{"health", "GET", "/healthz", "", nil, 200},
		{"nothing else", "POST", "/v1/actions/create-record", createContact, []string{"Content-Type", "application/json"}, 404},
		{"no metrics", "GET", "/metrics", "", nil, 404},
	} {
		got := send(t, test.method, r.hook+test.path, test.body, append([]string{"Host", "hooks.example.com"}, test.headers...)...)
		if got.status != test.want {
			t.Errorf("%s: status %d, want %d: %s", test.what, got.status, test.want, got.body)
		}
		if strings.Contains(got.body, "wrong-key") || strings.Contains(got.body, webhookKey) {
			t.Errorf("%s: the answer repeats the key: %s", test.what, got.body)
		}
	}
	r.log.line(t, "webhook", presence.AgentStatus, `"status":204`)
	if log := r.log.String(); strings.Contains(log, webhookKey) || strings.Contains(log, "wrong-key") {
		t.Errorf("the log has a key:\n%s", log)
	}
	if got := send(t, "GET", r.base+"/metrics", ""); !strings.Contains(got.body, `botverse_webhook_deliveries_total{status="401"}`) {
		t.Error("deliveries are not counted")
	}
}

func TestDeliveryThatCannotBeStoredIs503(t *testing.T) {
	t.Parallel()
	settings := journal.Default()
	settings.Dir, settings.Logger = t.TempDir(), slog.New(slog.DiscardHandler)
	j, err := journal.Open(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	config := presence.Default()
	config.Logger = slog.New(slog.DiscardHandler)
	source := config.Sources[presence.AgentStatus]
	source.Keys = []presence.Key{webhookKey}
	config.Sources[presence.AgentStatus] = source
	p, err := presence.Open(t.Context(), config, j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, loopback(), Deps{Presence: p}, &services{stub{}, stub{}, presenceService{presence: p}})
	got := post(t, r.hook+agentStatusPath+"?code="+webhookKey, string(delivery(t, 1, 1, presenceBusy)))
	if got.status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503: %s", got.status, got.body)
	}
}

func TestWatchEndsWithPresence(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	s := openStream(t, r.base+"/v1/presence:watch")
	s.until("snapshotEnd")
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if rest := s.rest(); !strings.Contains(rest, "SHUTTING_DOWN") {
		t.Errorf("the stream ended with %q", rest)
	}
}
