package dataverse

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// TestConnectionsAreKept: as many connections as there are calls at once, and not a new one for each call.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const atOnce = 64
	var arrived sync.WaitGroup
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		arrived.Wait() // all calls of a round are there
		answerJSON(w, 200, `{"value":[]}`)
	})
	var opened atomic.Int32
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		opened.Add(1)
		return dial(ctx, network, address)
	}
	es, err := NewEnvironments(map[string]Config{"test": s.config()}, "", transport)
	if err != nil {
		t.Fatal(err)
	}
	c, err := es.Client(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		arrived.Add(atOnce)
		var calls sync.WaitGroup
		for range atOnce {
			calls.Go(func() {
				if err := read(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	// The transport opens a connection or two more than it needs when one comes free while it dials.
	if n := opened.Load(); n > 2*atOnce {
		t.Errorf("%d connections were opened for 5 rounds of %d calls", n, atOnce)
	}
}
