package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse/schema"
)

// remedy says what a field gets where its value says nothing. The names are those of a request.
type remedy string

const (
	asItIs      remedy = ""        // the value counts as it is: "" is a text, and no number
	leaveOut    remedy = "OMIT"    // the field is left out, and named in Result.Omitted
	clearIt     remedy = "CLEAR"   // the field has no value then
	takeDefault remedy = "DEFAULT" // the field gets the default
	refuseIt    remedy = "REFUSE"  // the call is refused with VariableUnset
)

// switched is a value of `fields` with switches of its own: what to do where it is not set, null, or blank.
type switched struct {
	value    any
	fallback any // a literal or a template, where hasDefault
	remedies map[string]remedy

	hasDefault bool
}

const (
	switchedValue = "value"
	defaultMember = "default"
	onUnsetMember = "onUnset"
	onNullMember  = "onNull"
	onEmptyMember = "onEmpty"
)

// unswitched is what values without switches of their own get. It is shared, and only read.
var unswitched = map[OnUnset]map[string]remedy{
	Omit:   {onUnsetMember: leaveOut, onNullMember: clearIt},
	Refuse: {onUnsetMember: refuseIt, onNullMember: clearIt},
}

// switchesOf reads a value of `fields`. One without switches is itself, and has the request's: a variable that is not set
// leaves the field out, or refuses the call; null clears it.
func switchesOf(value any, onUnset OnUnset, path string) (switched, []input.Fault) {
	s := switched{value: value, remedies: unswitched[onUnset]}
	object, ok := value.(map[string]any)
	if _, found := object[switchedValue]; !ok || !found {
		return s, nil
	}
	s.remedies = maps.Clone(s.remedies)
	s.value = object[switchedValue]
	if s.fallback, s.hasDefault = object[defaultMember]; s.hasDefault { // what a default is for, where nothing else is said
		s.remedies[onUnsetMember], s.remedies[onNullMember] = takeDefault, takeDefault
	}
	var faults []input.Fault
	for _, name := range input.SortedNames(object) {
		if fault := s.member(name, object[name], path); fault != nil {
			faults = append(faults, *fault)
		}
	}
	used := slices.Contains([]remedy{s.remedies[onUnsetMember], s.remedies[onNullMember], s.remedies[onEmptyMember]}, takeDefault)
	switch {
	case s.hasDefault && !used && len(faults) == 0:
		faults = append(faults, *input.NewFault(input.InvalidValue, path+"."+defaultMember, "is used by none of onUnset, onNull and onEmpty: one of them must say DEFAULT"))
	case used && !s.hasDefault:
		faults = append(faults, *input.NewFault(input.InvalidValue, path+"."+defaultMember, "is missing: DEFAULT needs it"))
	}
	return s, faults
}

// member takes one member of a value with switches.
func (s switched) member(name string, value any, path string) *input.Fault {
	switch name {
	case switchedValue, defaultMember:
		return nil
	case onUnsetMember, onNullMember, onEmptyMember:
		allowed := []string{string(leaveOut), string(clearIt), string(takeDefault), string(refuseIt)}
		text, _ := value.(string)
		if !slices.Contains(allowed, text) {
			fault := input.NewFault(input.InvalidValue, path+"."+name, "takes %s", input.OneOf(allowed))
			fault.Allowed = allowed
			return fault
		}
		s.remedies[name] = remedy(text)
		return nil
	}
	members := []string{switchedValue, onUnsetMember, onNullMember, onEmptyMember, defaultMember}
	fault := input.NewFault(input.InvalidValue, path, "a value with switches has no member %q; it has %s", name, strings.Join(members, ", "))
	fault.Nearest = schema.Nearest(name, members)
	return fault
}

// remedy is what to do about a rendered value, and why, as the end of a sentence; asItIs for one that says something.
func (s switched) remedy(rendered input.Rendered) (what remedy, why string) {
	switch {
	case rendered.State == input.Unset:
		return s.remedies[onUnsetMember], fmt.Sprintf("the variable %s is not set", rendered.Unset)
	case rendered.State == input.Null:
		return s.remedies[onNullMember], "the value is null"
	case emptyValue(rendered.Value):
		return s.remedies[onEmptyMember], "the value is blank"
	}
	return asItIs, ""
}

// emptyValue reports whether a rendered value is blank, or a lookup by what is.
func emptyValue(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range []string{"id", "name"} {
			if member, ok := v[name].(string); ok && input.Blank(member) {
				return true
			}
		}
	case lookupWhere:
		return v.blank
	}
	return input.Blank(v)
}
