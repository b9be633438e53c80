package local

import (
	"context"
	"net/http"
	"strings"

	"github.com/botverse/botverse/dataverse/code"
)

// caller is in whose name a request is done.
type caller struct {
	userID         string
	businessUnitID string
	directoryID    string // the user's object ID in Entra; "" where unknown
	realUserID     string // who signed in, where that is somebody else; ""
}

const selectCaller = `SELECT systemuserid, businessunitid, azureactivedirectoryobjectid FROM systemuser WHERE `

func callerOf(row []any) caller {
	r := record{"user": row[0], "unit": row[1], "directory": row[2]}
	return caller{userID: r.text("user"), businessUnitID: r.text("unit"), directoryID: r.text("directory")}
}

// callerFrom says in whose name a request is to be done: of the token's application, or of who it wants to act for.
func (s *Server) callerFrom(ctx context.Context, r *http.Request) (caller, error) {
	token, err := s.authenticate(r)
	if err != nil {
		return caller{}, err
	}
	by := s.signedIn(token)
	asked, directory := r.Header.Get("MSCRMCallerID"), r.Header.Get("CallerObjectId")
	if asked == "" && directory == "" {
		return by, nil
	}
	err = s.store.read(ctx, func(c *conn) error {
		by, err = impersonate(ctx, c, by, asked, directory)
		return err
	})
	return by, err
}

// signedIn is the user of a token's application; the first of all for an application that has none, and for no token.
func (s *Server) signedIn(token claims) caller {
	settings := s.settings.Load()
	if by, known := settings.applications[strings.ToLower(token.AppID)]; known {
		return by
	}
	return settings.defaultCaller
}

// impersonate lets a caller act for another user (Web API, "Impersonate another user").
func impersonate(ctx context.Context, c *conn, by caller, userID, directoryID string) (caller, error) {
	field, id := "azureactivedirectoryobjectid", directoryID
	if id == "" {
		field, id = "systemuserid", userID
	}
	if id == "" {
		return by, nil
	}
	row, found, err := c.row(ctx, selectCaller+field+" = ?", strings.ToLower(strings.Trim(id, "{}")))
	if err != nil {
		return by, err
	}
	if !found {
		return by, &fault{status: http.StatusForbidden, code: code.CannotActOnBehalfOfAnotherUser, message: "The user to act on behalf of does not exist in this organization."}
	}
	other := callerOf(row)
	if other.userID != by.userID {
		other.realUserID = by.userID
	}
	return other, nil
}
