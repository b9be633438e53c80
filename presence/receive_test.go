package presence

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

func TestEventSaysWhatTheDeliverySaid(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	before := time.Now()
	receipt := r.receive(change{row: 1, agent: 1, presence: available, minute: 5, capacity: 60})
	m := next(t, s)
	e := m.Event
	if m.Cursor == "" || e == nil || e.ID != receipt.EventID || !strings.Contains(e.ID, organization) || !strings.Contains(e.ID, rowID(1)) {
		t.Fatalf("message %+v, want an event whose ID is made of organisation and row", m)
	}
	if e.AgentID != agentID(1) || e.AgentName != "Agent 1" || e.Presence != (Status{ID: available, Name: "Présence"}) ||
		e.OrganizationID != organization || e.OrganizationName != "unq07" || e.RecordID != rowID(1) ||
		e.BusinessUnitID != "b0000000-0000-4000-8000-000000000001" || *e.Capacity != 60 || !*e.SignedIn {
		t.Errorf("event %+v", e)
	}
	// The display text of the start says another day; the instant stands in the attribute.
	if want := start.Add(5 * time.Minute); !e.StartTime.Equal(want) {
		t.Errorf("start = %v, want %v", e.StartTime, want)
	}
	if e.ReceiveTime.Before(before.Add(-time.Second)) || *e.Delay != e.ReceiveTime.Sub(e.StartTime) {
		t.Errorf("received %v, delay %v", e.ReceiveTime, *e.Delay)
	}
}

func TestRepeatIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	first := r.receive(change{row: 1, agent: 1, presence: available})
	if first.Duplicate {
		t.Error("the first delivery is told to be a repeat")
	}
	if again := r.receive(change{row: 1, agent: 1, presence: available}); !again.Duplicate || again.EventID != first.EventID {
		t.Errorf("second delivery = %+v, want a repeat of %s", again, first.EventID)
	}
	r.stop()
	r = startRig(t, dir, settings(), nil)
	if again := r.receive(change{row: 1, agent: 1, presence: available}); !again.Duplicate {
		t.Error("a repeat after a restart is not known")
	}
	elsewhere := change{row: 1, agent: 1, presence: available}.context()
	elsewhere.OrganizationID = "07000000-0000-4000-8000-000000000008"
	receipt, err := r.Receive(t.Context(), AgentStatus, body(t, elsewhere), nil)
	if err != nil || receipt.Duplicate {
		t.Errorf("the same row of another organisation = %+v, %v; want an event of its own", receipt, err)
	}
	info, err := r.store.log.Info(t.Context())
	if err != nil || info.State.Msgs != 2 {
		t.Errorf("the log has %d entries, want 2 (%v)", info.State.Msgs, err)
	}
}

// edit returns the first delivery of agent 1, changed.
func edit(f func(*webhook.Context)) *webhook.Context {
	c := change{row: 1, agent: 1, presence: available, capacity: 60}.context()
	f(c)
	return c
}

// asTarget moves the image into InputParameters.
func asTarget(c *webhook.Context) {
	target := c.PostEntityImages[1].Entity
	target.Formatted = nil // a Target has no display texts of lookups
	c.InputParameters = []webhook.Parameter{{Key: "Target", Value: target}}
	c.PostEntityImages = c.PostEntityImages[:1]
}

func TestRecordIsReadFromWhereverItIsTold(t *testing.T) {
	t.Parallel()
	reader := &dataverse{records: map[string]Record{
		"msdyn_agentstatushistory " + rowID(1): {ID: rowID(1), Values: map[string]any{
			"msdyn_agentid": agentID(1), "msdyn_presenceid": available, "msdyn_starttime": "2026-01-01T10:00:00Z",
			"msdyn_availablecapacity": 60, "msdyn_isagentloggedin": true,
		}},
		"systemuser " + agentID(1): {Values: map[string]any{"fullname": "Read Name"}},
	}}
	for name, test := range map[string]struct {
		edit func(*webhook.Context)
		want string // the agent's name tells where it was read
	}{
		"the image of the alias":   {func(*webhook.Context) {}, "Agent 1"},
		"the only image":           {func(c *webhook.Context) { c.PostEntityImages[1].Alias = "another" }, "Agent 1"},
		"one of two without alias": {func(c *webhook.Context) { c.PostEntityImages[0].Alias, c.PostEntityImages[1].Alias = "a", "b" }, "Read Name"},
		"Target":                   {asTarget, "Read Name"},
		"read again": {func(c *webhook.Context) {
			c.Reduced = true
		}, "Read Name"},
		"an image without the presence": {func(c *webhook.Context) {
			image := &c.PostEntityImages[1].Entity
			image.Attributes = append(image.Attributes[:1:1], image.Attributes[2:]...)
		}, "Agent 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRig(t, t.TempDir(), settings(), reader)
			s := r.watch("")
			snapshot(t, s)
			receipt, err := r.Receive(t.Context(), AgentStatus, body(t, edit(test.edit)), nil)
			if err != nil || receipt.DeadLettered != "" {
				t.Fatalf("Receive = %+v, %v", receipt, err)
			}
			e := nextEvent(t, s)
			if e.AgentName != test.want || e.Presence.ID != available || !e.StartTime.Equal(start) || *e.Capacity != 60 || !*e.SignedIn {
				t.Errorf("event %+v, want all of it, named %s", e, test.want)
			}
		})
	}
}

func TestWhatIsNoEventIsSetAsideWithItsReason(t *testing.T) {
	t.Parallel()
	away := &dataverse{err: errors.New("no route\nto host")}
	for name, test := range map[string]struct {
		body   []byte
		reader Reader
		reason string
	}{
		"no context":     {[]byte(`{"a":1}`), nil, "no RemoteExecutionContext"},
		"an array":       {[]byte(` [1] `), nil, "no RemoteExecutionContext"},
		"another entity": {body(t, edit(func(c *webhook.Context) { c.PrimaryEntityName = "account" })), nil, "Create of account came"},
		"another message": {body(t, edit(func(c *webhook.Context) { c.MessageName = "Update" })), nil,
			"Update of msdyn_agentstatushistory came"},
		"no payload, no reader":      {body(t, edit(func(c *webhook.Context) { c.Reduced = true })), nil, "neither an image nor a Target"},
		"no payload, none reachable": {body(t, edit(func(c *webhook.Context) { c.Reduced = true })), away, "no route to host"},
		"no agent": {body(t, edit(func(c *webhook.Context) { c.PostEntityImages[1].Entity.Attributes[0].Value = nil })), nil,
			"no msdyn_agentid"},
		"an agent that is no ID": {body(t, edit(func(c *webhook.Context) { c.PostEntityImages[1].Entity.Attributes[0].Value = "me" })), nil,
			"no msdyn_agentid"},
		"a row that is no ID":           {body(t, edit(func(c *webhook.Context) { c.PrimaryEntityID = "> *" })), nil, "PrimaryEntityId"},
		"an organisation that is no ID": {body(t, edit(func(c *webhook.Context) { c.OrganizationID = "a.b" })), nil, "OrganizationId"},
		// What could never be stored would be refused for ever.
		"a start that no calendar has": {body(t, edit(func(c *webhook.Context) {
			c.PostEntityImages[1].Entity.Attributes[2].Value = time.Date(40000, 1, 1, 0, 0, 0, 0, time.UTC)
		})), nil, "the time of its start is in the year 40000"},
		"a name that is too long": {body(t, edit(func(c *webhook.Context) {
			c.PostEntityImages[1].Entity.Formatted[0].Value = strings.Repeat("n", 70_000)
		})), nil, "there is room for"},
		"a reason that is too long": {body(t, edit(func(c *webhook.Context) { c.MessageName = strings.Repeat("é", 50_000) })), nil, "éé…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRig(t, t.TempDir(), settings(), test.reader)
			receipt, err := r.Receive(t.Context(), AgentStatus, test.body, nil)
			if err != nil || receipt.EventID != "" || receipt.Duplicate {
				t.Fatalf("Receive = %+v, %v; want it set aside", receipt, err)
			}
			again, err := r.Receive(t.Context(), AgentStatus, test.body, nil)
			if err != nil || !again.Duplicate {
				t.Errorf("again = %+v, %v; want a repeat", again, err)
			}
			letters, err := r.DeadLetters(t.Context(), 10)
			if err != nil || len(letters) != 1 {
				t.Fatalf("DeadLetters = %v, %v; want one", letters, err)
			}
			if l := letters[0]; !strings.Contains(l.Reason, test.reason) || string(l.Body) != string(test.body) || l.Source != AgentStatus {
				t.Errorf("dead letter of %s: %q with body %q; want %q and the body as it came", l.Source, l.Reason, l.Body, test.reason)
			}
		})
	}
}

func TestSizeExceededIsNamed(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	header := http.Header{webhook.HeaderSizeExceeded: {"true"}}
	receipt, err := r.Receive(t.Context(), AgentStatus, body(t, edit(func(c *webhook.Context) { c.Reduced = true })), header)
	if err != nil || !strings.Contains(receipt.DeadLettered, "size") {
		t.Errorf("Receive = %+v, %v; want the size named", receipt, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	good := body(t, change{row: 1, agent: 1, presence: available}.context())
	if _, err := r.Receive(t.Context(), "other", good, nil); !errors.Is(err, ErrUnknownSource) || !strings.Contains(err.Error(), "other") {
		t.Errorf("unknown source = %v", err)
	}
	if r.HasSource("other") || !r.HasSource(AgentStatus) {
		t.Error("HasSource disagrees")
	}
	for _, bad := range []string{"", "  ", "{", "<a/>", "{} x"} {
		if _, err := r.Receive(t.Context(), AgentStatus, []byte(bad), nil); !errors.Is(err, ErrNotJSON) {
			t.Errorf("Receive(%q) = %v, want ErrNotJSON", bad, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Receive(ended, AgentStatus, good, nil); !errors.Is(err, ErrNotStored) {
		t.Errorf("Receive in an ended context = %v, want ErrNotStored", err)
	}
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{good, []byte(`{"a":1}`)} {
		if _, err := r.Receive(t.Context(), AgentStatus, b, nil); !errors.Is(err, ErrNotStored) {
			t.Errorf("Receive without a journal = %v, want ErrNotStored", err)
		}
	}
}

func TestAuthenticateTakesLiveKeysInEveryPlace(t *testing.T) {
	t.Parallel()
	config := settings()
	source := config.Sources[AgentStatus]
	source.Keys = []Key{"new", "old"}
	config.Sources[AgentStatus] = source
	source.Keys = nil
	config.Sources["keyless"] = source
	r := openRig(t, t.TempDir(), config, nil)
	for _, test := range []struct {
		source string
		query  url.Values
		header http.Header
		want   bool
	}{
		{AgentStatus, url.Values{"code": {"new"}}, nil, true},
		{AgentStatus, url.Values{"code": {"old"}}, nil, true},
		{AgentStatus, url.Values{"key": {"new"}}, nil, true},
		{AgentStatus, nil, http.Header{"X-Botverse-Key": {"old"}}, true},
		{AgentStatus, url.Values{"code": {"wrong"}}, http.Header{"X-Botverse-Key": {"new"}}, true},
		{AgentStatus, url.Values{"code": {"wrong"}}, nil, false},
		{AgentStatus, url.Values{"code": {"ne"}}, nil, false},
		{AgentStatus, url.Values{"code": {""}}, nil, false},
		{AgentStatus, url.Values{"other": {"new"}}, nil, false},
		{AgentStatus, nil, http.Header{"X-Other": {"new"}}, false},
		{AgentStatus, nil, nil, false},
		{"keyless", url.Values{"code": {""}}, nil, false},
		{"keyless", nil, nil, false},
		{"unknown", url.Values{"code": {"new"}}, nil, false},
	} {
		if got := r.AuthenticateRequest(test.source, test.query, test.header); got != test.want {
			t.Errorf("AuthenticateRequest(%s, %v, %v) = %v", test.source, test.query, test.header, got)
		}
	}
	if !r.Authenticate(AgentStatus, "x", "new") || r.Authenticate(AgentStatus) {
		t.Error("Authenticate disagrees")
	}
}
