package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Page is one page of records.
type Page struct {
	Records  []Record
	More     bool   // whether Dataverse has more than these
	NextLink string // where the next page is, for NextPage; "" where there is none, and in FetchXML
	Count    int    // how many records match, at most 5,000; -1 where the query did not ask
	Size     int    // how many records a page has at most, as was asked for; 0 is Dataverse's own 5,000
}

// collection is a page on the wire.
type collection struct {
	Value       *[]map[string]any `json:"value"`
	NextLink    string            `json:"@odata.nextLink"`
	Count       *int              `json:"@odata.count"`
	MoreRecords any               `json:"@Microsoft.Dynamics.CRM.morerecords"` // a bool; a text was seen too
}

// readCall is a read of records, with formatted values and the entities of lookups.
func readCall(op string, e *schema.Entity, query *odata.Query) call {
	q := call{op: op, entity: e.LogicalName, method: http.MethodGet, path: e.EntitySetName, read: true}
	q.annotations = true
	if query != nil {
		q.query, q.expands = query.Encode(), len(query.Expand) > 0
	}
	return q
}

// page reads records of an entity.
func (c *Client) page(ctx context.Context, e *schema.Entity, q call) (Page, error) {
	var answered collection
	if err := c.get(ctx, q, &answered); err != nil {
		return Page{}, err
	}
	if answered.Value == nil { // something else than a list must not look like an empty one
		return Page{}, notTheWebAPI(q, "the answer is no list of records")
	}
	p := Page{NextLink: answered.NextLink, Count: -1, Size: q.pageSize, Records: make([]Record, len(*answered.Value))}
	p.More = p.NextLink != "" || answered.MoreRecords == true || answered.MoreRecords == "true"
	if answered.Count != nil {
		p.Count = *answered.Count
	}
	for i, members := range *answered.Value {
		p.Records[i] = NewRecord(e, members)
	}
	return p, nil
}

// get does a read and decodes its answer.
func (c *Client) get(ctx context.Context, q call, into any) error {
	a, err := c.do(ctx, q)
	if err != nil {
		return err
	}
	return a.decode(q, into)
}

// decode reads JSON, numbers with all their digits.
func (a answer) decode(q call, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return notTheWebAPI(q, "the answer cannot be read as JSON")
	}
	return nil
}
