package local_test

import (
	"net/http"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

const bubbleURL = "http://127.0.0.1:8090"

// openInBubble opens a server that nobody listens for, and returns a client of its Web API.
func openInBubble(t *testing.T, cfg local.Config) (*local.Server, client) {
	t.Helper()
	server := localtest.Open(t, cfg)
	c := newClient(t, bubbleURL)
	c.http = &http.Client{Transport: localtest.InProcess(server.Handler())}
	return server, c
}
