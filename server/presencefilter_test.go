package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// contoso is a directory of one environment, with one team of agent 1.
type contoso struct{}

func (contoso) Environments() []string { return []string{"contoso"} }

func (contoso) OrganizationID(_ context.Context, environment string) (string, error) {
	if environment != "contoso" {
		return "", dataverse.ErrUnknownEnvironment
	}
	return "07000000-0000-4000-8000-000000000007", nil
}

func (contoso) TeamMembers(_ context.Context, _, team string) ([]string, error) {
	switch team {
	case "Support":
		return []string{"a9000000-0000-4000-8000-000000000001"}, nil
	case "Away":
		return nil, errors.Join(dataverse.ErrUnavailable, errors.New("nobody answers"))
	}
	return nil, presence.ErrUnknownTeam
}

func inContoso(c *presence.Config) { c.Directory = contoso{} }

// Each door takes the same filter, and tells the same of it.
func TestFiltersOverEveryDoor(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), inContoso)
	const agentOne, agentTwo = "a9000000-0000-4000-8000-000000000001", "a9000000-0000-4000-8000-000000000002"
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{
		AgentIds: []string{strings.ToUpper(agentOne), agentTwo}, PresenceIds: []string{presenceBusy}, Environments: []string{"contoso"}, Teams: []string{"Support"},
	})
	if err != nil {
		t.Fatal(err)
	}
	recvUntil(t, stream, func(m *botversev1.WatchPresenceResponse) bool { return m.GetSnapshotEnd() != nil })
	query := "?agentIds=" + agentOne + "&agent_ids=" + agentTwo + "&presenceIds=" + presenceBusy + "&environments=contoso&teams=Support"
	lines := openStream(t, r.base+"/v1/presence:watch"+query)
	lines.until("snapshotEnd")
	sse := openStream(t, r.base+"/v1/presence:watch"+query, "Accept", "text/event-stream")
	sse.until("snapshotEnd")

	r.deliver(t, 1, 2, presenceBusy)  // not of the team
	r.deliver(t, 2, 1, presenceReady) // not busy
	r.deliver(t, 3, 1, presenceBusy)
	r.deliver(t, 4, 1, presenceReady) // busy no more
	for _, want := range []string{presenceBusy, presenceReady} {
		m, err := stream.Recv()
		if e := m.GetEvent(); err != nil || e.GetAgentId() != agentOne || e.GetPresence().GetId() != want || e.GetEnvironment() != "contoso" {
			t.Errorf("over gRPC: %v, %v; want agent 1 in %s in contoso", m, err, want)
		}
		if line := lines.line(); !strings.Contains(line, `"id":"`+want) || !strings.Contains(line, `"environment":"contoso"`) {
			t.Errorf("a line of JSON: %s; want agent 1 in %s", line, want)
		}
	}
	sse.until("event: event")
	if data := sse.line(); !strings.Contains(data, presenceBusy) || !strings.Contains(data, `"agentId":"`+agentOne) {
		t.Errorf("a server-sent event: %s; want agent 1 busy", data)
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), inContoso)
	for _, test := range []struct {
		query, told string
		status      int
	}{
		{"teams=Sales", "Sales", 400},
		{"teams=Away", "nobody answers", 503},
		{"environments=fabrikam", "fabrikam", 404},
		{"agentIds=one", "agent_ids", 400},
		{"baseStatuses=LUNCH", "AVAILABLE", 400},
		{"available=yes", "true", 400},
		{"agents=1", "did you mean", 400},
	} {
		for _, path := range []string{"/v1/presence", "/v1/presence:watch"} {
			if got := send(t, "GET", r.base+path+"?"+test.query, ""); got.status != test.status || test.told != "did you mean" && !strings.Contains(got.body, test.told) {
				t.Errorf("%s?%s: %d %s; want %d and %q", path, test.query, got.status, got.body, test.status, test.told)
			}
		}
	}
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{Teams: []string{"Sales"}})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "no such team") {
		t.Errorf("over gRPC: %v; want INVALID_ARGUMENT with the reason", err)
	}
}

func TestListTellsTimeInStateAndCounts(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), inContoso)
	watching := openStream(t, r.base+"/v1/presence:watch")
	for n, agent := range []int{3, 1, 2} { // agent 3 is longest in it
		r.deliver(t, n, agent, presenceBusy)
		watching.until("event")
	}
	list, err := r.presence().ListPresence(t.Context(), &botversev1.ListPresenceRequest{
		Order: botversev1.ListPresenceRequest_TIME_IN_STATE, Counts: true, PageSize: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.GetAgents()) != 2 || list.GetAgents()[0].GetAgentName() != "Agent 3" || list.GetAgents()[1].GetAgentName() != "Agent 1" {
		t.Fatalf("agents %v, want 3 and 1", list.GetAgents())
	}
	for _, a := range list.GetAgents() {
		if want := list.GetTime().AsTime().Sub(a.GetStartTime().AsTime()); a.GetTimeInState().AsDuration() != want || a.GetEnvironment() != "contoso" {
			t.Errorf("time in state %v in %q, want %v in contoso", a.GetTimeInState().AsDuration(), a.GetEnvironment(), want)
		}
	}
	if c := list.GetCounts(); c.GetAgents() != 3 || len(c.GetStatuses()) != 1 || c.GetStatuses()[0].GetAgents() != 3 {
		t.Errorf("counts %v, want three of one status", c)
	}
	got := send(t, "GET", r.base+"/v1/presence?order=TIME_IN_STATE&pageSize=2&pageToken="+list.GetNextPageToken(), "")
	if got.status != http.StatusOK || !strings.Contains(got.body, "Agent 2") || strings.Contains(got.body, "Agent 1") || strings.Contains(got.body, "counts") {
		t.Errorf("the second page: %d %s", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/v1/presence?pageToken="+list.GetNextPageToken(), ""); got.status != http.StatusBadRequest {
		t.Errorf("the token in another order: %d %s, want 400", got.status, got.body)
	}
}
