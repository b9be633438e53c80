package saved

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/dataverse/schema"
)

// InputType is what an input takes.
type InputType string

// The types of inputs.
const (
	Text      InputType = "text"
	Number    InputType = "number"
	Integer   InputType = "integer"
	Boolean   InputType = "boolean"
	Date      InputType = "date"      // a day, as 2026-05-17
	DateTime  InputType = "datetime"  // a point in time, as 2026-05-17T15:30:00Z
	Object    InputType = "object"    // any members
	List      InputType = "list"      // any elements
	Reference InputType = "reference" // a record, as "@record" saves one
	Any       InputType = "any"       // the value as it comes
)

// InputTypes are all types, in the order in which they are told.
func InputTypes() []InputType {
	return []InputType{Text, Number, Integer, Boolean, Date, DateTime, Object, List, Reference, Any}
}

// Input is a variable that a saved action takes.
type Input struct {
	Name        string
	Type        InputType // Any where the file names none
	Description string
	Required    bool // whether a call without it, with null or with a blank text is refused
	Default     any  // the value where a call leaves the variable out; nil for none. Null is not left out
	Sensitive   bool // whether its value must be in no error and no log
}

// inputMembers are the members of an input.
var inputMembers = []string{"type", "required", "default", "description", "sensitive"}

// maxInputs bounds the inputs of a definition.
const maxInputs = 256

func (d *Definition) readInputs(r *reader, m member) {
	d.closed = true
	pairs := r.pairs(m.value, m.path)
	if len(pairs) > maxInputs {
		r.fault(m.key, m.path, "has %d inputs: %d are the most", len(pairs), maxInputs)
		return
	}
	for _, pair := range pairs {
		r.places[pair.path] = place{pair.key.Line, pair.key.Column}
		if !variableShape.MatchString(pair.name) {
			r.fault(pair.key, pair.path, "%q is no variable's name: it has letters, digits and _, and begins with a letter or _", pair.name)
			continue
		}
		d.Inputs = append(d.Inputs, readInput(r, pair))
	}
	for i := range d.Inputs {
		d.inputs[d.Inputs[i].Name] = &d.Inputs[i]
	}
}

func readInput(r *reader, m member) Input {
	in := Input{Name: m.name, Type: Any}
	if m.value.Kind == yaml.ScalarNode && m.value.ShortTag() == "!!null" {
		return in // a name alone: any value
	}
	var given *member
	for _, part := range r.members(m.value, m.path, inputMembers) {
		switch part.name {
		case "type":
			in.Type = readType(r, part)
		case "required":
			in.Required = r.flag(part)
		case "sensitive":
			in.Sensitive = r.flag(part)
		case "description":
			in.Description, _ = r.textOf(part.value, part.path)
		case "default":
			given = &part
		}
	}
	if given != nil {
		in.readDefault(r, *given)
	}
	return in
}

// flag is a member that must be true or false.
func (r *reader) flag(m member) bool {
	if m.value.Kind == yaml.ScalarNode {
		if flag, ok := r.scalar(m.value, m.path).(bool); ok {
			return flag
		}
	}
	r.fault(m.value, m.path, "must be true or false, and is %s", kindOf(m.value))
	return false
}

func readType(r *reader, m member) InputType {
	text, ok := r.textOf(m.value, m.path)
	if !ok || slices.Contains(InputTypes(), InputType(text)) {
		return InputType(text)
	}
	var known []string
	for _, t := range InputTypes() {
		known = append(known, string(t))
	}
	f := unknownMember(m.path, text, known)
	f.Message, f.Allowed, f.Nearest = "\""+text+"\" is no type of an input: it must be one of "+list(known), known, schema.Nearest(text, known)
	r.add(m.value, f)
	return Any
}

// readDefault takes the default, which is held to the type as a given value is.
func (in *Input) readDefault(r *reader, m member) {
	before := len(r.faults)
	value := r.value(m.value, m.path, 0)
	switch {
	case len(r.faults) > before:
	case value == nil:
		r.fault(m.value, m.path, "is null: leave it out, and a variable that is not set stays so")
	case in.Required:
		r.fault(m.key, m.path, "is the default of a required input, which never needs one")
	case holdsTemplate(value):
		r.fault(m.value, m.path, "is a template: a default is a value; templates stand in the action's body")
	default:
		converted, right := in.convert(value)
		if right != "" {
			r.fault(m.value, m.path, "is no %s: it takes %s", in.Type, right)
			return
		}
		in.Default = converted
	}
}
