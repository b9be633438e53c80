package localtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
)

// Open is a local Dataverse in memory that nobody listens for; it is closed when the test ends. What cfg leaves open is as
// Complete has it. In a synctest bubble, where a listener's clock would stand still, requests reach it by InProcess.
func Open(t testing.TB, cfg local.Config) *local.Server {
	t.Helper()
	server, err := local.Open(t.Context(), Complete(cfg))
	if err != nil {
		t.Fatalf("start a local Dataverse: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the local Dataverse: %v", err)
		}
	})
	return server
}

// InProcess sends requests to a handler without a network, so that a synctest bubble's clock can run. A request is done in its
// caller's goroutine; a handler that breaks off is an answer that was lost.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (response *http.Response, err error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
				panic(p)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	p.handler.ServeHTTP(w, in)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	response = w.Result()
	response.Header = http.Header{}
	for name, values := range w.Header() {
		response.Header[http.CanonicalHeaderKey(name)] = values // as net/http reads what comes over a network
	}
	return response, nil
}
