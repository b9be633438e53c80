package local

import (
	"context"
	"fmt"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// readBelow answers with what hangs below a record: a value, a related record, a collection of them.
func (s *Server) readBelow(ctx context.Context, c *call, conn *conn, t *table, id string, rest []odata.Segment) (reply, error) {
	name := rest[0].Name
	if collection, ok := t.children[name]; ok {
		return s.readCollection(ctx, c, conn, t, id, collection, rest)
	}
	r, err := s.load(ctx, conn, t, id)
	if err != nil {
		return reply{}, err
	}
	if r == nil {
		return reply{}, noSuchRecord(t.LogicalName, id)
	}
	if f, _ := t.lookupOf(name); f != nil {
		target := r.text(targetColumn(f))
		if target == "" && len(f.Targets) > 0 {
			target = f.Targets[0]
		}
		return s.readRelated(ctx, c, conn, s.tables[target], r.text(f.LogicalName), rest[1:])
	}
	return s.readValue(c, t, id, r, rest)
}

// readRelated answers with the record that a lookup points at: nothing where it points at none.
func (s *Server) readRelated(ctx context.Context, c *call, conn *conn, target *table, id string, rest []odata.Segment) (reply, error) {
	switch {
	case target == nil || id == "":
		return newReply(http.StatusNoContent), nil
	case len(rest) == 0:
		return s.readRecord(ctx, c, conn, target, id)
	case rest[0].Name == "$ref":
		b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#$ref")
		b = appendString(appendMember(b, "@odata.id"), c.address(target, id))
		answer := newReply(http.StatusOK)
		answer.json(append(b, '}'))
		return answer, nil
	}
	return s.readBelow(ctx, c, conn, target, id, rest)
}

// address is the absolute URL of a record.
func (c *call) address(t *table, id string) string {
	return c.base + odata.RecordPath(t.EntitySetName, id)
}

func (s *Server) readCollection(ctx context.Context, c *call, conn *conn, t *table, id string, children collection, rest []odata.Segment) (reply, error) {
	found, err := s.exists(ctx, conn, t, id)
	if err != nil {
		return reply{}, err
	}
	if !found {
		return reply{}, noSuchRecord(t.LogicalName, id)
	}
	child := s.tables[children.entity.LogicalName]
	where := children.of(t, id)
	if rest[0].HasParens {
		return s.readMember(ctx, c, conn, child, where, rest)
	}
	return s.readSet(ctx, c, conn, child, where, rest[1:])
}

// readMember answers with one record of a collection, or with what hangs below it.
func (s *Server) readMember(ctx context.Context, c *call, conn *conn, child *table, where odata.Expr, rest []odata.Segment) (reply, error) {
	key, err := readKey(child, rest[0])
	if err != nil {
		return reply{}, err
	}
	id, found, err := s.resolve(ctx, conn, child, key)
	if err != nil {
		return reply{}, err
	}
	if found {
		compiled, err := query.FromOData(s.schema, child.Entity, &odata.Query{Select: []string{child.PrimaryID}, Filter: both(isRecord(child.Entity, id), where)}, query.Options{})
		if err != nil {
			return reply{}, err
		}
		page, err := conn.page(ctx, compiled)
		if err != nil {
			return reply{}, err
		}
		found = len(page.Rows) > 0
	}
	switch {
	case !found:
		return reply{}, key.missing(child)
	case len(rest) > 1:
		return s.readBelow(ctx, c, conn, child, id, rest[1:])
	}
	return s.readRecord(ctx, c, conn, child, id)
}

// of is the condition for being in the collection of a record.
func (c collection) of(t *table, id string) odata.Expr {
	if c.intersect == nil {
		return &odata.Compare{Path: odata.Path{c.field.Property()}, Op: odata.Eq, Value: odata.GUID(id)}
	}
	back := c.intersect.Navigation1
	if c.own == c.intersect.Field2 {
		back = c.intersect.Navigation2
	}
	return &odata.Lambda{
		Collection: odata.Path{back}, Kind: "any", Variable: "o",
		Body: &odata.Compare{Path: odata.Path{"o", t.PrimaryID}, Op: odata.Eq, Value: odata.GUID(id)},
	}
}

// readValue answers with the value of one field.
func (s *Server) readValue(c *call, t *table, id string, r record, rest []odata.Segment) (reply, error) {
	f := fieldOfProperty(t.Entity, rest[0].Name)
	if f == nil || !query.StandsAlone(f) || !f.Readable {
		return reply{}, noSuchSegment(rest[0].Name)
	}
	value := query.Decode(f, r[f.LogicalName])
	if value == nil {
		return newReply(http.StatusNoContent), nil
	}
	answer, context := newReply(http.StatusOK), c.base+"$metadata#"+odata.RecordPath(t.EntitySetName, id)+"/"+rest[0].Name
	switch {
	case len(rest) == 1 && f.Type == schema.Image && c.header.Get("Range") != "":
		content, err := imageContent(c, f, r)
		if err != nil {
			return reply{}, err
		}
		return readImagePart(c, f, content, false, context)
	case len(rest) == 1:
		b := appendString(appendMember([]byte{'{'}, "@odata.context"), context)
		answer.json(append(appendValue(appendMember(b, "value"), value), '}'))
	case rest[1].Name == "$value" && f.Type == schema.Image:
		return readImage(c, f, r)
	case rest[1].Name == "$value":
		answer.text(fmt.Sprint(value))
	default:
		return reply{}, noSuchSegment(rest[1].Name)
	}
	return answer, nil
}

// readReferences answers with the addresses of a set's records.
func (s *Server) readReferences(ctx context.Context, c *call, conn *conn, t *table, q *odata.Query) (reply, error) {
	if q.Apply != nil {
		return reply{}, refuse(code.UnsupportedQuery, "$apply cannot be used with $ref.")
	}
	q.Select, q.Expand = []string{t.PrimaryID}, nil
	compiled, err := query.FromOData(s.schema, t.Entity, q, s.options(c))
	if err != nil {
		return reply{}, err
	}
	page, err := conn.page(ctx, compiled)
	if err != nil {
		return reply{}, err
	}
	key := shapeOf(compiled.Columns).key
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#Collection($ref)")
	b = append(appendMember(b, "value"), '[')
	for i, row := range page.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		id, _ := row[key].(string)
		b = append(appendString(appendMember(append(b, '{'), "@odata.id"), c.address(t, id)), '}')
	}
	answer := newReply(http.StatusOK)
	answer.json(append(b, "]}"...))
	return answer, nil
}
