package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// retrieveTotalRecordCount answers how many records entities have. Dataverse's numbers may be a day old; these are not.
func (s *Server) retrieveTotalRecordCount(ctx context.Context, c *call) (reply, error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	names, ok := parameters["EntityNames"].(odata.Array)
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "EntityNames must be an array of logical names.")
	}
	keys, counts := []any{}, []any{}
	err = s.readFor(ctx, c, func(conn *conn) error {
		for _, v := range names {
			t := s.tables[textOf(v)]
			if t == nil {
				missing := noSuchEntity(textOf(v))
				missing.status = http.StatusNotFound
				return missing
			}
			row, _, err := conn.row(ctx, "SELECT count(*) FROM "+quote(t.LogicalName))
			if err != nil {
				return err
			}
			keys, counts = append(keys, t.LogicalName), append(counts, row[0])
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return definition(c, "Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse", document{
		"EntityRecordCountCollection": document{"Count": len(keys), "IsReadOnly": false, "Keys": keys, "Values": counts},
	})
}
