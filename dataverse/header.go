package dataverse

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
)

// newRequestID is an ID for one request, by which Dataverse's logs can be searched.
func newRequestID() string { return uuid.NewString() }

// headers collects headers. Its names are as net/http writes them, so that none has to be looked at letter by letter, and all
// values share one array: every call comes by here.
type headers struct {
	header http.Header
	values []string
}

func newHeaders() *headers { return &headers{make(http.Header, 10), make([]string, 0, 10)} }

func (h *headers) set(name, value string) {
	h.values = append(h.values, value)
	n := len(h.values)
	h.header[name] = h.values[n-1 : n : n]
}

// header is a call's headers. Accept and the OData versions belong to every request (Web API, "Compose HTTP requests and handle
// errors").
func (q call) header(authorization, requestID string) http.Header {
	h := newHeaders()
	h.set("Authorization", authorization)
	h.set("Accept", "application/json")
	h.set("Odata-Version", "4.0")
	h.set("Odata-Maxversion", "4.0")
	h.set("X-Ms-Client-Request-Id", requestID)
	switch {
	case q.contentType != "":
		h.set("Content-Type", q.contentType)
	case q.body != nil:
		h.set("Content-Type", "application/json; charset=utf-8")
	}
	q.options.set(h)
	return h.header
}

// partHeader is the headers of a read in a $batch, which inherits none.
func (q call) partHeader() http.Header {
	h := newHeaders()
	h.set("Accept", "application/json")
	q.options.set(h)
	return h.header
}

// set adds the headers that are options.
func (o options) set(h *headers) {
	switch {
	case o.representation:
		h.set("Prefer", `return=representation,odata.include-annotations="*"`)
	case o.annotations && o.pageSize > 0:
		h.set("Prefer", `odata.include-annotations="*",odata.maxpagesize=`+strconv.Itoa(o.pageSize))
	case o.annotations:
		h.set("Prefer", `odata.include-annotations="*"`)
	}
	if o.expands {
		h.set("If-None-Match", "null") // else a proxy may answer with expanded records of its own
	}
	if o.ifMatch != "" {
		h.set("If-Match", o.ifMatch)
	}
	if o.strong {
		h.set("Consistency", "Strong")
	}
	if o.detectDuplicates != nil {
		// The header suppresses: false turns detection on (Web API, "Detect duplicate data").
		h.set("Mscrm.suppressduplicatedetection", strconv.FormatBool(!*o.detectDuplicates))
	}
}
