package saved

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/dataverse/schema"
)

// Lint holds the definition against the metadata of an environment; "" is the definition's own. What is wrong with the
// definition is an *Error; any other error says why the metadata could not be read.
func (d *Definition) Lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	err := d.lint(ctx, runtime, cmp.Or(environment, d.Environment))
	var input *actions.InputError
	if !errors.As(err, &input) {
		return err
	}
	found := &Error{File: d.file}
	for _, f := range input.Faults {
		found.Faults = append(found.Faults, d.locate(f))
	}
	return found
}

// lint asks the runtime what it would refuse.
func (d *Definition) lint(ctx context.Context, runtime *actions.Runtime, environment string) error {
	entity, err := runtime.GetEntity(ctx, environment, d.Entity, 0)
	if err != nil {
		return err
	}
	var fields []string
	for _, f := range entity.Fields {
		fields = append(fields, f.Field)
	}
	var faults []actions.Fault
	for path, name := range d.fieldNames() {
		if strings.HasPrefix(name, "@") || slices.Contains(fields, strings.ToLower(strings.TrimSpace(name))) {
			continue
		}
		f := actions.Fault{Reason: actions.InvalidField, Field: path, Message: fmt.Sprintf("%s has no field %q", d.Entity, name), Nearest: schema.Nearest(name, fields)}
		if len(f.Nearest) > 0 {
			f.Message += "; the nearest are " + list(f.Nearest)
		}
		faults = append(faults, f)
	}
	if len(faults) == 0 {
		return nil
	}
	slices.SortFunc(faults, func(a, b actions.Fault) int { return cmp.Compare(a.Field, b.Field) })
	return &actions.InputError{Faults: faults}
}

// fieldNames are the fields of the entity that the body names, by their paths.
func (d *Definition) fieldNames() map[string]string {
	names := map[string]string{}
	for member, object := range map[string]map[string]any{"fields": d.body.fields, "where": d.body.where, "key": d.body.key} {
		for name := range maps.Keys(object) {
			names[member+"."+name] = name
		}
	}
	for i, c := range d.body.conditions {
		names[fmt.Sprintf("conditions[%d].field", i)] = c.Field
	}
	for i, name := range d.body.matchOn {
		names[fmt.Sprintf("match_on[%d]", i)] = name
	}
	for i, order := range d.body.orderBy {
		names[fmt.Sprintf("order_by[%d]", i)] = strings.Fields(order)[0]
	}
	if d.Kind == FindRecordByFetchXML {
		return names // its sources are the query's
	}
	for variable, source := range d.body.save {
		if field, _, _ := strings.Cut(source, "@"); field != "" {
			field, _, _ = strings.Cut(field, ".")
			names["save."+variable] = field
		}
	}
	return names
}
