package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is what Open fails with where another process has the data directory open.
var ErrLocked = errors.New("the data directory is in use")

// lockDir makes the data directory where it is not there and takes its lock, which lives until the file is closed.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory of the local Dataverse: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "dataverse.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory of the local Dataverse: %w", err)
	}
	if err := tryLock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: another process runs a local Dataverse on %s; stop it, or give another directory", ErrLocked, dir)
	}
	return f, nil
}
