package dataverse

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/botverse/botverse/dataverse/odata"
)

// maxURL is the length of a URL above which a read goes by $batch. Dataverse takes 32 KB, but proxies on the way may not (Web
// API, "Query data", "URL length limits").
const maxURL = 2000

func (c *Client) tooLong(q call) bool { return len(c.root)+len(q.path)+1+len(q.query) > maxURL }

// doInBatch does a read whose URL is too long for one.
func (c *Client) doInBatch(ctx context.Context, q call) (answer, error) {
	a, err := c.batch(ctx, q, []call{q})
	if err != nil {
		return answer{}, err
	}
	return a[0], nil
}

// batch does reads in one request, which counts as one call: the first that fails is its error. whole names it in errors and
// traces.
func (c *Client) batch(ctx context.Context, whole call, reads []call) ([]answer, error) {
	boundary := "batch_" + newRequestID()
	var body bytes.Buffer
	requests := make([]odata.BatchRequest, len(reads))
	for i, q := range reads {
		requests[i] = odata.BatchRequest{Method: http.MethodGet, URL: c.partURL(q), Header: q.partHeader()}
	}
	if err := odata.WriteBatch(&body, boundary, requests); err != nil {
		return nil, &Error{Op: whole.op, Entity: whole.entity, Message: "the $batch cannot be written", Err: ErrRefused}
	}
	a, err := c.do(ctx, call{
		op: whole.op, entity: whole.entity, method: http.MethodPost, path: "$batch", body: body.Bytes(), read: true,
		within: &whole, options: options{contentType: odata.BatchContentType(boundary)},
	})
	if err != nil {
		return nil, err
	}
	if len(a.parts) != len(reads) {
		return nil, notTheWebAPI(whole, fmt.Sprintf("a $batch of %d reads was answered with %d parts", len(reads), len(a.parts)))
	}
	return a.parts, nil
}

// partURL is the address of a part: the form without a host is the one that every server takes.
func (c *Client) partURL(q call) string {
	url := c.api.EscapedPath() + "/" + q.path
	if q.query != "" {
		url += "?" + q.query
	}
	return url
}

// judgedParts reads the parts of a $batch. A $batch stops at the first part that fails, which is then the last.
func (a answer) judgedParts(q call, requestID string) (answer, *Error) {
	responses, err := odata.ReadBatchResponse(a.header.Get("Content-Type"), bytes.NewReader(a.body))
	if err != nil {
		return a, notTheWebAPI(q, "the answer to a $batch cannot be read")
	}
	for _, r := range responses {
		part := answer{status: r.Status, header: r.Header, body: r.Body}
		if part.status < 200 || part.status >= 300 {
			return a, part.refusal(q, requestID)
		}
		a.parts = append(a.parts, part)
	}
	return a, nil
}

// notTheWebAPI is the error of an answer that Dataverse would not give.
func notTheWebAPI(q call, message string) *Error {
	return &Error{Op: q.op, Entity: q.entity, Message: message + "; is the environment's url right?", Err: ErrUnavailable}
}
