// Package server is Botverse's transport: gRPC, REST and server-sent events in front of actions and presence, and the
// intake of Dataverse's webhooks. It decodes, calls and encodes; what calls do is in the packages behind it.
//
// Each call, whichever door it comes by, passes one chain of stages, and each error leaves by one table (status.go).
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that ours stands on
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/test/bufconn"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/saved"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/silent"
	"github.com/botverse/botverse/presence"
)

// Deps is what the server stands on.
type Deps struct {
	Runtime  *actions.Runtime
	Saved    *saved.Library // nil for the built-in saved actions
	Presence *presence.Presence
	Logger   *slog.Logger                // nil logs nothing
	Ready    func(context.Context) error // why the process cannot serve yet, nil once it can; a nil Ready is ready at once

	FaultyFiles    func() []string      // secrets' files that cannot be used as they are, for the metrics; nil for none
	TracerProvider trace.TracerProvider // nil keeps no spans
	Version        string               // of the build, for the metrics
}

// Server is the transport. New, then Listen, then Run; one of each.
type Server struct {
	config      Config
	log         *slog.Logger
	traces      trace.TracerProvider
	metrics     metrics
	statuses    statuses
	actionNames *actionNames
	gate        gate
	certificate *certificate
	life        *lifetime
	ready       func(context.Context) error
	validate    validation

	grpc    *grpc.Server
	health  *health.Server
	pipe    *bufconn.Listener // the gateway's way in
	self    *grpc.ClientConn
	rest    *http.Server
	hooks   *http.Server
	gauges  *sdkmetric.MeterProvider
	grpcAt  net.Listener
	restAt  net.Listener
	hooksAt net.Listener
	closing sync.Once
	closed  error
}

// pipeBuffer is what the gateway's connection holds in flight, in bytes.
const pipeBuffer = 256 << 10

// services are the contract's, behind the chain.
type services struct {
	actions  botversev1.ActionServiceServer
	metadata botversev1.MetadataServiceServer
	presence botversev1.PresenceServiceServer
}

// New builds a server. It opens nothing yet: that is Listen's.
func New(config Config, deps Deps) (*Server, error) {
	if deps.Runtime == nil || deps.Presence == nil {
		return nil, errors.New("a server needs a runtime and a presence")
	}
	if deps.Saved == nil {
		var err error
		if deps.Saved, err = saved.Open(saved.Config{Runtime: deps.Runtime, Logger: deps.Logger}); err != nil {
			return nil, err
		}
	}
	return newServer(config, deps, services{
		actions:  actionService{runtime: deps.Runtime, saved: deps.Saved},
		metadata: metadataService{runtime: deps.Runtime},
		presence: presenceService{presence: deps.Presence},
	})
}

func newServer(config Config, deps Deps, behind services) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, log: deps.Logger, traces: deps.TracerProvider, life: newLifetime(),
		actionNames: &actionNames{library: deps.Saved}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.gate, err = newGate(config.Auth, s.log); err != nil {
		return nil, err
	}
	if s.certificate, err = openCertificate(config, s.log); err != nil {
		return nil, err
	}
	if s.traces == nil {
		s.traces = nooptrace.NewTracerProvider()
	}
	if deps.Runtime != nil && deps.Runtime.Environments != nil {
		s.statuses.environments = deps.Runtime.Environments.Names()
	}
	if deps.Ready == nil {
		deps.Ready = func(context.Context) error { return nil }
	}
	registry, err := s.openMetrics(deps.Version)
	if err != nil {
		return nil, err
	}
	if err := s.observe(deps); err != nil {
		return nil, fmt.Errorf("open the metrics: %w", err)
	}
	if s.validate, err = newValidation(); err != nil {
		return nil, fmt.Errorf("compile the contract's rules: %w", err)
	}
	s.ready = deps.Ready
	s.buildGRPC(behind)
	s.buildIntake(deps.Presence)
	if err := s.buildREST(behind, registry); err != nil {
		return nil, err
	}
	return s, nil
}

// openMetrics makes the registry that /metrics shows.
func (s *Server) openMetrics(version string) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "botverse_build_info", Help: "Always 1; its label is the version.",
			ConstLabels: prometheus.Labels{"version": version},
		}, func() float64 { return 1 }))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("open the metrics: %w", err)
	}
	s.gauges = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	s.metrics, err = newMetrics(s.gauges, s.actionNames)
	return registry, err
}

// observe has the metrics tell of what the server stands on.
func (s *Server) observe(deps Deps) error {
	var errs []error
	if deps.Runtime != nil && deps.Runtime.Environments != nil {
		errs = append(errs, observeCredentials(s.gauges, deps.Runtime.Environments))
	}
	if deps.Presence != nil {
		errs = append(errs, observeBackfill(s.gauges, deps.Presence), observeOutputs(s.gauges, deps.Presence))
	}
	if deps.FaultyFiles != nil {
		errs = append(errs, observeFiles(s.gauges, deps.FaultyFiles))
	}
	return errors.Join(errs...)
}

// buildGRPC makes the gRPC server, which serves its listener and the gateway's pipe alike.
func (s *Server) buildGRPC(behind services) {
	s.grpc = grpc.NewServer(
		grpc.UnaryInterceptor(unaryChain(s.chain())),
		grpc.StreamInterceptor(streamChain(s.chain())),
		grpc.UnknownServiceHandler(unknownMethod),
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2("proto"), s.config.MaxBody}),
		// What is larger than MaxBody is refused by the codec with a reason; gRPC itself cuts what is far larger.
		grpc.MaxRecvMsgSize(4*s.config.MaxBody),
		// The metrics stage measures; here only spans are made.
		grpc.StatsHandler(callSpans{otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(s.traces),
			otelgrpc.WithMeterProvider(noopmetric.NewMeterProvider()), otelgrpc.WithPropagators(propagation.TraceContext{}))}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// A proxy drops a connection that is idle for a minute or more; a stream without events is idle.
			Time: 30 * time.Second, Timeout: 10 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			// Clients ping through such proxies too; gRPC's default of 5 minutes would send them away.
			MinTime: 10 * time.Second, PermitWithoutStream: true,
		}),
	)
	register(s.grpc, &botversev1.ActionService_ServiceDesc, behind.actions)
	register(s.grpc, &botversev1.MetadataService_ServiceDesc, behind.metadata)
	register(s.grpc, &botversev1.PresenceService_ServiceDesc, behind.presence)
	s.health = health.NewServer()
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	s.tellHealth(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	s.metrics.know(s.grpc.GetServiceInfo())
}

// callSpans makes a call's span of its beginning and its end. It is not told of each message: nothing comes of that, and a
// fan-out has a thousand a millisecond.
type callSpans struct{ stats.Handler }

// HandleRPC implements stats.Handler.
func (s callSpans) HandleRPC(ctx context.Context, told stats.RPCStats) {
	switch told.(type) {
	case *stats.InPayload, *stats.OutPayload:
	default:
		s.Handler.HandleRPC(ctx, told)
	}
}

// buildREST makes the HTTP server and the gateway in it.
func (s *Server) buildREST(behind services, registry *prometheus.Registry) error {
	s.pipe = bufconn.Listen(pipeBuffer)
	var err error
	if s.self, err = dialSelf(s.pipe); err != nil {
		return fmt.Errorf("connect the gateway: %w", err)
	}
	d := &door{hosts: knownHosts(s.config), gate: s.gate, maxBody: s.config.MaxBody, log: s.log}
	gateway, err := newGateway(d, s.self)
	if err != nil {
		return fmt.Errorf("build the gateway: %w", err)
	}
	for _, r := range contractRoutes(gateway) {
		if r.input == (&botversev1.WatchPresenceRequest{}).ProtoReflect().Descriptor() {
			r.handler = watchHandler(d, behind.presence, streamChain(s.chain()))
		}
		d.routes = append(d.routes, r)
	}
	d.routes = append(d.routes, healthRoutes(s.ready, s.log)...)
	d.routes = append(d.routes, documentRoutes(registry)...)
	s.rest = s.httpServer(d)
	return nil
}

// buildIntake makes the webhooks' HTTP server, which knows nothing but them and health.
func (s *Server) buildIntake(p *presence.Presence) {
	d := &door{hosts: anyHost, maxBody: s.config.MaxBody, log: s.log}
	i := &intake{presence: p, metrics: s.metrics, maxBody: s.config.MaxBody, log: s.log, door: d}
	d.routes = append(healthRoutes(s.ready, s.log), i.route())
	s.hooks = s.httpServer(d)
	s.hooks.Handler = hideKeys(s.hooks.Handler)
}

// httpServer serves a door with spans around it. It has no write timeout, which would cut streams off: each write has a
// deadline of its own.
func (s *Server) httpServer(d *door) *http.Server {
	traced := otelhttp.NewHandler(d, "http", otelhttp.WithTracerProvider(s.traces),
		otelhttp.WithMeterProvider(noopmetric.NewMeterProvider()), otelhttp.WithPropagators(propagation.TraceContext{}))
	server := &http.Server{
		Handler:           traced,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	silent.LetGo(server)
	return server
}
