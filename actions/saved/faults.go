package saved

import (
	"fmt"
	"strings"

	"github.com/botverse/botverse/actions/input"
)

// Fault is one thing that is wrong with a definition. Its Field is a path in the file, as "findRecord.where.emailaddress1".
type Fault struct {
	input.Fault
	Line, Column int // in the file, from 1; 0 where it is about no place in it
}

// Error is a definition that cannot be used as it is, with all its faults.
type Error struct {
	File   string // its name, without directories
	Faults []Fault
}

// Error tells each fault, as "find-contact.yaml:7:5: findRecord.where.emial: …".
func (e *Error) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = e.File + ":" + f.String()
	}
	return strings.Join(texts, "; ")
}

// String is the fault with its place, as "7:5: findRecord.where.emial: …".
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if f.Field != "" {
		b.WriteString(" " + f.Field + ":")
	}
	return b.String() + " " + f.Message
}

// kindList names all kinds, for messages.
func kindList() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
