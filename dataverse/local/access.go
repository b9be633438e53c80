package local

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// objectOf reads the parameter of a function that is an object, in JSON or in the form with single quotes of Microsoft's samples.
func objectOf(name string, v odata.Value) (body, error) {
	text, ok := v.(odata.JSON)
	if !ok {
		return nil, refuse(code.InvalidArgument, "%s must be an object.", name)
	}
	var b body
	d := json.NewDecoder(strings.NewReader(doubleQuoted(string(text))))
	d.UseNumber()
	if err := d.Decode(&b); err != nil {
		return nil, refuse(code.InvalidArgument, "%s is not valid JSON.", name)
	}
	return b, nil
}

// targetParameter reads the parameter Target of a function, which names a record that is there.
func (s *Server) targetParameter(ctx context.Context, c *call, conn *conn) (*table, string, error) {
	parameters, err := c.parameters()
	if err != nil {
		return nil, "", err
	}
	target, err := objectOf("Target", parameters["Target"])
	if err != nil {
		return nil, "", err
	}
	return (&mutation{s: s, conn: conn}).referenceOf(ctx, target)
}

// recordOf is the record that a key names, which is to be there.
func (s *Server) recordOf(ctx context.Context, conn *conn, t *table, k key) (string, record, error) {
	id, found, err := s.resolve(ctx, conn, t, k)
	if err != nil {
		return "", nil, err
	}
	r, err := s.load(ctx, conn, t, id)
	if err == nil && (!found || r == nil) {
		err = k.missing(t)
	}
	return id, r, err
}

// retrievePrincipalAccess answers what a principal may do with a record.
func (s *Server) retrievePrincipalAccess(ctx context.Context, c *call, t *table, k *key) (answer reply, err error) {
	err = s.readFor(ctx, c, func(conn *conn) error {
		id, principal, err := s.recordOf(ctx, conn, t, *k)
		if err != nil {
			return err
		}
		of, target, err := s.targetParameter(ctx, c, conn)
		if err != nil {
			return err
		}
		_, given, err := s.shared(ctx, conn, sharing{of: of, record: target, principal: t, principalID: id})
		if err != nil {
			return err
		}
		if t.LogicalName == "systemuser" {
			given = rightsOfUser(principal, of)
		}
		answer = functionResponse(c, "RetrievePrincipalAccess", "AccessRights", given.String())
		return nil
	})
	return answer, err
}

// rightsOfUser are a user's to any record of an entity: nobody is held to privileges here, but who is disabled does nothing.
func rightsOfUser(user record, of *table) accessRights {
	if user.truth("isdisabled") {
		return 0
	}
	return rightsTo(of.Entity)
}

// retrieveSharedPrincipals answers RetrieveSharedPrincipalsAndAccess: whom a record is shared with.
func (s *Server) retrieveSharedPrincipals(ctx context.Context, c *call) (reply, error) {
	all := []any{}
	err := s.readFor(ctx, c, func(conn *conn) error {
		_, target, err := s.targetParameter(ctx, c, conn)
		if err != nil {
			return err
		}
		return conn.query(ctx, "SELECT principaltypecode, principalid, accessrightsmask FROM principalobjectaccess WHERE objectid = ? ORDER BY principalobjectaccessid", []any{target}, func(row []any) error {
			r := record{"type": row[0], "id": row[1], "mask": row[2]}
			all = append(all, document{
				"AccessMask": accessRights(r.number("mask")).String(),
				"Principal":  document{"@odata.type": "#" + crmNamespace + r.text("type"), principalKey: r.text("id")},
			})
			return nil
		})
	})
	if err != nil {
		return reply{}, err
	}
	return definition(c, crmNamespace+"RetrieveSharedPrincipalsAndAccessResponse", document{"PrincipalAccesses": all})
}
