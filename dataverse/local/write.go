package local

import (
	"context"
	"net/http"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
)

// detectsDuplicates reads the header with the double negative: only "false" turns detection on.
func (c *call) detectsDuplicates() bool {
	return strings.EqualFold(c.header.Get("MSCRM.SuppressDuplicateDetection"), "false")
}

// post answers a POST to an entity set: it makes a record.
func (s *Server) post(ctx context.Context, c *call, t *table) (answer reply, err error) {
	if s.isUnqualified(t, c.resource.Segments) {
		return reply{}, refuse(code.UnsupportedQuery, "Request message has unresolved parameters.")
	}
	if len(c.resource.Segments) > 1 || c.resource.Segments[0].HasParens {
		return reply{}, &fault{status: http.StatusNotFound, noCode: true, message: "No HTTP resource was found that matches the request URI '" + c.base + c.path + "'."}
	}
	if err := notCreatable(t); err != nil {
		return reply{}, err
	}
	b, err := readBody(t, c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, err := m.create(ctx, t, b, c.detectsDuplicates())
		if err != nil {
			return err
		}
		answer, err = s.written(ctx, c, m, t, id, true)
		return err
	})
	return answer, err
}

// written is the answer to a write: where the record is, or what it is now.
func (s *Server) written(ctx context.Context, c *call, m *mutation, t *table, id string, created bool) (reply, error) {
	address := c.address(t, id)
	if !c.prefer.representation {
		answer := newReply(http.StatusNoContent)
		answer.header.Set("OData-EntityId", address)
		answer.header.Set("Location", address)
		return answer, nil
	}
	b, tag, err := s.represent(ctx, c, m.conn, t, id)
	if err != nil {
		return reply{}, err
	}
	answer := newReply(http.StatusOK)
	if created {
		answer.status = http.StatusCreated
		answer.header.Set("Location", address)
	}
	if tag != "" {
		answer.header.Set("ETag", tag)
	}
	answer.json(b)
	c.prefer.tell(answer.header)
	return answer, nil
}

// patch answers a PATCH of a record: it changes the record, or makes it where If-Match does not forbid that.
func (s *Server) patch(ctx context.Context, c *call, t *table) (answer reply, err error) {
	if image := c.imageField(t); image != nil {
		return s.upload(ctx, c, t, image)
	}
	key, b, err := c.target(t)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, before, err := m.lookUp(ctx, t, key)
		if err != nil {
			return err
		}
		if before == nil {
			answer, err = m.upsertNew(ctx, c, t, key, b)
			return err
		}
		if strings.TrimSpace(c.header.Get("If-None-Match")) == "*" {
			return &fault{status: http.StatusPreconditionFailed, code: code.DuplicateRecord, message: "A record with matching key values already exists."}
		}
		if err := checkVersion(t, c.header.Get("If-Match"), before); err != nil {
			return err
		}
		key.strip(b)
		if err := m.update(ctx, t, before, b, c.detectsDuplicates()); err != nil {
			return err
		}
		c.query.Expand = nil // an update's representation has none (Web API, "Update and delete table rows")
		answer, err = s.written(ctx, c, m, t, id, false)
		if err == nil {
			answer.echo(c, key)
		}
		return err
	})
	return answer, err
}

// echo names the record by the alternate key that the client used, as Dataverse does.
func (r *reply) echo(c *call, k key) {
	if k.id == "" && r.header.Get("OData-EntityId") != "" {
		r.header.Set("OData-EntityId", c.base+c.path)
		r.header.Set("Location", c.base+c.path)
	}
}

// target reads what record a write is about, and its body.
func (c *call) target(t *table) (key, body, error) {
	if len(c.resource.Segments) != 1 || !c.resource.Segments[0].HasParens {
		return key{}, nil, &fault{status: http.StatusMethodNotAllowed, code: code.InvalidOperation, message: "The request needs the URI of one record."}
	}
	k, err := readKey(t, c.resource.Segments[0])
	if err != nil {
		return key{}, nil, err
	}
	b, err := readBody(t, c.body)
	return k, b, err
}

// strip takes the key's fields out of a body: an update by an alternate key does not change the key.
func (k key) strip(b body) {
	for name := range k.values {
		delete(b, name)
	}
}

// lookUp finds the record of a key; nil where there is none.
func (m *mutation) lookUp(ctx context.Context, t *table, k key) (string, record, error) {
	id, found, err := m.s.resolve(ctx, m.conn, t, k)
	if err != nil || !found {
		return "", nil, err
	}
	r, err := m.load(ctx, t, id)
	return id, r, err
}

// upsertNew makes the record that an upsert did not find, with the key it was looked for by; what the body says of the key
// comes first.
func (m *mutation) upsertNew(ctx context.Context, c *call, t *table, k key, b body) (reply, error) {
	if c.header.Get("If-Match") != "" {
		return reply{}, k.missing(t)
	}
	in, err := m.parseNew(ctx, t, k, b)
	if err != nil {
		return reply{}, err
	}
	id, err := m.createParsed(ctx, t, in, c.detectsDuplicates())
	if err != nil {
		return reply{}, err
	}
	answer, err := m.s.written(ctx, c, m, t, id, true)
	if err != nil {
		return reply{}, err
	}
	answer.echo(c, k)
	return answer, nil
}

// parseNew reads the body of a record that is to be made under a key.
func (m *mutation) parseNew(ctx context.Context, t *table, k key, b body) (*input, error) {
	if err := notCreatable(t); err != nil {
		return nil, err
	}
	in, err := m.parse(ctx, t, b, true)
	if err != nil {
		return nil, err
	}
	if k.id != "" {
		if in.id != "" && in.id != k.id {
			return nil, badPayload(t, "The ID in the body is not the one in the request's URI.")
		}
		in.id = k.id
	}
	for name, value := range k.values {
		if _, given := in.values[name]; !given {
			in.values[name] = value
		}
	}
	return in, nil
}

// delete answers a DELETE of a record or of one of its values.
func (s *Server) delete(ctx context.Context, c *call, t *table) (reply, error) {
	segments := c.resource.Segments
	if !segments[0].HasParens || len(segments) > 2 {
		return reply{}, &fault{status: http.StatusMethodNotAllowed, code: code.InvalidOperation, message: "The request needs the URI of one record."}
	}
	key, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		_, before, err := m.lookUp(ctx, t, key)
		if err != nil {
			return err
		}
		if before == nil {
			return key.missing(t)
		}
		if err := checkVersion(t, c.header.Get("If-Match"), before); err != nil {
			return err
		}
		if len(segments) == 2 {
			return m.setValue(ctx, t, before, segments[1], nil)
		}
		return m.remove(ctx, t, before)
	})
	return newReply(http.StatusNoContent), err
}

// put answers a PUT of one value of a record, or of an activity's parties.
func (s *Server) put(ctx context.Context, c *call, t *table) (reply, error) {
	segments := c.resource.Segments
	if image := c.imageField(t); image != nil && strings.HasPrefix(c.header.Get("Content-Type"), "application/octet-stream") {
		return s.upload(ctx, c, t, image)
	}
	if len(segments) != 2 || !segments[0].HasParens {
		return reply{}, &fault{status: http.StatusMethodNotAllowed, code: code.InvalidOperation, message: "The method PUT needs the URI of one value of a record."}
	}
	key, err := readKey(t, segments[0])
	if err != nil {
		return reply{}, err
	}
	value, err := readValue(t, c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		_, before, err := m.lookUp(ctx, t, key)
		if err != nil {
			return err
		}
		if before == nil {
			return key.missing(t)
		}
		if t.parties != nil && segments[1].Name == t.parties.Navigation {
			return m.replaceParties(ctx, t, before.text(t.PrimaryID), value)
		}
		return m.setValue(ctx, t, before, segments[1], value)
	})
	return newReply(http.StatusNoContent), err
}

// readValue reads the body of a request for one value.
func readValue(t *table, text []byte) (any, error) {
	b, err := readBody(t, text)
	if err != nil {
		return nil, err
	}
	value, given := b["value"]
	if !given {
		return nil, badPayload(t, "The body of a PUT must have the property 'value', and no other.")
	}
	return value, nil
}

// setValue writes one field of a record.
func (m *mutation) setValue(ctx context.Context, t *table, before record, segment odata.Segment, value any) error {
	f := t.Field(segment.Name)
	if f == nil || !query.StandsAlone(f) || f.IsLookup() {
		return noSuchSegment(segment.Name)
	}
	return m.update(ctx, t, before, body{segment.Name: value}, false)
}

// replaceParties makes the parties of an activity those of the list.
func (m *mutation) replaceParties(ctx context.Context, t *table, id string, value any) error {
	r := reading{mutation: m, table: t, creating: true, in: &input{values: record{}}}
	if err := r.child(t.parties.Navigation, t.children[t.parties.Navigation], value); err != nil {
		return err
	}
	if _, err := m.conn.exec(ctx, "DELETE FROM activityparty WHERE activityid = ?", id); err != nil {
		return err
	}
	if err := m.createChildren(ctx, t, id, r.in.children[0]); err != nil {
		return err
	}
	return m.change(ctx, t, id, record{})
}
