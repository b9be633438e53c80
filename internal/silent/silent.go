// Package silent lets an HTTP server stop without waiting for connections on which nobody ever asked for anything.
package silent

import (
	"net"
	"net/http"
	"sync"
)

// LetGo has a server that is shut down close its connections without a request. Shutdown itself waits for such a connection
// until it is five seconds old (net/http, closeIdleConns), though it answers no request that is read after its beginning
// (conn.serve). Browsers and Go's own clients open connections in advance.
func LetGo(server *http.Server) {
	c := &connections{waiting: map[net.Conn]struct{}{}}
	server.ConnState = c.follow
	server.RegisterOnShutdown(c.close)
}

// connections are those without a request.
type connections struct {
	mu      sync.Mutex
	waiting map[net.Conn]struct{}
	closed  bool
}

func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(c.waiting, conn)
	case c.closed:
		_ = conn.Close() // was accepted just before the end
	default:
		c.waiting[conn] = struct{}{}
	}
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.waiting {
		_ = conn.Close() // nobody is told: nothing was asked
	}
}
