package server

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// filtered is a request with a filter: all of them have the same fields.
type filtered interface {
	GetAgentIds() []string
	GetTeams() []string
	GetBaseStatuses() []botversev1.Presence_BaseStatus
	GetPresenceIds() []string
	GetEnvironments() []string
	GetBusinessUnitIds() []string
	GetAvailable() bool
}

// filterFrom is the filter of a request.
func filterFrom(req filtered) presence.Filter {
	f := presence.Filter{
		Agents: req.GetAgentIds(), Teams: req.GetTeams(), Presences: req.GetPresenceIds(),
		Environments: req.GetEnvironments(), BusinessUnits: req.GetBusinessUnitIds(), Available: req.GetAvailable(),
	}
	for _, base := range req.GetBaseStatuses() {
		f.BaseStatuses = append(f.BaseStatuses, presence.BaseStatus(base.String()))
	}
	return f
}

// timeInState is how long a presence has been in force at a moment; nil where that is not known.
func timeInState(s *presence.AgentState, now time.Time) *durationpb.Duration {
	if s.StartTime.IsZero() {
		return nil
	}
	return durationpb.New(max(now.Sub(s.StartTime), 0))
}

// countsOf lists the statuses in the order of the contract.
func countsOf(c *presence.Counts) *botversev1.PresenceCounts {
	if c == nil {
		return nil
	}
	out := &botversev1.PresenceCounts{Agents: int32(c.Agents), Available: int32(c.Available)}
	byNumber := make(map[botversev1.Presence_BaseStatus]int, len(c.Statuses))
	for base, n := range c.Statuses {
		byNumber[botversev1.Presence_BaseStatus(botversev1.Presence_BaseStatus_value[string(base)])] = n
	}
	for _, base := range slices.Sorted(maps.Keys(byNumber)) {
		out.Statuses = append(out.Statuses, &botversev1.PresenceCounts_StatusCount{BaseStatus: base, Agents: int32(byNumber[base])})
	}
	return out
}
