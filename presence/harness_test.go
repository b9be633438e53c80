package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

func TestMain(m *testing.M) { journaltest.Main(m) }

const (
	organization     = "07000000-0000-4000-8000-000000000007"
	available        = "f523f628-c07a-e811-8162-000d3aa11f50"
	busy             = "efdeb843-c07a-e811-8162-000d3aa11f50"
	away             = "3dacae76-c07a-e811-8162-000d3aa11f50"
	testKey      Key = "the-key"
)

// start is when everything in these tests begins.
var start = time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)

func agentID(n int) string { return fmt.Sprintf("a9000000-0000-4000-8000-%012d", n) }
func rowID(n int) string   { return fmt.Sprintf("4a000000-0000-4000-8000-%012d", n) }

// change is a row of msdyn_agentstatushistory as a test thinks of it.
type change struct {
	row      int
	agent    int
	presence string
	minute   int // after start
	capacity int
}

// context is the delivery of a change, with the image that the default source asks for.
func (c change) context() *webhook.Context {
	reference := func(entity, id string) webhook.EntityReference {
		return webhook.EntityReference{LogicalName: entity, ID: id}
	}
	record := webhook.Entity{
		LogicalName: "msdyn_agentstatushistory", ID: rowID(c.row),
		Attributes: []webhook.Attribute{
			{Key: "msdyn_agentid", Value: reference("systemuser", agentID(c.agent))},
			{Key: "msdyn_presenceid", Value: reference("msdyn_presence", c.presence)},
			{Key: "msdyn_starttime", Value: start.Add(time.Duration(c.minute) * time.Minute)},
			{Key: "msdyn_availablecapacity", Value: c.capacity},
			{Key: "msdyn_isagentloggedin", Value: true},
		},
		Formatted: []webhook.Pair{
			{Key: "msdyn_agentid", Value: fmt.Sprintf("Agent %d", c.agent)},
			{Key: "msdyn_presenceid", Value: "Présence"},
			{Key: "msdyn_starttime", Value: "31/12/2026 14:00"},
		},
	}
	return &webhook.Context{
		MessageName: "Create", PrimaryEntityName: record.LogicalName, PrimaryEntityID: record.ID, Stage: 40,
		Mode: webhook.Asynchronous, OperationCreatedOn: start, OrganizationID: organization,
		OrganizationName: "unq07", BusinessUnitID: "b0000000-0000-4000-8000-000000000001",
		PostEntityImages: []webhook.Image{
			{Alias: webhook.PrimaryNameImage, Entity: webhook.Entity{LogicalName: record.LogicalName, ID: record.ID}},
			{Alias: "presence_post", Entity: record},
		},
	}
}

func body(t testing.TB, c *webhook.Context) []byte {
	t.Helper()
	b, err := webhook.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rig is a presence that runs on a journal of its own.
type rig struct {
	*Presence
	t       testing.TB
	dir     string
	journal *journal.Journal
	stop    func() // ends Run, waits for it, and closes the journal
}

// settings are the default ones with a key, and a short buffer.
func settings() Config {
	c := Default()
	source := c.Sources[AgentStatus]
	source.Keys = []Key{testKey}
	c.Sources[AgentStatus] = source
	c.Buffer = 32
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

// openJournal opens a journal that does not sync: what reaches the file system survives the end of a process, which is all
// that most tests try.
func openJournal(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	return openJournalThat(t, dir, false)
}

// openJournalThat opens a journal that syncs, as by default, or not. One that does stores in batches.
func openJournalThat(t testing.TB, dir string, syncs bool) *journal.Journal {
	t.Helper()
	c := journal.Default()
	c.Dir, c.Sync, c.Logger = dir, syncs, slog.New(slog.DiscardHandler)
	j, err := journal.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// startRig opens presence in a directory and runs it.
func startRig(t testing.TB, dir string, config Config, reader Reader) *rig {
	t.Helper()
	r := openRig(t, dir, config, reader)
	r.run()
	return r
}

// openRig opens presence in a directory, and does not run it.
func openRig(t testing.TB, dir string, config Config, reader Reader) *rig {
	t.Helper()
	return openRigOn(t, openJournal(t, dir), dir, config, reader)
}

// openRigOn opens presence on a journal in a directory, which it closes in the end.
func openRigOn(t testing.TB, j *journal.Journal, dir string, config Config, reader Reader) *rig {
	t.Helper()
	p, err := Open(context.Background(), config, j, reader)
	if err != nil {
		t.Fatal(errors.Join(err, j.Close()))
	}
	r := &rig{Presence: p, t: t, dir: dir, journal: j}
	r.stop = func() {
		r.stop = func() {}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// run runs presence until stop.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	closeJournal := r.stop
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run = %v", err)
		}
		closeJournal()
	}
}

// receive delivers a change and wants it stored as an event.
func (r *rig) receive(c change) Receipt {
	r.t.Helper()
	receipt, err := r.Receive(context.Background(), AgentStatus, body(r.t, c.context()), nil)
	if err != nil || receipt.DeadLettered != "" {
		r.t.Fatalf("Receive(%+v) = %+v, %v", c, receipt, err)
	}
	return receipt
}

func (r *rig) watch(after string) *Subscription {
	r.t.Helper()
	s, err := r.Watch(context.Background(), after, Filter{})
	if err != nil {
		r.t.Fatalf("Watch(%q): %v", after, err)
	}
	r.t.Cleanup(s.Close)
	return s
}

// next returns the next message, and gives up after a while.
func next(t testing.TB, s *Subscription) *Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return m
}

// nextEvent passes heartbeats over.
func nextEvent(t testing.TB, s *Subscription) *Event {
	t.Helper()
	for {
		m := next(t, s)
		if m.Event != nil {
			return m.Event
		}
		if m.Heartbeat == nil {
			t.Fatalf("message %+v, want an event", m)
		}
	}
}

// snapshot reads the snapshot of a new subscription.
func snapshot(t testing.TB, s *Subscription) []*AgentState {
	t.Helper()
	var states []*AgentState
	for {
		m := next(t, s)
		if m.SnapshotEnd != nil {
			if m.SnapshotEnd.Agents != len(states) || m.Cursor == "" {
				t.Fatalf("snapshot_end %+v after %d states, want their number and a cursor", m, len(states))
			}
			return states
		}
		if m.State == nil || m.Cursor != "" {
			t.Fatalf("message %+v, want a state without a cursor", m)
		}
		states = append(states, m.State)
	}
}

// ready waits until presence is.
func (r *rig) ready() {
	r.t.Helper()
	await.Until(r.t, "presence is ready", func() bool { return r.Ready() == nil })
}

// applied waits until the reader has applied the log up to a position: a subscriber that begins from the disk while it is
// far behind could be too slow for the short buffer.
func (r *rig) applied(sequence uint64) {
	r.t.Helper()
	await.Until(r.t, fmt.Sprintf("the reader has come to %d", sequence), func() bool { return r.hub.position() >= sequence })
}

// state returns an agent's present state, nil where there is none.
func (r *rig) state(agent int) *AgentState {
	r.t.Helper()
	list, err := r.List(context.Background(), ListQuery{PageSize: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range list.States {
		if s.AgentID == agentID(agent) {
			return s
		}
	}
	return nil
}

// dataverse is a Reader that answers from maps.
type dataverse struct {
	records map[string]Record   // by entity and ID
	lists   map[string][]Record // by entity
	err     error
	reads   chan string // what was asked, when not nil
}

func (d *dataverse) GetRecord(_ context.Context, _, entity, id string, _ []string) (Record, error) {
	d.note(entity + " " + id)
	record, ok := d.records[entity+" "+id]
	if d.err != nil || !ok {
		return Record{}, errors.Join(d.err, errors.New("no such record"))
	}
	return record, nil
}

func (d *dataverse) ListRecords(_ context.Context, _, entity string, _ []string) ([]Record, error) {
	d.note(entity)
	return d.lists[entity], d.err
}

func (d *dataverse) ListCreated(context.Context, CreatedQuery) (CreatedPage, error) {
	return CreatedPage{}, d.err
}

func (d *dataverse) Environments() []string { return []string{"there"} }

func (d *dataverse) Organization(context.Context, string) (Organization, error) {
	return Organization{ID: organization, Name: "unq07"}, nil
}

func (d *dataverse) note(what string) {
	if d.reads != nil {
		d.reads <- what
	}
}

// presenceTable is msdyn_presence as a Reader tells it.
func presenceTable() []Record {
	row := func(id, name, text, base string) Record {
		return Record{ID: id, Values: map[string]any{presenceName: name, presenceText: text, presenceBase: json.Number(base)}}
	}
	return []Record{
		row(available, "Available", "Available", "192360000"),
		row(busy, "Busy", "Busy", "192360001"),
		row(away, "Away", "Appear away", "192360003"),
	}
}
