package presence

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hub holds the states and the ring, in step: what a snapshot has is what the ring's messages up to its place made.
type hub struct {
	cursors cursors
	ring    *ring
	floor   atomic.Uint64 // events up to this sequence are no longer in the ring

	environment func(organizationID string) string // the name of an organisation's environment; empty where it is not known

	mu       sync.Mutex
	sequence uint64            // of the last log entry that was applied
	loaded   uint64            // the last log entry that the states had when they were read: they may be ahead of sequence
	agents   map[string]*agent // by agentKey
	sorted   []*agent          // by agent ID; nil when it must be made again
	appended time.Time         // when the ring got its last message
}

// newHub begins behind the log entry of sequence. The states may be ahead of it, for they are stored before their events,
// and by other processes too; end is how far the log goes, beyond which they tell of a log that is lost.
func newHub(c cursors, length int, agents map[string]*agent, sequence, end uint64, environment func(string) string) *hub {
	h := &hub{cursors: c, ring: newRing(length), environment: environment, sequence: sequence, appended: time.Now()}
	h.floor.Store(sequence)
	h.load(agents, end)
	return h
}

// load takes states that were read, in place of all.
func (h *hub) load(agents map[string]*agent, end uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.agents, h.sorted = agents, nil
	for _, a := range agents {
		a.message = &Message{State: &a.State}
		h.loaded = max(h.loaded, min(a.Sequence, end))
	}
}

// behind is how many agents have states of before their newest log entry.
func (h *hub) behind(newest map[string]uint64) (behind int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, sequence := range newest {
		if a := h.agents[key]; a == nil || a.Sequence < sequence {
			behind++
		}
	}
	return behind
}

// agent returns what is kept of an agent, nil for one of whom nothing was heard.
func (h *hub) agent(key string) *agent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.agents[key]
}

// apply makes an event, and the agent after it where it changed one, known to all. It never waits for a subscriber.
func (h *hub) apply(sequence uint64, event *Event, key string, a *agent) {
	message := &Message{Event: event, Cursor: h.cursors.format(sequence), sequence: sequence}
	h.mu.Lock()
	defer h.mu.Unlock()
	event.Environment = h.environment(event.OrganizationID)
	if a != nil {
		a.State.Environment = event.Environment
		a.message = &Message{State: &a.State}
		h.agents[key] = a
		h.sorted = nil
	}
	h.sequence = sequence
	h.append(message)
}

// rename makes what was said before all names of environments were known say them too.
func (h *hub) rename() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, a := range h.agents {
		if name := h.environment(a.State.OrganizationID); name != a.State.Environment {
			named := *a
			named.State.Environment = name
			named.message = &Message{State: &named.State}
			h.agents[key] = &named
		}
	}
	h.sorted = nil
	h.ring.replace(func(m *Message) *Message {
		if m.Event == nil || m.Event.Environment == h.environment(m.Event.OrganizationID) {
			return m
		}
		event := *m.Event
		event.Environment = h.environment(event.OrganizationID)
		return &Message{Event: &event, Cursor: m.Cursor, sequence: m.sequence, place: m.place}
	})
}

// skip passes over a log entry that cannot be read.
func (h *hub) skip(sequence uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sequence = sequence
}

// recall fills the ring with an event of before this process.
func (h *hub) recall(sequence uint64, event *Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ring.head.Load() == 0 {
		h.floor.Store(sequence - 1)
	}
	event.Environment = h.environment(event.OrganizationID)
	h.append(&Message{Event: event, Cursor: h.cursors.format(sequence), sequence: sequence})
}

// beat appends a heartbeat when nothing was appended for the length of silence, and returns how long it may take until
// one is due.
func (h *hub) beat(silence time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if idle := now.Sub(h.appended); idle < silence {
		return silence - idle
	}
	heartbeat := &Heartbeat{Time: now.UTC()}
	h.append(&Message{Heartbeat: heartbeat, Cursor: h.cursors.format(h.sequence), sequence: h.sequence})
	return silence
}

// append keeps floor in step with what the ring displaces.
func (h *hub) append(m *Message) {
	h.appended = time.Now()
	if displaced := h.ring.append(m); displaced != nil {
		h.floor.Store(displaced.sequence)
	}
}

// snapshot returns all states by agent ID, the position that they stand for, and the ring's place from which to go on.
// States are stored in the log's order, so that those which were read stand for the newest entry among them, though this
// process has yet to apply what is before it. The slice is shared: do not change it.
func (h *hub) snapshot() (agents []*agent, sequence, place uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sorted == nil {
		h.sorted = make([]*agent, 0, len(h.agents))
		for _, a := range h.agents {
			h.sorted = append(h.sorted, a)
		}
		slices.SortFunc(h.sorted, func(a, b *agent) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	}
	return h.sorted, max(h.sequence, h.loaded), h.ring.head.Load()
}

// sortKey orders agents by their ID, then by organisation.
func (a *agent) sortKey() string {
	return a.State.AgentID + "." + cmp.Or(a.State.OrganizationID, "-")
}

// seek returns the ring's place after a position of the log; false when the ring no longer has all that came after it.
func (h *hub) seek(sequence uint64) (place uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sequence < h.floor.Load() {
		return 0, false
	}
	return h.ring.after(sequence), true
}

// position is the log entry that was applied last.
func (h *hub) position() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sequence
}
