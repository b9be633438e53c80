package dataverse

import (
	"net/http"
	"strings"
)

// IsRead reports whether a request of a Client changes nothing: a GET, or a $batch, which a Client makes of reads alone.
func IsRead(r *http.Request) bool {
	return r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/$batch")
}
