package odata

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// WriteBatch writes the body of a $batch request. Its content type is BatchContentType(boundary); the caller makes the
// boundary, which must not occur in any body. Requests of one change set must stand together.
func WriteBatch(w io.Writer, boundary string, requests []BatchRequest) error {
	b := &batchWriter{boundary: boundary, inner: "changeset_"}
	for _, r := range requests {
		if hasBreak(r.Method) || hasBreak(r.URL) {
			return fmt.Errorf("a line break in the method or URL of a request for a batch")
		}
		b.part(r.ChangeSet, r.ContentID, r.Method+" "+r.URL+" HTTP/1.1", r.Header, r.Body)
	}
	return b.finish(w)
}

// WriteBatchResponse writes the body of a $batch answer, as WriteBatch does that of the request.
func WriteBatchResponse(w io.Writer, boundary string, responses []BatchResponse) error {
	b := &batchWriter{boundary: boundary, inner: "changesetresponse_"}
	for _, r := range responses {
		b.part(r.ChangeSet, r.ContentID, fmt.Sprintf("HTTP/1.1 %d %s", r.Status, http.StatusText(r.Status)), r.Header, r.Body)
	}
	return b.finish(w)
}

func hasBreak(s string) bool { return strings.ContainsAny(s, "\r\n") }

// batchWriter writes parts. Every line ends in CRLF, the last boundary's too: Dataverse refuses a body without it (Web API,
// "Execute batch operations").
type batchWriter struct {
	bytes.Buffer
	boundary  string
	inner     string // what the boundaries of change sets begin with
	changeSet int    // the open one, 0 for none
}

func (b *batchWriter) line(s string) { b.WriteString(s + "\r\n") }

// innerBoundary is that of the open change set: the outer one with another beginning, for a boundary has 70 characters at most (RFC
// 2046, 5.1.1).
func (b *batchWriter) innerBoundary() string {
	_, id, named := strings.Cut(b.boundary, "_")
	if !named {
		id = b.boundary
	}
	return fmt.Sprintf("%s%s_%d", b.inner, id, b.changeSet)
}

func (b *batchWriter) closeChangeSet() {
	if b.changeSet != 0 {
		b.line("--" + b.innerBoundary() + "--")
		b.changeSet = 0
	}
}

func (b *batchWriter) openChangeSet(n int) {
	if n == b.changeSet {
		return
	}
	b.closeChangeSet()
	if n == 0 {
		return
	}
	b.changeSet = n
	b.line("--" + b.boundary)
	b.line("Content-Type: " + BatchContentType(b.innerBoundary()))
	b.line("")
}

func (b *batchWriter) part(changeSet int, contentID, first string, header http.Header, body []byte) {
	b.openChangeSet(changeSet)
	boundary := b.boundary
	if changeSet != 0 {
		boundary = b.innerBoundary()
	}
	b.line("--" + boundary)
	b.line("Content-Type: application/http")
	b.line("Content-Transfer-Encoding: binary")
	if contentID != "" {
		b.line("Content-ID: " + strings.NewReplacer("\r", "", "\n", "").Replace(contentID))
	}
	b.line("")
	b.line(first)
	// http.Header writes its keys sorted and keeps line breaks out of values.
	header.WriteSubset(&b.Buffer, map[string]bool{"Content-Id": true}) //nolint:errcheck // a buffer takes everything
	b.line("")
	b.Write(body)
	b.line("")
}

func (b *batchWriter) finish(w io.Writer) error {
	b.closeChangeSet()
	b.line("--" + b.boundary + "--")
	_, err := w.Write(b.Bytes())
	return err
}
