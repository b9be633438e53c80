package saved

import (
	"errors"
	"time"

	"github.com/botverse/botverse/dataverse"
)

// entry is a definition through its changes. A nil entry has nothing.
type entry struct {
	newest *Definition // the last that could be read; nil for none
	good   *Definition // the last that was checked and had no fault; nil for none
	broken *Error      // why the file as it is now cannot be read; nil where it can

	// What came of checking the newest one.
	checkedAt time.Time // zero before the first time
	faults    *Error    // nil for none
	unchecked error     // why it could not be checked; nil where it could
}

// inForce is the definition that calls run; nil for none.
func (e *entry) inForce() *Definition {
	switch {
	case e == nil:
		return nil
	case e.faults != nil:
		return e.good
	}
	return e.newest
}

// fault is what is wrong with the file as it is now; nil for nothing.
func (e *entry) fault() *Error {
	if e.broken != nil {
		return e.broken
	}
	return e.faults
}

// read takes a file's text.
func (e *entry) read(name string, text []byte) {
	d, err := Parse(name, text)
	if err != nil {
		e.broken = asError(name, err)
		return
	}
	e.newest, e.broken = d, nil
	e.checkedAt, e.faults, e.unchecked = time.Time{}, nil, nil
}

func asError(name string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{File: name + Extension, Faults: []Fault{*fileFault("cannot be read: %v", err)}}
}

// checked takes what Lint has said of the newest definition.
func (e *entry) checked(at time.Time, err error) {
	e.checkedAt, e.faults, e.unchecked = at, nil, nil
	switch found := (*Error)(nil); {
	case err == nil:
		e.good = e.newest
	case errors.As(err, &found):
		e.faults = found
	default:
		e.unchecked = err
	}
}

// The pauses between two checks.
const (
	// recheckPause is that of a definition with faults, or one that could not be checked: what was wrong may have been put
	// right in Dataverse.
	recheckPause = 30 * time.Second
	// checkPause is that of a definition without faults: fields go, too.
	checkPause = 10 * time.Minute
)

// due reports whether the newest definition is to be checked.
func (e *entry) due(now time.Time) bool {
	pause := recheckPause
	if e.faults == nil && e.unchecked == nil {
		pause = checkPause
	}
	return e.newest != nil && (e.checkedAt.IsZero() || now.Sub(e.checkedAt) >= pause)
}

// action tells of the entry.
func (e *entry) action(name string) Action {
	a := Action{Name: name, Definition: e.inForce(), Fault: e.fault(), Availability: Available}
	switch {
	case a.Definition == nil:
		a.Definition, a.Availability, a.Reason = e.newest, Unavailable, "the definition has faults: "+a.Fault.Error()
	case e.faults != nil: // an older one is in force, which was right when it was checked
	case e.unchecked != nil && out(e.unchecked):
		a.Availability, a.Reason = Unavailable, e.unchecked.Error()
	case e.unchecked != nil:
		a.Availability, a.Reason = NotChecked, "not checked: "+e.unchecked.Error()
	case e.checkedAt.IsZero():
		a.Availability, a.Reason = NotChecked, "not checked yet"
	}
	return a
}

// out reports whether an environment will answer no call before somebody puts something right: its credentials, its rights, its
// configuration.
func out(err error) bool {
	return errors.Is(err, dataverse.ErrSignIn) && !errors.Is(err, dataverse.ErrUnavailable) ||
		errors.Is(err, dataverse.ErrForbidden) || errors.Is(err, dataverse.ErrUnknownEnvironment)
}
