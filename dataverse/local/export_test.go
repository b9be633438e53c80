package local

import "context"

// WaitForWebhooks waits until no webhook is on its way.
func WaitForWebhooks(ctx context.Context, s *Server) { s.hooks.drain(ctx) }

// CheckReferences returns the lookups that point at records which are not there, as "contact.parentcustomerid".
func CheckReferences(ctx context.Context, s *Server) (missing []string, err error) {
	err = s.store.read(ctx, func(c *conn) error {
		for _, t := range s.tables {
			for _, column := range t.columns {
				if !column.Field.IsLookup() || column.IsTarget {
					continue
				}
				for _, target := range column.Field.Targets {
					found, err := s.dangling(ctx, c, t, column.Name, targetColumn(column.Field), target)
					if err != nil {
						return err
					}
					if found {
						missing = append(missing, t.LogicalName+"."+column.Name)
					}
				}
			}
		}
		return nil
	})
	return missing, err
}

func (s *Server) dangling(ctx context.Context, c *conn, t *table, field, typeColumn, targetName string) (bool, error) {
	target := s.tables[targetName]
	if target == nil {
		return false, nil
	}
	statement := "SELECT 1 FROM " + quote(t.LogicalName) + " WHERE " + quote(field) + " IS NOT NULL AND " + quote(field) + " NOT IN (SELECT " + quote(target.PrimaryID) + " FROM " + quote(targetName) + ")"
	if typeColumn != "" {
		statement += " AND " + quote(typeColumn) + " = '" + targetName + "'"
	}
	_, found, err := c.row(ctx, statement+" LIMIT 1")
	return found, err
}
