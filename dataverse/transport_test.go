package dataverse

import (
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
	var opened atomic.Int32
	var arrived sync.WaitGroup
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		arrived.Wait() // all calls of a round are there
		answerJSON(w, 200, `{"value":[]}`)
	})
	before := s.Config.ConnState
	s.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		before(conn, state)
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	c := s.client(t)
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
