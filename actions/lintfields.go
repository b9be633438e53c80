package actions

import (
	"context"
	"slices"
	"time"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

// assumed stands for a value that is known only when the variables are. It fits every field.
type assumed struct{}

// fields checks a request's `fields`. The values are those of the literals, and assumed for all else.
func (l linter) fields(ctx context.Context, in fieldInput) (*recordValues, []input.Fault, error) {
	if fault := in.purpose.refused(l.entity, in.fields); fault != nil {
		return nil, []input.Fault{*fault}, nil
	}
	l.zone, _ = translate.ZoneOf(in.timeZone) // what is wrong with it is told with the settings
	if l.zone == nil && in.timeZone != "" {
		l.zone = time.UTC
	}
	l.numbers, _ = translate.NumbersOf(in.culture)
	literals := map[string]any{}
	for name, value := range in.fields {
		if !templated(value) {
			literals[name] = value
		}
	}
	literal := in
	literal.fields = literals
	v := l.runtime.translateOnce(l.entity, literal, l.zone, l.numbers)
	v.checkState()
	for _, name := range input.SortedNames(in.fields) {
		if err := l.field(ctx, v, name, in.fields[name], in); err != nil {
			return nil, nil, err
		}
	}
	v.checkRequired()
	return v, v.faults, nil
}

// field checks what is known of a field's value before the variables are, beside what translateOnce has found of a literal.
func (l linter) field(ctx context.Context, v *recordValues, name string, value any, in fieldInput) error {
	path := "fields." + name
	f := translate.Field(l.entity, name)
	if templated(value) {
		var fault *input.Fault
		if f, fault = v.field(name, path); fault != nil {
			v.fault(fault)
			return nil
		}
		v.values[f.LogicalName] = assumed{}
	}
	if f == nil {
		return nil
	}
	if v.lookups[f.LogicalName] != nil || v.parties[f.LogicalName] != nil { // which are not looked for
		v.values[f.LogicalName] = assumed{}
	}
	given, faults := switchesOf(value, in.onUnset, path)
	if templated(value) { // else translateOnce has found them
		v.faults = slices.Concat(v.faults, faults, l.fallback(f, given, path+"."+defaultMember))
	}
	if f.IsLookup() {
		faults, err := l.lookup(ctx, f, given.value, path)
		v.faults = append(v.faults, faults...)
		return err
	}
	v.faults = append(v.faults, l.templates(given.value, path)...)
	return nil
}

// fallback checks what a field gets where its value says nothing.
func (l linter) fallback(f *schema.Field, given switched, path string) []input.Fault {
	switch {
	case templated(given.fallback):
		return l.templates(given.fallback, path)
	case given.hasDefault && given.fallback != nil && !f.IsLookup():
		return l.value(f, given.fallback, path)
	}
	return nil
}

// value checks a literal of a field that is no lookup.
func (l linter) value(f *schema.Field, value any, path string) []input.Fault {
	if f.Type == schema.PartyList {
		return nil
	}
	_, fault := translate.Value(f, value, translate.Options{Path: path, Zone: l.zone, Numbers: l.numbers, CutLongText: true})
	return listed(fault)
}

// lookup checks the templates of a lookup, and what stands in one by where or by key. What else is wrong with a literal is
// found where it is read.
func (l linter) lookup(ctx context.Context, f *schema.Field, value any, path string) ([]input.Fault, error) {
	rest, where, member := splitWhere(f, value)
	if member == "" {
		return l.templates(value, path), nil
	}
	faults := l.templates(rest, path)
	more, err := l.lookupWhere(ctx, f, rest, where, member, path)
	return append(faults, more...), err
}

// lookupWhere checks a lookup's `where`, or its key, by the entity that the lookup names.
func (l linter) lookupWhere(ctx context.Context, f *schema.Field, rest map[string]any, where any, member, path string) ([]input.Fault, error) {
	pairs, ok := where.(map[string]any)
	if !ok || l.depth >= deepestLookup {
		_, fault := l.comparer.lookupWhere(nil, where, member, path)
		return listed(fault), nil
	}
	e, fault, err := l.entityOfLookup(ctx, f, rest, path)
	switch {
	case fault != nil || err != nil:
		return listed(fault), err
	case e == nil:
		return l.templates(where, path+"."+member), nil
	}
	inner := l
	inner.entity, inner.member, inner.depth = e, path+"."+member, l.depth+1
	if faults := (lookupWhere{member: member, pairs: pairs}).keyFaults(e, inner.member); faults != nil {
		return faults, nil
	}
	return inner.filter(ctx, pairs, nil)
}
