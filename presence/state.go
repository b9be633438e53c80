package presence

import (
	"cmp"
	"time"
)

// agent is what is kept of one agent: the state, and what is needed to go on from it. It is never changed once made.
type agent struct {
	State       AgentState `json:"state"`
	Order       time.Time  `json:"order"` // of the newest event that the state includes
	Rank        rank       `json:"rank,omitempty"`
	Sequence    uint64     `json:"sequence"` // of the last log entry that changed the state
	Event       Event      `json:"event"`    // what that entry was made into
	Incarnation string     `json:"incarnation"`

	revision uint64   // of the bucket's entry
	message  *Message // the state as all snapshots have it
}

// derive works out what an entry means for an agent whose state before it is a, nil for an agent of whom nothing was
// heard. It returns the event, and the agent after it: nil where nothing changes, because the event is late. It depends
// on nothing but its arguments.
func derive(a *agent, e entry, sequence uint64) (Event, *agent) {
	event := Event{
		ID: e.ID, Kind: PresenceChanged,
		AgentID: e.AgentID, AgentName: e.AgentName, Presence: e.Presence,
		StartTime: e.StartTime, Capacity: e.Capacity, SignedIn: e.SignedIn,
		ReceiveTime: e.ReceiveTime, Delay: delay(e),
		OrganizationID: e.OrganizationID, OrganizationName: e.OrganizationName,
		BusinessUnitID: e.BusinessUnitID, RecordID: e.RecordID,
	}
	event.labelFrom(a)
	if a == nil {
		next := after(nil, e, &event, sequence)
		return event, next
	}
	if e.isLate(a) {
		event.Late = true
		return event, nil
	}
	previous := a.State.Presence
	event.Previous = &previous
	event.Before = Before{Available: a.State.Available(), BusinessUnitID: a.State.BusinessUnitID}
	if previous.ID == e.Presence.ID {
		event.Kind = CapacityChanged
	}
	next := after(a, e, &event, sequence)
	return event, next
}

// labelFrom fills the labels that the delivery did not have with those that the state has.
func (e *Event) labelFrom(a *agent) {
	if a != nil {
		e.AgentName = cmp.Or(e.AgentName, a.State.AgentName)
		if known := a.State.Presence; known.ID == e.Presence.ID && e.Presence.Base == "" {
			e.Presence = known
		}
	}
	e.AgentName = cmp.Or(e.AgentName, Unknown)
	e.Presence.Name = cmp.Or(e.Presence.Name, Unknown)
}

// after is the agent once the event is applied, and completes the event by it. A record without capacity or sign-in says
// nothing of them, so that the state keeps what it has.
func after(a *agent, e entry, event *Event, sequence uint64) *agent {
	next := &agent{Order: e.order(), Rank: e.Rank, Sequence: sequence}
	next.State = AgentState{
		AgentID: e.AgentID, AgentName: event.AgentName, Presence: event.Presence, StartTime: e.StartTime,
		Capacity: e.Capacity, SignedIn: e.SignedIn, OrganizationID: e.OrganizationID, BusinessUnitID: e.BusinessUnitID,
		ReceiveTime: e.ReceiveTime,
	}
	if a != nil {
		next.State.Capacity = cmp.Or(e.Capacity, a.State.Capacity)
		next.State.SignedIn = cmp.Or(e.SignedIn, a.State.SignedIn)
		next.State.BusinessUnitID = cmp.Or(e.BusinessUnitID, a.State.BusinessUnitID)
		next.revision = a.revision
	}
	if event.Kind == CapacityChanged {
		next.State.StartTime = a.State.StartTime // time in the presence goes on
	}
	event.Available = next.State.Available()
	next.Event = *event
	return next
}

// delay is nil where there is none to tell: the start is not known, or nothing was delivered.
func delay(e entry) *time.Duration {
	if e.StartTime.IsZero() || e.Seeded {
		return nil
	}
	d := e.ReceiveTime.Sub(e.StartTime)
	return &d
}

// activityOf is the event of an entry that is no agent's presence. It depends on nothing but the entry.
func activityOf(e entry) Event {
	event := Event{
		ID: e.ID, Kind: eventKinds[e.Kind],
		AgentID: e.AgentID, AgentName: nameOf(e.AgentID, e.AgentName),
		StartTime: e.StartTime, ReceiveTime: e.ReceiveTime, Delay: delay(e),
		OrganizationID: e.OrganizationID, OrganizationName: e.OrganizationName,
		BusinessUnitID: e.BusinessUnitID, RecordID: e.RecordID,
	}
	event.Activity = &Activity{
		Source: e.Source, Entity: e.Entity, Message: e.Message,
		OtherAgentID: e.OtherAgentID, OtherAgentName: nameOf(e.OtherAgentID, e.OtherAgentName),
		Values: e.Values, Labels: e.Labels, Omitted: e.Omitted,
	}
	return event
}

// nameOf is Unknown for an agent whose name nobody told, and empty for no agent.
func nameOf(id, name string) string {
	if id == "" {
		return ""
	}
	return cmp.Or(name, Unknown)
}
