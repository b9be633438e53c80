package local

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
)

// reply is an answer that is complete before any of it is sent, so that one that fails half-way is never seen. It answers
// a request of its own or a part of a batch.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newReply(status int) reply { return reply{status: status, header: http.Header{}} }

func (r *reply) json(body []byte) {
	r.body = body
	r.header.Set("Content-Type", "application/json; odata.metadata=minimal")
}

func (r *reply) text(body string) {
	r.body = []byte(body)
	r.header.Set("Content-Type", "text/plain")
}

// The headers of service protection, in the spelling that Dataverse gives them.
const (
	headerRequests    = "x-ms-ratelimit-burst-remaining-xrm-requests"
	headerExecution   = "x-ms-ratelimit-time-remaining-xrm-requests"
	headerParallelism = "x-ms-dop-hint"
)

// idleLimits is what they say where no limits are on: what they would say to somebody's first request.
var idleLimits = []struct {
	name   string
	values []string
}{{headerRequests, []string{"5999"}}, {headerExecution, []string{"1,200.00"}}, {headerParallelism, []string{"16"}}}

// writeTo sends the reply with the headers that every answer of the Web API has.
func (r reply) writeTo(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range r.header {
		h[name] = values
	}
	id := uuid.NewString()
	h.Set("OData-Version", "4.0")
	h.Set("Cache-Control", "no-cache")
	h["REQ_ID"] = []string{id} // in this very spelling
	h["x-ms-service-request-id"] = []string{id}
	for _, limit := range idleLimits {
		if _, told := h[limit.name]; !told { // where limits are on
			h[limit.name] = limit.values
		}
	}
	if r.body != nil {
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a client that went away needs no answer
}
