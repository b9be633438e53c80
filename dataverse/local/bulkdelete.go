package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local/query"
)

// bulkDelete answers BulkDelete: it deletes the records of queries. Dataverse does it by a system job, which goes on where a record
// cannot be deleted; here the job has ended when the answer comes.
func (s *Server) bulkDelete(ctx context.Context, c *call) (answer reply, err error) {
	var asked bulkDeletion
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	if err := d.Decode(&asked); err != nil {
		return reply{}, badPayload(s.tables["asyncoperation"], "The parameters of BulkDelete cannot be read.")
	}
	if err := asked.check(); err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		done := bulkResult{}
		for _, q := range asked.QuerySet {
			if err := m.deleteAll(ctx, s.options(c), q, &done); err != nil {
				return err
			}
		}
		job, err := m.recordJob(ctx, asked.JobName, operationBulkDelete, done.message())
		answer = functionResponse(c, "BulkDelete", "JobId", job)
		return err
	})
	return answer, err
}

// bulkDeletion is what BulkDelete is asked for.
type bulkDeletion struct {
	JobName           string
	QuerySet          []queryExpression
	RecurrencePattern string
	StartDateTime     time.Time
}

// check refuses what is to be done later: there is nothing here that would begin it.
func (b bulkDeletion) check() error {
	switch {
	case len(b.QuerySet) == 0:
		return refuse(code.InvalidArgument, "QuerySet must have a query.")
	case b.RecurrencePattern != "", time.Until(b.StartDateTime) > time.Minute:
		return refuse(code.NotSupported, "Deleting later, or again and again, is not supported.")
	}
	return nil
}

// bulkResult counts what became of the records of a bulk deletion.
type bulkResult struct {
	failed int
	first  string // why the first of them
}

// message is what the job says; "" where all went well.
func (r bulkResult) message() string {
	if r.failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d records could not be deleted, the first because: %s", r.failed, r.first)
}

// deleteAll deletes the records of a query, each by itself.
func (m *mutation) deleteAll(ctx context.Context, opts query.Options, q queryExpression, done *bulkResult) error {
	t := m.s.tables[q.EntityName]
	if t == nil {
		return noSuchEntity(q.EntityName)
	}
	ids, err := m.idsOf(ctx, opts, q, t)
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := m.attempt(ctx, func() error {
			before, err := m.load(ctx, t, id)
			if err != nil || before == nil { // it went with another one
				return err
			}
			return m.remove(ctx, t, before)
		})
		var refused *fault
		switch {
		case errors.As(err, &refused):
			done.first = cmp.Or(done.first, refused.message)
			done.failed++
		case err != nil:
			return err
		}
	}
	return nil
}

// idsOf are the IDs of all records of a query.
func (m *mutation) idsOf(ctx context.Context, opts query.Options, q queryExpression, t *table) (ids []string, err error) {
	document, err := q.fetch(t)
	if err != nil {
		return nil, err
	}
	f, err := m.s.parseFetch(document, t)
	if err != nil {
		return nil, err
	}
	for number := 1; ; number++ {
		f.Page = &number
		compiled, err := query.FromFetchXML(m.s.schema, f, opts)
		if err != nil {
			return nil, err
		}
		page, err := m.conn.page(ctx, compiled)
		if err != nil {
			return nil, err
		}
		key := shapeOf(compiled.Columns).key
		for _, row := range page.Rows {
			if id, ok := row[key].(string); ok {
				ids = append(ids, id)
			}
		}
		if !page.More {
			return ids, nil
		}
	}
}

// attempt does something that may fail by itself: then nothing of it stays, and the rest of the transaction does.
func (m *mutation) attempt(ctx context.Context, f func() error) error {
	if _, err := m.conn.exec(ctx, "SAVEPOINT attempt"); err != nil {
		return err
	}
	events := len(m.events)
	failed := f()
	if failed != nil {
		m.events = m.events[:events]
		if _, err := m.conn.exec(ctx, "ROLLBACK TO attempt"); err != nil {
			return errors.Join(failed, err)
		}
	}
	_, err := m.conn.exec(ctx, "RELEASE attempt")
	return errors.Join(failed, err)
}
