package dataverse

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
)

// What can go wrong, for errors.Is. An error of a call that ended because its context did wraps the context's error instead, or,
// where a write may have been done by then, both that and ErrInDoubt.
var (
	ErrNotFound           = errors.New("no such record")
	ErrThrottled          = errors.New("Dataverse is throttling") // Error.RetryAfter says how long to wait
	ErrUnavailable        = errors.New("Dataverse cannot be reached or does not work")
	ErrSignIn             = errors.New("sign-in failed")
	ErrForbidden          = errors.New("the application user may not do this")
	ErrRefused            = errors.New("Dataverse refused the request")
	ErrInDoubt            = errors.New("the request was sent, and whether it was done is not known")
	ErrUnknownEnvironment = errors.New("unknown environment")
	ErrUnknownEntity      = errors.New("unknown entity")
)

// Error is what a call ends in. Its text has Dataverse's code and message, and none of the values that were sent: where the
// message repeats them, they are masked.
type Error struct {
	Op         string        // the call, as "CreateRecord"
	Entity     string        // the entity's logical name; "" where there is none
	Status     int           // of HTTP; 0 where no answer came
	Code       code.Code     // Dataverse's; 0 where it gave none
	Message    string        // Dataverse's, masked; or what happened on the way
	RequestID  string        // Dataverse's, to look for in its logs; ours where no answer came
	RetryAfter time.Duration // how long Dataverse asks to wait; 0 where it does not say
	Err        error         // one of the Err… values, or a wrapper of it
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Entity != "" {
		b.WriteString(" " + e.Entity)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	var facts []string
	if e.Status != 0 {
		facts = append(facts, fmt.Sprintf("status %d", e.Status))
	}
	if e.Code != 0 {
		facts = append(facts, strings.TrimSpace(fmt.Sprintf("code %v %s", e.Code, e.Code.Name())))
	}
	if e.RetryAfter > 0 {
		facts = append(facts, fmt.Sprintf("retry after %v", e.RetryAfter))
	}
	if e.RequestID != "" {
		facts = append(facts, "request "+e.RequestID)
	}
	if len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// UnknownEntityError says that an environment has no entity of a name. It wraps ErrUnknownEntity.
type UnknownEntityError struct {
	Name    string
	Nearest []string // the names of entities that are nearest to it, at most three
}

// Error implements error.
func (e *UnknownEntityError) Error() string {
	text := fmt.Sprintf("unknown entity %q", e.Name)
	if len(e.Nearest) > 0 {
		text += "; the nearest are " + strings.Join(e.Nearest, ", ")
	}
	return text
}

// Unwrap makes errors.Is(err, ErrUnknownEntity) true.
func (e *UnknownEntityError) Unwrap() error { return ErrUnknownEntity }
