package actions

import (
	"cmp"
	"errors"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// lookupGone is Dataverse's answer to a write that a record does not exist which a lookup of it points at, as a fault of that
// lookup; any other error as it is. Dataverse answers so with the code and the status of a record that is written and is not
// there, and only its text tells which record it misses. paths says where the request gives a field.
func lookupGone(err error, e *schema.Entity, values map[string]any, paths func(string) string) error {
	var refusal *dataverse.Error
	if !errors.Is(err, dataverse.ErrNotFound) || !errors.As(err, &refusal) {
		return err
	}
	var faults []input.Fault
	for _, name := range input.SortedNames(values) {
		for _, r := range referencesOf(values[name]) {
			if r.ID != "" && strings.Contains(strings.ToLower(refusal.Message), string(r.ID)) {
				what := cmp.Or(r.Entity, "record")
				faults = append(faults, *input.NewFault(input.LookupNotFound, paths(name), "%s points at a record of %s that does not exist, or that the application user cannot see", translate.Named(e.Field(name)), what))
				break
			}
		}
	}
	if len(faults) == 0 {
		return err
	}
	return &input.Error{Faults: faults, Err: err}
}

// referencesOf are the records that a translated value points at.
func referencesOf(value any) []translate.Reference {
	switch value := value.(type) {
	case translate.Reference:
		return []translate.Reference{value}
	case []party:
		var all []translate.Reference
		for _, p := range value {
			all = append(all, p.Reference)
		}
		return all
	}
	return nil
}

// pointsSomewhere reports whether one of the values points at a record.
func pointsSomewhere(values map[string]any) bool {
	for _, value := range values {
		if len(referencesOf(value)) > 0 {
			return true
		}
	}
	return false
}
