package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// Lookup is what a value of a lookup field asks for: a record by its ID, by its name, or by what its fields equal, be they an alternate key.
type Lookup struct {
	Entity string       // "" for a user or team by name
	ID     dataverse.ID // "" for a record by name, where or key
	Name   string
	Where  LookupSearch // nil for a record by ID or name
	// Omit says that a name, or a where, that finds nothing leaves the field out.
	Omit bool
}

// LookupSearch is a lookup's value that says by a search which record is meant: how the search is made is not the lookup's.
type LookupSearch interface {
	Member() string         // "where", or "key"
	Beside() map[string]any // the lookup's other members, rendered
}

// lookupMembers are the members of a lookup's object. A reference, as "@record" saves one, has entity, id, name and url;
// the ID decides then.
var lookupMembers = []string{"entity", "id", "name", "url", "missing"}

// ParseLookup reads a rendered value of a lookup field: a record ID where there is one target, {entity, id}, a
// reference, {entity, name}, {entity, where}; for an owner also a user's domain name or e-mail address, or a team's name.
func ParseLookup(f *schema.Field, v any, o Options) (Lookup, *input.Fault) {
	switch v := v.(type) {
	case string:
		return parseLookupText(f, v, o)
	case map[string]any:
		return parseLookupObject(f, v, o)
	case LookupSearch:
		return parseLookupSearch(f, v, o)
	}
	return Lookup{}, Misfit(f, v, o, "it takes %s", RightLookup(f))
}

// RightLookup says how a lookup is written.
func RightLookup(f *schema.Field) string {
	if len(f.Targets) == 1 {
		return fmt.Sprintf(`a record ID, {"entity": %q, "id": …}, {"entity": %[1]q, "name": …}, {"entity": %[1]q, "where": {…}} or {"entity": %[1]q, "key": {…}}`, f.Targets[0])
	}
	return fmt.Sprintf(`{"entity": …, "id": …}, {"entity": …, "name": …}, {"entity": …, "where": {…}} or {"entity": …, "key": {…}}, and the entity is %s`, input.OneOf(f.Targets))
}

func parseLookupText(f *schema.Field, text string, o Options) (Lookup, *input.Fault) {
	id, err := dataverse.ParseID(text)
	switch {
	case err == nil && len(f.Targets) == 1:
		return Lookup{Entity: f.Targets[0], ID: id}, nil
	case err == nil:
		fault := Misfit(f, text, o, "a record ID alone does not say which entity it is of; give %s", RightLookup(f))
		fault.Allowed = slices.Clone(f.Targets)
		return Lookup{}, fault
	case f.Type == schema.Owner && strings.TrimSpace(text) != "":
		return Lookup{Name: strings.TrimSpace(text)}, input.CheckSearched(text, o.Path)
	}
	return Lookup{}, Misfit(f, text, o, "it takes %s", RightLookup(f))
}

func parseLookupObject(f *schema.Field, object map[string]any, o Options) (Lookup, *input.Fault) {
	if fault := checkLookupMembers(object, o); fault != nil {
		return Lookup{}, fault
	}
	var l Lookup
	var fault *input.Fault
	if l.Entity, fault = LookupEntity(f, object, o); fault != nil {
		return Lookup{}, fault
	}
	if v, ok := object["id"]; ok {
		text, _ := v.(string)
		id, err := dataverse.ParseID(text)
		if err != nil {
			return Lookup{}, Misfit(f, v, o, "id takes a GUID, as 7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11")
		}
		l.ID = id
		return l, nil
	}
	name, ok := TextOf(object["name"])
	if !ok {
		return Lookup{}, input.NewFault(input.InvalidValue, o.Path, "the lookup names no record; it takes %s", RightLookup(f))
	}
	l.Name = strings.TrimSpace(name)
	if fault = lookupMissing(object, &l, o); fault != nil {
		return Lookup{}, fault
	}
	if l.Name == "" && !l.Omit {
		return Lookup{}, input.NewFault(input.InvalidValue, o.Path, "the lookup's name is blank; it takes %s", RightLookup(f))
	}
	return l, input.CheckSearched(name, o.Path)
}

// parseLookupSearch reads the members beside `where`, or `key`.
func parseLookupSearch(f *schema.Field, s LookupSearch, o Options) (Lookup, *input.Fault) {
	beside := s.Beside()
	for _, name := range []string{"id", "name", "key"} {
		if _, ok := beside[name]; ok {
			return Lookup{}, input.NewFault(input.InvalidValue, o.Path, "the lookup has %s and %s: one of them says which record is meant", name, s.Member())
		}
	}
	if fault := checkLookupMembers(beside, o); fault != nil {
		return Lookup{}, fault
	}
	l := Lookup{Where: s}
	var fault *input.Fault
	if l.Entity, fault = LookupEntity(f, beside, o); fault != nil {
		return Lookup{}, fault
	}
	return l, lookupMissing(beside, &l, o)
}

// checkLookupMembers refuses members that mean nothing: a misspelt one must not be ignored.
func checkLookupMembers(object map[string]any, o Options) *input.Fault {
	for _, name := range input.SortedNames(object) {
		if slices.Contains(lookupMembers, name) {
			continue
		}
		if name == "where" || name == "key" {
			return input.NewFault(input.InvalidValue, o.Path, "a lookup's %s is written in the request and not taken from a variable: a variable says what to search for, never what the search is", name)
		}
		fault := input.NewFault(input.InvalidValue, o.Path, "a lookup has no member %q; it has entity, id, name, where, key and missing", name)
		fault.Nearest = schema.Nearest(name, append(slices.Clone(lookupMembers), "where", "key"))
		return fault
	}
	return nil
}

// LookupEntity is the entity that a lookup names, or the only one that it can be of.
func LookupEntity(f *schema.Field, object map[string]any, o Options) (string, *input.Fault) {
	given, ok := object["entity"]
	if !ok && len(f.Targets) == 1 {
		return f.Targets[0], nil
	}
	text, isText := given.(string)
	entity := LowerName(text)
	if isText && slices.Contains(f.Targets, entity) {
		return entity, nil
	}
	right := fmt.Sprintf("%s points at %s", Named(f), input.OneOf(f.Targets))
	var fault *input.Fault
	switch {
	case isText && sensitive(f):
		fault = input.NewFault(input.InvalidValue, o.Path, "%s", right)
	case isText:
		fault = input.NewFault(input.InvalidValue, o.Path, "%s, not at %s", right, input.Given(strconv.Quote(text)))
	default:
		fault = input.NewFault(input.InvalidValue, o.Path, "%s: the lookup's entity must say which", right)
	}
	fault.Allowed = slices.Clone(f.Targets)
	fault.Nearest = schema.Nearest(text, f.Targets)
	return "", fault
}

// lookupMissing reads "missing", which says what to do about a name or a where that finds nothing.
func lookupMissing(object map[string]any, l *Lookup, o Options) *input.Fault {
	v, ok := object["missing"]
	if !ok {
		return nil
	}
	switch v {
	case "OMIT":
		l.Omit = true
	case "REFUSE":
	default:
		fault := input.NewFault(input.InvalidValue, o.Path, "a lookup's missing is OMIT (leave the field out) or REFUSE, which is what happens without it")
		fault.Allowed = []string{"OMIT", "REFUSE"}
		return fault
	}
	return nil
}

// translateReference takes lookups that name their record by ID.
func translateReference(f *schema.Field, v any, o Options) (any, *input.Fault) {
	l, fault := ParseLookup(f, v, o)
	switch {
	case fault != nil:
		return nil, fault
	case l.ID == "":
		return nil, input.NewFault(input.InvalidValue, o.Path, "the record must be given by its ID here")
	}
	return Reference{Entity: l.Entity, ID: l.ID}, nil
}
