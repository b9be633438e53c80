package actions

import (
	"fmt"

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
	status, ok := v.values[statusField].(int)
	if !ok {
		// Null clears nothing here: a record always has a status.
		delete(v.values, statusField)
	}
	f := v.entity.Field(statusField)
	if f == nil || !ok {
		return
	}
	option := f.Option(status)
	if option == nil || option.State == nil {
		return
	}
	state := *option.State
	if how, ok := closings[v.entity.LogicalName][state]; ok {
		v.fault(newFault(InvalidValue, "fields."+statusField, "%s is not reached through fields: create the record open, then %s",
			statusName(option), how))
		return
	}
	// Dataverse refuses a status of another state than the record's, and a new record's is the first one, unless the entity
	// lets both be given. Else they are set once it exists.
	switch field := v.entity.Field(stateField); {
	case state == 0 || field == nil:
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
