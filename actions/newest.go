package actions

import (
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// modifiedField is when a record was last changed. Dataverse keeps it itself, and tells it in whole seconds.
const modifiedField = "modifiedon"

// maxAhead is how far a clock may go wrong. What is true only later than that would overrule every change.
const maxAhead = 5 * time.Minute

// parseAsOf reads as_of: when what the request says was true. needed says that something is compared with it. The zero time
// stands for none.
func (r *Runtime) parseAsOf(e *schema.Entity, text string, needed bool, variables map[string]any) (time.Time, *input.Fault) {
	const path = "as_of"
	switch {
	case text == "" && !needed:
		return time.Time{}, nil
	case text == "":
		return time.Time{}, input.NewFault(input.InvalidRequest, path, "is needed where the newest wins: when what the fields say was true, as 2026-05-17T15:30:00Z")
	case !needed:
		return time.Time{}, input.NewFault(input.InvalidRequest, path, "has a use with merge NEWEST_WINS and on_duplicate UPDATE_IF_NEWER only")
	}
	if f := e.Field(modifiedField); f == nil || !f.Readable {
		return time.Time{}, input.NewFault(input.InvalidRequest, path, "cannot be compared: records of %s do not tell when they were last changed", e.LogicalName)
	}
	return r.renderAsOf(text, variables, path)
}

func (r *Runtime) renderAsOf(text string, variables map[string]any, path string) (time.Time, *input.Fault) {
	rendered, fault := r.renderer.Render(text, variables, path)
	switch {
	case fault != nil:
		return time.Time{}, fault
	case rendered.State == input.Unset:
		return time.Time{}, input.NewFault(input.VariableUnset, path, "the variable %q is not set", rendered.Unset)
	case rendered.State == input.Null, input.Blank(rendered.Value):
		return time.Time{}, input.NewFault(input.VariableUnset, path, "its variable is null or blank")
	}
	given, _ := rendered.Value.(string)
	asOf, err := time.Parse(time.RFC3339, given)
	switch {
	case err != nil:
		return time.Time{}, input.NewFault(input.InvalidValue, path, "takes a point in time with its offset, as 2026-05-17T15:30:00Z, or a template that gives one")
	case time.Until(asOf) > maxAhead:
		return time.Time{}, input.NewFault(input.InvalidValue, path, "lies in the future: it would overrule every change that others make until then")
	}
	return asOf, nil
}

// changedSince reports whether a record was changed after a time. Within one second that cannot be told, and it counts as changed:
// what somebody wrote is not lost.
func changedSince(row dataverse.Record, asOf time.Time) bool {
	text, _ := row.Value(modifiedField)
	written, _ := text.(string)
	modified, err := time.Parse(time.RFC3339, written)
	return err == nil && !modified.Before(asOf.Truncate(time.Second))
}
