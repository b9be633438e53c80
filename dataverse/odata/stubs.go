package odata

import (
	"errors"
	"io"
)

var errStub = errors.New("unimplemented")

// ParseFilter reads a $filter.
func ParseFilter(text string) (Expr, error) { return nil, errStub }

// ParseOrderBy reads an $orderby.
func ParseOrderBy(text string) ([]Order, error) { return nil, errStub }

// ParseQuery reads the query part of a URL, still percent-encoded.
func ParseQuery(rawQuery string) (*Query, error) { return nil, errStub }

// FormatFilter writes a condition as $filter text, not percent-encoded.
func FormatFilter(e Expr) string { return "" }

// Encode writes the query part of a URL, percent-encoded.
func (q *Query) Encode() string { return "" }

// ParsePath reads a path below the service root, still percent-encoded.
func ParsePath(path string) (*ResourcePath, error) { return nil, errStub }

// RecordPath is the path of a record: "accounts(…)".
func RecordPath(set, id string) string { return set + "(" + id + ")" }

// EscapeString doubles the quotes of a text for a literal.
func EscapeString(text string) string { return text }

// EscapeWildcards makes the wildcards in a text literal for the string functions.
func EscapeWildcards(text string) string { return text }

// ReadBatch reads the body of a $batch request.
func ReadBatch(contentType string, body io.Reader) ([]BatchRequest, error) { return nil, errStub }

// WriteBatch writes the body of a $batch request.
func WriteBatch(w io.Writer, boundary string, requests []BatchRequest) error { return errStub }

// ReadBatchResponse reads the body of a $batch answer.
func ReadBatchResponse(contentType string, body io.Reader) ([]BatchResponse, error) {
	return nil, errStub
}

// WriteBatchResponse writes the body of a $batch answer.
func WriteBatchResponse(w io.Writer, boundary string, responses []BatchResponse) error {
	return errStub
}

// BatchContentType is the content type of a body written with a boundary.
func BatchContentType(boundary string) string { return `multipart/mixed; boundary="` + boundary + `"` }
