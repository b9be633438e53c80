package main

import (
	"io"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/presence/output"
)

// stateKind stands in the column kind of an agent's state in the snapshot.
const stateKind presence.EventKind = "STATE"

// csvLines prints what the CSV output writes, its header first: an event a line, and the agents' states of the snapshot
// with the kind STATE.
func csvLines() printer {
	begun := false
	return func(w io.Writer, m *botversev1.WatchPresenceResponse) error {
		var text []byte
		if !begun {
			text, begun = output.AppendRow(text, output.Header()), true
		}
		if e := eventIn(m); e != nil {
			text = output.AppendRow(text, output.Row(e))
		}
		_, err := w.Write(text)
		return err
	}
}

// eventIn is the event, or the state, that a message tells; nil where it tells none.
func eventIn(m *botversev1.WatchPresenceResponse) *presence.Event {
	switch x := m.GetMessage().(type) {
	case *botversev1.WatchPresenceResponse_State:
		return eventOfState(x.State)
	case *botversev1.WatchPresenceResponse_Event:
		return eventOfMessage(x.Event)
	case *botversev1.WatchPresenceResponse_Activity:
		return eventOfActivity(x.Activity)
	}
	return nil
}

func eventOfState(s *botversev1.AgentPresence) *presence.Event {
	return &presence.Event{
		Kind: stateKind, AgentID: s.GetAgentId(), AgentName: s.GetAgentName(), Presence: statusFrom(s.GetPresence()),
		StartTime: timeFrom(s.GetStartTime()), ReceiveTime: timeFrom(s.GetReceiveTime()), Capacity: s.Capacity, SignedIn: s.SignedIn,
		OrganizationID: s.GetOrganizationId(), BusinessUnitID: s.GetBusinessUnitId(),
	}
}

func eventOfMessage(e *botversev1.PresenceEvent) *presence.Event {
	event := &presence.Event{
		ID: e.GetId(), Kind: presence.EventKind(e.GetKind().String()), AgentID: e.GetAgentId(), AgentName: e.GetAgentName(),
		Presence: statusFrom(e.GetPresence()), StartTime: timeFrom(e.GetStartTime()), ReceiveTime: timeFrom(e.GetReceiveTime()),
		Capacity: e.Capacity, SignedIn: e.SignedIn, Late: e.GetLate(), Delay: durationFrom(e.GetDelay()),
		OrganizationID: e.GetOrganizationId(), OrganizationName: e.GetOrganizationName(),
		BusinessUnitID: e.GetBusinessUnitId(), RecordID: e.GetRecordId(),
	}
	if e.GetPrevious() != nil {
		event.Previous = new(statusFrom(e.GetPrevious()))
	}
	return event
}

func eventOfActivity(a *botversev1.ActivityEvent) *presence.Event {
	return &presence.Event{
		ID: a.GetId(), Kind: presence.EventKind(a.GetKind().String()), AgentID: a.GetAgentId(), AgentName: a.GetAgentName(),
		StartTime: timeFrom(a.GetTime()), ReceiveTime: timeFrom(a.GetReceiveTime()), Delay: durationFrom(a.GetDelay()),
		OrganizationID: a.GetOrganizationId(), OrganizationName: a.GetOrganizationName(),
		BusinessUnitID: a.GetBusinessUnitId(), RecordID: a.GetRecordId(),
		Activity: &presence.Activity{
			Source: a.GetSource(), Entity: a.GetEntity(), Message: a.GetMessage(),
			OtherAgentID: a.GetOtherAgentId(), OtherAgentName: a.GetOtherAgentName(),
			Values: a.GetValues().AsMap(), Labels: a.GetLabels(), Omitted: a.GetOmitted(),
		},
	}
}

func statusFrom(p *botversev1.Presence) presence.Status {
	status := presence.Status{ID: p.GetId(), Name: p.GetName(), Text: p.GetText()}
	if p.GetBaseStatus() != botversev1.Presence_BASE_STATUS_UNSPECIFIED {
		status.Base = presence.BaseStatus(p.GetBaseStatus().String())
	}
	return status
}

func timeFrom(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func durationFrom(d *durationpb.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	return new(d.AsDuration())
}
