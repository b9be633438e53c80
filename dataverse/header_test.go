package dataverse

import (
	"net/http"
	"testing"
)

// TestHeadersCanBeFound: a transport that looks at a request finds its headers by any spelling of their names.
func TestHeadersCanBeFound(t *testing.T) {
	t.Parallel()
	yes := true
	q := call{body: []byte("{}"), options: options{annotations: true, expands: true, ifMatch: "*", strong: true, detectDuplicates: &yes}}
	h := q.header("Bearer t", "id")
	for name := range h {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			t.Errorf("the header %s is not as net/http writes it, %s", name, canonical)
		}
	}
	h.Add("Accept", "text/plain")
	if got := h.Get("MSCRM.SuppressDuplicateDetection"); got != "false" || h.Get("odata-version") != "4.0" || len(h) != 11 {
		t.Errorf("detection is %q, of %d headers; adding to one may have changed its neighbour", got, len(h))
	}
}
