package actions

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// valueOptions steer the translation of one value.
type valueOptions struct {
	// Path is where the value stands, for faults: "fields.birthdate".
	Path string
	// Zone is the zone of points in time that have no offset; nil refuses them.
	Zone *time.Location
	// CutLongText cuts a text that is too long, in place of refusing it.
	CutLongText bool
	// Search says that the value is compared and not stored: a text may be longer than the field, a number outside its
	// range, and digits beyond the field's precision stay.
	Search bool
}

// translated is a value as the field holds it. Wire is, by type of the field:
//
//	text, GUID, date, point in time   string, canonical; points in time in UTC, as "2026-05-17T15:30:00Z"
//	number, money                     json.Number, every digit kept
//	yes/no                            bool
//	choice, state, status             int, the option's number
//	multi-select choice               []int, in the options' order of the input
//	lookup, customer, owner           reference
type translated struct {
	Wire any
	// Cut says that a text was cut to the field's length.
	Cut bool
}

// reference is a lookup's value: a record of an entity.
type reference struct {
	Entity string
	ID     dataverse.ID
}

// translateValue translates a rendered value into what a field holds. It asks Dataverse nothing: a lookup must name its
// record by ID (lookups by name are resolveLookup's). The value is never null: what null means is the caller's business.
// A fault never shows the value of a sensitive field.
func translateValue(f *schema.Field, v any, o valueOptions) (translated, *Fault) {
	return translated{}, newFault(InvalidValue, o.Path, "not implemented")
}

// resolveLookup translates a rendered value of a lookup field, and asks Dataverse for the record where the value names
// it: {entity, name}, a user's domain name or e-mail address. found is false where nothing has the name and the value
// says that this is no fault ("missing": "OMIT"). err is Dataverse's, as it came.
func resolveLookup(ctx context.Context, client *dataverse.Client, f *schema.Field, v any, o valueOptions) (ref reference, found bool, fault *Fault, err error) {
	return reference{}, false, nil, errors.New("not implemented")
}

// renderState says what came of a value's templates.
type renderState int

const (
	renderedSet   renderState = iota
	renderedUnset             // a variable is not set
	renderedNull              // null, be it literal or a variable's
)

// renderedValue is a value with its templates replaced.
type renderedValue struct {
	State     renderState
	Value     any
	Templated bool   // whether a template had a part in it; a literal of the request else
	Unset     string // the path that is not set
}

// render replaces the templates in a value of a request: in a text, in the members of an object, in the elements of a
// list. What a variable holds is never read as a template. The fault is BAD_TEMPLATE.
func (r *Runtime) render(v any, variables map[string]any, path string) (renderedValue, *Fault) {
	return renderedValue{}, newFault(BadTemplate, path, "not implemented")
}

// unknownField is the fault of a name that the entity has no field of, with the nearest names.
func unknownField(e *schema.Entity, name, path string) *Fault {
	return newFault(InvalidField, path, "%s has no field %q", e.LogicalName, name)
}

// unknownEntity is Dataverse's answer that it has no such entity, as a fault of the request.
func unknownEntity(name string, err error) error {
	return &InputError{Faults: []Fault{*newFault(UnknownEntity, "entity", "%v", err)}, Err: err}
}

// lowerName is a logical name as Dataverse writes it.
func lowerName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
