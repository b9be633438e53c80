package actions

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse/schema"
)

// filter checks a request's `where` and conditions.
func (l linter) filter(ctx context.Context, pairs map[string]any, conditions []Condition) ([]input.Fault, error) {
	if len(pairs)+len(conditions) == 0 {
		_, faults, err := l.comparer.filter(ctx, nil, nil)
		return faults, err
	}
	member := cmp.Or(l.member, "where")
	if fault := tooMany(l.entity, pairs, member); fault != nil {
		return []input.Fault{*fault}, nil
	}
	faults := translate.TwiceGiven(l.entity, pairs, member)
	for _, name := range input.SortedNames(pairs) {
		more, err := l.pair(ctx, name, pairs[name], member+"."+name)
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	for i, condition := range conditions {
		more, err := l.condition(ctx, condition, fmt.Sprintf("conditions[%d]", i))
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	return faults, nil
}

// pair checks one field and its value.
func (l linter) pair(ctx context.Context, name string, value any, path string) ([]input.Fault, error) {
	if name == phoneMember {
		_, faults := l.phone(assumedPhone(value))
		return append(faults, l.templates(value, path)...), nil
	}
	f, fault := l.comparer.field(name, path)
	if fault != nil || value == nil {
		return listed(fault), nil
	}
	return l.operand(ctx, f, value, path)
}

// assumedPhone is the value of phoneMember with numbers and regions in place of templates.
func assumedPhone(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		object = map[string]any{"number": value}
	}
	known := maps.Clone(object)
	if templated(known["region"]) {
		known["region"] = "US"
	}
	if templated(known["number"]) {
		known["number"] = "+13175550125"
	}
	if !ok {
		return known["number"]
	}
	return known
}

// operand checks a value to compare a field with.
func (l linter) operand(ctx context.Context, f *schema.Field, value any, path string) ([]input.Fault, error) {
	if f.IsLookup() {
		return l.lookupOperand(ctx, f, value, path)
	}
	if templated(value) {
		return l.templates(value, path), nil
	}
	value, fault := l.given(value, path)
	if fault != nil {
		return []input.Fault{*fault}, nil
	}
	_, fault, err := l.equals(ctx, f, value, l.options(path))
	return listed(fault), err
}

// lookupOperand checks a lookup to compare a field with.
func (l linter) lookupOperand(ctx context.Context, f *schema.Field, value any, path string) ([]input.Fault, error) {
	var faults []input.Fault
	if object, ok := value.(map[string]any); ok && object["missing"] != nil {
		faults = append(faults, *missingInSearch(path))
	}
	if _, _, member := splitWhere(f, value); member != "" || templated(value) {
		more, err := l.lookup(ctx, f, value, path)
		return append(faults, more...), err
	}
	if text, ok := value.(string); ok && len(f.Targets) > 1 { // a bare ID is enough in a search
		value = map[string]any{"entity": f.Targets[0], "id": text}
	}
	_, fault := translate.ParseLookup(f, value, translate.Options{Path: path, Search: true})
	return append(faults, listed(fault)...), nil
}

// condition checks one condition. A literal is compared as it will be; of lookups only the form is checked.
func (l linter) condition(ctx context.Context, condition Condition, path string) ([]input.Fault, error) {
	f, fault := l.comparer.field(condition.Field, path+".field")
	if fault == nil {
		fault = operatorFault(f, condition, path)
	}
	switch {
	case fault != nil:
		return []input.Fault{*fault}, nil
	case templated(condition.Value) && !f.IsLookup():
		return l.templates(condition.Value, path+".value"), nil
	case !f.IsLookup() || condition.Value == nil:
		_, faults, err := l.comparer.condition(ctx, condition, path)
		return faults, err
	}
	list, ok := condition.Value.([]any)
	if !ok {
		list = []any{condition.Value}
	}
	var faults []input.Fault
	for _, value := range list {
		more, err := l.lookupOperand(ctx, f, value, path+".value")
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	return faults, nil
}
