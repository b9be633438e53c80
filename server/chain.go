package server

import (
	"context"

	"google.golang.org/grpc"
)

// stage is one step that every call passes, unary or stream, whichever door it came by. Both kinds stand side by side so
// that they cannot drift apart.
type stage struct {
	name   string
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

// chain lists the stages, outermost first. Status and recover are inside log and metrics: a panic is logged, counted and
// answered like any other error.
func (s *Server) chain() []stage {
	return []stage{
		{"call ID", identifyUnary, identifyStream},
		{"log", s.logUnary, s.logStream},
		{"metrics", s.metrics.unary, s.metrics.stream},
		{"status", s.statuses.unary, s.statuses.stream},
		{"recover", recoverUnary, recoverStream},
		{"authenticate", s.gate.unary, s.gate.stream},
		{"deadline", s.life.unary, s.life.stream},
		{"validate", s.validate.unary, s.validate.stream},
	}
}

// unaryChain makes one interceptor of the stages.
func unaryChain(stages []stage) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		for i := len(stages) - 1; i >= 0; i-- {
			next, intercept := handler, stages[i].unary
			handler = func(ctx context.Context, req any) (any, error) { return intercept(ctx, req, info, next) }
		}
		return handler(ctx, req)
	}
}

// streamChain makes one interceptor of the stages.
func streamChain(stages []stage) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		for i := len(stages) - 1; i >= 0; i-- {
			next, intercept := handler, stages[i].stream
			handler = func(srv any, ss grpc.ServerStream) error { return intercept(srv, ss, info, next) }
		}
		return handler(srv, ss)
	}
}

// contextStream is a stream with another context.
type contextStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s contextStream) Context() context.Context { return s.ctx }
