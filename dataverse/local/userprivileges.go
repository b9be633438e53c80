package local

import (
	"context"
	"strings"

	"github.com/botverse/botverse/dataverse/schema"
)

// retrieveUserPrivileges answers with all that a user may do. Nobody is held to privileges here, so these are all there are, for the
// whole organisation.
func (s *Server) retrieveUserPrivileges(ctx context.Context, c *call, t *table, k *key) (reply, error) {
	return s.userPrivileges(ctx, c, t, k, "RetrieveUserPrivileges", func(schema.Privilege) bool { return true })
}

// retrieveUserPrivilegeByName answers whether a user has one privilege: with it, or with an empty list.
func (s *Server) retrieveUserPrivilegeByName(ctx context.Context, c *call, t *table, k *key) (reply, error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	name := textOf(parameters["PrivilegeName"])
	return s.userPrivileges(ctx, c, t, k, "RetrieveUserPrivilegeByPrivilegeName", func(p schema.Privilege) bool { return strings.EqualFold(p.Name, name) })
}

// retrieveUserPrivilegeByID is the same by the ID that definitions have for a privilege.
func (s *Server) retrieveUserPrivilegeByID(ctx context.Context, c *call, t *table, k *key) (reply, error) {
	parameters, err := c.parameters()
	if err != nil {
		return reply{}, err
	}
	id := strings.ToLower(textOf(parameters["PrivilegeId"]))
	return s.userPrivileges(ctx, c, t, k, "RetrieveUserPrivilegeByPrivilegeId", func(p schema.Privilege) bool { return schema.PrivilegeID(encoding, p) == id })
}

// userPrivileges answers with those of a user's privileges that match.
func (s *Server) userPrivileges(ctx context.Context, c *call, t *table, k *key, function string, match func(schema.Privilege) bool) (reply, error) {
	var user record
	err := s.readFor(ctx, c, func(conn *conn) (err error) {
		_, user, err = s.recordOf(ctx, conn, t, *k)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	held, told := []any{}, map[string]bool{}
	for _, name := range s.schema.Names() {
		for _, p := range s.schema.Entity(name).Privileges {
			if user.truth("isdisabled") || told[p.Name] || !match(p) { // activities share theirs
				continue
			}
			told[p.Name] = true
			held = append(held, document{
				"Depth": "Global", "PrivilegeId": schema.PrivilegeID(encoding, p), "BusinessUnitId": user.text("businessunitid"), "PrivilegeName": p.Name,
			})
		}
	}
	return definition(c, crmNamespace+function+"Response", document{"RolePrivileges": held})
}
