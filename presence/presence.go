// Package presence tells whether agents can take a conversation, now and as it changes. It receives what Dataverse posts,
// keeps it in a log, works out each agent's state from the log alone, and streams states and events to whoever
// subscribes.
//
//	Receive ──> log ──> reader ──> events, state ──> ring ──> subscriptions
//
// Receive stores and answers; one reader follows the log in its order; what it makes of an entry goes into a second
// stream, from which subscribers catch up, and into a ring in memory, from which they live.
package presence

import (
	"errors"
	"time"
)

// The errors that a caller can tell apart.
var (
	// ErrUnknownSource says that no source of that name is configured.
	ErrUnknownSource = errors.New("no such webhook source is configured")
	// ErrNotJSON says that a body is not JSON: it did not come from Dataverse as it was sent.
	ErrNotJSON = errors.New("the body is not JSON")
	// ErrNotStored says that the log did not take an event. Sending it again is safe.
	ErrNotStored = errors.New("the event could not be stored")
	// ErrCursorExpired says that there is no going on from a cursor: it is of another log, of a time that the log no
	// longer has, or was never given out. Start again from a snapshot.
	ErrCursorExpired = errors.New("the cursor is no longer valid; start again without one")
	// ErrTooSlow says that a subscriber fell further behind than its buffer. Go on from its last cursor.
	ErrTooSlow = errors.New("the subscriber reads too slowly; go on from its last cursor")
	// ErrClosed says that presence has stopped. Subscribe again, with the last cursor, to another process or later.
	ErrClosed = errors.New("presence has stopped")
	// ErrUnavailable says that the journal, which other processes share, does not answer. It will again.
	ErrUnavailable = errors.New("the journal does not answer")
	// ErrPageToken says that a page token was not made by List.
	ErrPageToken = errors.New("the page token is not one that was given out")
)

// BaseStatus is what a presence amounts to, as msdyn_basepresencestatus has it.
type BaseStatus string

// The base statuses. The empty one says that the presence is not in the table that was read.
const (
	Available BaseStatus = "AVAILABLE"
	Busy      BaseStatus = "BUSY"
	BusyDND   BaseStatus = "BUSY_DND"
	Away      BaseStatus = "AWAY"
	Offline   BaseStatus = "OFFLINE"
)

// baseStatuses are the options of msdyn_basepresencestatus.
var baseStatuses = map[string]BaseStatus{
	"192360000": Available,
	"192360001": Busy,
	"192360002": BusyDND,
	"192360003": Away,
	"192360004": Offline,
}

// Unknown stands for a name that nobody told.
const Unknown = "Unknown"

// Status is a presence as the environment's presence table has it. Its ID decides; all else are labels.
type Status struct {
	ID   string     `json:"id"`
	Name string     `json:"name"` // Unknown where none was told
	Text string     `json:"text,omitempty"`
	Base BaseStatus `json:"base,omitempty"`
}

// AgentState is an agent's state. It is never changed once made.
type AgentState struct {
	AgentID        string    `json:"agentId"`
	AgentName      string    `json:"agentName"` // Unknown where none was told
	Presence       Status    `json:"presence"`
	StartTime      time.Time `json:"startTime,omitzero"` // since when the presence is in force; zero where it is not known
	Capacity       *int32    `json:"capacity,omitempty"`
	SignedIn       *bool     `json:"signedIn,omitempty"`
	OrganizationID string    `json:"organizationId,omitempty"`
	BusinessUnitID string    `json:"businessUnitId,omitempty"` // of the last delivery that told one
	ReceiveTime    time.Time `json:"receiveTime"`

	Environment string `json:"-"` // the configured name of the organisation's environment; empty where it is not known
}

// EventKind says what changed.
type EventKind string

// The kinds of events.
const (
	PresenceChanged EventKind = "PRESENCE_CHANGED" // the presence, or the first that was heard of the agent
	CapacityChanged EventKind = "CAPACITY_CHANGED" // the capacity or the sign-in alone: time in the presence goes on
	WorkAccepted    EventKind = "ACCEPTED_WORK"    // an agent accepted a conversation
	WorkWrappedUp   EventKind = "AFTER_WORK"       // a conversation came to its wrap-up
	AgentConsulted  EventKind = "CONSULT"          // an agent was asked to a conversation
	RowChanged      EventKind = "ROW_CHANGE"       // a record of whatever entity changed
)

// EventKinds are all kinds of events.
func EventKinds() []EventKind {
	return []EventKind{PresenceChanged, CapacityChanged, WorkAccepted, WorkWrappedUp, AgentConsulted, RowChanged}
}

// eventKinds says what the entries of each source but that of presence become.
var eventKinds = map[Kind]EventKind{
	AcceptedWork: WorkAccepted, AfterWork: WorkWrappedUp, Consult: AgentConsulted, RowChange: RowChanged,
}

// Activity is what an event has that is no agent's presence. Such an event changes no state; its StartTime is when it
// happened, its Presence is empty, and so is its AgentID where the source names no agent.
type Activity struct {
	Source         string            `json:"source"`  // the name of the source
	Entity         string            `json:"entity"`  // of the record, by logical name
	Message        string            `json:"message"` // what was done to it: Create, Update, Delete
	OtherAgentID   string            `json:"otherAgentId,omitempty"`
	OtherAgentName string            `json:"otherAgentName,omitempty"`
	Values         map[string]any    `json:"values,omitempty"`  // nil, bool, float64, string or a list of these, by logical name
	Labels         map[string]string `json:"labels,omitempty"`  // display texts
	Omitted        []string          `json:"omitted,omitempty"` // fields that are too large for an event
}

// Event is a change of an agent's presence or capacity, or an Activity. It is never changed once made.
type Event struct {
	ID               string         `json:"id"` // the same however often Dataverse delivers it
	Kind             EventKind      `json:"kind"`
	AgentID          string         `json:"agentId"`
	AgentName        string         `json:"agentName"`
	Presence         Status         `json:"presence"`
	Previous         *Status        `json:"previous,omitempty"` // nil where none is known, and on late events
	StartTime        time.Time      `json:"startTime,omitzero"` // zero where it is not known
	Capacity         *int32         `json:"capacity,omitempty"` // nil where it was not told
	SignedIn         *bool          `json:"signedIn,omitempty"` // nil where it was not told
	Late             bool           `json:"late,omitempty"`     // older than the agent's state: history, not state
	ReceiveTime      time.Time      `json:"receiveTime"`        // when we stored it
	Delay            *time.Duration `json:"delay,omitempty"`    // from StartTime to ReceiveTime; negative where clocks disagree; nil where the start is not known
	OrganizationID   string         `json:"organizationId,omitempty"`
	OrganizationName string         `json:"organizationName,omitempty"`
	BusinessUnitID   string         `json:"businessUnitId,omitempty"`
	RecordID         string         `json:"recordId,omitempty"` // in msdyn_agentstatushistory, or in Activity.Entity
	Activity         *Activity      `json:"activity,omitempty"` // nil where an agent's presence or capacity changed

	Available bool   `json:"available,omitempty"` // whether the agent can take work after it
	Before    Before `json:"before,omitzero"`

	Environment string `json:"-"` // the configured name of the organisation's environment; empty where it is not known
}

// Before is what filters ask of an agent's state before an event, beside the presence.
type Before struct {
	Available      bool   `json:"available,omitempty"`
	BusinessUnitID string `json:"businessUnitId,omitempty"`
}
