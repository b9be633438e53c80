package local

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// maxSnapshot bounds the file of a snapshot.
const maxSnapshot = 64 << 30

// Snapshot writes the records as they are now, as a SQLite file that Restore takes. The key that tokens are signed with is
// not in it.
func (s *Server) Snapshot(ctx context.Context, w io.Writer) error {
	return inTemporary(func(dir string) error {
		path := filepath.Join(dir, databaseFile)
		if err := s.store.copyTo(ctx, path); err != nil {
			return fmt.Errorf("take a snapshot: %w", err)
		}
		if err := changeFile(ctx, dir, func(c *conn) error { return c.forgetTokenKey(ctx) }); err != nil {
			return fmt.Errorf("take a snapshot: %w", err)
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(w, file)
		return err
	})
}

// Restore makes the records those of a snapshot, all at once: nobody sees a part of it, and where it fails they stay as they
// are. Tokens stay good. Webhooks that waited are forgotten; those that waited in the snapshot go out.
func (s *Server) Restore(ctx context.Context, r io.Reader) error {
	return inTemporary(func(dir string) error {
		if err := writeFile(filepath.Join(dir, databaseFile), r); err != nil {
			return badControl{err}
		}
		if err := s.inspect(ctx, dir); err != nil {
			return badControl{fmt.Errorf("this is no snapshot of a local Dataverse: %w", err)}
		}
		return s.replaceRecords(ctx, dir)
	})
}

// Reset brings everything back to how a new server begins: the records to the seed, the fault plan to the configured one,
// and the limits to unused. Tokens stay good.
func (s *Server) Reset(ctx context.Context) error {
	faults, err := s.cfg.readFaults()
	if err != nil {
		return badControl{err}
	}
	file, err := seeded(ctx, s.cfg.Seed)
	if err != nil {
		return badControl{err}
	}
	err = inTemporary(func(dir string) error {
		if err := writeFile(filepath.Join(dir, databaseFile), bytes.NewReader(file)); err != nil {
			return err
		}
		return s.replaceRecords(ctx, dir)
	})
	if err != nil {
		return err
	}
	s.limits.reset()
	s.SetFaults(faults)
	return nil
}

// replaceRecords makes the records those of the file in dir.
func (s *Server) replaceRecords(ctx context.Context, dir string) error {
	return s.store.exclusive(ctx, func(ctx context.Context, c *conn) error {
		if err := changeFile(ctx, dir, func(other *conn) error { return s.adopt(ctx, other) }); err != nil {
			return err
		}
		if err := c.restore(filepath.Join(dir, databaseFile)); err != nil {
			return fmt.Errorf("replace the records: %w", err)
		}
		settings, err := loadSettings(ctx, c)
		if err := errors.Join(err, s.loadCounters(ctx, c), requeueJobs(ctx, c), s.seedFilters(ctx, c)); err != nil {
			return err
		}
		s.settings.Store(settings)
		events, err := s.queuedEvents(ctx)
		s.hooks.replace(events)
		return err
	})
}

// adopt gives other records what must outlive the ones they replace: the key, and a version that was never given out, for ETags
// are not to come again.
func (s *Server) adopt(ctx context.Context, other *conn) error {
	version, err := other.metaNumber(ctx, "version", 0)
	if err != nil {
		return err
	}
	version = max(version, s.counters.versionLimit)
	return cmp.Or(
		other.setMeta(ctx, "version", strconv.FormatInt(version, 10)),
		other.setMeta(ctx, "token key", base64.StdEncoding.EncodeToString(s.tokens.key)),
	)
}

// forgetTokenKey takes the key out of a copy of the records.
func (c *conn) forgetTokenKey(ctx context.Context) error {
	_, err := c.exec(ctx, `DELETE FROM botverse_meta WHERE name = 'token key'`)
	return err
}

// replace forgets the webhooks that wait, and sends others on their way. What is on its way already is seen through.
func (d *deliveries) replace(events []event) {
	d.mu.Lock()
	for stepID, queue := range d.waiting {
		if d.atWork[stepID] && len(queue) > 0 {
			d.waiting[stepID] = queue[:1:1]
		} else {
			delete(d.waiting, stepID)
		}
	}
	d.mu.Unlock()
	d.enqueue(events)
}

// inspect refuses the file in dir where it has not exactly the tables of this server, whole, and an organisation in them.
func (s *Server) inspect(ctx context.Context, dir string) error {
	if err := checkMagic(filepath.Join(dir, databaseFile)); err != nil {
		return err
	}
	wanted, err := s.layout(ctx)
	if err != nil {
		return err
	}
	return changeFile(ctx, dir, func(c *conn) error {
		row, _, err := c.row(ctx, "PRAGMA quick_check(1)")
		if err != nil || row[0] != "ok" {
			return errors.New("the file is damaged")
		}
		if err := s.checkLayout(ctx, c, wanted); err != nil {
			return err
		}
		settings, err := loadSettings(ctx, c)
		if err != nil || settings.organizationID == "" || settings.defaultCaller.userID == "" {
			return errors.New("it has no organization, or no user")
		}
		return nil
	})
}

func (s *Server) checkLayout(ctx context.Context, c *conn, wanted string) error {
	version, err := formatOf(ctx, c)
	if err != nil {
		return err
	}
	if err := s.bringUp(ctx, c); err != nil {
		return errors.New("its tables are not those of this version")
	}
	if found, err := c.layout(ctx); err != nil || version == 0 || found != wanted {
		return errors.New("its tables are not those of this version")
	}
	return nil
}

// checkMagic keeps what is no SQLite file from being opened as one.
func checkMagic(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(file, head); err != nil || string(head) != magic {
		return errors.New("it is no SQLite file")
	}
	return nil
}

// layout is the definition of all that a file has: of the columns of its tables, in any order, for older files get new ones at the
// end, and of indexes and whatever else is not a table.
func (c *conn) layout(ctx context.Context) (string, error) {
	var text strings.Builder
	err := c.query(ctx, `SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE type <> 'table' AND substr(name, 1, 7) <> 'sqlite_'
		UNION ALL SELECT t.name, f.name, f.type FROM sqlite_master t JOIN pragma_table_xinfo(t.name) f WHERE t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_'
		ORDER BY 1, 2`, nil, func(row []any) error {
		fmt.Fprintln(&text, row...)
		return nil
	})
	return text.String(), err
}

func (s *Server) layout(ctx context.Context) (text string, err error) {
	err = s.store.read(ctx, func(c *conn) error {
		text, err = c.layout(ctx)
		return err
	})
	return text, err
}

// inTemporary runs f with a directory that is gone afterwards.
func inTemporary(f func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "botverse-dataverse-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return f(dir)
}

// changeFile runs f in a transaction on the records in a directory that nobody else has open. All of them are in the one file
// afterwards, and nothing that was deleted.
func changeFile(ctx context.Context, dir string, f func(*conn) error) (err error) {
	db, err := sql.Open("sqlite", dataSource(filepath.Join(dir, databaseFile), url.Values{
		"_pragma": {"journal_mode(DELETE)", "synchronous(OFF)", "secure_delete(ON)"},
	}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	single, err := db.Conn(ctx)
	if err != nil {
		return errors.New("it cannot be opened")
	}
	c := &conn{sql: single, prepared: map[string]*statement{}}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.begin(ctx, "BEGIN IMMEDIATE"); err != nil {
		return errors.New("it cannot be read")
	}
	if err := f(c); err != nil {
		return err // and the end of the connection is that of the transaction
	}
	_, err = c.exec(ctx, "COMMIT")
	return err
}

func writeFile(path string, r io.Reader) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	return errors.Join(err, file.Close())
}

// exclusive runs f with the writing connection, outside of any transaction, while nobody else writes. Once begun it is seen
// through.
func (s *store) exclusive(ctx context.Context, f func(context.Context, *conn) error) error {
	c, err := s.writer.take(ctx)
	if err != nil {
		return err
	}
	defer s.writer.put(c)
	return f(context.WithoutCancel(ctx), c)
}

// copyTo writes the records into a new file, as they are at one moment.
func (s *store) copyTo(ctx context.Context, path string) error {
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	return c.sql.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(destination string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver copies no files")
		}
		return copyAll(source.NewBackup(path))
	})
}

// restore makes the records those of another file, in one transaction.
func (c *conn) restore(path string) error {
	return c.sql.Raw(func(driver any) error {
		target, ok := driver.(interface {
			NewRestore(source string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver copies no files")
		}
		return copyAll(target.NewRestore(path))
	})
}

func copyAll(b *sqlite.Backup, err error) error {
	if err != nil {
		return err
	}
	more, err := b.Step(-1)
	if more && err == nil {
		err = errors.New("not all was copied")
	}
	return errors.Join(err, b.Finish())
}
