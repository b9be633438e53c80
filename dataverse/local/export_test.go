package local

import (
	"context"
	"encoding/base64"
	"strconv"
)

// WaitForWebhooks waits until no webhook is on its way.
func WaitForWebhooks(ctx context.Context, s *Server) { s.hooks.drain(ctx) }

// CheckReferences returns the lookups that point at records which are not there, as "contact.parentcustomerid".
func CheckReferences(ctx context.Context, s *Server) (missing []string, err error) {
	err = s.store.read(ctx, func(c *conn) error {
		for _, t := range s.tables {
			found, err := s.findDangling(ctx, c, t)
			if err != nil {
				return err
			}
			for _, d := range found {
				missing = append(missing, t.LogicalName+"."+d.field)
			}
		}
		return nil
	})
	return missing, err
}

// LimitPages lets the file of a server's records grow to so many pages and no further, as a full disk would; SQLite takes a number
// below the present size for that size.
func LimitPages(ctx context.Context, s *Server, pages int) error {
	c, err := s.store.writer.take(ctx)
	if err != nil {
		return err
	}
	defer s.store.writer.put(c)
	_, err = c.sql.ExecContext(ctx, "PRAGMA max_page_count = "+strconv.Itoa(pages))
	return err
}

// TokenKey is the key that a server signs tokens with, as it stands in the file.
func TokenKey(s *Server) string { return base64.StdEncoding.EncodeToString(s.tokens.key) }
