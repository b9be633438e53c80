package dataverse

import (
	"context"
	"errors"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// CreateOptions say how a record is created.
type CreateOptions struct {
	// DetectDuplicates has Dataverse's published rules checked: a duplicate is then refused with code.DuplicateRecordsFound.
	DetectDuplicates bool
}

// Page is one page of records.
type Page struct {
	Records  []Record
	More     bool   // whether Dataverse has more than these
	NextLink string // where the next page is, for NextPage; "" where there is none, and in FetchXML
	Count    int    // how many records match, at most 5,000; -1 where the query did not ask
}

var errUnimplemented = errors.New("unimplemented")

// CreateRecord creates a record and returns its ID. It is never repeated by itself after it may have been sent: where its
// answer was lost the error is ErrInDoubt.
func (c *Client) CreateRecord(ctx context.Context, e *schema.Entity, fields Fields, opt CreateOptions) (ID, error) {
	return "", errUnimplemented
}

// UpdateRecord changes fields of a record that exists; one that does not is ErrNotFound.
func (c *Client) UpdateRecord(ctx context.Context, e *schema.Entity, id ID, fields Fields) error {
	return errUnimplemented
}

// DeleteRecord deletes a record; one that does not exist is ErrNotFound.
func (c *Client) DeleteRecord(ctx context.Context, e *schema.Entity, id ID) error {
	return errUnimplemented
}

// GetRecord reads the record of that ID: what q selects and expands, everything where q is nil. It is ErrNotFound where there is
// none.
func (c *Client) GetRecord(ctx context.Context, e *schema.Entity, id ID, q *odata.Query) (Record, error) {
	return Record{}, errUnimplemented
}

// ListRecords reads the first page of the records that match q. A list of nothing is no error.
func (c *Client) ListRecords(ctx context.Context, e *schema.Entity, q *odata.Query) (Page, error) {
	return Page{}, errUnimplemented
}

// NextPage reads the page behind one that ListRecords or NextPage returned. Where that was the last the page is empty.
func (c *Client) NextPage(ctx context.Context, e *schema.Entity, page Page) (Page, error) {
	return Page{}, errUnimplemented
}

// FetchRecords reads the first page of what a FetchXML document finds; e must be its root entity. The rows of an aggregate
// query are records without an ID.
func (c *Client) FetchRecords(ctx context.Context, e *schema.Entity, fetchXML string) (Page, error) {
	return Page{}, errUnimplemented
}
