package presence

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fold applies changes to one agent, in their order, and returns the events and the agent.
func fold(changes ...entry) ([]Event, *agent) {
	var events []Event
	var a *agent
	for n, e := range changes {
		event, next := derive(a, e, uint64(n+1))
		events = append(events, event)
		if next != nil {
			a = next
		}
	}
	return events, a
}

// at is an entry of agent 1.
func at(minute int, presence string, capacity int32) entry {
	t := start.Add(time.Duration(minute) * time.Minute)
	return entry{
		ID: fmt.Sprint(minute, presence, capacity), AgentID: agentID(1), Presence: Status{ID: presence},
		StartTime: t, ReceiveTime: t.Add(time.Second), Capacity: &capacity,
	}
}

func TestFirstEventIsAPresenceChange(t *testing.T) {
	t.Parallel()
	events, a := fold(at(0, busy, 10))
	if e := events[0]; e.Kind != PresenceChanged || e.Previous != nil || e.Late {
		t.Errorf("event %+v", e)
	}
	if a.State.AgentName != Unknown || a.State.Presence.Name != Unknown || a.State.Presence.ID != busy {
		t.Errorf("state %+v, want names Unknown and the ID kept", a.State)
	}
}

func TestLateEventLeavesStateAlone(t *testing.T) {
	t.Parallel()
	events, a := fold(at(5, busy, 10), at(3, away, 20))
	if e := events[1]; !e.Late || e.Previous != nil || e.Kind != PresenceChanged {
		t.Errorf("event %+v, want it late", e)
	}
	if a.State.Presence.ID != busy || *a.State.Capacity != 10 || a.Sequence != 1 {
		t.Errorf("state %+v after an older event, want that of minute 5", a.State)
	}
}

func TestOnEqualTimesTheLaterEntryWins(t *testing.T) {
	t.Parallel()
	events, a := fold(at(5, busy, 10), at(5, away, 20))
	if events[1].Late || events[1].Previous.ID != busy || a.State.Presence.ID != away {
		t.Errorf("event %+v, state %+v; want the later entry's", events[1], a.State)
	}
}

func TestCapacityAloneDoesNotRestartTheTime(t *testing.T) {
	t.Parallel()
	events, a := fold(at(0, busy, 10), at(5, busy, 20), at(3, busy, 30))
	if e := events[1]; e.Kind != CapacityChanged || e.Previous.ID != busy || !e.StartTime.Equal(start.Add(5*time.Minute)) {
		t.Errorf("event %+v, want a change of capacity", e)
	}
	if !a.State.StartTime.Equal(start) || *a.State.Capacity != 20 {
		t.Errorf("state %+v, want the time of minute 0 and the capacity of minute 5", a.State)
	}
	if !events[2].Late {
		t.Error("a row older than the last capacity is not late")
	}
}

func TestIDsDecideAndLabelsDoNot(t *testing.T) {
	t.Parallel()
	first, second := at(0, busy, 10), at(1, busy, 10)
	first.Presence.Name, second.Presence.Name = "Busy", "Beschäftigt"
	third := at(2, away, 10)
	third.Presence.Name = "Beschäftigt"
	events, _ := fold(first, second, third)
	if events[1].Kind != CapacityChanged || events[2].Kind != PresenceChanged {
		t.Errorf("kinds %s, %s; want the IDs to decide", events[1].Kind, events[2].Kind)
	}
}

func TestWhatIsNotToldStays(t *testing.T) {
	t.Parallel()
	first, second := at(0, busy, 10), at(1, away, 0)
	first.SignedIn, first.AgentName = new(true), "Dana"
	second.Capacity = nil
	events, a := fold(first, second)
	if *a.State.Capacity != 10 || !*a.State.SignedIn || a.State.AgentName != "Dana" || events[1].AgentName != "Dana" {
		t.Errorf("state %+v, want capacity, sign-in and name of before", a.State)
	}
	if events[1].Capacity != nil || events[1].SignedIn != nil {
		t.Errorf("event %+v says what its delivery did not", events[1])
	}
}

func TestUnknownStartOrdersByCreation(t *testing.T) {
	t.Parallel()
	first, second, third := at(5, busy, 10), at(0, away, 20), at(0, available, 30)
	second.StartTime, second.CreateTime = time.Time{}, start.Add(4*time.Minute)
	third.StartTime, third.ReceiveTime = time.Time{}, start.Add(6*time.Minute)
	events, a := fold(first, second, third)
	if !events[1].Late || events[1].Delay != nil || !events[1].StartTime.IsZero() {
		t.Errorf("event %+v, want it late by its creation, without start and delay", events[1])
	}
	if events[2].Late || a.State.Presence.ID != available {
		t.Errorf("event %+v, want it to count from when it was received", events[2])
	}
}

func TestDelayMayBeNegative(t *testing.T) {
	t.Parallel()
	e := at(5, busy, 10)
	e.ReceiveTime = start
	if events, _ := fold(e); *events[0].Delay != -5*time.Minute {
		t.Errorf("delay = %v, want that the clocks disagree by 5 minutes", *events[0].Delay)
	}
}

// TestOrderOfArrivalDoesNotMatter shuffles and doubles what happened: where no two changes of an agent have the same
// time, the state is the newest one, however they arrive.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "changes")
		var entries []entry
		for minute := range n {
			presence := rapid.SampledFrom([]string{available, busy, away}).Draw(t, "presence")
			entries = append(entries, at(minute, presence, int32(minute)))
		}
		arrived := rapid.Permutation(entries).Draw(t, "arrived")
		events, a := fold(arrived...)
		if newest := entries[n-1]; a.State.Presence.ID != newest.Presence.ID || *a.State.Capacity != int32(n-1) {
			t.Fatalf("state %+v, want that of %+v", a.State, newest)
		}
		newest := time.Time{}
		for i, e := range arrived {
			if late := e.StartTime.Before(newest); late != events[i].Late {
				t.Fatalf("event %d of %v: late = %v, want %v", i, e.StartTime, events[i].Late, late)
			}
			if e.StartTime.After(newest) {
				newest = e.StartTime
			}
		}
	})
}

func TestShuffledAndDoubledInputGivesOneStream(t *testing.T) {
	t.Parallel()
	const agents, rows = 5, 300
	changes := make([]change, rows)
	newest := make(map[int]change)
	for n := range changes {
		changes[n] = change{row: n, agent: n % agents, presence: []string{available, busy, away}[n%3], minute: n, capacity: n}
		newest[n%agents] = changes[n]
	}
	input := append(slices.Clone(changes), changes...)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(input), func(i, j int) { input[i], input[j] = input[j], input[i] })

	r := startRig(t, t.TempDir(), settings(), nil)
	duplicates := 0
	senders := make(chan int)
	for part := range slices.Chunk(input, len(input)/4) { // four at once, as Dataverse delivers
		go func() {
			doubles := 0
			for _, c := range part {
				receipt, err := r.Receive(context.Background(), AgentStatus, body(t, c.context()), nil)
				if err != nil {
					t.Error(err)
				}
				if receipt.Duplicate {
					doubles++
				}
			}
			senders <- doubles
		}()
	}
	for range 4 {
		duplicates += <-senders
	}
	if duplicates != rows {
		t.Errorf("%d repeats, want %d", duplicates, rows)
	}
	r.applied(rows)
	other, err := Open(t.Context(), settings(), r.journal, nil) // another process on the same journal
	if err != nil {
		t.Fatal(err)
	}
	streams := [][]Event{
		all(t, r.watch(r.hub.cursors.format(0)), rows), all(t, r.watch(r.hub.cursors.format(0)), rows), recompute(t, other),
	}
	for _, events := range streams[1:] {
		for i := range events {
			if a, b := fmt.Sprintf("%+v", flat(events[i])), fmt.Sprintf("%+v", flat(streams[0][i])); a != b {
				t.Fatalf("event %d is %s to one and %s to another", i, a, b)
			}
		}
	}
	for n, want := range newest {
		got := r.state(n)
		if got == nil || got.Presence.ID != want.presence || *got.Capacity != int32(want.capacity) {
			t.Errorf("agent %d: state %+v, want %+v", n, got, want)
		}
	}
}

// all reads n events.
func all(t *testing.T, s *Subscription, n int) []Event {
	t.Helper()
	var events []Event
	for range n {
		events = append(events, *nextEvent(t, s))
	}
	return events
}

// recompute works all events out from the log alone.
func recompute(t *testing.T, p *Presence) []Event {
	t.Helper()
	info, err := p.store.log.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	agents := make(map[string]*agent)
	for sequence := uint64(1); sequence <= info.State.LastSeq; sequence++ {
		msg, err := p.store.log.GetMsg(t.Context(), sequence)
		if err != nil {
			t.Fatal(err)
		}
		e, err := parseEntry(msg.Header.Get(entryHeader))
		if err != nil {
			t.Fatal(err)
		}
		event, next := derive(agents[e.agentKey()], e, sequence)
		if next != nil {
			agents[e.agentKey()] = next
		}
		events = append(events, event)
	}
	return events
}

func TestKilledProcessLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	const rows = 200
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	for n := 1; n <= rows/2; n++ {
		r.receive(change{row: n, agent: n % 3, presence: available, minute: n})
	}
	r.stop() // wherever the reader is
	stopped := openRig(t, dir, settings(), nil)
	for n := rows/2 + 1; n <= rows; n++ {
		stopped.receive(change{row: n, agent: n % 3, presence: busy, minute: n}) // nothing reads
	}
	stopped.stop()
	again := startRig(t, dir, settings(), nil)
	again.applied(rows)
	for n, e := range all(t, again.watch(again.hub.cursors.format(0)), rows) {
		if e.RecordID != rowID(n+1) || e.Late {
			t.Fatalf("event %d = %+v, want row %d", n+1, e, n+1)
		}
	}
	if got := again.state(1); got.Presence.ID != busy {
		t.Errorf("state %+v, want the last one acknowledged", got)
	}
}

func TestEndBetweenStateAndEventChangesNoEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openRig(t, dir, settings(), nil)
	presences := []string{available, busy, away}
	for n, presence := range presences {
		r.receive(change{row: n + 1, agent: 1, presence: presence, minute: n})
	}
	begin := r.hub.cursors.format(0)
	r.stepWithoutEvent(1)
	if _, err := r.store.putEvent(t.Context(), 1, r.hub.agent(agentKey(organization, agentID(1))).Event); err != nil {
		t.Fatal(err)
	}
	r.stepWithoutEvent(2) // and here the process ends
	r.stop()
	again := startRig(t, dir, settings(), nil)
	for n, e := range all(t, again.watch(begin), 3) {
		if e.RecordID != rowID(n+1) || e.Late || e.Kind != PresenceChanged {
			t.Errorf("event %d = %+v", n+1, e)
		}
		if n > 0 && (e.Previous == nil || e.Previous.ID != presences[n-1]) {
			t.Errorf("event %d has %v before it, want %s", n+1, e.Previous, presences[n-1])
		}
	}
	if got := again.state(1); got.Presence.ID != away {
		t.Errorf("state %+v, want the last", got)
	}
}

// The very first event has nothing before it that tells that it is missing.
func TestEndBeforeTheFirstEventLosesNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openRig(t, dir, settings(), nil)
	r.receive(change{row: 1, agent: 1, presence: busy, minute: 1})
	begin := r.hub.cursors.format(0)
	r.stepWithoutEvent(1) // and here the process ends
	r.stop()
	again := startRig(t, dir, settings(), nil)
	again.receive(change{row: 2, agent: 1, presence: away, minute: 2})
	for n, e := range all(t, again.watch(begin), 2) {
		if e.RecordID != rowID(n+1) {
			t.Errorf("event %d is of %s, want %s", n+1, e.RecordID, rowID(n+1))
		}
	}
}

// stepWithoutEvent does the first half of apply.
func (r *rig) stepWithoutEvent(sequence uint64) {
	r.t.Helper()
	msg, err := r.store.log.GetMsg(context.Background(), sequence)
	if err != nil {
		r.t.Fatal(err)
	}
	e, err := parseEntry(msg.Header.Get(entryHeader))
	if err != nil {
		r.t.Fatal(err)
	}
	_, next := derive(r.hub.agent(e.agentKey()), e, sequence)
	if err := r.store.putState(context.Background(), e.agentKey(), next); err != nil {
		r.t.Fatal(err)
	}
	r.hub.agents[e.agentKey()] = next
}

func TestStateOutlivesTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	r.receive(change{row: 1, agent: 1, presence: available})
	nextEvent(t, s)
	r.expire(2)
	r.stop()
	again := startRig(t, dir, settings(), nil)
	live := again.watch("")
	if states := snapshot(t, live); len(states) != 1 || states[0].Presence.ID != available {
		t.Fatalf("snapshot %v after the log expired, want the state", states)
	}
	again.receive(change{row: 2, agent: 1, presence: busy, minute: 1})
	if e := nextEvent(t, live); e.Previous == nil || e.Previous.ID != available {
		t.Errorf("event %+v, want the presence before", e)
	}
}

func TestLogMadeAnewExpiresCursorsAndKeepsStates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	for n := 1; n <= 5; n++ {
		r.receive(change{row: n, agent: 1, presence: available, minute: n})
		nextEvent(t, s)
	}
	if err := r.journal.JetStream().DeleteStream(t.Context(), logStream); err != nil {
		t.Fatal(err)
	}
	r.stop()
	again := startRig(t, dir, settings(), nil)
	if _, err := again.Watch(t.Context(), s.Cursor(), Filter{}); !errors.Is(err, ErrCursorExpired) {
		t.Errorf("Watch with a cursor of the log before = %v, want ErrCursorExpired", err)
	}
	live := again.watch("")
	if states := snapshot(t, live); len(states) != 1 {
		t.Fatalf("snapshot %v, want the state of before", states)
	}
	again.receive(change{row: 6, agent: 1, presence: busy, minute: 6})
	if e := nextEvent(t, live); e.Previous == nil || e.Previous.ID != available {
		t.Errorf("event %+v, want the presence before", e)
	}
	if got := again.state(1); got.Presence.ID != busy {
		t.Errorf("state %+v, want the new one", got)
	}
}
