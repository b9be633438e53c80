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
	h["x-ms-ratelimit-burst-remaining-xrm-requests"] = []string{"5999"}
	h["x-ms-ratelimit-time-remaining-xrm-requests"] = []string{"1,200.00"}
	h["x-ms-dop-hint"] = []string{"16"}
	if r.body != nil {
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a client that went away needs no answer
}
