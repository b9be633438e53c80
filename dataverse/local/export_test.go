package local

import (
	"context"
	"encoding/base64"
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

// TokenKey is the key that a server signs tokens with, as it stands in the file.
func TokenKey(s *Server) string { return base64.StdEncoding.EncodeToString(s.tokens.key) }
