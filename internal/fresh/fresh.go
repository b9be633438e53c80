// Package fresh keeps what is made of files as new as the files: certificates and tokens change while a process runs.
package fresh

import (
	"log/slog"
	"os"
	"slices"
	"sync"
)

// Files is a value that is made of files, and made again once one of them has changed. Any number of goroutines may use it.
type Files[T any] struct {
	names []string
	read  func() (T, error)
	log   *slog.Logger

	mu    sync.Mutex
	seen  []os.FileInfo // when the files were read last; nil for one that was not there
	value T
	fault error // why they could not be used then
}

// Open makes the value for the first time: read reads the files that are named. log is for Get alone.
func Open[T any](log *slog.Logger, read func() (T, error), names ...string) (*Files[T], error) {
	f := &Files[T]{names: names, read: read, log: log, seen: look(names)}
	var err error
	f.value, err = read()
	return f, err
}

// Get is the value of now. Where the files cannot be used any more, as in the middle of a change, that of before stays, and the
// log says so.
func (f *Files[T]) Get() T {
	value, changed, fault := f.Look()
	switch {
	case fault != nil:
		f.log.Warn("files have changed and cannot be used; what they held before stays in force", "files", f.names, "error", fault)
	case changed:
		f.log.Info("files were read again", "files", f.names)
	}
	return value
}

// Look is Get for who tells of it himself: whether the value was made again, and why the files cannot be used, each once.
func (f *Files[T]) Look() (value T, changed bool, fault error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := look(f.names)                                       // before they are read: what changes meanwhile is seen the next time
	if f.fault == nil && slices.EqualFunc(now, f.seen, same) { // who may read a file can change without a trace in these
		return f.value, false, nil
	}
	f.seen = now
	value, err := f.read()
	told := f.fault
	f.fault = err
	if err == nil {
		f.value = value
		return value, true, nil
	}
	if told != nil && told.Error() == err.Error() {
		err = nil
	}
	return f.value, false, err
}

// Last is the value as it was found last.
func (f *Files[T]) Last() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.value
}

// Fault says why the files could not be used when they were looked at last; nil where they could.
func (f *Files[T]) Fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault
}

// Faulty are the files where they could not be used when they were looked at last; none where they could.
func (f *Files[T]) Faulty() []string {
	if f.Fault() == nil {
		return nil
	}
	return slices.Clone(f.names)
}

func look(names []string) []os.FileInfo {
	infos := make([]os.FileInfo, len(names))
	for i, name := range names {
		infos[i], _ = os.Stat(name) // a file that is missing is told by read
	}
	return infos
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
