package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// PlannedRequest is a request to Dataverse that a call with ValidateOnly would send.
type PlannedRequest struct {
	Method    string
	URL       string
	Header    map[string]string // those that matter; never a secret
	Body      map[string]any    // nil where there is none; numbers are json.Number
	Condition string            // as "if Dataverse refuses the record as a duplicate"; "" for always
}

// heldCode is the code of the refusal that stands for "listed and not sent". No error of Dataverse's has it.
const heldCode code.Code = 0x0B07E25E

// heldAnswer is what a request is answered that a plan lists and does not let through: a refusal, which a client neither
// repeats nor takes for done, as it would a lost connection.
var heldAnswer = `{"error":{"code":"` + heldCode.String() + `","message":"listed and not sent"}}`

// plan lists what an action asks of Dataverse and lets none of its writes through. It stands in the client's transport
// (dataverse.Client.Via), so that what is listed is what would have been sent: metadata and sign-in do not come by.
//
// Reads go through and are listed. At the first write, or after hold, nothing goes through any more: each request is listed
// and refused, which heldBack tells from Dataverse's own refusals.
type plan struct {
	active    bool
	mu        sync.Mutex
	held      bool
	condition string
	requests  []PlannedRequest
}

// newPlan is a plan; one that is not active lists nothing and holds nothing.
func newPlan(active bool) *plan { return &plan{active: active} }

// through is the client with the plan in its transport.
func (p *plan) through(client *dataverse.Client) *dataverse.Client {
	if !p.active {
		return client
	}
	return client.Via(p.wrap)
}

// wrap is the transport that lists.
func (p *plan) wrap(next http.RoundTripper) http.RoundTripper {
	return planned{plan: p, next: next}
}

// hold lets nothing through from now on. The requests that follow are listed with the condition under which they would
// be sent; "" means always.
func (p *plan) hold(condition string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.condition = true, condition
}

// heldBack is the error of a call whose request the plan may have held: nil where it did.
func (p *plan) heldBack(err error) error {
	var refusal *dataverse.Error
	switch {
	case err == nil:
		return errors.New("the request that was to be listed only has been sent")
	case errors.As(err, &refusal) && refusal.Code == heldCode:
		return nil
	}
	return err
}

// heldOrDone is heldBack of steps that need not come to a request that is held.
func (p *plan) heldOrDone(err error) error {
	if err == nil {
		return nil
	}
	return p.heldBack(err)
}

// Requests returns what was listed, in order.
func (p *plan) Requests() []PlannedRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// list adds a request and reports whether it is held.
func (p *plan) list(requests []PlannedRequest, read bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = p.held || !read
	for _, request := range requests {
		request.Condition = p.condition
		p.requests = append(p.requests, request)
	}
	return p.held
}

// planned is the transport of a plan.
type planned struct {
	plan *plan
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t planned) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if t.plan.list(describeRequest(req, body), dataverse.IsRead(req)) {
		return refusal(req), nil
	}
	if req.Body != nil {
		whole := *req // a RoundTripper may not change the request that it was given
		whole.Body = io.NopCloser(bytes.NewReader(body))
		req = &whole
	}
	return t.next.RoundTrip(req)
}

func refusal(req *http.Request) *http.Response {
	return &http.Response{
		Status: "400 Bad Request", StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(heldAnswer)),
		Body: io.NopCloser(strings.NewReader(heldAnswer)),
	}
}

// readBody reads a request's body and closes it, as a RoundTripper must.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if closeErr := req.Body.Close(); err == nil {
		err = closeErr
	}
	return body, err
}

// describeRequest lists a request; of a $batch the requests inside, which is what Dataverse is asked.
func describeRequest(req *http.Request, body []byte) []PlannedRequest {
	if inner, ok := batched(req, body); ok {
		return inner
	}
	return []PlannedRequest{{
		Method: req.Method, URL: req.URL.String(), Header: telling(req.Header), Body: object(body),
	}}
}

// batched lists the requests inside a $batch.
func batched(req *http.Request, body []byte) ([]PlannedRequest, bool) {
	if !strings.HasSuffix(req.URL.Path, "/$batch") {
		return nil, false
	}
	parts, err := odata.ReadBatch(req.Header.Get("Content-Type"), bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	var requests []PlannedRequest
	for _, part := range parts {
		address := part.URL
		if inner, err := req.URL.Parse(part.URL); err == nil {
			address = inner.String()
		}
		requests = append(requests, PlannedRequest{Method: part.Method, URL: address, Header: telling(part.Header), Body: object(part.Body)})
	}
	return requests, true
}

// tellingHeaders are the headers that change what a request does, as Dataverse's documentation spells them, which is not
// how net/http does.
var tellingHeaders = []string{"Content-Type", "If-Match", "If-None-Match", "Prefer", "MSCRM.SuppressDuplicateDetection"}

// telling is a request's tellingHeaders. All others stay out, secrets with them.
func telling(header http.Header) map[string]string {
	shown := map[string]string{}
	for _, name := range tellingHeaders {
		if values := header.Values(name); len(values) > 0 {
			shown[name] = strings.Join(values, ", ")
		}
	}
	return shown
}

// object is a body that is a JSON object; nil for any other.
func object(body []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var members map[string]any
	if decoder.Decode(&members) != nil {
		return nil
	}
	return members
}
