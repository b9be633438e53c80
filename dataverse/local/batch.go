package local

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/odata"
)

// maxBatch is how many requests a batch may have (Web API, "Execute batch operations").
const maxBatch = 1000

// batch answers a $batch: its requests in their order, each change set in one transaction. It stops at the first that
// fails unless the client prefers to go on.
func (s *Server) batch(ctx context.Context, c *call) (reply, error) {
	if c.method != http.MethodPost {
		return reply{}, &fault{status: http.StatusMethodNotAllowed, code: code.InvalidOperation, message: "A $batch is a POST."}
	}
	requests, err := odata.ReadBatch(c.header.Get("Content-Type"), bytes.NewReader(c.body))
	if err != nil {
		return reply{}, refuse(code.InvalidPayload, "Error identified in Payload provided by the user for Entity :'', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : %s", err)
	}
	if len(requests) > maxBatch {
		return reply{}, refuse(code.InvalidArgument, "The batch has %d requests, more than the %d that are allowed.", len(requests), maxBatch)
	}
	c.prefer = readPreferences(c.header)
	responses, status := s.runBatch(ctx, c, requests)
	boundary := "batchresponse_" + uuid.NewString()
	var b bytes.Buffer
	if err := odata.WriteBatchResponse(&b, boundary, responses); err != nil {
		return reply{}, err
	}
	answer := newReply(status)
	answer.body = b.Bytes()
	answer.header.Set("Content-Type", odata.BatchContentType(boundary))
	c.prefer.tell(answer.header)
	return answer, nil
}

// runBatch returns the answers, and the status of the whole: that of the request that stopped it.
func (s *Server) runBatch(ctx context.Context, c *call, requests []odata.BatchRequest) ([]odata.BatchResponse, int) {
	var responses []odata.BatchResponse
	for len(requests) > 0 {
		n := 1
		for requests[0].ChangeSet != 0 && n < len(requests) && requests[n].ChangeSet == requests[0].ChangeSet {
			n++
		}
		var done []odata.BatchResponse
		if requests[0].ChangeSet != 0 {
			done = s.changeSet(ctx, c, requests[:n])
		} else {
			done = []odata.BatchResponse{response(s.part(ctx, c, requests[0], nil), requests[0])}
		}
		responses, requests = append(responses, done...), requests[n:]
		if status := done[len(done)-1].Status; status >= http.StatusBadRequest && !c.prefer.continueOnError {
			return responses, status
		}
	}
	return responses, http.StatusOK
}

func response(r reply, to odata.BatchRequest) odata.BatchResponse {
	header := http.Header{"OData-Version": version4}
	for name, values := range r.header {
		header[spelled(name)] = values
	}
	return odata.BatchResponse{Status: r.status, Header: header, Body: r.body, ContentID: to.ContentID, ChangeSet: to.ChangeSet}
}

// errRolledBack ends the transaction of a change set whose refusal is already written down.
var errRolledBack = errors.New("the change set was rolled back")

// changeSet does all requests of a change set or none. A failed one is answered by the one error.
func (s *Server) changeSet(ctx context.Context, c *call, requests []odata.BatchRequest) []odata.BatchResponse {
	var (
		done   []odata.BatchResponse
		failed *odata.BatchResponse
	)
	err := s.mutate(ctx, c.by, func(m *mutation) error {
		for _, request := range requests {
			if request.Method == http.MethodGet {
				return refuse(code.InvalidOperation, "A change set cannot have a GET request.")
			}
			answer := response(s.part(ctx, c, request, m), request)
			if answer.Status >= http.StatusBadRequest {
				answer.ChangeSet = 0
				failed = &answer
				return errRolledBack
			}
			if address := answer.Header.Get("Location"); address != "" && request.ContentID != "" {
				m.references["$"+request.ContentID] = address
			}
			done = append(done, answer)
		}
		return nil
	})
	switch {
	case failed != nil:
		return []odata.BatchResponse{*failed}
	case err != nil:
		answer := response(s.refusal(ctx, requests[0].Header, err), requests[0])
		answer.ChangeSet = 0
		return []odata.BatchResponse{answer}
	}
	return done
}

// part answers one request of a batch.
func (s *Server) part(ctx context.Context, c *call, request odata.BatchRequest, m *mutation) reply {
	path, rawQuery, _ := strings.Cut(request.URL, "?")
	path = relative(path) // what stands before a reference does not count: .NET makes its address absolute
	if reference, rest, _ := strings.Cut(path, "/"); m != nil && strings.HasPrefix(reference, "$") {
		address, ok := m.references[reference]
		if !ok {
			return noSuchReference(reference).reply()
		}
		path = relative(strings.TrimSuffix(address+"/"+rest, "/"))
	}
	inner := &call{
		method: request.Method, path: path, rawQuery: rawQuery, header: request.Header, body: request.Body, base: c.base, by: c.by, mutation: m,
	}
	if err := tooLong(request.URL, maxBatchURL); err != nil {
		return s.refusal(ctx, request.Header, err)
	}
	if path == "$batch" {
		return refuse(code.InvalidOperation, "A batch cannot have a batch in it.").reply()
	}
	answer, err := s.answer(ctx, inner)
	if err != nil {
		return s.refusal(ctx, request.Header, err)
	}
	return answer
}

func noSuchReference(name string) *fault {
	return refuse(code.InvalidPayload, "Content-ID Reference: '%s' does not exist in the batch context.", name)
}
