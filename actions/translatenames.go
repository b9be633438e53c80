package actions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// fieldNamed is the field of a name in any case; nil where there is none.
func fieldNamed(e *schema.Entity, name string) *schema.Field {
	if f := e.Field(name); f != nil {
		return f
	}
	return e.Field(lowerName(name))
}

// tooMany is the fault of more names than the entity has fields, which would take long to tell one by one; nil where they
// are not.
func tooMany(e *schema.Entity, named map[string]any, path string) *Fault {
	if len(named) <= len(e.Fields) {
		return nil
	}
	return newFault(InvalidRequest, path, "names %d fields, and %s has %d", len(named), e.LogicalName, len(e.Fields))
}

// notCreatable is the fault of a field that a creation cannot write; nil where it can.
func notCreatable(e *schema.Entity, f *schema.Field, path string) *Fault {
	switch {
	case creatable(e, f):
		return nil
	case f.LogicalName == e.PrimaryID:
		return newFault(InvalidField, path, "is the record's own ID, which is made for it; give a request_id to repeat a call safely")
	case f.Type == schema.State:
		return newFault(InvalidField, path, "cannot be written when a record is created; give statuscode, which brings its state")
	case f.Type == schema.PartyList:
		return newFault(InvalidField, path, "holds parties of a kind that is Dataverse's own to set")
	case f.Type == schema.File:
		return newFault(InvalidField, path, "holds a file, which is uploaded by itself once the record exists")
	case f.AttributeOf != "":
		return newFault(InvalidField, path, "only shows what %s holds; write that", f.AttributeOf)
	}
	return newFault(InvalidField, path, "cannot be written when a record is created")
}

// notUpdatable is the fault of a field that cannot be changed in a record that is there; nil where it can.
func notUpdatable(e *schema.Entity, f *schema.Field, path string) *Fault {
	switch {
	case changeable(e, f):
		return nil
	case f.LogicalName == e.PrimaryID:
		return newFault(InvalidField, path, "is the record's own ID, which never changes")
	case creatable(e, f):
		return newFault(InvalidField, path, "can be written when a record is created, and not changed later")
	case f.Type == schema.PartyList, f.Type == schema.File, f.AttributeOf != "":
		return notCreatable(e, f, path)
	}
	return newFault(InvalidField, path, "cannot be changed: Dataverse keeps it itself")
}

// changeable reports whether UpdateRecord takes a value for the field.
func changeable(e *schema.Entity, f *schema.Field) bool {
	return updatable(e, f) && (translatable(f) || takesParties(e, f))
}

// unknownField is the fault of a name that the entity has no field of, with the nearest names.
func unknownField(e *schema.Entity, name, path string) *Fault {
	fault := newFault(InvalidField, path, "%s has no field %q", e.LogicalName, name)
	if f := fieldMeant(e, name); f != nil {
		fault.Nearest = []string{f.LogicalName}
		fault.Message += fmt.Sprintf("; %s is %q", named(f), f.LogicalName)
		return fault
	}
	nearest := schema.Nearest(name, e.FieldNames())
	if len(nearest) == 0 {
		nearest = nearestByLabel(e, name)
	}
	return fault.nearestTo(nearest)
}

// nearestByLabel are the fields whose labels, in whatever language, come nearest to a name.
func nearestByLabel(e *schema.Entity, name string) []string {
	var labels []string
	fields := map[string]string{}
	for _, f := range e.Fields {
		for _, label := range f.DisplayName {
			if _, twice := fields[label.Text]; !twice && f.AttributeOf == "" {
				fields[label.Text] = f.LogicalName
				labels = append(labels, label.Text)
			}
		}
	}
	var nearest []string
	for _, label := range schema.Nearest(name, labels) {
		if !slices.Contains(nearest, fields[label]) {
			nearest = append(nearest, fields[label])
		}
	}
	return nearest
}

// fieldMeant is the field that a name which is not a logical name stands for without doubt: a label that only one field
// has, or a lookup's name in the Web API. nil where there is none.
func fieldMeant(e *schema.Entity, name string) *schema.Field {
	property := strings.TrimSuffix(name, "@odata.bind")
	if f := e.FieldOfNavigation(property); f != nil {
		return f
	}
	var meant *schema.Field
	for _, f := range e.Fields {
		if f.AttributeOf != "" || f.Property() != property && !f.DisplayName.Is(name) {
			continue
		}
		if meant != nil {
			return nil
		}
		meant = f
	}
	return meant
}

// unknownEntity is Dataverse's answer that it has no such entity, as a fault of the request.
func unknownEntity(name string, err error) error {
	fault := newFault(UnknownEntity, "entity", "the environment has no entity %q", name)
	if unknown := new(dataverse.UnknownEntityError); errors.As(err, &unknown) {
		fault.nearestTo(unknown.Nearest)
	}
	return &InputError{Faults: []Fault{*fault}, Err: err}
}

// lowerName is a logical name as Dataverse writes it.
func lowerName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
