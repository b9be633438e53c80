package actions

import (
	"context"
	"errors"
)

// OnMultiple says what to do where more than one record matches.
type OnMultiple int

// What to do about several matches.
const (
	TakeFirst OnMultiple = iota // the first in the order
	TakeNone                    // none: answer Ambiguous with candidates
)

// FindRecord asks for the first record whose fields equal the given values. What it holds is read only.
type FindRecord struct {
	Environment   string         // "" for the default
	Entity        string         // logical name
	Where         map[string]any // by logical name: literals, templates, lookups; at least one
	OrderBy       []string       // as "createdon desc"; nil for active first, then oldest
	Save          map[string]string
	SaveDefaults  map[string]any
	Variables     map[string]any
	OnMultiple    OnMultiple
	MaxCandidates int    // how many to list where several match; 0 for none, but three for TakeNone
	TimeZone      string // IANA name, of points in time without an offset; "" refuses them
	ValidateOnly  bool   // list the query, send it not
}

// FindRecord finds the first record of an entity whose fields equal the rendered values of spec.Where. No match is an
// outcome, not an error. It asks Dataverse once, beside lookups by name and what the metadata cache lacks.
func (r *Runtime) FindRecord(ctx context.Context, spec FindRecord) (Result, error) {
	return Result{}, errors.New("not implemented")
}
