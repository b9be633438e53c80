package dataverse

import (
	"context"
	"net/http"
	"strings"

	"github.com/botverse/botverse/dataverse/odata"
)

// MissingPrivileges are those of the named privileges that a user does not have, neither by a role of its own nor by one of a
// team; an environment that has no privilege of a name misses it too. Names are as "prvReadContact", in whatever case, some
// dozens at most. How far a privilege reaches is not looked at. ErrNotFound and ErrRefused say that the server does not tell.
func (c *Client) MissingPrivileges(ctx context.Context, user ID, names []string) ([]string, error) {
	ids, err := c.privilegeIDs(ctx, names)
	if err != nil {
		return nil, err
	}
	var held struct {
		RolePrivileges []struct{ PrivilegeId string }
	}
	q := call{
		op: "MissingPrivileges", entity: "systemuser", method: http.MethodGet, read: true,
		path: "systemusers(" + string(user) + ")/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()",
	}
	if err := c.get(ctx, q, &held); err != nil {
		return nil, err
	}
	has := make(map[string]bool, len(held.RolePrivileges))
	for _, p := range held.RolePrivileges {
		has[strings.ToLower(p.PrivilegeId)] = true
	}
	var missing []string
	for _, name := range names {
		if id := ids[strings.ToLower(name)]; id == "" || !has[id] {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// privilegeIDs are the record IDs of privileges, by name in lower case. The function above tells IDs in all versions, and
// names only in some.
func (c *Client) privilegeIDs(ctx context.Context, names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted := &odata.Logical{Op: odata.Or}
	for _, name := range names {
		wanted.Terms = append(wanted.Terms, &odata.Compare{Path: odata.Path{"name"}, Op: odata.Eq, Value: odata.String(name)})
	}
	page, err := c.ListRecords(ctx, platformEntity("privilege", "privileges"), &odata.Query{Select: []string{"name"}, Filter: wanted})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(page.Records))
	for _, record := range page.Records {
		ids[strings.ToLower(record.text("name"))] = strings.ToLower(string(record.ID()))
	}
	return ids, nil
}
