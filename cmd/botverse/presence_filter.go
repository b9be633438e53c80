package main

import (
	"maps"
	"slices"
	"strings"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// presenceFilter says whose presence is wanted.
type presenceFilter struct {
	Agents        []string `name:"agent" placeholder:"ID" help:"Only these agents, by record ID."`
	Teams         []string `name:"team" placeholder:"TEAM" help:"Only the members of these teams, each by record ID or name."`
	Statuses      []string `name:"status" placeholder:"STATUS" help:"Only presences that amount to AVAILABLE, BUSY, BUSY_DND, AWAY or OFFLINE."`
	PresenceIDs   []string `name:"presence-id" placeholder:"ID" help:"Only these presences, by record ID in msdyn_presence."`
	Environments  []string `name:"in-environment" placeholder:"NAME" help:"Only these environments."`
	BusinessUnits []string `name:"business-unit" placeholder:"ID" help:"Only these business units, by record ID, as the deliveries tell them."`
	Available     bool     `help:"Only agents who can take work now."`
}

func (f presenceFilter) baseStatuses() ([]botversev1.Presence_BaseStatus, error) {
	var bases []botversev1.Presence_BaseStatus
	for _, name := range f.Statuses {
		base, err := enumValue("--status", name, botversev1.Presence_BaseStatus_value)
		if err != nil {
			return nil, err
		}
		bases = append(bases, botversev1.Presence_BaseStatus(base))
	}
	return bases, nil
}

// enumValue reads the name of an enum's value, in whatever case.
func enumValue(flag, name string, values map[string]int32) (int32, error) {
	wanted := strings.ReplaceAll(strings.ToUpper(name), "-", "_")
	if value := values[wanted]; value != 0 {
		return value, nil
	}
	known := slices.DeleteFunc(slices.Sorted(maps.Keys(values)), func(name string) bool { return values[name] == 0 })
	return 0, usagef("%s %q is none of %s", flag, name, alternatives(wanted, known))
}
