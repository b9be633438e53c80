package dataverse

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// CreateOptions say how a record is created.
type CreateOptions struct {
	// DetectDuplicates has Dataverse's published rules checked: a duplicate is then refused with code.DuplicateRecordsFound.
	DetectDuplicates bool
}

// CreateRecord creates a record and returns its ID. It is never repeated after it may have been sent: where its answer was
// lost the error is ErrInDoubt. ErrNotFound means that a record to be bound does not exist.
func (c *Client) CreateRecord(ctx context.Context, e *schema.Entity, fields Fields, opt CreateOptions) (ID, error) {
	q := createCall("CreateRecord", e, opt)
	a, err := c.write(ctx, q, fields)
	if err != nil {
		return "", err
	}
	return createdID(q, a)
}

// UpdateRecord changes fields of a record that exists; one that does not is ErrNotFound. Like CreateRecord it is not repeated.
func (c *Client) UpdateRecord(ctx context.Context, e *schema.Entity, id ID, fields Fields) error {
	return c.UpdateRecordIf(ctx, e, id, anyVersion, fields)
}

// UpdateRecordIf changes fields of a record that still has the version that Record.ETag told. One that was changed since is
// refused with code.ConcurrencyVersionMismatch, and one that does not exist is ErrNotFound. "" stands for any version. Like
// CreateRecord it is not repeated.
func (c *Client) UpdateRecordIf(ctx context.Context, e *schema.Entity, id ID, version string, fields Fields) error {
	_, err := c.write(ctx, updateCall("UpdateRecord", e, id, version), fields)
	return err
}

func createCall(op string, e *schema.Entity, opt CreateOptions) call {
	q := call{op: op, entity: e.LogicalName, method: http.MethodPost, path: e.EntitySetName}
	q.detectDuplicates = &opt.DetectDuplicates
	return q
}

func updateCall(op string, e *schema.Entity, id ID, version string) call {
	if version == "" {
		version = anyVersion // never none: a PATCH without If-Match creates what is not there
	}
	q := call{op: op, entity: e.LogicalName, method: http.MethodPatch, path: recordPath(e, id)}
	q.ifMatch = version
	return q
}

// anyVersion matches every record that exists (Web API, "Perform conditional operations").
const anyVersion = "*"

// DeleteRecord deletes a record; one that does not exist is ErrNotFound. Like CreateRecord it is not repeated.
func (c *Client) DeleteRecord(ctx context.Context, e *schema.Entity, id ID) error {
	_, err := c.do(ctx, call{op: "DeleteRecord", entity: e.LogicalName, method: http.MethodDelete, path: recordPath(e, id)})
	return err
}

// GetRecord reads the record of that ID: what q selects and expands, everything where q is nil. It is ErrNotFound where there is
// none.
func (c *Client) GetRecord(ctx context.Context, e *schema.Entity, id ID, q *odata.Query) (Record, error) {
	read := readCall("GetRecord", e, q)
	read.path = recordPath(e, id)
	var members map[string]any
	if err := c.get(ctx, read, &members); err != nil {
		return Record{}, err
	}
	if members == nil {
		return Record{}, notTheWebAPI(read, "the answer is no record")
	}
	return NewRecord(e, members), nil
}

// ListRecords reads the first page of the records that match q. A list of nothing is no error.
func (c *Client) ListRecords(ctx context.Context, e *schema.Entity, q *odata.Query) (Page, error) {
	return c.page(ctx, e, readCall("ListRecords", e, q))
}

// ListPages is ListRecords with pages of at most size records, up to 5,000 (Web API, "Page results"). NextPage keeps to it.
func (c *Client) ListPages(ctx context.Context, e *schema.Entity, q *odata.Query, size int) (Page, error) {
	read := readCall("ListRecords", e, q)
	read.pageSize = size
	return c.page(ctx, e, read)
}

// FetchRecords reads the first page of what a FetchXML document finds; e must be its root entity. The rows of an aggregate
// query are records without an ID.
func (c *Client) FetchRecords(ctx context.Context, e *schema.Entity, fetchXML string) (Page, error) {
	return c.page(ctx, e, readCall("FetchRecords", e, &odata.Query{FetchXML: fetchXML}))
}

// NextPage reads the page behind one that ListRecords or NextPage returned. Behind the last page it is empty.
func (c *Client) NextPage(ctx context.Context, e *schema.Entity, page Page) (Page, error) {
	if page.NextLink == "" {
		return Page{Count: -1}, nil
	}
	q := readCall("NextPage", e, nil)
	q.pageSize = page.Size
	link, ok := strings.CutPrefix(page.NextLink, c.root)
	if !ok {
		// Dataverse may name itself differently than we do, but the token is only for the address we know.
		u, err := url.Parse(page.NextLink)
		if err != nil || !strings.HasPrefix(u.EscapedPath(), c.api.EscapedPath()+"/") {
			return Page{}, notTheWebAPI(q, "the link to the next page leads elsewhere")
		}
		link = strings.TrimPrefix(u.EscapedPath(), c.api.EscapedPath()+"/") + "?" + u.RawQuery
	}
	q.path, q.query, _ = strings.Cut(link, "?") // to be followed as it is (Web API, "Page results")
	q.expands = strings.Contains(q.query, "$expand=")
	return c.page(ctx, e, q)
}

func (c *Client) write(ctx context.Context, q call, fields Fields) (answer, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return answer{}, &Error{Op: q.op, Entity: q.entity, Message: "the fields cannot be written as JSON", Err: ErrRefused}
	}
	q.body = body
	return c.do(ctx, q)
}

func recordPath(e *schema.Entity, id ID) string { return odata.RecordPath(e.EntitySetName, string(id)) }

// createdID is the ID in OData-EntityId: a create is answered without a body (Web API, "Create a table row").
func createdID(q call, a answer) (ID, error) {
	for _, name := range [...]string{"OData-EntityId", "Location"} {
		address := a.header.Get(name)
		open, closing := strings.LastIndexByte(address, '('), strings.LastIndexByte(address, ')')
		if open < 0 || closing < open {
			continue
		}
		if id, err := ParseID(address[open+1 : closing]); err == nil {
			return id, nil
		}
	}
	return "", &Error{Op: q.op, Entity: q.entity, Status: a.status, Message: "the answer names no record", Err: ErrInDoubt}
}
