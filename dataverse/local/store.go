package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	// formatVersion says how the records lie in the file; a file of another version is refused.
	formatVersion = 1
	readers       = 4
)

// store is the SQLite file: one connection that writes, several that read beside it. Readers see a commit at once.
type store struct {
	db, readDB *sql.DB
	writer     *pool // of one connection
	readers    *pool
	lock       *os.File
	temporary  string // a directory to remove at the end; "" where the records stay
}

// databaseFile is the name of the file in a data directory.
const databaseFile = "dataverse.db"

// openStore opens the records in a data directory, which no other process may have open.
func openStore(ctx context.Context, dir string) (*store, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &store{lock: lock}
	return s, s.open(ctx, dir, "NORMAL") // kill -9 loses nothing acknowledged; only a power cut could
}

// openTemporary opens records that are gone when the store is closed; file, where it is not nil, is what they begin with. A
// temporary file rather than SQLite's in-memory database: shared between connections, that one locks whole tables against
// readers.
func openTemporary(ctx context.Context, file []byte) (*store, error) {
	dir, err := os.MkdirTemp("", "botverse-dataverse-")
	if err != nil {
		return nil, err
	}
	s := &store{temporary: dir}
	if file != nil {
		if err := os.WriteFile(filepath.Join(dir, databaseFile), file, 0o600); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, s.open(ctx, dir, "OFF")
}

// open opens the connections; where that fails it closes the store.
func (s *store) open(ctx context.Context, dir, synchronous string) error {
	s.writer, s.readers = newPool(1), newPool(readers)
	if err := s.openConnections(ctx, filepath.Join(dir, databaseFile), synchronous); err != nil {
		return errors.Join(fmt.Errorf("open the records in %s: %w", dir, err), s.close())
	}
	return nil
}

func (s *store) openConnections(ctx context.Context, path, synchronous string) (err error) {
	if s.db, err = sql.Open("sqlite", dataSource(path, url.Values{
		"_pragma": {"journal_mode(WAL)", "busy_timeout(5000)", "synchronous(" + synchronous + ")"},
		"_txlock": {"immediate"},
	})); err != nil {
		return err
	}
	if err := s.writer.fill(ctx, s.db); err != nil {
		return err
	}
	if s.readDB, err = sql.Open("sqlite", dataSource(path, url.Values{
		"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"},
	})); err != nil {
		return err
	}
	return s.readers.fill(ctx, s.readDB)
}

func dataSource(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String()
}

// read runs f with a connection that only reads, in one snapshot of the records.
func (s *store) read(ctx context.Context, f func(*conn) error) error {
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	uncancelled := context.WithoutCancel(ctx) // these two wait for nothing; a context that can end costs a goroutine
	if err := c.begin(uncancelled, "BEGIN"); err != nil {
		return err
	}
	defer c.exec(uncancelled, "ROLLBACK") //nolint:errcheck // nothing was written
	return f(c)
}

// readOnce runs f with a connection that only reads; f may run one statement: that sees one snapshot by itself, and is spared the
// two that begin and end a transaction.
func (s *store) readOnce(ctx context.Context, f func(*conn) error) error {
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	return f(c)
}

// write runs f in a transaction that is committed when f returns nil; else nothing of it stays. Writers wait for each other,
// and for what committed does after the commit. Once begun a write is seen through: a client that goes away must not leave
// it to chance what was done.
func (s *store) write(ctx context.Context, f func(*conn) error, committed func()) (err error) {
	c, err := s.writer.take(ctx)
	if err != nil {
		return err
	}
	defer s.writer.put(c)
	ctx = context.WithoutCancel(ctx)
	if err := c.begin(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() { // also where f panics: the connection must be fit for the next writer
		if !done {
			_, rollback := c.exec(ctx, "ROLLBACK")
			err = errors.Join(err, rollback)
		}
	}()
	if err := f(c); err != nil {
		return err
	}
	if _, err := c.exec(ctx, "COMMIT"); err != nil {
		return err
	}
	done = true
	committed()
	return nil
}

// close waits until no connection is in use.
func (s *store) close() error {
	var faults []error
	for _, p := range []*pool{s.readers, s.writer} {
		if p != nil {
			faults = append(faults, p.close())
		}
	}
	for _, db := range []*sql.DB{s.readDB, s.db} {
		if db != nil {
			faults = append(faults, db.Close())
		}
	}
	if s.lock != nil {
		faults = append(faults, s.lock.Close())
	}
	if s.temporary != "" {
		faults = append(faults, os.RemoveAll(s.temporary))
	}
	return errors.Join(faults...)
}
