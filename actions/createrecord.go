package actions

import (
	"context"
	"errors"
)

// OnDuplicate says what to do where Dataverse's published duplicate rules find that the record exists already.
type OnDuplicate int

// What to do about duplicates.
const (
	DoNotCreate     OnDuplicate = iota // create nothing and answer Duplicate
	CreateDuplicate                    // create all the same: the rules are not asked
)

// OnUnset says what to do with a field whose value names a variable that is not set.
type OnUnset int

// What to do about variables that are not set.
const (
	Omit   OnUnset = iota // leave the field out and name it in Result.Omitted
	Refuse                // refuse the call with VariableUnset
)

// CreateRecord asks for a record to be created. What it holds is read only.
type CreateRecord struct {
	Environment  string         // "" for the default
	Entity       string         // logical name
	Fields       map[string]any // by logical name: literals, templates, lookups
	Variables    map[string]any
	Save         map[string]string // variable to source
	SaveDefaults map[string]any    // by variable
	OnDuplicate  OnDuplicate
	OnUnset      OnUnset
	CutLongText  bool
	TimeZone     string // IANA name, of points in time without an offset; "" refuses them
	RequestID    string // the caller's key for a safe repeat; "" for none
	Namespace    string // the caller's own space of request IDs
	ValidateOnly bool
}

// CreateRecord creates a record.
func (r *Runtime) CreateRecord(ctx context.Context, spec CreateRecord) (Result, error) {
	return Result{}, errors.New("not implemented")
}
