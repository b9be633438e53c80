package actions

import "github.com/botverse/botverse/dataverse/schema"

// fieldInput is a request's `fields` and how they are to be read: the same in every action that writes.
type fieldInput struct {
	fields      map[string]any
	variables   map[string]any
	onUnset     OnUnset
	cutLongText bool
	timeZone    string
	culture     string
	purpose     purpose
	explain     bool // whether to note what becomes of the values
}

func (s CreateRecord) input() fieldInput {
	return fieldInput{fields: s.Fields, variables: s.Variables, onUnset: s.OnUnset, cutLongText: s.CutLongText, timeZone: s.TimeZone, culture: s.Culture, explain: s.ValidateOnly}
}

// purpose is what a request's `fields` are for.
type purpose int

const (
	toCreate purpose = iota // a record that has these values and no others
	toChange                // a record that is there
	toFill                  // a record that is there, where it has nothing
	toUpsert                // a record that is there or is to be made: what a new one needs is known only then
)

// notWritable is the fault of a field that cannot be written for the purpose; nil where it can.
func (p purpose) notWritable(e *schema.Entity, f *schema.Field, path string) *Fault {
	if p == toCreate || p == toUpsert {
		return notCreatable(e, f, path)
	}
	return notUpdatable(e, f, path)
}

// requires reports whether the values must have one for the field.
func (p purpose) requires(v *recordValues, f *schema.Field) bool {
	switch p {
	case toCreate:
		return required(v.entity, f)
	case toChange, toUpsert:
		_, given := v.values[f.LogicalName]
		return given && required(v.entity, f)
	}
	return false // what is blank changes nothing
}
