package dataverse

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/schema"
)

// ReplaceCollection makes the records of a collection that belongs to a record those of a list, in place of all that were in
// it. Dataverse does so for the parties of an activity (Web API, "Update and delete table rows", party lists). Like
// CreateRecord it is not repeated.
func (c *Client) ReplaceCollection(ctx context.Context, e *schema.Entity, id ID, navigation string, records []any) error {
	if records == nil {
		records = []any{} // null is no collection
	}
	q := call{op: "ReplaceCollection", entity: e.LogicalName, method: http.MethodPut, path: recordPath(e, id) + "/" + navigation}
	_, err := c.write(ctx, q, Fields{"value": records})
	return err
}
