package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// Field is the field that a name stands for: a logical name in any case, else a label that no other field has; nil where
// there is none. A logical name always wins, so that no label that somebody gives a field changes what a flow means.
func Field(e *schema.Entity, name string) *schema.Field {
	if f := fieldCalled(e, name); f != nil {
		return f
	}
	if labelled := e.FieldsLabelled(name); len(labelled) == 1 {
		return labelled[0]
	}
	return nil
}

// fieldCalled is the field of a logical name in any case; nil where there is none.
func fieldCalled(e *schema.Entity, name string) *schema.Field {
	if f := e.Field(name); f != nil {
		return f
	}
	return e.Field(LowerName(name))
}

// ByLabel says that a name is a field's label; "" for a logical name.
func ByLabel(f *schema.Field, name string) string {
	if LowerName(name) == f.LogicalName {
		return ""
	}
	return fmt.Sprintf("%q is the label of %s; ", strings.TrimSpace(name), f.LogicalName)
}

// GivenTwice is the fault of a field that a request names a second time, as by its label beside its logical name.
func GivenTwice(f *schema.Field, path string) *input.Fault {
	return input.NewFault(input.InvalidField, path, "the field %q is given twice", f.LogicalName)
}

// TwiceGiven is the faults of the fields that pairs name more than once.
func TwiceGiven(e *schema.Entity, pairs map[string]any, path string) []input.Fault {
	var faults []input.Fault
	seen := make(map[*schema.Field]bool, len(pairs))
	for _, name := range input.SortedNames(pairs) {
		f := Field(e, name)
		if f != nil && seen[f] {
			faults = append(faults, *GivenTwice(f, path+"."+name))
		}
		seen[f] = true
	}
	return faults
}

// UnknownField is the fault of a name that stands for no field of the entity, or for several, with the nearest names.
func UnknownField(e *schema.Entity, name, path string) *input.Fault {
	if labelled := e.FieldsLabelled(name); len(labelled) > 1 {
		return ambiguousLabel(e, name, path, labelled)
	}
	fault := input.NewFault(input.InvalidField, path, "%s has no field %q", e.LogicalName, name)
	if f := fieldMeant(e, name); f != nil {
		fault.Nearest = []string{f.LogicalName}
		fault.Message += fmt.Sprintf("; %s is %q", Named(f), f.LogicalName)
		return fault
	}
	nearest := schema.Nearest(name, e.FieldNames())
	if len(nearest) == 0 {
		nearest = nearestByLabel(e, name)
	}
	return fault.NearestTo(nearest)
}

// ambiguousLabel is the fault of a label that several fields have.
func ambiguousLabel(e *schema.Entity, name, path string, labelled []*schema.Field) *input.Fault {
	var names []string
	for _, f := range labelled {
		names = append(names, f.LogicalName)
	}
	slices.Sort(names)
	fault := input.NewFault(input.InvalidField, path, "%q is the label of several fields of %s: %s; give the logical name of the one that is meant", name, e.LogicalName, strings.Join(names, ", "))
	fault.Nearest = names
	return fault
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

// fieldMeant is the field that a lookup's name in the Web API stands for; nil where there is none.
func fieldMeant(e *schema.Entity, name string) *schema.Field {
	property := strings.TrimSuffix(name, "@odata.bind")
	if f := e.FieldOfNavigation(property); f != nil {
		return f
	}
	for _, f := range e.Fields {
		if f.AttributeOf == "" && f.Property() == property {
			return f
		}
	}
	return nil
}

// LowerName is a logical name as Dataverse writes it.
func LowerName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
