package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked says that another process has the journal's directory.
var ErrLocked = errors.New("the journal is in use")

// ErrFormat says that the directory was written by a version whose files this one does not read.
var ErrFormat = errors.New("the journal has another format")

// format is the version of the directory's layout. It is raised when an older version could no longer read the files.
const format = "1"

// directory is a journal's directory while this process has it.
type directory struct {
	path string
	lock *os.File // the kernel frees it with the process, however that ends
}

// openDirectory makes the directory where it is missing, locks it and checks its format.
func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal's directory %s: %w", path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the journal's directory %s: %w", path, err)
	}
	d := &directory{path: path, lock: lock}
	if err := tryLock(lock); err != nil {
		return nil, errors.Join(lockFault(path, err), lock.Close())
	}
	if err := d.checkFormat(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// lockFault tells a lock that somebody has from one that cannot be had.
func lockFault(path string, err error) error {
	if errors.Is(err, errHeld) {
		return fmt.Errorf("%w: another process has %s; stop it or choose another data directory", ErrLocked, path)
	}
	return fmt.Errorf("lock the journal's directory %s: %w", path, err)
}

// checkFormat compares the format file with ours, and writes it into a new directory.
func (d *directory) checkFormat() error {
	name := filepath.Join(d.path, "format")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		err = os.WriteFile(name, []byte(format+"\n"), 0o600)
		text = []byte(format)
	}
	if err != nil {
		return fmt.Errorf("read the journal's format: %w", err)
	}
	if got := strings.TrimSpace(string(text)); got != format {
		return fmt.Errorf("%w: %s has format %q and this version reads %q", ErrFormat, d.path, got, format)
	}
	return nil
}

func (d *directory) close() error { return d.lock.Close() }
