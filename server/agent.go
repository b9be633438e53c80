package server

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

func agentOf(s *presence.AgentState) *botversev1.AgentPresence {
	return &botversev1.AgentPresence{
		AgentId:        s.AgentID,
		AgentName:      s.AgentName,
		Presence:       statusOf(&s.Presence),
		StartTime:      timestampOf(s.StartTime),
		Capacity:       s.Capacity,
		SignedIn:       s.SignedIn,
		OrganizationId: s.OrganizationID,
		ReceiveTime:    timestampOf(s.ReceiveTime),
		Environment:    s.Environment,
		BusinessUnitId: s.BusinessUnitID,
	}
}

func eventOf(e *presence.Event) *botversev1.PresenceEvent {
	out := &botversev1.PresenceEvent{
		Id:               e.ID,
		Kind:             botversev1.PresenceEvent_Kind(botversev1.PresenceEvent_Kind_value[string(e.Kind)]),
		AgentId:          e.AgentID,
		AgentName:        e.AgentName,
		Presence:         statusOf(&e.Presence),
		Previous:         statusOf(e.Previous),
		StartTime:        timestampOf(e.StartTime),
		Capacity:         e.Capacity,
		SignedIn:         e.SignedIn,
		Late:             e.Late,
		ReceiveTime:      timestampOf(e.ReceiveTime),
		OrganizationId:   e.OrganizationID,
		OrganizationName: e.OrganizationName,
		BusinessUnitId:   e.BusinessUnitID,
		RecordId:         e.RecordID,
		Environment:      e.Environment,
	}
	if e.Delay != nil {
		out.Delay = durationpb.New(*e.Delay)
	}
	return out
}

// EventJSON writes an event as the JSON of its message in the contract: PresenceEvent or ActivityEvent.
func EventJSON(e *presence.Event) ([]byte, error) {
	if e.Activity != nil {
		return compactJSON(activityOf(e))
	}
	return compactJSON(eventOf(e))
}

func activityOf(e *presence.Event) *botversev1.ActivityEvent {
	a := e.Activity
	out := &botversev1.ActivityEvent{
		Id:               e.ID,
		Kind:             botversev1.EventKind(botversev1.EventKind_value[string(e.Kind)]),
		Source:           a.Source,
		Entity:           a.Entity,
		RecordId:         e.RecordID,
		Message:          a.Message,
		AgentId:          e.AgentID,
		AgentName:        e.AgentName,
		OtherAgentId:     a.OtherAgentID,
		OtherAgentName:   a.OtherAgentName,
		Time:             timestampOf(e.StartTime),
		ReceiveTime:      timestampOf(e.ReceiveTime),
		Labels:           a.Labels,
		Omitted:          a.Omitted,
		OrganizationId:   e.OrganizationID,
		OrganizationName: e.OrganizationName,
		BusinessUnitId:   e.BusinessUnitID,
		Environment:      e.Environment,
	}
	if e.Delay != nil {
		out.Delay = durationpb.New(*e.Delay)
	}
	out.Values, _ = structpb.NewStruct(a.Values) // presence makes no values but those that a Struct has
	return out
}

func statusOf(s *presence.Status) *botversev1.Presence {
	if s == nil {
		return nil
	}
	return &botversev1.Presence{
		Id:         s.ID,
		Name:       s.Name,
		Text:       s.Text,
		BaseStatus: botversev1.Presence_BaseStatus(botversev1.Presence_BaseStatus_value[string(s.Base)]),
	}
}

// timestampOf leaves a time out that is not known.
func timestampOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
