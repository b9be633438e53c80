package odata

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// maxBatch is how many requests a $batch may have (Web API, "Execute batch operations").
const maxBatch = 1000

// ErrBatch is the error of a $batch body that cannot be read; errors wrap it with the reason.
var ErrBatch = errors.New("the batch cannot be read")

// BatchRequest is one request of a $batch.
type BatchRequest struct {
	Method    string
	URL       string // as written: absolute, from the root of the host, or "$1" for what the part of that Content-ID made
	Header    http.Header
	Body      []byte
	ContentID string
	// ChangeSet numbers the change set that the request is part of, from 1; 0 stands for none.
	ChangeSet int
}

// BatchResponse is the answer to one request of a $batch.
type BatchResponse struct {
	Status    int
	Header    http.Header
	Body      []byte
	ContentID string
	// ChangeSet numbers the change set that the answer is part of, from 1; 0 stands for none. A change set that failed is
	// answered by one response outside any.
	ChangeSet int
}

// BatchContentType is the content type of a body written with a boundary.
func BatchContentType(boundary string) string {
	return mime.FormatMediaType("multipart/mixed", map[string]string{"boundary": boundary})
}

// ReadBatch reads the body of a $batch request, of at most 1000 requests. Lines may end in CRLF or LF. The caller bounds the
// size of the body; io.Reader's own errors are returned as they are, wrapped.
func ReadBatch(contentType string, body io.Reader) ([]BatchRequest, error) {
	var requests []BatchRequest
	err := readParts(contentType, body, func(p batchPart) error {
		r, err := p.request()
		if err != nil {
			return err
		}
		if len(requests) == maxBatch {
			return fmt.Errorf("%w: more than %d requests", ErrBatch, maxBatch)
		}
		requests = append(requests, r)
		return nil
	})
	return requests, err
}

// ReadBatchResponse reads the body of a $batch answer.
func ReadBatchResponse(contentType string, body io.Reader) ([]BatchResponse, error) {
	var responses []BatchResponse
	err := readParts(contentType, body, func(p batchPart) error {
		r, err := p.response()
		if err != nil {
			return err
		}
		responses = append(responses, r)
		return nil
	})
	return responses, err
}

// batchPart is one part that holds an HTTP message.
type batchPart struct {
	*multipart.Part
	changeSet int
}

// readParts calls visit for each message, those in change sets too.
func readParts(contentType string, body io.Reader, visit func(batchPart) error) error {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return err
	}
	changeSets := 0
	return eachPart(multipart.NewReader(body, boundary), func(p *multipart.Part) error {
		inner := p.Header.Get("Content-Type")
		if !isMultipart(inner) {
			return visit(batchPart{Part: p})
		}
		boundary, err := boundaryOf(inner)
		if err != nil {
			return err
		}
		changeSets++
		return eachPart(multipart.NewReader(p, boundary), func(p *multipart.Part) error {
			if isMultipart(p.Header.Get("Content-Type")) {
				return fmt.Errorf("%w: a change set or batch within a change set", ErrBatch)
			}
			return visit(batchPart{Part: p, changeSet: changeSets})
		})
	})
}

func eachPart(r *multipart.Reader, visit func(*multipart.Part) error) error {
	for {
		p, err := r.NextRawPart()
		if err == io.EOF { // not errors.Is: a body that breaks off gives an io.EOF, wrapped
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBatch, err)
		}
		if err := visit(p); err != nil {
			return err
		}
	}
}

func isMultipart(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "multipart/")
}

func boundaryOf(contentType string) (string, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/mixed" || params["boundary"] == "" {
		return "", fmt.Errorf(`%w: the content type is %q, want multipart/mixed; boundary="…"`, ErrBatch, contentType)
	}
	return params["boundary"], nil
}
