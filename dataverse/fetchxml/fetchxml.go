// Package fetchxml reads, checks and writes FetchXML, Dataverse's query language in XML. A document is read into a tree
// with the position of everything in it, may be changed there, and is written from the tree: text never gets into a
// document but through the escaping of the writer.
//
// What is read may come from anywhere: no input makes the reader crash, nesting is bounded, and documents with a DTD are
// refused. A tree belongs to whoever read it; reading it from many goroutines is safe.
package fetchxml

import (
	"fmt"

	"github.com/botverse/botverse/dataverse/code"
)

// Pos is a place in a document. Lines and columns count from 1, columns in characters. The zero Pos is that of a node that
// was made by hand.
type Pos struct{ Line, Column int }

// String is the place as "line 2, column 7"; "" for the zero Pos.
func (p Pos) String() string {
	if p == (Pos{}) {
		return ""
	}
	return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// SyntaxError is a document that is not FetchXML.
type SyntaxError struct {
	Line, Column int
	Code         code.Code // what Dataverse refuses it with
	Message      string
}

// Error says where and what is wrong, and what would be right.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Fault is what Check found wrong with a document that is FetchXML.
type Fault struct {
	Pos     Pos
	Code    code.Code // what Dataverse refuses it with
	Message string    // as Dataverse words it, where it has words for it
	Entity  string    // the entity that has no field of the name; "" for other faults
	Name    string    // the name that is none of those there are; "" for other faults
	Nearest []string  // names that may have been meant
	Silent  bool      // Dataverse does not refuse it, but finds nothing
}

// Error says where and what is wrong.
func (f *Fault) Error() string {
	if f.Pos == (Pos{}) {
		return f.Message
	}
	return f.Pos.String() + ": " + f.Message
}
