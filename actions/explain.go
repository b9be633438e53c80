package actions

import (
	"net/http"
	"sync"
)

// PlannedRequest is a request to Dataverse that a call with ValidateOnly would send.
type PlannedRequest struct {
	Method    string
	URL       string
	Header    map[string]string // those that matter; never a secret
	Body      map[string]any    // nil where there is none
	Condition string            // as "if Dataverse refuses the record as a duplicate"; "" for always
}

// plan lists what an action asks of Dataverse and lets none of its writes through. It stands in the client's transport
// (dataverse.Client.Via): what is listed is what would have been sent.
//
// Reads go through and are listed, but for metadata and sign-in. At the first write, or after hold, nothing goes
// through any more: each request is listed and fails with errHeld.
type plan struct {
	mu        sync.Mutex
	held      bool
	condition string
	requests  []PlannedRequest
}

// wrap is the transport that lists.
func (p *plan) wrap(next http.RoundTripper) http.RoundTripper { return next }

// hold lets nothing through from now on. The requests that follow are listed with the condition under which they would
// be sent; "" means always.
func (p *plan) hold(condition string) {}

// Requests returns what was listed, in order.
func (p *plan) Requests() []PlannedRequest { return nil }
