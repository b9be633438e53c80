package actions

import (
	"fmt"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

const (
	stateField  = "statecode"
	statusField = "statuscode"
)

// closings say how records are closed that Dataverse closes by messages of their own, because more than a field changes
// then (Web API, "Use Web API actions"): by entity and state.
var closings = map[string]map[int]string{
	"incident":    {1: "resolve the case by CloseIncident, which records its resolution"},
	"lead":        {1: "qualify the lead by QualifyLead, which makes its account and contact", 2: "disqualify the lead once it exists"},
	"opportunity": {1: "win the opportunity by WinOpportunity", 2: "lose the opportunity by LoseOpportunity"},
	"quote":       {2: "win the quote by WinQuote", 3: "close the quote by CloseQuote"},
}

// checkState gives a status its state, and refuses states that are not reached through fields.
func (v *recordValues) checkState() {
	state, given := v.values[stateField].(int)
	status, ok := v.values[statusField].(int)
	if !ok { // null clears nothing here: a record always has a status
		delete(v.values, statusField)
	}
	if !given {
		delete(v.values, stateField)
	}
	option := v.statusOption(status)
	switch {
	case ok && option != nil && given && *option.State != state:
		v.fault(input.NewFault(input.InvalidValue, v.path(statusField), "%s is not one of the given state; leave out statecode, which follows from it", statusName(option)))
		return
	case ok && option != nil:
		state, given = *option.State, true
	}
	if how, closed := closings[v.entity.LogicalName][state]; given && closed {
		if v.purpose == toCreate {
			how = "create it open, then " + how
		}
		field := statusField
		if !ok {
			field = stateField
		}
		v.fault(input.NewFault(input.InvalidValue, v.path(field), "the record cannot be closed through its fields: %s", how))
		return
	}
	if v.purpose != toCreate {
		if ok && option != nil {
			v.values[stateField] = state // Dataverse refuses a status of another state than the record's
		}
		return
	}
	if ok && state != 0 {
		v.giveState(state, status)
	}
}

// statusOption is the status of that number where it belongs to a state, nil else.
func (v *recordValues) statusOption(status int) *schema.Option {
	f := v.entity.Field(statusField)
	if f == nil {
		return nil
	}
	if option := f.Option(status); option != nil && option.State != nil {
		return option
	}
	return nil
}

// giveState has the record get a state other than the first, and its status. Dataverse refuses a status of another state
// than the record's, and a new record is in the first one unless the entity lets both be given. Else they are set once it
// exists.
func (v *recordValues) giveState(state, status int) {
	switch field := v.entity.Field(stateField); {
	case field == nil:
	case field.Creatable:
		v.values[stateField] = state
	default:
		v.later = dataverse.Fields{stateField: state, statusField: status}
		delete(v.values, statusField)
	}
}

func statusName(option *schema.Option) string {
	return fmt.Sprintf("the status %q", option.Label.String())
}
