package actions

import (
	"context"
	"errors"

	"github.com/botverse/botverse/dataverse"
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
		options: []any{s.OnDuplicate, s.MatchOn, s.IgnoreRules, s.UseFirst, s.OnUnset, s.CutLongText, s.TimeZone},
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
	outcome := repeatedOutcome(first.Outcome)
	row, found, err := c.own(ctx)
	switch {
	case found:
		record := recordOf(c.client, c.entity, row)
		return c.answer(outcome, &record, &row), nil
	case err == nil:
		c.warn(RecordDeleted, "", "the record that an earlier call with the same request_id answered with has been deleted since")
	case errors.Is(err, dataverse.ErrForbidden):
		c.warn(SaveNotReadable, "", "the record may not be read: what was to be saved of it has its default")
	default:
		return Result{}, err
	}
	return c.answer(outcome, c.record(), nil), nil
}
