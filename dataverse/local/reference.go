package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
)

// writeReference answers writes to /$ref: it puts records into collections and lookups, and takes them out (Web API,
// "Associate and disassociate table rows").
func (s *Server) writeReference(ctx context.Context, c *call, t *table) (reply, error) {
	segments := c.resource.Segments
	if len(segments) != 3 || !segments[0].HasParens {
		return reply{}, noSuchSegment("$ref")
	}
	key, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, before, err := m.lookUp(ctx, t, key)
		if err != nil {
			return err
		}
		if before == nil {
			return key.missing(t)
		}
		if f, _ := t.lookupOf(segments[1].Name); f != nil {
			return m.writeLookup(ctx, c, t, before, segments[1].Name)
		}
		children, ok := t.children[segments[1].Name]
		if !ok {
			return noSuchSegment(segments[1].Name)
		}
		return m.writeCollection(ctx, c, t, id, children, segments[1])
	})
	return newReply(http.StatusNoContent), err
}

func (m *mutation) writeLookup(ctx context.Context, c *call, t *table, before record, navigation string) error {
	var uri any
	if c.method != http.MethodDelete {
		b, err := readBody(t, c.body)
		if err != nil {
			return err
		}
		if uri = b["@odata.id"]; uri == nil {
			return badPayload(t, "The body needs an @odata.id.")
		}
	}
	return m.update(ctx, t, before, body{navigation + "@odata.bind": uri}, false)
}

func (m *mutation) writeCollection(ctx context.Context, c *call, t *table, id string, children collection, segment odata.Segment) error {
	if c.method == http.MethodDelete {
		if len(segment.Keys) > 0 {
			k, err := readKey(m.s.tables[children.entity.LogicalName], segment)
			if err != nil {
				return err
			}
			return m.dissociate(ctx, id, children, k.id)
		}
		_, otherID, err := m.find(ctx, c.query.Other.Get("$id"))
		if err != nil {
			return err
		}
		return m.dissociate(ctx, id, children, otherID)
	}
	b, err := readBody(t, c.body)
	if err != nil {
		return err
	}
	uri, _ := b["@odata.id"].(string)
	target, otherID, err := m.find(ctx, uri)
	if err != nil {
		return err
	}
	if target.Entity != children.entity {
		return badPayload(t, "The collection '%s' cannot hold a record of '%s'.", segment.Name, target.EntitySetName)
	}
	return m.add(ctx, t, id, children, otherID)
}
