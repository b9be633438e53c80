package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
)

const (
	unit      = "b0000000-0000-4000-8000-000000000001"
	otherUnit = "b0000000-0000-4000-8000-000000000002"
)

// directory is a Directory that answers from maps.
type directory struct {
	mu            sync.Mutex
	organizations map[string]string   // by environment
	teams         map[string][]string // by environment and name
	err           error
	asked         atomic.Int64
}

func (d *directory) Environments() []string { return []string{"here", "there"} }

func (d *directory) OrganizationID(_ context.Context, environment string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, ok := d.organizations[environment]
	if !ok {
		return "", errors.Join(d.err, fmt.Errorf("%w: environment %q is not configured", ErrFilter, environment))
	}
	return id, d.err
}

func (d *directory) TeamMembers(_ context.Context, environment, team string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked.Add(1)
	members, ok := d.teams[environment+" "+team]
	if !ok && d.err == nil {
		return nil, ErrUnknownTeam
	}
	return members, d.err
}

func (d *directory) set(change func(*directory)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func twoEnvironments() *directory {
	return &directory{
		organizations: map[string]string{"here": organization, "there": otherOrganization},
		teams:         map[string][]string{"here Support": {agentID(1), strings.ToUpper(agentID(2))}},
	}
}

// startFiltered runs a presence that knows environments, teams and the presence table.
func startFiltered(t *testing.T, d *directory) *rig {
	t.Helper()
	config := settings()
	config.Directory = d
	return startRig(t, t.TempDir(), config, &dataverse{lists: map[string][]Record{presenceEntity: presenceTable()}})
}

// deliverIn delivers a change as another organisation, or another business unit, would.
func (r *rig) deliverIn(c change, organizationID, businessUnitID string) {
	r.t.Helper()
	delivery := c.context()
	delivery.OrganizationID, delivery.BusinessUnitID = organizationID, businessUnitID
	if _, err := r.Receive(r.t.Context(), AgentStatus, body(r.t, delivery), nil); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) watchFor(after string, f Filter) *Subscription {
	r.t.Helper()
	s, err := r.Watch(r.t.Context(), after, f)
	if err != nil {
		r.t.Fatalf("Watch(%+v): %v", f, err)
	}
	r.t.Cleanup(s.Close)
	return s
}

// before are the rows of the events that a subscription tells before the one of a row that everybody is told.
func before(t *testing.T, s *Subscription, last int) []string {
	t.Helper()
	return slices.DeleteFunc(collect(t, s, last), func(row string) bool { return row == rowID(last) })
}

func rowsOf(numbers ...int) []string {
	var rows []string
	for _, n := range numbers {
		rows = append(rows, rowID(n))
	}
	return rows
}

// Each filter is asked twice: of live events, and of those that only the disk still has.
func TestSubscribersChooseAgentsAndStatuses(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	begin := r.watch("")
	snapshot(t, begin)
	start := begin.Cursor()
	tests := map[string]struct {
		filter Filter
		want   []string
	}{
		"agent":                   {Filter{Agents: []string{strings.ToUpper(agentID(1))}}, rowsOf(1, 2, 5, 6, 7)},
		"status, and who left it": {Filter{BaseStatuses: []BaseStatus{Busy}}, rowsOf(2, 4, 5)},
		"presence":                {Filter{Presences: []string{away}}, rowsOf(3, 5, 6)},
		"environment":             {Filter{Environments: []string{"there"}}, rowsOf(3)},
		"both environments":       {Filter{Environments: []string{"there", "here"}}, rowsOf(1, 2, 3, 4, 5, 6, 7)},
		"business unit":           {Filter{BusinessUnits: []string{otherUnit}}, rowsOf(4)},
		"team":                    {Filter{Teams: []string{"Support"}}, rowsOf(1, 2, 4, 5, 6, 7)},
		"team and status":         {Filter{Teams: []string{"Support"}, BaseStatuses: []BaseStatus{Away}}, rowsOf(5, 6)},
		"available":               {Filter{Available: true}, rowsOf(1, 2, 6, 7)},
		"status and another":      {Filter{BaseStatuses: []BaseStatus{Available, Away}}, rowsOf(1, 2, 3, 5, 6, 7)},
		"kind":                    {Filter{Kinds: []EventKind{CapacityChanged}}, rowsOf(7)},
	}
	live := make(map[string]*Subscription)
	for name, test := range tests {
		live[name] = r.watchFor("", test.filter)
		snapshot(t, live[name])
	}
	r.receive(change{row: 1, agent: 1, presence: available, minute: 1, capacity: 10})
	r.receive(change{row: 2, agent: 1, presence: busy, minute: 2, capacity: 10})
	r.deliverIn(change{row: 3, agent: 3, presence: away, minute: 3}, otherOrganization, unit)
	r.deliverIn(change{row: 4, agent: 2, presence: busy, minute: 4}, organization, otherUnit)
	r.receive(change{row: 5, agent: 1, presence: away, minute: 5, capacity: 10})
	r.receive(change{row: 6, agent: 1, presence: available, minute: 6, capacity: 10})
	r.receive(change{row: 7, agent: 1, presence: available, minute: 7}) // no capacity is free any more
	const events = 7
	for n := range events {
		if e := nextEvent(t, begin); e.RecordID != rowID(n+1) {
			t.Fatalf("event %d is of %s", n+1, e.RecordID)
		}
	}
	check := func(when, name string, s *Subscription) {
		t.Helper()
		var got []string
		for len(got) < len(tests[name].want) {
			got = append(got, nextEvent(t, s).RecordID)
		}
		if !slices.Equal(got, tests[name].want) {
			t.Errorf("%s, %s: events %v, want %v", name, when, got, tests[name].want)
		}
	}
	for name, s := range live {
		check("live", name, s)
	}
	for n := range r.config.Buffer { // what came before leaves the ring
		r.receive(change{row: 100 + n, agent: 9, presence: "09000000-0000-4000-8000-000000000009", minute: n + 100})
		nextEvent(t, begin)
	}
	for name, test := range tests {
		check("from the disk", name, r.watchFor(start, test.filter))
	}
}

// A filter that ends too early or lets too much pass is told by what follows the last that it lets pass.
func TestNothingElsePassesAFilter(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	s := r.watchFor("", Filter{BaseStatuses: []BaseStatus{Busy}})
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: available, minute: 1})
	r.receive(change{row: 2, agent: 1, presence: busy, minute: 2})
	r.receive(change{row: 3, agent: 1, presence: away, minute: 3})
	r.receive(change{row: 4, agent: 1, presence: available, minute: 4})
	r.receive(change{row: 5, agent: 1, presence: away, minute: 0}) // late
	r.receive(change{row: 6, agent: 1, presence: busy, minute: 1}) // late, and busy then
	r.receive(change{row: 7, agent: 2, presence: busy, minute: 7})
	if got, want := before(t, s, 7), rowsOf(2, 3, 6); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v: who is busy, who leaves it, and who was", got, want)
	}
}

// Whatever their filters, subscribers get the same message, so that it is encoded once.
func TestFilteredSubscribersShareMessages(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	all := r.watch("")
	snapshot(t, all)
	r.receive(change{row: 1, agent: 1, presence: busy})
	nextEvent(t, all)
	var subscriptions []*Subscription
	states, events := make(map[*Message]bool), make(map[*Message]bool)
	for _, f := range []Filter{{}, {Agents: []string{agentID(1)}}, {Teams: []string{"Support"}, BaseStatuses: []BaseStatus{Busy}}} {
		s := r.watchFor("", f)
		states[next(t, s)] = true
		next(t, s) // the snapshot's end
		subscriptions = append(subscriptions, s)
	}
	r.receive(change{row: 2, agent: 1, presence: away, minute: 1})
	for _, s := range subscriptions {
		events[next(t, s)] = true
	}
	if len(states) != 1 || len(events) != 1 {
		t.Errorf("%d subscribers got %d messages of a state and %d of an event, want one of each", len(subscriptions), len(states), len(events))
	}
}

func TestFilterNarrowsTheSnapshot(t *testing.T) {
	t.Parallel()
	r := startFiltered(t, twoEnvironments())
	all := r.watch("")
	snapshot(t, all)
	r.receive(change{row: 1, agent: 1, presence: available, capacity: 1})
	r.receive(change{row: 2, agent: 2, presence: available}) // without free capacity
	r.receive(change{row: 3, agent: 3, presence: busy, capacity: 1})
	r.deliverIn(change{row: 4, agent: 1, presence: away}, otherOrganization, otherUnit)
	for range 4 {
		nextEvent(t, all)
	}
	for name, test := range map[string]struct {
		filter Filter
		want   []string
	}{
		"none":          {Filter{}, []string{"here 1", "there 1", "here 2", "here 3"}},
		"available":     {Filter{Available: true}, []string{"here 1"}},
		"status":        {Filter{BaseStatuses: []BaseStatus{Available, Away}}, []string{"here 1", "there 1", "here 2"}},
		"presence":      {Filter{Presences: []string{busy}}, []string{"here 3"}},
		"environment":   {Filter{Environments: []string{"there"}}, []string{"there 1"}},
		"business unit": {Filter{BusinessUnits: []string{otherUnit}}, []string{"there 1"}},
		"team":          {Filter{Teams: []string{"Support"}}, []string{"here 1", "here 2"}},
		"agents":        {Filter{Agents: []string{agentID(1), agentID(3)}}, []string{"here 1", "there 1", "here 3"}},
		"nobody":        {Filter{Agents: []string{agentID(9)}}, nil},
	} {
		var got []string
		for _, s := range snapshot(t, r.watchFor("", test.filter)) {
			got = append(got, s.Environment+" "+strings.TrimLeft(s.AgentID[len(s.AgentID)-12:], "0"))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: the snapshot has %v, want %v", name, got, test.want)
		}
		list, err := r.List(t.Context(), ListQuery{Filter: test.filter, Count: true})
		if err != nil || len(list.States) != len(test.want) || list.Counts.Agents != len(test.want) {
			t.Errorf("%s: the list has %v and counts %+v, %v; want %v", name, list.States, list.Counts, err, test.want)
		}
	}
}

// A filter of teams or environments that do not exist, or cannot be asked, is refused.
func TestFiltersThatCannotHold(t *testing.T) {
	t.Parallel()
	away := errors.New("nobody answers")
	d := twoEnvironments()
	r := startFiltered(t, d)
	for name, test := range map[string]struct {
		filter Filter
		want   error
	}{
		"unknown team":        {Filter{Teams: []string{"Sales"}}, ErrUnknownTeam},
		"team elsewhere":      {Filter{Teams: []string{"Support"}, Environments: []string{"there"}}, ErrUnknownTeam},
		"unknown environment": {Filter{Environments: []string{"nowhere"}}, ErrFilter},
	} {
		if _, err := r.Watch(t.Context(), "", test.filter); !errors.Is(err, test.want) {
			t.Errorf("%s: Watch = %v, want %v", name, err, test.want)
		}
		if _, err := r.List(t.Context(), ListQuery{Filter: test.filter}); !errors.Is(err, test.want) {
			t.Errorf("%s: List = %v, want %v", name, err, test.want)
		}
	}
	d.set(func(d *directory) { d.err = away })
	if _, err := r.Watch(t.Context(), "", Filter{Teams: []string{"Support"}}); !errors.Is(err, away) || !strings.Contains(err.Error(), "here") {
		t.Errorf("Watch of a team while Dataverse is away = %v, want that, and where", err)
	}
	none := startRig(t, t.TempDir(), settings(), nil)
	for _, f := range []Filter{{Teams: []string{"Support"}}, {Environments: []string{"here"}}} {
		if _, err := none.Watch(t.Context(), "", f); !errors.Is(err, ErrFilter) {
			t.Errorf("Watch(%+v) without environments = %v, want ErrFilter", f, err)
		}
	}
}

// Members are asked for once a minute at most, and a change of them ends the stream: its board would be wrong for ever.
func TestTeamsAreReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := twoEnvironments()
		r := startFiltered(t, d)
		s := r.watchFor("", Filter{Teams: []string{"Support"}})
		other := r.watchFor("", Filter{Teams: []string{"Support"}})
		if asked := d.asked.Load(); asked != 2 { // one in each environment
			t.Errorf("Dataverse was asked %d times for two subscribers, want once in each of two environments", asked)
		}
		snapshot(t, s)
		other.Close()
		d.set(func(d *directory) { d.err = errors.New("away") })
		<-time.After(teamRefresh + r.config.Heartbeat)
		if m := wait(t, s); m.Heartbeat == nil {
			t.Fatalf("message %+v, want a heartbeat: who was a member still is while Dataverse is away", m)
		}
		d.set(func(d *directory) { d.err = nil; d.teams["here Support"] = []string{agentID(2), agentID(3)} })
		for ended := false; !ended; {
			_, err := s.Next(t.Context())
			ended = err != nil
			if ended && !errors.Is(err, ErrTeamChanged) {
				t.Errorf("Next = %v, want ErrTeamChanged", err)
			}
		}
		if _, err := r.Watch(t.Context(), s.Cursor(), Filter{Teams: []string{"Support"}}); !errors.Is(err, ErrTeamChanged) {
			t.Errorf("going on after the cursor = %v, want ErrTeamChanged: nobody told of those who have come", err)
		}
		again := r.watchFor("", Filter{Teams: []string{"Support"}})
		snapshot(t, again)
		r.receive(change{row: 1, agent: 1, presence: available})
		r.receive(change{row: 2, agent: 3, presence: available})
		if e := wait(t, again).Event; e == nil || e.AgentID != agentID(3) {
			t.Errorf("the first event is %+v, want that of the agent who is a member now", e)
		}
		resumed := r.watchFor(again.Cursor(), Filter{Teams: []string{"Support"}})
		resumed.Close()
		cursor := again.Cursor()
		s.Close()
		again.Close()
		before := d.asked.Load()
		<-time.After(3 * teamRefresh)
		if asked := d.asked.Load(); asked != before {
			t.Errorf("a team that nobody watches was asked for %d times", asked-before)
		}
		d.set(func(d *directory) { d.teams["here Support"] = []string{agentID(1)} })
		if _, err := r.Watch(t.Context(), cursor, Filter{Teams: []string{"Support"}}); !errors.Is(err, ErrTeamChanged) {
			t.Errorf("coming back after the team changed = %v, want ErrTeamChanged", err)
		}
		r.stop()
	})
}

// What was said before an environment told its organisation says it from then on, from the ring and the disk alike.
func TestEnvironmentsAreNamedOnceTheyAreKnown(t *testing.T) {
	t.Parallel()
	d := twoEnvironments()
	config := settings()
	config.Directory = d
	r := openRig(t, t.TempDir(), config, nil)
	e := at(0, busy, 10)
	e.ID, e.Version, e.Kind, e.OrganizationID = "one", entryVersion, AgentPresence, organization
	if _, err := r.store.append(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.apply(t.Context(), []*step{r.begin(t.Context(), 1, nats.Header{entryHeader: {string(text)}})}); err != nil {
		t.Fatal(err)
	}
	before := r.watch("")
	if s := snapshot(t, before); s[0].Environment != "" {
		t.Fatalf("the environment is %q before anybody knows", s[0].Environment)
	}
	if missing := r.nameOnce(t.Context(), d.Environments()); len(missing) != 0 {
		t.Fatalf("no answer of %v", missing)
	}
	if s := snapshot(t, r.watch("")); s[0].Environment != "here" {
		t.Errorf("the state is of %q, want here", s[0].Environment)
	}
	if e := nextEvent(t, r.watch(r.hub.cursors.format(0))); e.Environment != "here" {
		t.Errorf("the event of before is of %q, want here", e.Environment)
	}
	tap, err := r.OpenTap(t.Context(), "all", true)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	if batch, err := tap.Next(t.Context(), 1); err != nil || batch[0].Event.Environment != "here" {
		t.Errorf("an output gets %+v, %v; want the environment", batch, err)
	}
}

// BenchmarkFilteredFanOut hands one event to 1,000 subscribers with filters, of whom one lets it pass. The others are told a
// heartbeat each time, so that all have looked at the event before the next one comes.
func BenchmarkFilteredFanOut(b *testing.B) {
	h := newHub(cursors{uuid.New()}, 1024, map[string]*agent{}, 0, 0, func(string) string { return "" })
	e := at(0, busy, 10)
	event, a := derive(nil, e, 1)
	ctx, cancel := context.WithCancel(b.Context())
	var handed, ended sync.WaitGroup
	for n := range subscribers {
		s := h.watchSnapshot(&filter{agents: setOf([]string{fmt.Sprint(n), fmt.Sprint("x", n)}), bases: []BaseStatus{Busy, Away}})
		if n == 0 {
			s.filter = &filter{agents: setOf([]string{event.AgentID})}
		}
		s.silence = 0
		ended.Go(func() {
			for {
				m, err := s.Next(ctx)
				if err != nil {
					return
				}
				if m.SnapshotEnd == nil {
					handed.Done()
				}
			}
		})
	}
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n++ {
		handed.Add(subscribers)
		h.apply(n, &event, e.agentKey(), a)
		handed.Wait()
	}
	cancel()
	ended.Wait()
}

// BenchmarkFilter asks one filter about one event.
func BenchmarkFilter(b *testing.B) {
	e := at(0, busy, 10)
	event, _ := derive(nil, e, 1)
	had := members{{event.OrganizationID, event.AgentID}: {}}
	f := &filter{
		agents: setOf([]string{event.AgentID}), bases: []BaseStatus{Away, ""}, organizations: setOf([]string{event.OrganizationID}),
		teams: []watchedTeam{{&team{}, &had}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if !f.event(&event) {
			b.Fatal("the event does not pass")
		}
	}
}
