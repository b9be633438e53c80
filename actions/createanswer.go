package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/botverse/botverse/dataverse"
)

// created is the answer of a record that was made now; row is what the answer told of it, nil for nothing. What is to be
// saved is read back only where neither it nor the request tells it.
func (c *creation) created(ctx context.Context, id dataverse.ID, row *dataverse.Record) (Result, error) {
	c.made = true
	if id != "" && id != c.id {
		c.warn(IDNotKept, "", "Dataverse gave the record another ID than the one sent: a repeat with the same request_id cannot find it")
		c.id = id
	}
	if c.values.later != nil {
		var err error
		if row, err = c.setState(ctx); err != nil {
			return Result{}, err
		}
	}
	if row == nil && c.needsRow() {
		row = c.readBack(ctx)
	}
	if row == nil {
		return c.answer(Created, c.record(), nil), nil
	}
	record := recordOf(c.client, c.entity, *row)
	return c.answer(Created, &record, row), nil
}

// readBack reads a record that was made now; nil, with a warning, where that cannot be.
func (c *creation) readBack(ctx context.Context) *dataverse.Record {
	if !c.blind {
		row, err := c.client.GetRecord(ctx, c.entity, c.id, c.selected())
		if err == nil {
			return &row
		}
	}
	c.warn(SaveNotReadable, "", "the record was created, but what to save of it could not be read: those variables have their defaults")
	return nil
}

// exists is the answer of a record that is there, of the ID that was sent: made by this call, whose answer was lost, or by
// an earlier one with the same request ID.
func (c *creation) exists(ctx context.Context, row dataverse.Record) (Result, error) {
	c.made = true
	outcome := AlreadyCreated
	if c.doubt {
		outcome = Created
	}
	if state, _ := row.Value(stateField); c.values.later != nil && state == json.Number("0") {
		now, err := c.setState(ctx)
		if err != nil {
			return Result{}, err
		}
		if now != nil {
			row = *now
		}
	}
	record := recordOf(c.client, c.entity, row)
	return c.answer(outcome, &record, &row), nil
}

// setState gives the record the state that it could not be created in. It is repeated where the answer is lost: it is the
// same however often it is done. The row is the record then, as far as it is to be saved and the answer tells it.
func (c *creation) setState(ctx context.Context) (*dataverse.Record, error) {
	row, err := c.sendState(ctx)
	if errors.Is(err, dataverse.ErrInDoubt) || errors.Is(err, dataverse.ErrForbidden) && c.asksState() {
		c.blind = c.blind || errors.Is(err, dataverse.ErrForbidden) // to read the record may be what is forbidden
		row, err = c.sendState(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the record %s was created, but its state could not be set; repeat the call with the same request_id: %w", c.id, err)
	}
	return row, nil
}

func (c *creation) sendState(ctx context.Context) (*dataverse.Record, error) {
	if c.asksState() {
		return c.client.UpdateAndGetRecord(ctx, c.entity, c.id, "", c.values.later, c.save.query())
	}
	return nil, c.client.UpdateRecord(ctx, c.entity, c.id, c.values.later)
}

// asksState reports whether the answer to setting the state is to tell the record.
func (c *creation) asksState() bool { return c.needsRow() && !c.blind }

// inDoubt is the answer where it could not be learned whether the record was made. Nothing is saved of a record that may
// not be; its ID is told, for the repeat.
func (c *creation) inDoubt() Result {
	result := c.answer(InDoubt, nil, nil)
	result.Record = c.record()
	return result
}

func (c *creation) answer(outcome Outcome, record *Record, row *dataverse.Record) Result {
	return Result{
		Outcome: outcome, Record: record, Omitted: c.values.omitted, Warnings: c.warnings,
		Variables: c.save.Fill(saved{Record: record, Row: row}),
	}
}

// record names the record as far as the request tells.
func (c *creation) record() *Record {
	name, _ := c.values.values[c.entity.PrimaryName].(string)
	return &Record{
		Entity: c.entity.LogicalName, ID: string(c.id), Name: name, URL: c.client.RecordURL(c.entity.LogicalName, c.id),
	}
}

func (c *creation) warn(code WarningCode, field, message string) {
	c.warnings = append(c.warnings, Warning{Code: code, Field: field, Message: message})
}
