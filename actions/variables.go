package actions

import (
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// checkTargets finds what is wrong with the variables that `save` and its defaults name; names are those of `save`.
func checkTargets(req saveRequest, names []string) []input.Fault {
	var faults []input.Fault
	for _, name := range names {
		if fault := checkTarget(name, req); fault != nil {
			faults = append(faults, *fault)
		}
	}
	for _, name := range input.SortedNames(req.Defaults) {
		if _, ok := req.Save[name]; !ok {
			fault := input.NewFault(input.InvalidRequest, "save_defaults."+name, "is the default of a variable that nothing is saved into")
			fault.Nearest = schema.Nearest(name, names)
			faults = append(faults, *fault)
		}
	}
	return faults
}

// checkTarget finds what is wrong with one variable to save into: nil where nothing is.
func checkTarget(name string, req saveRequest) *input.Fault {
	if name != "" && !strings.Contains(name, ".") {
		return nil
	}
	path := "save." + name
	segments := strings.Split(name, ".")
	if slices.Contains(segments, "") {
		return input.NewFault(input.InvalidRequest, path, "is no variable: a part of its name is empty")
	}
	for i := 1; i < len(segments); i++ {
		outer := strings.Join(segments[:i], ".")
		if _, ok := req.Save[outer]; ok {
			return input.NewFault(input.InvalidRequest, path, "cannot be saved into while %q is saved into as a whole", outer)
		}
	}
	if holder, ok := scalarOnTheWay(req.Variables, name); ok {
		return input.NewFault(input.InvalidRequest, path, "cannot be set: the variable %q is not an object", holder)
	}
	return nil
}

// scalarOnTheWay returns the first variable on the way to name that holds something else than members.
func scalarOnTheWay(variables map[string]any, name string) (holder string, found bool) {
	if _, flat := variables[name]; flat {
		return "", false
	}
	segments := strings.Split(name, ".")
	for i, segment := range segments[:len(segments)-1] {
		switch inner := variables[segment].(type) {
		case nil:
			return "", false
		case map[string]any:
			variables = inner
		default:
			return strings.Join(segments[:i+1], "."), true
		}
	}
	return "", false
}

// setVariable sets a variable to a value. A name with dots is a member of an object, as templates read it, unless the
// caller has a variable of just that name. The objects on the way are the caller's own and may be changed.
func setVariable(variables map[string]any, name string, value any) {
	outer, inner, nested := strings.Cut(name, ".")
	if _, flat := variables[name]; flat || !nested {
		variables[name] = value
		return
	}
	object, ok := variables[outer].(map[string]any)
	if !ok {
		object = map[string]any{}
		variables[outer] = object
	}
	setMember(object, inner, value)
}

// setMember sets a member of an object, and the objects on the way to it.
func setMember(object map[string]any, name string, value any) {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		object[outer] = value
		return
	}
	next, ok := object[outer].(map[string]any)
	if !ok {
		next = map[string]any{}
		object[outer] = next
	}
	setMember(next, inner, value)
}

// copyVariables is a deep copy, never nil: what we return must not be the caller's, nor change when the caller's does.
func copyVariables(variables map[string]any) map[string]any {
	c := make(map[string]any, len(variables))
	for name, value := range variables {
		c[name] = copyValue(value)
	}
	return c
}

func copyValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return copyVariables(v)
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = copyValue(v[i])
		}
		return c
	}
	return v
}
