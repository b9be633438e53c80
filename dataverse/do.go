package dataverse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes. The definition of a large entity has some ten million.
const maxAnswer = 64 << 20

var errTooLarge = fmt.Errorf("the answer is larger than %d MB", maxAnswer>>20)

// call is a request to the Web API, as the caller means it.
type call struct {
	op, entity string // for errors
	method     string
	path       string // below the service root, percent-encoded
	query      string // percent-encoded
	body       []byte
	read       bool  // whether repeating it is harmless
	within     *call // of a $batch: the call that it was made for
	options
}

// options are what a call asks for by headers.
type options struct {
	contentType      string // of the body; "" stands for JSON
	annotations      bool   // formatted values and the entities of lookups
	representation   bool   // of a write: the record as it is then
	pageSize         int    // how many records to answer with at most; 0 leaves it to Dataverse
	expands          bool
	ifMatch          string // the version that a record must have, "*" for any: an update must not create
	detectDuplicates *bool  // nil says nothing about it
	strong           bool   // see the latest metadata
}

// answer is what came back of a call that was done.
type answer struct {
	status int
	header http.Header
	body   []byte
	parts  []answer // of a $batch
}

// IsRead reports whether a request of a Client changes nothing: a GET, or a $batch, which a Client makes of reads alone.
func IsRead(r *http.Request) bool {
	return r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/$batch")
}

// do signs a call, sends it, and sends it again where that is harmless and may help. A refusal is an *Error.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	if err := c.permits(q); err != nil {
		return answer{}, err
	}
	if q.method == http.MethodGet && c.tooLong(q) {
		return c.doInBatch(ctx, q)
	}
	renewed := false
	for try := 1; ; try++ {
		authorization, err := c.sign.authorization(ctx)
		if err != nil {
			return answer{}, notSignedIn(q, err)
		}
		a, failed := c.try(ctx, q, authorization, try)
		if failed == nil {
			return a, nil
		}
		if failed.Status == http.StatusUnauthorized && !renewed {
			// The token was revoked, or ended earlier than it said: nothing was done.
			c.sign.refused(authorization)
			renewed = true
			continue
		}
		wait, again := pause(q, failed, try)
		if !again || c.shared && asksToWait(failed) || !sleep(ctx, wait) {
			return answer{}, failed
		}
	}
}

// try sends a call once. Everything that may go wrong becomes an *Error here.
func (c *Client) try(ctx context.Context, q call, authorization string, try int) (a answer, failed *Error) {
	ctx, span := c.startSpan(ctx, q)
	requestID := newRequestID()
	defer func() { endSpan(span, q, requestID, try, a, failed) }()

	tryCtx, cancel := c.bound(ctx)
	defer cancel()
	r, sent, err := c.request(tryCtx, q, authorization, requestID)
	if err != nil {
		return answer{}, &Error{Op: q.op, Entity: q.entity, Message: "the request cannot be made", Err: ErrRefused}
	}
	if ctx.Err() != nil { // a transport refuses such a request before it says how far it got
		return answer{}, lost(ctx, q, requestID, ctx.Err(), false)
	}
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return answer{}, lost(ctx, q, requestID, err, sent.maybe(err))
	}
	defer response.Body.Close()
	a = answer{status: response.StatusCode, header: response.Header}
	a.body, err = readAll(response)
	if err != nil && q.read { // of a write the status has told
		failed = lost(ctx, q, requestID, err, true)
		if errors.Is(err, errTooLarge) {
			failed.Status = a.status // it would be as large the next time
		}
		return a, failed
	}
	return a.judged(q, requestID)
}

// bound is the context of one try, where the caller's deadline is not nearer.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= c.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// request is the call as HTTP has it, and a look at how far it got.
func (c *Client) request(ctx context.Context, q call, authorization, requestID string) (*http.Request, *progress, error) {
	var sent *progress
	if !q.read {
		sent = &progress{}
		ctx = sent.watch(ctx)
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.address(q), body)
	if err != nil {
		return nil, nil, err
	}
	r.Header = q.header(authorization, requestID)
	carryTrace(ctx, r.Header)
	return r, sent, nil
}

func (c *Client) address(q call) string {
	if q.query == "" {
		return c.root + q.path
	}
	return c.root + q.path + "?" + q.query
}

// readAll reads an answer that is not too large.
func readAll(response *http.Response) ([]byte, error) {
	if n := response.ContentLength; n >= 0 && n <= maxAnswer {
		body := make([]byte, n)
		_, err := io.ReadFull(response.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	return body, err
}
