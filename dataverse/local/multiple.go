package local

import (
	"context"
	"net/http"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
)

// maxMultiple is how many records one of the bulk actions takes.
const maxMultiple = 1000

// targets reads the records of a bulk action's body ("Use bulk operation messages").
func (c *call) targets(t *table) ([]body, error) {
	b, err := readBody(t, c.body)
	if err != nil {
		return nil, err
	}
	list, ok := b["Targets"].([]any)
	switch {
	case !ok || len(list) == 0:
		return nil, refuse(code.InvalidArgument, "Targets must be an array of records.")
	case len(list) > maxMultiple:
		return nil, refuse(code.InvalidArgument, "Targets has %d records, more than the %d that are allowed.", len(list), maxMultiple)
	}
	targets := make([]body, len(list))
	for i, item := range list {
		if targets[i], ok = item.(map[string]any); !ok {
			return nil, refuse(code.InvalidArgument, "Targets must be an array of records.")
		}
		if kind := strings.TrimPrefix(stringOf(targets[i]["@odata.type"]), "#"); kind != crmNamespace+t.LogicalName {
			return nil, refuse(code.InvalidArgument, "Each of the Targets needs the @odata.type %s%s.", crmNamespace, t.LogicalName)
		}
	}
	return targets, nil
}

// createMultiple makes records, all or none, and answers with their IDs.
func (s *Server) createMultiple(ctx context.Context, c *call, t *table, _ *key) (reply, error) {
	if err := notCreatable(t); err != nil {
		return reply{}, err
	}
	targets, err := c.targets(t)
	if err != nil {
		return reply{}, err
	}
	b := appendString(appendMember([]byte{'{'}, "@odata.context"), c.base+"$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse")
	b = append(appendMember(b, "Ids"), '[')
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		for i, target := range targets {
			id, err := m.create(ctx, t, target, c.detectsDuplicates())
			if err != nil {
				return err
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, id)
		}
		return nil
	})
	answer := newReply(http.StatusOK)
	answer.json(append(b, "]}"...))
	return answer, err
}

// updateMultiple changes records, all or none.
func (s *Server) updateMultiple(ctx context.Context, c *call, t *table, _ *key) (reply, error) {
	return s.eachTarget(ctx, c, t, func(m *mutation, k key, target body) error {
		_, before, err := m.lookUp(ctx, t, k)
		if err != nil {
			return err
		}
		if before == nil {
			return k.missing(t)
		}
		k.strip(target)
		return m.update(ctx, t, before, target, c.detectsDuplicates())
	})
}

// deleteMultiple refuses DeleteMultiple, which only elastic tables have ("Use bulk operation messages", DeleteMultiple availability).
func deleteMultiple(context.Context, *call, *table, *key) (reply, error) {
	return reply{}, refuse(code.NotSupported, "DeleteMultiple has not yet been implemented.")
}

// upsertMultiple changes the records that are there and makes the others, all or none.
func (s *Server) upsertMultiple(ctx context.Context, c *call, t *table, _ *key) (reply, error) {
	return s.eachTarget(ctx, c, t, func(m *mutation, k key, target body) error {
		_, before, err := m.lookUp(ctx, t, k)
		if err != nil {
			return err
		}
		if before != nil {
			k.strip(target)
			return m.update(ctx, t, before, target, c.detectsDuplicates())
		}
		in, err := m.parseNew(ctx, t, k, target)
		if err != nil {
			return err
		}
		_, err = m.createParsed(ctx, t, in, c.detectsDuplicates())
		return err
	})
}

// eachTarget calls do with each of the records and the key that it is named by, in one transaction.
func (s *Server) eachTarget(ctx context.Context, c *call, t *table, do func(*mutation, key, body) error) (reply, error) {
	targets, err := c.targets(t)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		for _, target := range targets {
			k, err := m.keyOf(t, target)
			if err != nil {
				return err
			}
			if err := do(m, k, target); err != nil {
				return err
			}
		}
		return nil
	})
	return newReply(http.StatusNoContent), err
}
