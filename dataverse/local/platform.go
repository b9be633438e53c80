package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/local/query"
)

// The built-in seeds.
//
//go:embed seed/platform.json seed/demo.json
var seeds embed.FS

// prepare makes a new file ready to use, and reads what the server has to know of one that was there.
func (s *Server) prepare(ctx context.Context) error {
	return s.store.write(ctx, func(c *conn) error {
		if err := s.fillNew(ctx, c); err != nil {
			return err
		}
		if err := s.loadTokenKey(ctx, c); err != nil {
			return err
		}
		if err := requeueJobs(ctx, c); err != nil {
			return err
		}
		if err := forgetDeleted(ctx, c); err != nil {
			return err
		}
		settings, err := loadSettings(ctx, c)
		s.settings.Store(settings)
		return err
	}, func() {})
}

// fillNew makes the tables and the records where the file is new.
func (s *Server) fillNew(ctx context.Context, c *conn) error {
	version, err := formatOf(ctx, c)
	if err != nil {
		return err
	}
	if err := s.loadCounters(ctx, c); err != nil {
		return err
	}
	if version != 0 {
		return cmp.Or(s.bringUp(ctx, c), s.seedFilters(ctx, c), s.seedViews(ctx, c))
	}
	if err := s.fill(ctx, c); err != nil {
		return fmt.Errorf("fill the new local Dataverse: %w", err)
	}
	return nil
}

// bringUp gives an older file the tables and columns of the entities and fields that there have been since.
func (s *Server) bringUp(ctx context.Context, c *conn) error {
	for _, t := range s.tables {
		var have []string
		err := c.query(ctx, "SELECT name FROM pragma_table_info(?)", []any{t.LogicalName}, func(row []any) error {
			name, _ := row[0].(string)
			have = append(have, name)
			return nil
		})
		if err != nil {
			return err
		}
		if len(have) == 0 {
			continue // it is made below
		}
		for _, statement := range query.AddColumns(t.Entity, have) {
			if _, err := c.exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	for _, statement := range query.CreateTables(s.schema) {
		if _, err := c.sql.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// formatOf returns the version of the format that the records lie in, 0 for a new file; it refuses one that is not ours.
func formatOf(ctx context.Context, c *conn) (int64, error) {
	row, _, err := c.row(ctx, "PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	version, _ := row[0].(int64)
	if version != 0 && version != formatVersion {
		return 0, fmt.Errorf("the records of the local Dataverse have format %d, but this program knows format %d: move the data directory away, or run the program that made it", version, formatVersion)
	}
	if _, err = c.exec(ctx, createMeta); err != nil {
		return 0, err
	}
	_, err = c.exec(ctx, createDeleted)
	return version, err
}

// loadTokenKey reads the key that tokens are signed with, and makes it the first time.
func (s *Server) loadTokenKey(ctx context.Context, c *conn) error {
	text, err := c.meta(ctx, "token key")
	if err != nil {
		return err
	}
	if text == "" {
		s.tokens.key = make([]byte, 32)
		if _, err := rand.Read(s.tokens.key); err != nil {
			return err
		}
		return c.setMeta(ctx, "token key", base64.StdEncoding.EncodeToString(s.tokens.key))
	}
	s.tokens.key, err = base64.StdEncoding.DecodeString(text)
	return err
}

func (s *Server) loadCounters(ctx context.Context, c *conn) (err error) {
	n := &s.counters
	if n.versionLimit, err = c.metaNumber(ctx, "version", 1000000); err != nil {
		return err
	}
	if n.ticketLimit, err = c.metaNumber(ctx, "ticket", 2000); err != nil {
		return err
	}
	n.version, n.ticket = n.versionLimit, n.ticketLimit // what was reserved before may have been used
	return nil
}

// fill makes the tables and the records of a new file.
func (s *Server) fill(ctx context.Context, c *conn) error {
	seeds, err := s.readSeeds()
	if err != nil {
		return err
	}
	for _, statement := range query.CreateTables(s.schema) {
		if _, err := c.sql.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	m := &mutation{s: s, conn: c, trusted: true, touched: map[string]bool{}}
	if err := m.plant(ctx, seeds); err != nil {
		return err
	}
	if err := cmp.Or(m.seedMessages(ctx), s.seedFilters(ctx, c), s.seedViews(ctx, c)); err != nil {
		return err
	}
	if s.cfg.Seed != SeedDemo && s.cfg.Seed != SeedNone { // ours are tested
		if err := m.checkPlanted(ctx, seeds); err != nil {
			return err
		}
	}
	_, err = c.sql.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(formatVersion))
	return err
}

// messages are the platform's messages that steps can be registered on, with the IDs that they have everywhere where those
// are known.
var messages = map[string]string{
	"Create": "9ebdbb1b-ea3e-db11-86a7-000a3a5473e8",
	"Update": "20bebb1b-ea3e-db11-86a7-000a3a5473e8",
	"Delete": "a1bdbb1b-ea3e-db11-86a7-000a3a5473e8",
}

// messageNames are the messages in the order in which they are made.
func messageNames() []string { return []string{"Create", "Update", "Delete"} }

// seedMessages makes the messages.
func (m *mutation) seedMessages(ctx context.Context) error {
	for _, name := range messageNames() {
		if _, err := m.create(ctx, m.s.tables["sdkmessage"], body{"sdkmessageid": messages[name], "name": name, "categoryname": name, "availability": json.Number("0"), "isactive": true}, false); err != nil {
			return err
		}
	}
	return nil
}

// seedFilters makes the filters that allow steps on the messages, of the entities that have none yet.
func (s *Server) seedFilters(ctx context.Context, c *conn) error {
	have := map[string]bool{}
	err := c.query(ctx, "SELECT DISTINCT primaryobjecttypecode FROM sdkmessagefilter", nil, func(row []any) error {
		name, _ := row[0].(string)
		have[name] = true
		return nil
	})
	if err != nil {
		return err
	}
	m := &mutation{s: s, conn: c, trusted: true, touched: map[string]bool{}}
	for _, message := range messageNames() {
		for _, entity := range s.schema.Names() {
			if have[entity] {
				continue
			}
			_, err := m.create(ctx, s.tables["sdkmessagefilter"], body{
				"sdkmessagefilterid":            uuid.NewSHA1(uuid.MustParse(messages[message]), []byte(entity)).String(),
				"sdkmessageid@odata.bind":       "/sdkmessages(" + messages[message] + ")",
				"primaryobjecttypecode":         entity,
				"secondaryobjecttypecode":       "none",
				"iscustomprocessingstepallowed": true,
				"availability":                  json.Number("0"),
				"restrictionlevel":              json.Number("0"),
			}, false)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
