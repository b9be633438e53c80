package local_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

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

// TestRecordsInMemoryAreOfTheirDay: the files that they are copies of are shared by all Servers of the process, in and outside of
// bubbles, where it is the year 2000; whoever is first must not give all others its day.
func TestRecordsInMemoryAreOfTheirDay(t *testing.T) {
	t.Parallel()
	check := func(c client) {
		text, _ := c.list("contacts?$select=createdon&$top=1")[0]["createdon"].(string)
		at, err := time.Parse(time.RFC3339, text)
		if now := time.Now(); err != nil || now.Sub(at).Abs() > 24*time.Hour {
			t.Errorf("a contact was created on %q, want it on the day of %v (%v)", text, now, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		_, c := openInBubble(t, local.Config{Seed: local.SeedDemo})
		check(c)
	})
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	check(newClient(t, base))
}
