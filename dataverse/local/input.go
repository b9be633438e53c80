package local

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
)

// body is a JSON object as a client sent it, numbers as written.
type body = map[string]any

// input is the body of a write, sorted by what is to be done with it.
type input struct {
	id       string // the primary key where the body has one
	values   record
	parents  []nested // lookups whose records are to be made first
	children []nested // records that are to point at this one
}

// nested is what a navigation property holds: records to make, or records that are there already.
type nested struct {
	field      *schema.Field // of parents
	target     *table
	collection collection // of children
	navigation string
	bodies     []body
	binds      []string
}

// readBody reads the JSON object of a request.
func readBody(t *table, text []byte) (body, error) {
	var b body
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&b); err != nil || b == nil {
		return nil, badPayload(t, "The request body is not a JSON object.")
	}
	if d.More() {
		return nil, badPayload(t, "The request body has more than one JSON object.")
	}
	return b, nil
}

// badPayload says in Dataverse's words that a body cannot be read.
func badPayload(t *table, format string, args ...any) *fault {
	return refuse(code.InvalidPayload, "Error identified in Payload provided by the user for Entity :'"+t.EntitySetName+"', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: "+format, args...)
}

// reading is how a body is read: for a create or an update.
type reading struct {
	*mutation
	table    *table
	creating bool
	in       *input
}

// parse sorts the members of a body. Members are taken in the order of their names, so that the same body always has the
// same answer.
func (m *mutation) parse(ctx context.Context, t *table, b body, creating bool) (*input, error) {
	r := reading{mutation: m, table: t, creating: creating, in: &input{values: record{}}}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if err := r.member(ctx, name, b[name]); err != nil {
			return nil, err
		}
	}
	return r.in, nil
}

func (r *reading) member(ctx context.Context, name string, value any) error {
	property, annotation, annotated := strings.Cut(name, "@")
	switch {
	case annotated && annotation == "odata.bind":
		return r.bind(ctx, property, value)
	case annotated:
		return nil // @odata.type, @odata.etag, and annotations of what was read before
	}
	if f, _ := r.lookupOf(property); f != nil && !isPlain(value) {
		return r.parent(property, f, value)
	}
	if c, ok := r.table.children[property]; ok {
		return r.child(property, c, value)
	}
	return r.field(property, value)
}

func isPlain(value any) bool {
	switch value.(type) {
	case map[string]any, []any, nil:
		return false
	}
	return true
}

// field takes a value of the record itself.
func (r *reading) field(name string, value any) error {
	f := r.table.Field(name)
	switch {
	case strings.HasPrefix(name, "_") && strings.HasSuffix(name, "_value") && r.table.Field(name[1:len(name)-len("_value")]) != nil:
		return badPayload(r.table, "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.")
	case f == nil || !query.StandsAlone(f):
		return badPayload(r.table, "Microsoft.Crm.CrmException: Invalid property '%s' was found in entity 'Microsoft.Dynamics.CRM.%s'.", name, r.table.LogicalName)
	case f.LogicalName == r.table.PrimaryID:
		return r.primaryKey(f, value)
	case !r.writable(f) || !query.IsStored(f):
		return nil // what cannot be written is left alone (Web API, "Create a table row")
	case f.IsLookup():
		return badPayload(r.table, "An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. Use the navigation property with @odata.bind.", name)
	}
	if r.table.LogicalName == "sdkmessageprocessingstepimage" && name == "attributes" && value == "" {
		return refuse(code.InvalidArgument, "The attributes of an image cannot be empty. Leave them out for all of them.")
	}
	encoded, err := query.Encode(r.table.Entity, f, value)
	if err != nil {
		return err
	}
	r.in.values[name] = encoded
	return nil
}

func (r *reading) writable(f *schema.Field) bool {
	switch {
	case r.trusted:
		return true
	case r.creating:
		return f.Creatable
	}
	return f.Updatable
}

func (r *reading) primaryKey(f *schema.Field, value any) error {
	encoded, err := query.Encode(r.table.Entity, f, value)
	if err != nil {
		return err
	}
	r.in.id, _ = encoded.(string)
	return nil
}

// parent takes the record of a lookup that is written out in place: a create makes it first (Web API, "Deep insert").
func (r *reading) parent(navigation string, f *schema.Field, value any) error {
	if value == nil {
		if r.writable(f) {
			r.in.values.clear(f)
		}
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok || !r.creating {
		return badPayload(r.table, "The navigation property '%s' cannot be written in place here. Use '%s@odata.bind'.", navigation, navigation)
	}
	target, err := r.targetOf(navigation, f, object)
	if err != nil {
		return err
	}
	r.in.parents = append(r.in.parents, nested{field: f, target: target, navigation: navigation, bodies: []body{object}})
	return nil
}

// targetOf is the entity that a nested record of a lookup is of: the one the navigation property leads to, or the one that
// its @odata.type names where it leads to several.
func (r *reading) targetOf(navigation string, f *schema.Field, object body) (*table, error) {
	_, targets := r.lookupOf(navigation)
	if name, ok := object["@odata.type"].(string); ok {
		name = name[strings.LastIndexByte(name, '.')+1:]
		if slices.Contains(targets, name) {
			targets = []string{name}
		}
	}
	if len(targets) != 1 || r.s.tables[targets[0]] == nil {
		return nil, badPayload(r.table, "The record in '%s' needs an @odata.type.", navigation)
	}
	return r.s.tables[targets[0]], nil
}

// child takes records that are to point at this one.
func (r *reading) child(navigation string, c collection, value any) error {
	if !r.creating {
		return badPayload(r.table, "The collection '%s' cannot be written by an update.", navigation)
	}
	list, ok := value.([]any)
	if !ok {
		return badPayload(r.table, "The collection '%s' must be an array.", navigation)
	}
	n := nested{collection: c, target: r.s.tables[c.entity.LogicalName], navigation: navigation}
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return badPayload(r.table, "The collection '%s' must hold objects.", navigation)
		}
		n.bodies = append(n.bodies, object)
	}
	r.in.children = append(r.in.children, n)
	return nil
}
