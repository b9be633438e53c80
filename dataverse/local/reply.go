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

// The values of headers that most answers have. They are shared, and nothing changes them.
var (
	jsonType    = []string{"application/json; odata.metadata=minimal"}
	version4    = []string{"4.0"}
	notToBeKept = []string{"no-cache"}
)

func (r *reply) json(body []byte) {
	r.body = body
	r.header["Content-Type"] = jsonType
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
		h[spelled(name)] = values
	}
	id := []string{uuid.NewString()}
	h["OData-Version"] = version4
	h["Cache-Control"] = notToBeKept
	h["REQ_ID"] = id // in this very spelling
	h["x-ms-service-request-id"] = id
	for _, limit := range idleLimits {
		if _, told := h[limit.name]; !told { // where limits are on
			h[limit.name] = limit.values
		}
	}
	if r.body != nil {
		h["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a client that went away needs no answer
}

// spelled is the name of a header as Dataverse writes it: http.Header knows no capitals within a word. Names are the same in any
// case, but there are clients that do not know that.
func spelled(name string) string {
	switch name {
	case "Odata-Version":
		return "OData-Version"
	case "Odata-Entityid":
		return "OData-EntityId"
	case "Etag":
		return "ETag"
	case "Www-Authenticate":
		return "WWW-Authenticate"
	}
	return name
}
