package actions

import (
	"context"
	"errors"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// once carries a creation out that may be a repeat: what the ledger has of the first call decides, and without an entry the
// record of the ID that follows from the request ID.
func (c *creation) once(ctx context.Context, r *Runtime) (Result, error) {
	var err error
	if c.claim, err = r.claim(ctx, c.client, c.organization, c.entity, c.spec.request()); err != nil {
		return Result{}, err
	}
	if settled := c.claim.settled(); settled != nil {
		return c.repeated(ctx, *settled)
	}
	result, err := c.resume(ctx)
	c.claim.end(ctx, result, err, c.made || c.doubt)
	result.Warnings = append(result.Warnings, c.claim.warnings()...)
	return result, err
}

// request is what makes the call recognizable.
func (s CreateRecord) request() request {
	return request{
		action: "CreateRecord", namespace: s.Namespace, id: s.RequestID, variables: s.Variables, fields: s.Fields,
		options: []any{s.OnDuplicate, s.MatchOn, s.IgnoreRules, s.UseFirst, s.OnUnset, s.CutLongText, s.TimeZone, s.Culture, s.AsOf},
	}
}

// resume goes on where an earlier call may have ended between its write and the note of its outcome.
func (c *creation) resume(ctx context.Context) (Result, error) {
	if c.claim.earlier != nil {
		if row, found, _ := c.own(ctx); found { // what cannot be read, Dataverse refuses to make twice
			return c.exists(ctx, row)
		}
	}
	return c.create(ctx)
}

// repeated is the answer of a repeat: the first call's, with the record as it is now. A record that was deleted meanwhile
// is not made again.
func (c *creation) repeated(ctx context.Context, first LedgerEntry) (Result, error) {
	c.id = dataverse.ID(first.RecordID)
	row, warning, err := reread(ctx, c.client, c.entity, c.id, c.selected())
	if err != nil {
		return Result{}, err
	}
	if warning != nil {
		c.warnings = append(c.warnings, *warning)
		return c.answer(repeatedOutcome(first.Outcome), c.record(), nil), nil
	}
	record := recordOf(c.client, c.entity, *row)
	return c.answer(repeatedOutcome(first.Outcome), &record, row), nil
}

// reread reads the record that an earlier call with the same request ID answered with. Where there is none any more, or none
// that may be read, there is a warning in place of the row.
func reread(ctx context.Context, client *dataverse.Client, e *schema.Entity, id dataverse.ID, q *odata.Query) (*dataverse.Record, *Warning, error) {
	row, err := client.GetRecord(ctx, e, id, &odata.Query{Select: q.Select, Expand: q.Expand})
	switch {
	case err == nil:
		return &row, nil, nil
	case errors.Is(err, dataverse.ErrNotFound):
		return nil, &Warning{Code: RecordDeleted, Message: "the record that an earlier call with the same request_id answered with has been deleted since"}, nil
	case errors.Is(err, dataverse.ErrForbidden):
		return nil, &Warning{Code: SaveNotReadable, Message: "the record may not be read: what was to be saved of it has its default"}, nil
	}
	return nil, nil, err
}
