package query

import (
	"fmt"

	"github.com/botverse/botverse/dataverse/code"
)

// Error is a refusal that Dataverse would give: of a query that it cannot run or of a value that a field cannot take.
type Error struct {
	Code    code.Code
	Message string // Dataverse's own words where they are known; it may repeat what the caller sent
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code.String() + ": " + e.Message }

func refuse(c code.Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}
