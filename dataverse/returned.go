package dataverse

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// CreateAndGetRecord is CreateRecord and GetRecord in one request: what q selects of the new record, with what Dataverse has
// computed, comes with the answer. A nil Record with an ID is a record that was made and of which the answer tells nothing
// more: a preference may go unheard (Web API, "Prefer headers"). ErrForbidden may come of the reading alone: the record may
// have been made then.
func (c *Client) CreateAndGetRecord(ctx context.Context, e *schema.Entity, fields Fields, opt CreateOptions, q *odata.Query) (ID, *Record, error) {
	create := createCall("CreateAndGetRecord", e, opt)
	create.returning(q)
	a, err := c.write(ctx, create, fields)
	if err != nil {
		return "", nil, err
	}
	if r := a.record(create, e); r != nil {
		return r.ID(), r, nil // OData-EntityId need not come with a body (Web API, "Create with data returned")
	}
	id, err := createdID(create, a)
	return id, nil, err
}

// UpdateAndGetRecord is UpdateRecordIf and GetRecord in one request, but that nothing can be expanded. A nil Record is one
// that was changed and of which the answer tells nothing.
func (c *Client) UpdateAndGetRecord(ctx context.Context, e *schema.Entity, id ID, version string, fields Fields, q *odata.Query) (*Record, error) {
	update := updateCall("UpdateAndGetRecord", e, id, version)
	update.returning(q)
	a, err := c.write(ctx, update, fields)
	if err != nil {
		return nil, err
	}
	return a.record(update, e), nil
}

// returning has the answer to a write tell what the record then is.
func (q *call) returning(query *odata.Query) {
	q.representation, q.annotations, q.query = true, true, query.Encode()
}

// record is the record that an answer tells; nil where it tells none, or where a part of it was lost on the way.
func (a answer) record(q call, e *schema.Entity) *Record {
	if a.status == http.StatusNoContent || len(a.body) == 0 {
		return nil
	}
	var members map[string]any
	if a.decode(q, &members) != nil {
		return nil
	}
	r := NewRecord(e, members)
	if _, err := ParseID(string(r.ID())); err != nil {
		return nil
	}
	return &r
}
