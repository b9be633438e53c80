package actions

import (
	"errors"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// tooMany is the fault of more names than the entity has fields, which would take long to tell one by one; nil where they
// are not.
func tooMany(e *schema.Entity, named map[string]any, path string) *input.Fault {
	if len(named) <= len(e.Fields) {
		return nil
	}
	return input.NewFault(input.InvalidRequest, path, "names %d fields, and %s has %d", len(named), e.LogicalName, len(e.Fields))
}

// notCreatable is the fault of a field that a creation cannot write; nil where it can.
func notCreatable(e *schema.Entity, f *schema.Field, path string) *input.Fault {
	switch {
	case creatable(e, f):
		return nil
	case f.LogicalName == e.PrimaryID:
		return input.NewFault(input.InvalidField, path, "is the record's own ID, which is made for it; give a request_id to repeat a call safely")
	case f.Type == schema.State:
		return input.NewFault(input.InvalidField, path, "cannot be written when a record is created; give statuscode, which brings its state")
	case f.Type == schema.PartyList:
		return input.NewFault(input.InvalidField, path, "holds parties of a kind that is Dataverse's own to set")
	case f.Type == schema.File:
		return input.NewFault(input.InvalidField, path, "holds a file, which is uploaded by itself once the record exists")
	case f.AttributeOf != "":
		return input.NewFault(input.InvalidField, path, "only shows what %s holds; write that", f.AttributeOf)
	}
	return input.NewFault(input.InvalidField, path, "cannot be written when a record is created")
}

// notUpdatable is the fault of a field that cannot be changed in a record that is there; nil where it can.
func notUpdatable(e *schema.Entity, f *schema.Field, path string) *input.Fault {
	switch {
	case changeable(e, f):
		return nil
	case f.LogicalName == e.PrimaryID:
		return input.NewFault(input.InvalidField, path, "is the record's own ID, which never changes")
	case creatable(e, f):
		return input.NewFault(input.InvalidField, path, "can be written when a record is created, and not changed later")
	case f.Type == schema.PartyList, f.Type == schema.File, f.AttributeOf != "":
		return notCreatable(e, f, path)
	}
	return input.NewFault(input.InvalidField, path, "cannot be changed: Dataverse keeps it itself")
}

// changeable reports whether UpdateRecord takes a value for the field.
func changeable(e *schema.Entity, f *schema.Field) bool {
	return updatable(e, f) && (translate.Translatable(f) || takesParties(e, f))
}

// unknownEntity is Dataverse's answer that it has no such entity, as a fault of the request.
func unknownEntity(name string, err error) error {
	fault := input.NewFault(input.UnknownEntity, "entity", "the environment has no entity %q", name)
	if unknown := new(dataverse.UnknownEntityError); errors.As(err, &unknown) {
		fault.NearestTo(unknown.Nearest)
	}
	return &input.Error{Faults: []input.Fault{*fault}, Err: err}
}
