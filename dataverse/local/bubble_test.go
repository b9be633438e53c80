package local_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// inProcess sends requests to a handler without a network, so that a synctest bubble's clock can run.
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

const bubbleURL = "http://127.0.0.1:8090"

// openInBubble opens a server that nobody listens for, and returns a client of its Web API.
func openInBubble(t *testing.T, cfg local.Config) (*local.Server, client) {
	t.Helper()
	cfg = localtest.Complete(cfg)
	server, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	c := newClient(t, bubbleURL)
	c.http = &http.Client{Transport: inProcess{server.Handler()}}
	return server, c
}
