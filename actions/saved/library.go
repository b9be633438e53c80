package saved

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/dataverse/schema"
)

// What can be wrong with asking for a saved action, for errors.Is.
var (
	ErrUnknown = errors.New("there is no such saved action")
	ErrBroken  = errors.New("the saved action's definition is at fault")
)

// UnknownError is a name that no saved action has. It wraps ErrUnknown.
type UnknownError struct {
	Name    string
	Nearest []string // the names that come nearest
}

// Error implements error.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("there is no saved action %q", e.Name)
	if len(e.Nearest) > 0 {
		text += "; the nearest are " + list(e.Nearest)
	}
	return text
}

// Unwrap returns ErrUnknown.
func (e *UnknownError) Unwrap() error { return ErrUnknown }

// BrokenError is a saved action of which there never was a definition without faults. It wraps ErrBroken.
type BrokenError struct {
	Name  string
	Fault *Error
}

// Error implements error.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("the saved action %q cannot run until its definition is put right: %v", e.Name, e.Fault)
}

// Unwrap returns ErrBroken.
func (e *BrokenError) Unwrap() error { return ErrBroken }

// Config says where definitions are and what they act on.
type Config struct {
	Dir     string // of the definitions; "" or a directory that is not there for the built-in ones alone
	Runtime *actions.Runtime
	Logger  *slog.Logger // nil logs nothing
}

// Library holds saved actions: those that are built in, and those of a directory, which go first. Any number of goroutines
// may use it.
//
// A file that changes is read again. One with faults never takes the place of a definition that is right: that one stays in
// force, and the faults are told beside it. Where the metadata cannot be read a definition is in force all the same, not
// checked, and is checked as soon as it can be.
type Library struct {
	config  Config
	log     *slog.Logger
	presets map[string]*entry

	refreshing sync.Mutex // held by a Refresh; guards watched and scanned
	watched    map[string]*watchedFile
	scanFault  string // why the directory could not be read; "" where it could

	mu    sync.RWMutex // guards files, and what is in entries
	files map[string]*entry
}

//go:embed presets/*.yaml
var presetFiles embed.FS

// Open reads all definitions. It asks nothing of Dataverse: nothing is checked until Refresh or Run.
func Open(config Config) (*Library, error) {
	l := &Library{config: config, log: config.Logger, presets: map[string]*entry{}, watched: map[string]*watchedFile{}, files: map[string]*entry{}}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	names, err := fs.Glob(presetFiles, "presets/*"+Extension)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, TestExtension) {
			continue
		}
		text, err := presetFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d, err := Parse(strings.TrimSuffix(path.Base(name), Extension), text)
		if err != nil {
			return nil, fmt.Errorf("the built-in %w", err)
		}
		l.presets[d.Name] = &entry{newest: d}
	}
	l.scan()
	return l, nil
}

// Availability says whether a saved action can run.
type Availability string

// The availabilities. The names are those of the contract.
const (
	Available   Availability = "AVAILABLE"
	NotChecked  Availability = "NOT_CHECKED" // it can be called, but nobody knows yet whether its fields are there
	Unavailable Availability = "UNAVAILABLE"
)

// Action is what a Library has under a name.
type Action struct {
	Name         string
	Definition   *Definition // in force; where there is none, the newest that could be read; nil where there is none either
	Preset       bool        // whether the definition is built in
	Availability Availability
	Reason       string // why it is not Available; "" where it is
	Fault        *Error // what is wrong with the file as it is now; nil for nothing
}

// Actions are all saved actions, by name.
func (l *Library) Actions() []Action {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var all []Action
	for _, name := range l.names() {
		all = append(all, l.action(name))
	}
	return all
}

// Action is the saved action of a name. The error is an *UnknownError.
func (l *Library) Action(name string) (Action, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.has(name) {
		return Action{}, &UnknownError{Name: name, Nearest: schema.Nearest(name, l.names())}
	}
	return l.action(name), nil
}

// Has reports whether there is a saved action of a name.
func (l *Library) Has(name string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.has(name)
}

// RunAction runs the saved action of a name. The error is an *UnknownError, a *BrokenError, or one of Definition.Run's.
func (l *Library) RunAction(ctx context.Context, name string, call Call) (actions.Result, error) {
	d, err := l.inForce(name)
	if err != nil {
		return actions.Result{}, err
	}
	return d.Run(ctx, l.config.Runtime, call)
}

// inForce is the definition of a name that calls run.
func (l *Library) inForce(name string) (*Definition, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.has(name) {
		return nil, &UnknownError{Name: name, Nearest: schema.Nearest(name, l.names())}
	}
	for _, e := range []*entry{l.files[name], l.presets[name]} {
		if d := e.inForce(); d != nil {
			return d, nil
		}
	}
	return nil, &BrokenError{Name: name, Fault: l.action(name).Fault}
}

func (l *Library) has(name string) bool { return l.files[name] != nil || l.presets[name] != nil }

// names are the names of all saved actions, sorted.
func (l *Library) names() []string {
	all := maps.Clone(l.presets)
	maps.Copy(all, l.files)
	return slices.Sorted(maps.Keys(all))
}

// action tells of the saved action of a name that there is. A file that is at fault leaves a built-in definition in force.
func (l *Library) action(name string) Action {
	e, preset := l.files[name], false
	if builtIn := l.presets[name]; e.inForce() == nil && builtIn != nil {
		if e != nil {
			a := builtIn.action(name)
			a.Preset, a.Fault = true, e.fault()
			return a
		}
		e, preset = builtIn, true
	}
	a := e.action(name)
	a.Preset = preset
	return a
}
