// Package odata reads and writes the part of OData v4 that Dataverse speaks: the query options, resource paths and $batch
// bodies of its Web API. It knows no metadata: whether a field exists is for others to say.
//
// What is read may come from anywhere: no input makes a reader crash, and nesting is bounded. All of it is safe for use by
// many goroutines; a tree that was read belongs to the caller.
package odata

import "fmt"

// maxDepth bounds the nesting of conditions and expansions.
const maxDepth = 100

// SyntaxError is a text that is not what Dataverse can read. Its text is part of the error's: do not show it where the
// query's values must not be seen.
type SyntaxError struct {
	Text    string // the option, path or literal at fault
	Offset  int    // where in it, in bytes
	Message string
}

// Error says what is wrong, where, and in what.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at position %d in '%s'", e.Message, e.Offset, e.Text)
}
