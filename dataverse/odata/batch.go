package odata

import "net/http"

// BatchRequest is one request of a $batch.
type BatchRequest struct {
	Method    string
	URL       string
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
