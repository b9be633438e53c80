package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/internal/silent"
)

// Server is a local Dataverse. Its methods may be called by any number of goroutines.
type Server struct {
	cfg      Config
	log      *slog.Logger
	schema   *schema.Schema
	tables   map[string]*table // by logical name
	store    *store
	tokens   tokens
	plan     plan
	limits   *limiter
	handler  http.Handler
	settings atomic.Pointer[settings]
	counters counters
	hooks    *deliveries
	uploads  uploads

	clientSecrets atomic.Pointer[[]ClientSecret]

	listening sync.Mutex // guards listener
	listener  net.Listener
}

// Open opens the data directory, or makes a new one with the data that cfg.Seed names. It fails with ErrLocked where another
// process has the directory open. The caller closes the Server.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	query.RegisterFunctions()
	var (
		store *store
		err   error
	)
	if cfg.InMemory {
		store, err = openCopy(ctx, cfg.Seed)
	} else {
		store, err = openStore(ctx, cfg.DataDir)
	}
	if err != nil {
		return nil, err
	}
	return open(ctx, cfg, store)
}

// open makes a Server of an open store, which it closes where that fails.
func open(ctx context.Context, cfg Config, store *store) (*Server, error) {
	s := &Server{cfg: cfg, log: cfg.logger(), schema: schema.Standard(), store: store, limits: newLimiter(cfg.Limits)}
	s.tables = newTables(s.schema)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, store.close())
	}
	queued, err := s.queuedEvents(ctx)
	if err != nil {
		return nil, errors.Join(err, store.close())
	}
	faults, err := cfg.readFaults()
	if err != nil {
		return nil, errors.Join(err, store.close())
	}
	s.hooks = newDeliveries(s)
	s.SetFaults(faults)
	s.SetClientSecrets(cfg.ClientSecrets...)
	s.hooks.enqueue(queued)
	s.handler = s.routes()
	return s, nil
}

// Listen begins to listen on the configured address, which Addr then tells. Run does it where it was not done before.
func (s *Server) Listen() error {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen for the local Dataverse: %w", err)
	}
	s.listener = listener
	return nil
}

// Addr is the host:port that the Server listens on; "" before Listen.
func (s *Server) Addr() string {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Run serves until ctx ends, then waits a bounded time for requests and webhooks in flight. It returns nil when ctx ended it.
// It begins with the webhooks that were not delivered when the data directory was closed, or its process killed.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	if !s.cfg.HoldWebhooks {
		s.ReleaseWebhooks()
	}
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	silent.LetGo(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the local Dataverse: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		s.log.Warn("requests to the local Dataverse had not ended in time and were cut off", "waited", s.cfg.DrainTimeout)
		_ = server.Close() // what is left was told to end
	}
	if left := s.hooks.drain(limit); left > 0 {
		s.log.Warn("webhooks were not delivered before the end", "count", left)
	}
	return nil
}

// HoldWebhooks keeps back the asynchronous webhooks that have not begun to go out, and waits for those that have, at most
// until ctx ends. They go out after ReleaseWebhooks, or from the next process on the data directory.
func (s *Server) HoldWebhooks(ctx context.Context) { s.hooks.hold(ctx) }

// ReleaseWebhooks lets webhooks go out that are held back.
func (s *Server) ReleaseWebhooks() { s.hooks.release() }

// Handler serves the Web API and the token endpoint.
func (s *Server) Handler() http.Handler { return s.handler }

// Close stops deliveries of webhooks and closes the data directory. Nothing may call the Server any more.
func (s *Server) Close() error {
	s.listening.Lock()
	if s.listener != nil {
		_ = s.listener.Close() // Run may have closed it
	}
	s.listening.Unlock()
	s.hooks.stop()
	return s.store.close()
}

// OrganizationID is the ID of the one organisation that the Server holds.
func (s *Server) OrganizationID() string { return s.settings.Load().organizationID }
