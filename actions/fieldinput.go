package actions

import (
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

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

// refused is the fault of a request that is wrong whatever its values are; nil where it is not.
func (p purpose) refused(e *schema.Entity, fields map[string]any) *input.Fault {
	if (p == toCreate || p == toUpsert) && !e.Creatable() {
		return notMade(e)
	}
	return tooMany(e, fields, "fields")
}

// notMade is the fault of a request for a record that cannot be created by asking for it, with the way that there is.
func notMade(e *schema.Entity) *input.Fault {
	why := "the environment has no privilege to create one"
	switch {
	case e.Intersect:
		why = "it only tells which records belong together, and comes of associating them"
	case e.LogicalName == partyEntity:
		why = "who takes part is written in a field of the activity, as \"to\" of an e-mail"
	case e.LogicalName == "activitypointer":
		why = "create the activity as what it is, as a task or a phonecall"
	}
	return input.NewFault(input.NotCreatable, "entity", "no record of %s can be created: %s", e.LogicalName, why)
}

// notWritable is the fault of a field that cannot be written for the purpose; nil where it can.
func (p purpose) notWritable(e *schema.Entity, f *schema.Field, path string) *input.Fault {
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
