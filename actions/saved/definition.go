// Package saved gives actions a name. A definition is a YAML file: a name, the inputs with their types and defaults, and the
// body of one action, written as its REST request is. A Library holds the definitions of a directory and those that are built
// in, checks them against metadata, and follows their changes.
//
// Parse reads a definition and finds whatever can be found without Dataverse, Definition.Lint the rest, and Definition.Run
// runs it.
package saved

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// Kind is which action a definition runs, as the member is called that holds its body.
type Kind string

// The kinds.
const (
	CreateRecord         Kind = "createRecord"
	UpdateRecord         Kind = "updateRecord"
	UpsertRecord         Kind = "upsertRecord"
	FindRecord           Kind = "findRecord"
	FindRecordByFetchXML Kind = "findRecordByFetchXml"
)

// Kinds are all kinds, in the order in which they are told.
func Kinds() []Kind {
	return []Kind{CreateRecord, UpdateRecord, UpsertRecord, FindRecord, FindRecordByFetchXML}
}

// Writes reports whether actions of the kind write, so that a request ID makes them safe to repeat.
func (k Kind) Writes() bool { return k == CreateRecord || k == UpdateRecord || k == UpsertRecord }

// Definition is a saved action. It is only read, by any number of goroutines.
type Definition struct {
	Name         string
	Description  string
	Environment  string  // where a call names none; "" for the default one
	Inputs       []Input // in the order of the file
	Kind         Kind
	Entity       string            // logical name
	Save         map[string]string // what an answer sets: variable to source
	SaveDefaults map[string]any    // by variable
	Text         string            // the file as it was written

	body   body
	inputs map[string]*Input
	file   string
	places places
	// closed says that the inputs are all variables that the body may name.
	closed bool
}

const (
	// Extension ends the name of a definition's file.
	Extension = ".yaml"
	// TestExtension ends the name of a file with tests of a definition; a Library passes over it.
	TestExtension = ".test.yaml"
	// maxText bounds a definition, in bytes.
	maxText = 256 << 10
)

var (
	nameShape     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	variableShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
)

// rightName says what a name must be.
const rightName = `a name has small letters, digits and -, begins with a letter, and has at most 64 of them, as "create-case"`

// reserved are the names that the actions themselves have.
var reserved = []string{"create-record", "update-record", "upsert-record", "find-record", "find-record-by-fetchxml"}

// ValidName reports whether a saved action may have the name.
func ValidName(name string) bool { return nameFault(name) == "" }

// nameFault is why a saved action cannot have the name; "" where it can.
func nameFault(name string) string {
	switch {
	case !nameShape.MatchString(name):
		return rightName
	case slices.Contains(reserved, name):
		return "an action that is not saved has it"
	}
	return ""
}

// Parse reads the definition of a name, which its file has too. It finds all that is wrong with it but for what needs
// metadata; the error is an *Error.
func Parse(name string, text []byte) (*Definition, error) {
	d := &Definition{Name: name, Text: string(text), file: name + Extension, inputs: map[string]*Input{}, places: places{}}
	root, fault := parseYAML(text)
	if fault != nil {
		return nil, &Error{File: d.file, Faults: []Fault{*fault}}
	}
	r := &reader{places: d.places, text: string(text)}
	d.read(r, root)
	if len(r.faults) == 0 {
		r.faults = append(r.faults, d.templateFaults()...)
	}
	if len(r.faults) > 0 {
		return nil, &Error{File: d.file, Faults: r.faults}
	}
	return d, nil
}

// definitionMembers are the members of a definition beside its body.
var definitionMembers = []string{"name", "description", "environment", "inputs"}

// read takes the definition from its file's root.
func (d *Definition) read(r *reader, root node) {
	known := append([]string{}, definitionMembers...)
	for _, k := range Kinds() {
		known = append(known, string(k))
	}
	var named bool
	for _, m := range r.members(root, "", known) {
		switch m.name {
		case "name":
			named = true
			d.readName(r, m)
		case "description":
			d.Description, _ = r.textOf(m.value, m.path)
		case "environment":
			d.Environment, _ = r.textOf(m.value, m.path)
		case "inputs":
			d.readInputs(r, m)
		default:
			d.readBody(r, m)
		}
	}
	switch {
	case d.Kind == "" && len(r.faults) == 0:
		r.fault(root, "", "has no action: it needs one of %s", kindList())
	case !named && d.Kind != "":
		r.fault(root, "name", "is missing: it is the file's name without %s, so %q here", Extension, d.Name)
	}
}

func (d *Definition) readName(r *reader, m member) {
	name, ok := r.textOf(m.value, m.path)
	switch {
	case !ok:
	case !ValidName(name):
		r.fault(m.value, m.path, "%q cannot be the name: %s", name, nameFault(name))
	case name != d.Name:
		r.fault(m.value, m.path, "is %q, and the file's name says %q: both must be the same", name, d.Name)
	}
}

func (d *Definition) readBody(r *reader, m member) {
	if d.Kind != "" {
		r.fault(m.key, m.path, "is a second action beside %s: a definition has one", d.Kind)
		return
	}
	d.Kind = Kind(m.name)
	d.body.read(r, d.Kind, m)
	d.Entity, d.Save, d.SaveDefaults = d.body.entity, d.body.save, d.body.saveDefaults
}

// input is the input of a name; nil where there is none.
func (d *Definition) input(name string) *Input { return d.inputs[name] }

// inputNames are the names of the inputs, in the order of the file.
func (d *Definition) inputNames() []string {
	names := make([]string, len(d.Inputs))
	for i := range d.Inputs {
		names[i] = d.Inputs[i].Name
	}
	return names
}

// unknownMember is the fault of a member that is none of those known.
func unknownMember(path, name string, known []string) input.Fault {
	f := input.Fault{Reason: input.InvalidRequest, Field: path, Message: "there is no such member", Nearest: schema.Nearest(name, known)}
	if len(f.Nearest) > 0 {
		f.Message += fmt.Sprintf("; did you mean %s?", f.Nearest[0])
	}
	return f
}
