package local

import (
	"context"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
)

// referenceOf returns the record that an action's parameter names: an object with an @odata.id, or with its @odata.type and
// its key.
func (m *mutation) referenceOf(ctx context.Context, value any) (*table, string, error) {
	b, ok := value.(map[string]any)
	if !ok {
		return nil, "", refuse(code.InvalidArgument, "A record is named by an object with its @odata.type and its key.")
	}
	if uri := stringOf(b["@odata.id"]); uri != "" {
		return m.find(ctx, uri)
	}
	t := m.s.tables[strings.TrimPrefix(strings.TrimPrefix(stringOf(b["@odata.type"]), "#"), crmNamespace)]
	if t == nil {
		return nil, "", refuse(code.InvalidArgument, "A record needs an @odata.type that names an entity, as Microsoft.Dynamics.CRM.account.")
	}
	k, err := m.keyOf(t, b)
	if err != nil {
		return nil, "", err
	}
	return m.find(ctx, odata.RecordPath(t.EntitySetName, k.id))
}

// keyOf is the key that a record in a list is named by: its @odata.id, which may have an alternate key, or its primary key.
func (m *mutation) keyOf(t *table, b body) (key, error) {
	if uri := stringOf(b["@odata.id"]); uri != "" {
		path, err := odata.ParsePath(relative(uri))
		if err != nil {
			return key{}, err
		}
		if len(path.Segments) != 1 || path.Segments[0].Name != t.EntitySetName || !path.Segments[0].HasParens {
			return key{}, refuse(code.InvalidArgument, "The @odata.id '%s' is not the URI of a record of '%s'.", uri, t.EntitySetName)
		}
		return readKey(t, path.Segments[0])
	}
	value := b[t.PrimaryID]
	if value == nil && isPrincipal(t.Entity) {
		value = b[principalKey] // the key of the type that users and teams are derived from
	}
	encoded, err := query.Encode(t.Entity, t.Field(t.PrimaryID), value)
	if err != nil {
		return key{}, err
	}
	id, _ := encoded.(string)
	if id == "" {
		return key{}, refuse(code.InvalidArgument, "A record of '%s' needs its key, '%s' or an @odata.id.", t.LogicalName, t.PrimaryID)
	}
	return key{id: id}, nil
}
