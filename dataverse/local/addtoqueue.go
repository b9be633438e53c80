package local

import (
	"context"

	"github.com/botverse/botverse/dataverse/code"
)

// addToQueue puts a record into a queue: its queue item is made, or moved (Web API, AddToQueue).
func (s *Server) addToQueue(ctx context.Context, c *call, t *table, k *key) (answer reply, err error) {
	b, err := readBody(t, c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		id, queue, err := m.lookUp(ctx, t, *k)
		if err != nil {
			return err
		}
		if queue == nil {
			return k.missing(t)
		}
		item, err := m.enqueue(ctx, id, b["Target"])
		answer = functionResponse(c, "AddToQueue", "QueueItemId", item)
		return err
	})
	return answer, err
}

// enqueue returns the ID of the queue item that the target has now.
func (m *mutation) enqueue(ctx context.Context, queue string, target any) (string, error) {
	items := m.s.tables["queueitem"]
	t, id, err := m.referenceOf(ctx, target)
	if err != nil {
		return "", err
	}
	object := items.Field("objectid")
	if object.Navigation[t.LogicalName] == "" {
		return "", refuse(code.InvalidArgument, "A record of '%s' cannot be put into a queue.", t.LogicalName)
	}
	row, found, err := m.conn.row(ctx, "SELECT queueitemid FROM queueitem WHERE objectid = ? AND coalesce(statecode, 0) = 0", id)
	if err != nil {
		return "", err
	}
	if found {
		item, _ := row[0].(string)
		return item, m.change(ctx, items, item, record{"queueid": queue})
	}
	before, err := m.load(ctx, t, id)
	if err != nil {
		return "", err
	}
	values := record{"queueid": queue, "title": before[t.PrimaryName]}
	values.set(object, t.LogicalName, id)
	return m.createParsed(ctx, items, &input{values: values}, false)
}
