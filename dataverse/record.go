package dataverse

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// Fields are the members of a record's JSON: values by logical name, and lookups as "navigationproperty@odata.bind":
// "/contacts(<record ID>)".
type Fields map[string]any

// Record is a record as Dataverse returned it: the properties that were asked for. The zero Record has nothing. Its values
// are the caller's own; a Record itself is only read.
type Record struct {
	entity *schema.Entity // nil where it is not known: of an expanded record only the name is
	name   string
	id     ID
	values map[string]any
}

// The annotations of a property (Web API, "Request annotations").
const (
	formattedValue    = "@OData.Community.Display.V1.FormattedValue"
	lookupLogicalName = "@Microsoft.Dynamics.CRM.lookuplogicalname"
)

// NewRecord is a record of an entity with the given members, as they stand in Dataverse's JSON, annotations and all. It is
// for whoever has a record from elsewhere, and for tests. The Record keeps the map.
func NewRecord(e *schema.Entity, members map[string]any) Record {
	r := Record{entity: e, name: e.LogicalName, values: members}
	if text, ok := members[e.PrimaryID].(string); ok {
		r.id = ID(strings.ToLower(text))
	}
	return r
}

// ID is the record's ID, "" where the record has none, as a row of an aggregate query.
func (r Record) ID() ID { return r.id }

// Entity is the logical name of the record's entity.
func (r Record) Entity() string { return r.name }

// Value returns a property's value: nil, a bool, a string, or a json.Number, which keeps its digits. Properties are named as
// in the Web API: "fullname", "_ownerid_value", and "alias.field" for a field of a link-entity, lookups included. It reports
// false where the property did not come: FetchXML leaves out what is null.
func (r Record) Value(property string) (any, bool) {
	key, ok := r.key(property)
	return r.values[key], ok
}

// Formatted is a property's value as Dataverse prints it for the application user: a choice's label, a lookup's name, a date in
// the user's format and zone; "" where there is none, as for text.
func (r Record) Formatted(property string) string { return r.annotation(property, formattedValue) }

// LookupEntity is the logical name of the entity that a lookup's value points at; "" where it points at nothing.
func (r Record) LookupEntity(property string) string {
	return r.annotation(property, lookupLogicalName)
}

// Expanded is the record behind a single-valued navigation property that was expanded; false where the lookup is empty.
func (r Record) Expanded(navigation string) (Record, bool) {
	members, ok := r.values[navigation].(map[string]any)
	if !ok {
		return Record{}, false
	}
	x := Record{values: members}
	if r.entity == nil {
		return x, true
	}
	f := r.entity.FieldOfNavigation(navigation)
	if f == nil {
		return x, true
	}
	id, _ := r.values[f.Property()].(string)
	x.name = r.LookupEntity(f.Property())
	for target, property := range f.Navigation {
		if x.name == "" && property == navigation {
			x.name = target
		}
	}
	if id == "" {
		id, _ = members[x.name+"id"].(string)
	}
	x.id = ID(strings.ToLower(id))
	return x, true
}

// Properties are the names of the properties that came, sorted, without annotations.
func (r Record) Properties() []string {
	var names []string
	for name := range r.values {
		if !strings.Contains(name, "@") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ETag is the record's version, for If-Match; "" where it did not come.
func (r Record) ETag() string {
	text, _ := r.values["@odata.etag"].(string)
	return text
}

// MarshalJSON writes the record as Dataverse did.
func (r Record) MarshalJSON() ([]byte, error) { return json.Marshal(r.values) }

func (r Record) annotation(property, name string) string {
	key, ok := r.key(property)
	if !ok {
		return ""
	}
	text, _ := r.values[key+name].(string)
	return text
}

// key finds the member of a property. A field of a link-entity comes as "alias.field", from old servers as "alias_x002e_field",
// and a lookup there with or without its _…_value (Web API, "Use FetchXML", and what services were seen to send).
func (r Record) key(property string) (string, bool) {
	if _, ok := r.values[property]; ok {
		return property, true
	}
	alias, field, ok := strings.Cut(property, ".")
	if !ok {
		return "", false
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(field, "_"), "_value")
	for _, key := range [...]string{
		alias + "." + bare, alias + "._" + bare + "_value",
		alias + "_x002e_" + bare, alias + "_x002e__" + bare + "_value",
	} {
		if _, ok := r.values[key]; ok {
			return key, true
		}
	}
	return "", false
}

// text, bool, int and records read a property of which the type is known; the zero value where it has none.
func (r Record) text(property string) string {
	s, _ := r.values[property].(string)
	return s
}

func (r Record) bool(property string) bool {
	b, _ := r.values[property].(bool)
	return b
}

func (r Record) int(property string) int {
	number, _ := r.values[property].(json.Number)
	n, _ := strconv.Atoi(number.String())
	return n
}

func (r Record) records(navigation string) []Record {
	var records []Record
	items, _ := r.values[navigation].([]any)
	for _, item := range items {
		members, _ := item.(map[string]any)
		records = append(records, Record{values: members})
	}
	return records
}
