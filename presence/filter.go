package presence

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Filter says which agents and events somebody wants to hear of. Of what is set all must hold, and of each list one. The
// zero Filter lets everything pass.
//
// A state passes as it is. An event passes where the agent's state before it or after it passes: who shows the agents of a
// status must hear that one has left it. A late event changes no state, and passes by its own presence.
type Filter struct {
	Kinds         []EventKind  // of events
	Agents        []string     // record IDs; of a consult either agent's
	Teams         []string     // record IDs or names of teams of which the agent is a member
	Presences     []string     // record IDs of presences; an Activity has none, and does not pass
	BaseStatuses  []BaseStatus // what the presence amounts to; an Activity has none, and does not pass
	Environments  []string     // configured names
	BusinessUnits []string     // record IDs, as the deliveries tell them
	Available     bool         // only agents who can take work; see AgentState.Available
}

// Available says whether the agent can take work: the presence amounts to that, and neither is the agent known to be signed
// out nor without free capacity.
func (s *AgentState) Available() bool {
	return s.Presence.Base == Available && (s.SignedIn == nil || *s.SignedIn) && (s.Capacity == nil || *s.Capacity > 0)
}

// set is the values of which one must hold; an empty one lets all pass.
type set map[string]struct{}

func setOf(values []string) set {
	s := make(set, len(values))
	for _, v := range values {
		s[strings.ToLower(v)] = struct{}{}
	}
	return s
}

func (s set) allows(value string) bool {
	if len(s) == 0 {
		return true
	}
	_, ok := s[value]
	return ok
}

// filter is a Filter that is ready to be asked. A nil one lets everything pass. It is never changed once made.
type filter struct {
	kinds         []EventKind
	agents        set
	teams         []watchedTeam
	organizations set
	presences     set
	bases         []BaseStatus
	units         set
	available     bool
}

// compile looks up what a filter names: environments and teams. ErrFilter says what there is none of; an environment that
// does not answer is the error of whoever was asked.
func (p *Presence) compile(ctx context.Context, f Filter) (*filter, error) {
	compiled := &filter{
		kinds: f.Kinds, agents: setOf(f.Agents), presences: setOf(f.Presences), bases: f.BaseStatuses,
		units: setOf(f.BusinessUnits), available: f.Available,
	}
	if compiled.empty() && len(f.Environments)+len(f.Teams) == 0 {
		return nil, nil
	}
	for _, name := range f.Environments {
		id, err := p.organizations.id(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("environment %s: %w", name, err)
		}
		if compiled.organizations == nil {
			compiled.organizations = make(set)
		}
		compiled.organizations[id] = struct{}{}
	}
	for _, name := range f.Teams {
		team, err := p.teams.find(ctx, f.Environments, name)
		if err != nil {
			return nil, fmt.Errorf("team %s: %w", name, err)
		}
		compiled.teams = append(compiled.teams, team)
	}
	return compiled, nil
}

func (f *filter) empty() bool {
	return len(f.kinds)+len(f.agents)+len(f.presences)+len(f.bases)+len(f.units) == 0 && !f.available
}

// wantsStates says whether somebody to whom only some kinds of events are of interest wants to know the agents' states.
func (f *filter) wantsStates() bool {
	return f == nil || len(f.kinds) == 0 || slices.Contains(f.kinds, PresenceChanged) || slices.Contains(f.kinds, CapacityChanged)
}

// state says whether a state passes.
func (f *filter) state(s *AgentState) bool {
	return f == nil || f.organizations.allows(s.OrganizationID) && f.agent(s.OrganizationID, s.AgentID) &&
		f.standing(&s.Presence, s.BusinessUnitID, s.Available)
}

// event says whether an event passes.
func (f *filter) event(e *Event) bool {
	switch {
	case f == nil:
		return true
	case len(f.kinds) > 0 && !slices.Contains(f.kinds, e.Kind), !f.organizations.allows(e.OrganizationID):
		return false
	case e.Activity != nil:
		return f.activity(e)
	}
	return f.agent(e.OrganizationID, e.AgentID) && (f.after(e) || f.before(e))
}

// activity says whether what is no agent's presence passes.
func (f *filter) activity(e *Event) bool {
	return len(f.presences)+len(f.bases) == 0 && !f.available && f.units.allows(e.BusinessUnitID) &&
		(f.agent(e.OrganizationID, e.AgentID) || e.Activity.OtherAgentID != "" && f.agent(e.OrganizationID, e.Activity.OtherAgentID))
}

func (f *filter) after(e *Event) bool {
	unit := e.BusinessUnitID
	if unit == "" {
		unit = e.Before.BusinessUnitID
	}
	return f.standing(&e.Presence, unit, func() bool { return e.Available })
}

func (f *filter) before(e *Event) bool {
	return e.Previous != nil && f.standing(e.Previous, e.Before.BusinessUnitID, func() bool { return e.Before.Available })
}

// agent says whether one of the agents, and one of the teams, is wanted.
func (f *filter) agent(organizationID, agentID string) bool {
	if !f.agents.allows(agentID) {
		return false
	}
	return len(f.teams) == 0 || slices.ContainsFunc(f.teams, func(t watchedTeam) bool { return t.has(organizationID, agentID) })
}

// standing says whether what changes of an agent passes.
func (f *filter) standing(presence *Status, unit string, available func() bool) bool {
	return f.presences.allows(presence.ID) && f.units.allows(unit) &&
		(len(f.bases) == 0 || slices.Contains(f.bases, presence.Base)) && (!f.available || available())
}

// changed says whether a team has other members than when the filter was made.
func (f *filter) changed() bool {
	return f != nil && slices.ContainsFunc(f.teams, watchedTeam.changed)
}

// changedSince says whether a team has other members than when somebody heard of that position of the log, as far as is known.
func (f *filter) changedSince(sequence uint64) bool {
	return f != nil && slices.ContainsFunc(f.teams, func(t watchedTeam) bool { return t.changedSince(sequence) })
}

// hold keeps the members of the teams up to date until release.
func (f *filter) hold() {
	if f != nil {
		for _, t := range f.teams {
			t.watchers.Add(1)
		}
	}
}

func (f *filter) release() {
	if f != nil {
		for _, t := range f.teams {
			t.watchers.Add(-1)
		}
	}
}
