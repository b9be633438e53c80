package local

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// key is how a path names a record: by its ID, or by the values of an alternate key.
type key struct {
	id     string
	values record // by field, where id is ""
}

// tableOfSet returns the entity of an entity set.
func (s *Server) tableOfSet(set string) (*table, error) {
	e := s.schema.EntityOfSet(set)
	if e == nil {
		return nil, noSuchSegment(set)
	}
	return s.tables[e.LogicalName], nil
}

// readKey reads the key of a path's segment.
func readKey(t *table, segment odata.Segment) (key, error) {
	if len(segment.Keys) == 1 && (segment.Keys[0].Name == "" || segment.Keys[0].Name == keyName(t.Entity)) {
		encoded, err := query.Encode(t.Entity, t.Field(t.PrimaryID), jsonValue(segment.Keys[0].Value))
		id, ok := encoded.(string)
		if err != nil || !ok {
			return key{}, refuse(code.UnsupportedQuery, "Error in query syntax: the key of '%s' is not a GUID.", segment.Name)
		}
		return key{id: id}, nil
	}
	values := record{}
	for _, k := range segment.Keys {
		f := fieldOfProperty(t.Entity, k.Name)
		if f == nil {
			return key{}, wrongKey(t)
		}
		encoded, err := query.Encode(t.Entity, f, jsonValue(k.Value))
		if err != nil {
			return key{}, err
		}
		values[f.LogicalName] = encoded
	}
	if !t.hasKey(slices.Sorted(maps.Keys(values))) {
		return key{}, wrongKey(t)
	}
	return key{values: values}, nil
}

// keyName is what a record's key is called in an address. Users and teams have theirs from the type that they are derived from (Web API
// "Entity types").
func keyName(e *schema.Entity) string {
	if isPrincipal(e) {
		return principalKey
	}
	return e.PrimaryID
}

func wrongKey(t *table) *fault {
	return refuse(code.EntityKeyNotDefined, "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.%s'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource '%s'.", t.LogicalName, t.LogicalName)
}

func (t *table) hasKey(fields []string) bool {
	return slices.ContainsFunc(t.Keys, func(k schema.Key) bool {
		return slices.Equal(slices.Sorted(slices.Values(k.Fields)), fields)
	})
}

// missing is the refusal for a record that is not there.
func (k key) missing(t *table) *fault {
	if k.id != "" {
		return noSuchRecord(t.LogicalName, k.id)
	}
	return refuse(code.RecordNotFoundByEntityKey, "A record with the specified key values does not exist in %s entity", t.LogicalName)
}

// resolve returns the ID of the record that a key names. For a key that is an ID it does not look whether it is there.
func (s *Server) resolve(ctx context.Context, c *conn, t *table, k key) (id string, found bool, err error) {
	if k.id != "" {
		return k.id, true, nil
	}
	var (
		where []string
		args  []any
	)
	for _, name := range slices.Sorted(maps.Keys(k.values)) {
		where = append(where, quote(name)+" IS ?")
		args = append(args, k.values[name])
	}
	row, found, err := c.row(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s LIMIT 1", quote(t.PrimaryID), quote(t.LogicalName), strings.Join(where, " AND ")), args...)
	if err != nil || !found {
		return "", false, err
	}
	id, _ = row[0].(string)
	return id, true, nil
}

// fieldOfProperty returns the field that a property of JSON or of a path means: "_ownerid_value" is ownerid's.
func fieldOfProperty(e *schema.Entity, property string) *schema.Field {
	if f := e.Field(property); f != nil {
		return f
	}
	if name, ok := strings.CutPrefix(property, "_"); ok {
		if name, ok = strings.CutSuffix(name, "_value"); ok {
			if f := e.Field(name); f != nil && f.IsLookup() {
				return f
			}
		}
	}
	return nil
}

// jsonValue is a literal of a path as it would stand in JSON.
func jsonValue(v odata.Value) any {
	switch v := v.(type) {
	case odata.Bool:
		return bool(v)
	case odata.Number:
		return json.Number(v)
	case odata.String:
		return string(v)
	case odata.GUID:
		return string(v)
	case odata.DateTime:
		return string(v)
	case odata.Date:
		return string(v)
	}
	return nil
}
