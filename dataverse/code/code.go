// Package code knows Dataverse's error codes: the number that stands in an error body, its name, and the HTTP status that
// the Web API answers it with.
package code

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Code is an error code of Dataverse, an HRESULT. The zero Code is what Dataverse sends as "" or "0x0": an error that only
// its message tells about.
type Code uint32

// Parse reads a code as error bodies write it: "0x" and hexadecimal digits, in any case. The empty text and "0x0" are the
// zero Code. It reports false for what is no code at all; a code that this package has no name for is still a code.
func Parse(text string) (Code, bool) {
	if text == "" {
		return 0, true
	}
	digits, ok := strings.CutPrefix(strings.ToLower(text), "0x")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return 0, false
	}
	return Code(n), true
}

// String is the code as it stands in an error body: "0x80040217"; "0x0" for the zero Code.
func (c Code) String() string {
	if c == 0 {
		return "0x0"
	}
	return fmt.Sprintf("0x%08x", uint32(c))
}

// Name is Dataverse's name of the code, as "ObjectDoesNotExist"; "" where this package has none.
func (c Code) Name() string { return known[c].name }

// HTTPStatus is the status that the Web API answers an error of this code with. A code without an entry of its own is a 400,
// as most of them are; callers should judge an answer by its code before its status, for some codes come with several.
func (c Code) HTTPStatus() int {
	if s := known[c].status; s != 0 {
		return s
	}
	return http.StatusBadRequest
}
