package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/schema"
)

// snapshots are the files that records in memory begin with, made once a day for all Servers of the process: tests start many. The
// records in them were created on the day of the Server that has them, which in a synctest bubble is another than outside.
var snapshots sync.Map // by snapshotKey: func() ([]byte, error)

// snapshotKey is a built-in seed and a day, in UTC.
type snapshotKey struct{ seed, day string }

// openCopy opens new records in memory with the data of a seed.
func openCopy(ctx context.Context, seed string) (*store, error) {
	file, err := seeded(ctx, seed)
	if err != nil {
		return nil, err
	}
	return openTemporary(ctx, file)
}

// seeded is the file of new records with the data of a seed. A seed's file of one's own may have changed, and is read each time.
func seeded(ctx context.Context, seed string) ([]byte, error) {
	if seed != SeedDemo && seed != SeedNone {
		return snapshot(ctx, seed)
	}
	today := snapshotKey{seed, time.Now().UTC().Format(time.DateOnly)}
	made, _ := snapshots.LoadOrStore(today, sync.OnceValues(func() ([]byte, error) { return snapshot(context.Background(), seed) }))
	return made.(func() ([]byte, error))()
}

// snapshot is the file of new records with the data of a seed. It has no key for tokens yet.
func snapshot(ctx context.Context, seed string) (file []byte, err error) {
	store, err := openTemporary(ctx, nil)
	if err != nil {
		return nil, err
	}
	dir := store.temporary
	store.temporary = "" // it outlives the store, until it is read
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &Server{cfg: Config{Seed: seed}, schema: schema.Standard(), store: store}
	s.tables = newTables(s.schema)
	if err := store.write(ctx, func(c *conn) error { return s.fillNew(ctx, c) }, func() {}); err != nil {
		return nil, errors.Join(err, store.close())
	}
	if err := store.close(); err != nil { // which moves all of the log into the file
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, databaseFile))
}
