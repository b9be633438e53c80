// Package input is what a request gives: its templates, rendered with the flow's variables, and what is wrong with it.
//
// A Fault is one thing that somebody must put right before the request can be carried out; an *Error has all of them at once.
package input

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Reason says why an input is at fault. The names are those of the contract's ErrorDetail.Reason.
type Reason string

// The reasons of faults in a request.
const (
	InvalidRequest  Reason = "INVALID_REQUEST"  // breaks a rule of the contract that only the runtime can check
	UnknownEntity   Reason = "UNKNOWN_ENTITY"   // the environment has no such entity
	NotCreatable    Reason = "NOT_CREATABLE"    // the entity's records are not created by asking for one
	InvalidField    Reason = "INVALID_FIELD"    // the entity has no such field, or it cannot be used so
	InvalidValue    Reason = "INVALID_VALUE"    // a value does not fit its field
	MissingRequired Reason = "MISSING_REQUIRED" // a required field has no value
	LookupNotFound  Reason = "LOOKUP_NOT_FOUND" // a lookup by name found no active record
	LookupAmbiguous Reason = "LOOKUP_AMBIGUOUS" // a lookup by name found several
	BadTemplate     Reason = "BAD_TEMPLATE"     // a template does not parse, or stands where none may
	VariableUnset   Reason = "VARIABLE_UNSET"   // a variable that must have a value is unset, null or blank
	BadFetchXML     Reason = "BAD_FETCHXML"     // the FetchXML does not parse or breaks its rules
	EntityMismatch  Reason = "ENTITY_MISMATCH"  // the FetchXML asks for another entity than the request
	KeyReused       Reason = "KEY_REUSED"       // the request ID was used for other content
	NotAllowed      Reason = "NOT_ALLOWED"      // the environment's configuration does not let actions do that
)

// Fault is one thing that is wrong with a request.
type Fault struct {
	Reason  Reason
	Field   string   // where: "fields.birthdate", "where.emailaddress1", "fetch_xml:3:14", "save.name"
	Message string   // what is wrong and what would be right; never the value of a sensitive field
	Veiled  string   // Message without what was given; "" where nobody said which part of it that is
	Allowed []string // the labels or values that are allowed, where they are few
	Nearest []string // the names that come nearest to one that is not known
}

// Error is a request that cannot be carried out as it is, with all its faults. Nothing was written.
type Error struct {
	Faults []Fault // at least one
	Err    error   // what told us, where the fault is not our own finding; may be nil
}

// Error tells each fault, one after the other. It may repeat what the caller sent: tell it to the caller. What a log gets
// is LogValue.
func (e *Error) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = fmt.Sprintf("%s: %s", f.Field, f.Message)
	}
	return strings.Join(texts, "; ")
}

// LogValue is the reason and the place of each fault, for log/slog: no value that the caller sent is in it.
func (e *Error) LogValue() slog.Value {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Field + ": " + string(f.Reason)
	}
	return slog.StringValue(strings.Join(texts, "; "))
}

// Unwrap returns what told us of the fault.
func (e *Error) Unwrap() error { return e.Err }

// NearestTo adds the names that come nearest to the one at fault, where there are any.
func (f *Fault) NearestTo(names []string) *Fault {
	if f.Nearest = names; len(names) > 0 {
		f.Message = strings.TrimSuffix(f.Message, ".") + "; the nearest are " + strings.Join(names, ", ")
	}
	return f
}

// ErrorOf is the faults as an error; nil for none.
func ErrorOf(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Faults: faults}
}

// FaultsOf are the faults of an *Error; nil for any other error.
func FaultsOf(err error) []Fault {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Faults
	}
	return nil
}

// Given is what was given, as a message shows it. As an argument of NewFault it is what a veiled message leaves out.
type Given string

// NewFault is a fault with a message made as fmt.Sprintf does.
func NewFault(reason Reason, field, format string, args ...any) *Fault {
	return &Fault{Reason: reason, Field: field, Message: fmt.Sprintf(format, args...), Veiled: veiled(format, args)}
}

// veiled is a message that has "the value" for what was given; "" where no argument is that.
func veiled(format string, args []any) string {
	others := slices.Clone(args)
	found := false
	for i, arg := range others {
		if _, given := arg.(Given); given {
			others[i], found = Given("the value"), true
		}
	}
	if !found {
		return ""
	}
	return fmt.Sprintf(format, others...)
}

// OneOf lists names for a sentence.
func OneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
