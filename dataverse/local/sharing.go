package local

import (
	"context"
	"net/http"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/schema"
)

// sharing is what one record is shared with, and with whom.
type sharing struct {
	of          *table // the record's
	record      string
	principal   *table
	principalID string
}

// grantAccess answers GrantAccess: a principal gets rights beside those that the record was shared with him for.
func (s *Server) grantAccess(ctx context.Context, c *call) (reply, error) {
	return s.shareBy(ctx, c, "GrantAccess", func(before, given accessRights) accessRights { return before | given })
}

// modifyAccess answers ModifyAccess: a principal gets the rights in place of those that he was given.
func (s *Server) modifyAccess(ctx context.Context, c *call) (reply, error) {
	return s.shareBy(ctx, c, "ModifyAccess", func(_, given accessRights) accessRights { return given })
}

// shareBy shares a record; after says what rights a principal has who had some before and is given others.
func (s *Server) shareBy(ctx context.Context, c *call, action string, after func(before, given accessRights) accessRights) (reply, error) {
	b, err := readBody(s.tables[shares], c.body)
	if err != nil {
		return reply{}, err
	}
	with, ok := b["PrincipalAccess"].(map[string]any)
	if !ok {
		return reply{}, refuse(code.InvalidArgument, "%s needs PrincipalAccess, an object with a Principal and an AccessMask.", action)
	}
	given, err := readAccessRights(with["AccessMask"])
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		what, err := m.readSharing(ctx, action, b["Target"], with["Principal"])
		if err != nil {
			return err
		}
		id, before, err := m.s.shared(ctx, m.conn, what)
		if err != nil {
			return err
		}
		return m.share(ctx, what, id, after(before, given))
	})
	return newReply(http.StatusNoContent), err
}

// revokeAccess answers RevokeAccess: the record is no longer shared with a principal.
func (s *Server) revokeAccess(ctx context.Context, c *call) (reply, error) {
	b, err := readBody(s.tables[shares], c.body)
	if err != nil {
		return reply{}, err
	}
	err = s.mutateFor(ctx, c, func(m *mutation) error {
		what, err := m.readSharing(ctx, "RevokeAccess", b["Target"], b["Revokee"])
		if err != nil {
			return err
		}
		id, _, err := m.s.shared(ctx, m.conn, what)
		if err != nil {
			return err
		}
		return m.share(ctx, what, id, 0)
	})
	return newReply(http.StatusNoContent), err
}

// readSharing reads whom an action is to share what with. Only what users and teams own is shared ("Sharing and assigning").
func (m *mutation) readSharing(ctx context.Context, action string, target, principal any) (what sharing, err error) {
	if what.of, what.record, err = m.referenceOf(ctx, target); err != nil {
		return what, err
	}
	if rightsTo(what.of.Entity)&shareAccess == 0 {
		return what, refuse(code.NotSupported, "The '%s' method does not support entities of type '%s'.", action, what.of.LogicalName)
	}
	if what.principal, what.principalID, err = m.referenceOf(ctx, principal); err != nil {
		return what, err
	}
	if !canHaveAccess(what.principal.Entity) {
		return what, refuse(code.InvalidArgument, "A record is shared with a user, a team or the organization, not with a record of '%s'.", what.principal.LogicalName)
	}
	return what, nil
}

func canHaveAccess(e *schema.Entity) bool { return isPrincipal(e) || e.LogicalName == "organization" }

// shares is the entity that says what is shared with whom.
const shares = "principalobjectaccess"

// shared is what a record is shared with a principal for, and the ID of the row that says so; "" where it is not shared.
func (s *Server) shared(ctx context.Context, c *conn, what sharing) (id string, given accessRights, err error) {
	row, found, err := c.row(ctx, "SELECT principalobjectaccessid, accessrightsmask FROM principalobjectaccess WHERE objectid = ? AND principalid = ?", what.record, what.principalID)
	if err != nil || !found {
		return "", 0, err
	}
	r := record{"id": row[0], "mask": row[1]}
	return r.text("id"), accessRights(r.number("mask")), nil
}

// share notes that a record is shared with a principal for those rights; for none it is not shared. Id is that of the row there is.
func (m *mutation) share(ctx context.Context, what sharing, id string, given accessRights) error {
	t := m.s.tables[shares]
	values := record{"accessrightsmask": int64(given), "changedon": m.now()}
	switch {
	case given == 0 && id == "":
		return nil
	case given == 0:
		return m.deleteRow(ctx, t, id)
	case id != "":
		return m.change(ctx, t, id, values)
	}
	_, err := m.createParsed(ctx, t, &input{values: values.with(record{
		"objectid": what.record, "objecttypecode": what.of.LogicalName, "inheritedaccessrightsmask": int64(0),
		"principalid": what.principalID, "principaltypecode": what.principal.LogicalName,
	})}, false)
	return err
}

// unshare forgets what was shared of a record that is deleted, and with it.
func (m *mutation) unshare(ctx context.Context, t *table, id string) error {
	if rightsTo(t.Entity)&shareAccess == 0 && !canHaveAccess(t.Entity) {
		return nil
	}
	m.touched[shares] = true
	_, err := m.conn.exec(ctx, "DELETE FROM principalobjectaccess WHERE objectid = ?1 OR principalid = ?1", id)
	return err
}
