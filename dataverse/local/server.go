package local

import (
	"context"
	"errors"
	"net/http"
)

// Server is a local Dataverse. Its methods may be called by any number of goroutines.
type Server struct {
	cfg Config
}

// Open opens the data directory, or makes a new one with the data that cfg.Seed names. It fails with ErrLocked where another
// process has the directory open. The caller closes the Server.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	return nil, errors.ErrUnsupported
}

// Listen begins to listen on the configured address, which Addr then tells. Run does it where it was not done before.
func (s *Server) Listen() error { return errors.ErrUnsupported }

// Addr is the host:port that the Server listens on; "" before Listen.
func (s *Server) Addr() string { return "" }

// Run serves until ctx ends, then waits a bounded time for requests and webhooks in flight. It returns nil when ctx ended it.
func (s *Server) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Handler serves the Web API and the token endpoint.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// Close stops deliveries of webhooks and closes the data directory.
func (s *Server) Close() error { return nil }

// OrganizationID is the ID of the one organisation that the Server holds.
func (s *Server) OrganizationID() string { return "" }

// SetFaults replaces the fault plan; no faults end it.
func (s *Server) SetFaults(faults []Fault) {}
