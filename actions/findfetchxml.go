package actions

import (
	"context"
	"errors"
)

// FindRecordByFetchXML asks for the first record that a FetchXML query gives. What it holds is read only.
type FindRecordByFetchXML struct {
	Environment   string // "" for the default
	Entity        string // logical name: the query's root entity
	FetchXML      string // outputs stand inside a condition's value and inside <value> only
	Save          map[string]string
	SaveDefaults  map[string]any
	Variables     map[string]any
	OnMultiple    OnMultiple
	MaxCandidates int    // how many to list where several match; 0 for none, but three for TakeNone
	TimeZone      string // IANA name, of points in time without an offset; "" refuses them
	ValidateOnly  bool   // list the query, send it not
}

// FindRecordByFetchXML finds the first record that a FetchXML query gives. A variable is only ever a value of the query:
// it cannot change what the query is. No match is an outcome, not an error.
func (r *Runtime) FindRecordByFetchXML(ctx context.Context, spec FindRecordByFetchXML) (Result, error) {
	return Result{}, errors.New("not implemented")
}
