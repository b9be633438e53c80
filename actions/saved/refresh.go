package saved

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// pollPause is how often the directory is looked at. Its files are few, and looking costs one call of the system each.
	pollPause = time.Second
	// settleTime is how old a change must be for a file's time alone to tell the next one: file systems keep times coarsely.
	settleTime = 2 * time.Second
	// lintTime bounds the check of one definition.
	lintTime = 20 * time.Second
	// maxFiles bounds the definitions of a directory.
	maxFiles = 1000
)

// watchedFile is a file as it was when it was read.
type watchedFile struct {
	modified time.Time
	size     int64
	readAt   time.Time
	text     []byte
	missing  bool // in the last scan: some editors take a file away for a moment
}

// Run keeps the library up to date until ctx ends. It returns nil.
func (l *Library) Run(ctx context.Context) error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		l.Refresh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Refresh reads what has changed in the directory, and checks against metadata what has changed or is to be checked again.
// What it finds wrong is logged, once.
func (l *Library) Refresh(ctx context.Context) {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	l.scanLocked()
	l.check(ctx)
}

func (l *Library) scan() {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	l.scanLocked()
}

// scanLocked reads the files that have changed. refreshing is held.
func (l *Library) scanLocked() {
	found, err := definitionsIn(l.config.Dir)
	if err != nil {
		if err.Error() != l.scanFault {
			l.log.Warn("the directory of saved actions cannot be read; those that were read stay", "dir", l.config.Dir, "error", err)
		}
		l.scanFault = err.Error()
		return
	}
	l.scanFault = ""
	for _, name := range slices.Sorted(maps.Keys(found)) {
		l.readFile(name, found[name])
	}
	for name, file := range l.watched {
		switch {
		case found[name] != nil:
			file.missing = false
		case !file.missing:
			file.missing = true
		default:
			l.forget(name)
		}
	}
}

// definitionsIn are the files of a directory that hold definitions, by the definition's name.
func definitionsIn(dir string) (map[string]fs.FileInfo, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]fs.FileInfo{}
	for _, file := range files {
		name, isDefinition := definitionName(file.Name())
		if !isDefinition || len(found) == maxFiles {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, file.Name())) // through links, as a mounted ConfigMap has them
		if err == nil && info.Mode().IsRegular() {
			found[name] = info
		}
	}
	return found, nil
}

// definitionName is the name of the definition that a file holds; false for files that hold none: tests, and what editors
// leave beside a file.
func definitionName(file string) (string, bool) {
	name, ok := strings.CutSuffix(file, Extension)
	return name, ok && !strings.HasSuffix(file, TestExtension) && !strings.HasPrefix(file, ".") && !strings.HasPrefix(file, "#")
}

// readFile reads a file where it may have changed.
func (l *Library) readFile(name string, info fs.FileInfo) {
	before := l.watched[name]
	if before != nil && before.modified.Equal(info.ModTime()) && before.size == info.Size() && before.readAt.Sub(before.modified) > settleTime {
		return
	}
	now := time.Now()
	text, err := readBounded(filepath.Join(l.config.Dir, name+Extension), info)
	if err == nil && before != nil && bytes.Equal(before.text, text) {
		before.modified, before.size, before.readAt = info.ModTime(), info.Size(), now
		return
	}
	l.watched[name] = &watchedFile{modified: info.ModTime(), size: info.Size(), readAt: now, text: text}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.files[name]
	if e == nil {
		e = &entry{}
		l.files[name] = e
	}
	switch {
	case err != nil:
		e.broken = asError(name, err)
	case !ValidName(name):
		e.broken = &Error{File: name + Extension, Faults: []Fault{*fileFault("%q cannot be the name: %s", name, nameFault(name))}}
	default:
		e.read(name, text)
	}
	l.logRead(name, e)
}

func readBounded(path string, info fs.FileInfo) ([]byte, error) {
	if info.Size() > maxText {
		return nil, fileFaultError("is longer than %d bytes", maxText)
	}
	return os.ReadFile(path)
}

func fileFaultError(format string, args ...any) error {
	return errors.New(fileFault(format, args...).Message)
}

func (l *Library) logRead(name string, e *entry) {
	switch {
	case e.broken == nil:
		l.log.Info("a saved action was read", "action", name)
	case e.inForce() != nil:
		l.log.Warn("a saved action's file has faults; the definition before it stays in force", "action", name, "error", e.broken)
	default:
		l.log.Warn("a saved action's file has faults", "action", name, "error", e.broken)
	}
}

// forget drops the definition of a file that is gone.
func (l *Library) forget(name string) {
	delete(l.watched, name)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.files, name)
	l.log.Info("a saved action's file is gone", "action", name)
}

// check holds definitions against metadata, those that it is time for. An environment that does not answer for one is not
// asked for the others.
func (l *Library) check(ctx context.Context) {
	silent := map[string]error{}
	for _, due := range l.due() {
		d := due.newest
		err := silent[d.Environment]
		if err == nil {
			err = l.lint(ctx, d)
		}
		if ctx.Err() != nil {
			return
		}
		var faults *Error
		if err != nil && !errors.As(err, &faults) {
			silent[d.Environment] = err
		}
		l.settle(due, d, err)
	}
}

// due are the entries that are to be checked, by name.
func (l *Library) due() []*entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	now := time.Now()
	var due []*entry
	for _, entries := range []map[string]*entry{l.files, l.presets} {
		for _, e := range entries {
			if e.due(now) {
				due = append(due, e)
			}
		}
	}
	slices.SortFunc(due, func(a, b *entry) int { return cmp.Compare(a.newest.Name, b.newest.Name) })
	return due
}

func (l *Library) lint(ctx context.Context, d *Definition) error {
	ctx, cancel := context.WithTimeout(ctx, lintTime)
	defer cancel()
	return d.Lint(ctx, l.config.Runtime, "")
}

// settle notes what came of a check, and logs what is new in it.
func (l *Library) settle(e *entry, d *Definition, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := e.told()
	e.checked(time.Now(), err)
	if told := e.told(); told != "" && told != before {
		l.log.Warn("a saved action does not fit its environment, or could not be checked", "action", d.Name, "error", told)
	}
}

// told is what came of the last check that somebody should know; "" for nothing.
func (e *entry) told() string {
	switch {
	case e.faults != nil:
		return e.faults.Error()
	case e.unchecked != nil:
		return e.unchecked.Error()
	}
	return ""
}
