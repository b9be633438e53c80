// Package silent lets servers stop without waiting for connections on which nobody ever asked for anything.
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
	c := newConnections()
	server.ConnState = c.follow
	server.RegisterOnShutdown(c.close)
}

// Listener is a listener whose Close closes the connections on which nothing was read yet, too. grpc-go stops gracefully once all
// its connections have said what they are (Server.GracefulStop), or after two minutes: a probe that only connects would
// hold it.
func Listener(at net.Listener) net.Listener {
	return &listener{Listener: at, connections: newConnections()}
}

type listener struct {
	net.Listener
	*connections
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.came(accepted)
	return &conn{Conn: accepted, of: l.connections}, nil
}

// Close implements net.Listener.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.close()
	return err
}

// conn tells when something comes over it, and when it is closed.
type conn struct {
	net.Conn
	of     *connections
	spoken bool // of one reader
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.spoken {
		c.spoken = true
		c.of.asked(c.Conn)
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.of.asked(c.Conn)
	return c.Conn.Close()
}

// connections are those on which nobody has asked for anything.
type connections struct {
	mu      sync.Mutex
	waiting map[net.Conn]struct{}
	closed  bool
}

func newConnections() *connections { return &connections{waiting: map[net.Conn]struct{}{}} }

func (c *connections) follow(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		c.came(conn)
	} else {
		c.asked(conn)
	}
}

func (c *connections) came(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close() // was accepted just before the end
		return
	}
	c.waiting[conn] = struct{}{}
}

func (c *connections) asked(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, conn)
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.waiting {
		_ = conn.Close() // nobody is told: nothing was asked
	}
}
