package actions

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/internal/sleep"
)

const (
	// maxSends is how often a creation is sent whose answers get lost. Each carries the same ID: at most one takes.
	maxSends = 4
	// firstPause is how long to wait before the record is looked for once more; it doubles.
	firstPause = 50 * time.Millisecond
)

// create makes the record, unless the request's own match fields find one that exists.
func (c *creation) create(ctx context.Context) (Result, error) {
	if c.spec.ReportDuplicates {
		return c.createReporting(ctx)
	}
	if c.match == nil || c.doubt {
		return c.sendUntilKnown(ctx)
	}
	found, own, err := c.lookFor(ctx)
	switch {
	case err != nil:
		return Result{}, err
	case own >= 0:
		return c.exists(ctx, found.rows[own])
	case len(found.records) > 0:
		return c.meet(ctx, found)
	}
	return c.sendUntilKnown(ctx)
}

// sendUntilKnown sends the creation and judges what comes of it. After a lost answer, and after a refusal that says that the
// record may exist, the record is read by its ID before anything else.
func (c *creation) sendUntilKnown(ctx context.Context) (Result, error) {
	for pause := firstPause; ; pause *= 2 {
		id, row, err := c.send(ctx)
		c.sends++
		c.doubt = c.doubt || errors.Is(err, dataverse.ErrInDoubt)
		switch {
		case err == nil:
			return c.created(ctx, id, row)
		case errors.Is(err, dataverse.ErrForbidden) && c.returns():
			c.blind, c.doubt = true, true // it may be the reading alone that is forbidden, after the creation
			continue
		case errors.Is(err, dataverse.ErrForbidden) && c.blind:
			return Result{}, err // the creation is forbidden too
		case mayExist(err) && !c.doubt && c.spec.RequestID == "" && c.givenID == "": // the ID is new: nothing can have it
			return c.duplicate(ctx, err)
		case mayExist(err):
			return c.judge(ctx, err)
		case !c.doubt:
			return Result{}, lookupGone(err, c.entity, c.values.values, c.values.path)
		}
		there, found, readErr := c.own(ctx)
		switch {
		case found:
			return c.exists(ctx, there)
		case readErr != nil || c.sends == maxSends || !sleep.For(ctx, pause):
			return c.inDoubt(), nil
		}
	}
}

// judge judges a refusal that says that the record may exist: it does, or another one that is like it.
func (c *creation) judge(ctx context.Context, refusal error) (Result, error) {
	row, found, err := c.own(ctx)
	switch {
	case found:
		return c.exists(ctx, row)
	case c.blind && codeOf(refusal) == code.DuplicateRecord && c.spec.RequestID == "" && c.givenID == "": // the ID was new: the record is ours
		return c.created(ctx, c.id, nil)
	case err != nil && c.doubt:
		return c.inDoubt(), nil
	case err != nil && !errors.Is(err, dataverse.ErrForbidden): // who may not read creates nothing twice all the same
		return Result{}, err
	}
	return c.duplicate(ctx, refusal)
}

// mayExist reports whether Dataverse refused a record because of one that exists. The code tells, never the status:
// duplicates come as 412 and as 500 (Web API, "Detect duplicate data").
func mayExist(err error) bool {
	switch codeOf(err) {
	case code.DuplicateRecordsFound, code.DuplicateRecord, code.DuplicateRecordEntityKey:
		return true
	}
	return false
}

// codeOf is Dataverse's code of an error, 0 where it has none.
func codeOf(err error) code.Code {
	var refusal *dataverse.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return 0
}

// own reads the record of the ID that was sent. found is false where Dataverse says that there is none; err tells that
// it could not be learned before the time ran out.
func (c *creation) own(ctx context.Context) (row dataverse.Record, found bool, err error) {
	for pause := firstPause; ; pause *= 2 {
		row, err = c.client.GetRecord(ctx, c.entity, c.id, c.selected())
		switch {
		case err == nil:
			return row, true, nil
		case errors.Is(err, dataverse.ErrNotFound):
			return row, false, nil
		case !errors.Is(err, dataverse.ErrUnavailable) || !sleep.For(ctx, pause):
			return row, false, err
		}
	}
}

// send creates the record, once. Where something is to be saved that only Dataverse knows, the answer tells it.
func (c *creation) send(ctx context.Context) (dataverse.ID, *dataverse.Record, error) {
	opt := dataverse.CreateOptions{DetectDuplicates: c.detects()}
	if c.returns() {
		return c.client.CreateAndGetRecord(ctx, c.entity, c.fields, opt, c.save.query())
	}
	id, err := c.client.CreateRecord(ctx, c.entity, c.fields, opt)
	return id, nil, err
}

// returns reports whether the answer to the creation is to tell the record. Where its state is set afterwards, the answer to
// that does.
func (c *creation) returns() bool { return c.needsRow() && c.values.later == nil && !c.blind }

// needsRow reports whether something is to be saved that the request does not tell: a field, or as a reference's name one
// that Dataverse makes of others, as a contact's. Dataverse reads the record once more for that, so that nothing is asked
// where nothing is saved.
func (c *creation) needsRow() bool {
	_, told := c.values.values[c.entity.PrimaryName].(string)
	return c.save.NeedsRow() || !told && c.entity.PrimaryName != "" && c.save.NeedsName()
}

// selected is the query that reads what is to be saved, and the record's name.
func (c *creation) selected() *odata.Query {
	properties := c.save.Select()
	if c.values.later != nil && !slices.Contains(properties, stateField) {
		properties = append(slices.Clone(properties), stateField)
	}
	return &odata.Query{Select: properties, Expand: c.save.Expand()}
}
