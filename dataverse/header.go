package dataverse

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
)

// newRequestID is an ID for one request, by which Dataverse's logs can be searched.
func newRequestID() string { return uuid.NewString() }

// header is a call's headers, with names as net/http writes them. Accept and the OData versions belong to every request (Web
// API, "Compose HTTP requests and handle errors").
func (q call) header(authorization, requestID string) http.Header {
	h := make(http.Header, 10)
	h.Set("Authorization", authorization)
	h.Set("Accept", "application/json")
	h.Set("OData-Version", "4.0")
	h.Set("OData-MaxVersion", "4.0")
	h.Set("X-Ms-Client-Request-Id", requestID)
	if q.body != nil {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	if q.contentType != "" {
		h.Set("Content-Type", q.contentType)
	}
	q.options.set(h)
	return h
}

// set adds the headers that are options, also to the parts of a $batch: they do not inherit them.
func (o options) set(h http.Header) {
	if o.annotations {
		h.Set("Prefer", `odata.include-annotations="*"`)
	}
	if o.expands {
		h.Set("If-None-Match", "null") // else a proxy may answer with expanded records of its own
	}
	if o.onlyExisting {
		h.Set("If-Match", "*") // a PATCH without it creates what is not there
	}
	if o.strong {
		h.Set("Consistency", "Strong")
	}
	if o.detectDuplicates != nil {
		// The header suppresses: false turns detection on (Web API, "Detect duplicate data").
		h.Set("MSCRM.SuppressDuplicateDetection", strconv.FormatBool(!*o.detectDuplicates))
	}
}
