package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/botverse/botverse/dataverse/local/query"
)

// dangling is a lookup that points at a record that is not there.
type dangling struct {
	table  *table
	id     string // of the record that has it
	field  string
	target string // the entity it points at
	to     string
}

// findDangling returns some of the lookups that point at nothing. Seeds are not checked while they are planted: their records point
// at each other in circles.
func (s *Server) findDangling(ctx context.Context, c *conn, in *table) (found []dangling, err error) {
	for _, column := range in.columns {
		if !column.Field.IsLookup() || column.IsTarget {
			continue
		}
		for _, name := range column.Field.Targets {
			target := s.tables[name]
			if target == nil {
				continue
			}
			err := c.query(ctx, danglingSQL(in, column, target), nil, func(row []any) error {
				r := record{"id": row[0], "to": row[1]}
				found = append(found, dangling{table: in, id: r.text("id"), field: column.Name, target: name, to: r.text("to")})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func danglingSQL(in *table, column query.StoredColumn, target *table) string {
	text := "SELECT " + quote(in.PrimaryID) + ", " + quote(column.Name) + " FROM " + quote(in.LogicalName) + " WHERE " + quote(column.Name) +
		" IS NOT NULL AND " + quote(column.Name) + " NOT IN (SELECT " + quote(target.PrimaryID) + " FROM " + quote(target.LogicalName) + ")"
	if kind := targetColumn(column.Field); kind != "" {
		text += " AND " + quote(kind) + " = '" + target.LogicalName + "'"
	}
	return text + fmt.Sprintf(" LIMIT %d", maxSeedFaults)
}

// checkPlanted refuses seeds whose records point at nothing, or that leave nobody to call.
func (m *mutation) checkPlanted(ctx context.Context, seeds []*seed) error {
	settings := m.s.settings.Load()
	own := seeds[len(seeds)-1]
	switch {
	case settings == nil || settings.organizationID == "":
		return fmt.Errorf("the seed %s has an empty list of organizations: leave it out, or give one", own.name)
	case settings.defaultCaller.userID == "":
		return fmt.Errorf("the seed %s has organizations, and so it must have systemusers too", own.name)
	}
	var wrong []error
	for name := range m.touched {
		t := m.s.tables[name]
		if t == nil {
			continue // an intersect table
		}
		found, err := m.s.findDangling(ctx, m.conn, t)
		if err != nil {
			return err
		}
		for _, d := range found {
			wrong = append(wrong, own.dangles(d))
		}
	}
	return errors.Join(wrong[:min(len(wrong), maxSeedFaults)]...)
}

// dangles says where in the seed a lookup points at nothing.
func (s *seed) dangles(d dangling) error {
	line, member := 0, d.field
	for _, set := range s.sets {
		for _, r := range set.records {
			if id, _ := r.body[d.table.PrimaryID].(string); set.name != d.table.EntitySetName || !strings.EqualFold(id, d.id) {
				continue
			}
			for name := range r.body {
				if text, _ := r.body[name].(string); strings.Contains(strings.ToLower(text), d.to) {
					line, member = r.lines[name], name
				}
			}
		}
	}
	if line == 0 {
		return fmt.Errorf("the seed %s: %s(%s), %q points at %s(%s), which is not there", s.name, d.table.LogicalName, d.id, member, d.target, d.to)
	}
	return s.at(line, "%s, %q points at %s(%s), which is not there", d.table.LogicalName, member, d.target, d.to)
}
