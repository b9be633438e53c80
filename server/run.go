package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/botverse/botverse/internal/silent"
)

// Listen opens all listeners, so that an address in use is told before anything is served. After an error, and where Run
// is not to follow, Close gives them back.
func (s *Server) Listen() error {
	s.warnOfPlainText()
	for _, l := range []struct {
		what      string
		addr      string
		at        *net.Listener
		protocols []string // over TLS; none for plain text
	}{
		{"gRPC", s.config.GRPCAddr, &s.grpcAt, []string{"h2"}},
		{"HTTP", s.config.HTTPAddr, &s.restAt, []string{"h2", "http/1.1"}},
		{"webhooks", s.config.WebhookAddr, &s.hooksAt, nil},
	} {
		at, err := net.Listen("tcp", l.addr)
		if err != nil {
			return errors.Join(fmt.Errorf("listen for %s on %s: %w", l.what, l.addr, err), s.Close())
		}
		*l.at = s.secured(at, l.protocols)
	}
	return nil
}

// GRPCAddr is where gRPC listens; "" before Listen.
func (s *Server) GRPCAddr() string { return addrOf(s.grpcAt) }

// HTTPAddr is where REST listens; "" before Listen.
func (s *Server) HTTPAddr() string { return addrOf(s.restAt) }

// WebhookAddr is where webhooks arrive; "" before Listen.
func (s *Server) WebhookAddr() string { return addrOf(s.hooksAt) }

func addrOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Run serves until ctx ends, and then ends streams with SHUTTING_DOWN, lets calls in flight finish, and closes, within ten
// seconds. The end of ctx is no error. It listens first where Listen was not called.
func (s *Server) Run(ctx context.Context) error {
	if s.grpcAt == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error { return s.grpc.Serve(silent.Listener(s.grpcAt)) })
	group.Go(func() error { return s.grpc.Serve(s.pipe) })
	group.Go(func() error { return serveHTTP(s.rest, s.restAt) })
	group.Go(func() error { return serveHTTP(s.hooks, s.hooksAt) })
	group.Go(func() error {
		<-failed.Done()
		return s.stop(context.WithoutCancel(ctx))
	})
	group.Go(func() error { s.tellReady(failed); return nil })
	group.Go(func() error { s.gate.reach(failed, s.log); return nil })
	err := group.Wait()
	if ctx.Err() != nil && errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// readyPoll is how often it is asked whether the process can serve.
const readyPoll = 100 * time.Millisecond

// tellReady makes gRPC's health say SERVING while the process can serve.
func (s *Server) tellReady(ctx context.Context) {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	told := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	for {
		status := grpc_health_v1.HealthCheckResponse_SERVING
		if s.ready(ctx) != nil {
			status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		if status != told {
			told = status
			s.tellHealth(told)
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// tellHealth sets the health of the server and of each of its services: who asks may name either.
func (s *Server) tellHealth(status grpc_health_v1.HealthCheckResponse_ServingStatus) {
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, status)
	}
	s.health.SetServingStatus("", status) // last: who waits for the whole may go on to a part
}

func serveHTTP(server *http.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// stop ends what is going on: streams at once, calls when they are done or out of patience, and whatever is left then.
func (s *Server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	s.health.Shutdown()
	s.life.endStreams()
	patience := time.AfterFunc(stopPatience, s.life.endCalls)
	defer patience.Stop()

	var group errgroup.Group
	group.Go(func() error { return shutdown(ctx, s.rest) })
	group.Go(func() error { return shutdown(ctx, s.hooks) })
	err := group.Wait() // REST calls need gRPC to end
	s.stopGRPC(ctx)
	return errors.Join(err, s.Close())
}

// shutdown lets an HTTP server's requests finish, and cuts those that do not in time.
func shutdown(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// stopGRPC lets gRPC's calls finish, and cuts those that do not in time.
func (s *Server) stopGRPC(ctx context.Context) {
	finished := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		s.grpc.Stop()
		<-finished
	}
}

// Close gives the listeners back and lets go of all else. After Run it does nothing more.
func (s *Server) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Server) close() error {
	s.life.endStreams()
	s.life.endCalls()
	s.grpc.Stop()
	for _, l := range []net.Listener{s.grpcAt, s.restAt, s.hooksAt} {
		if l != nil {
			_ = l.Close() // closed already after Run
		}
	}
	_ = s.pipe.Close() // bufconn's never fails
	_ = s.self.Close() // fails only when closed already
	return s.gauges.Shutdown(context.Background())
}
