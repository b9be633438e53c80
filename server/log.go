package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/botverse/botverse/actions/input"
)

func (s *Server) logUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	start := time.Now()
	ctx, caller := expect(ctx)
	resp, err := handler(ctx, req)
	s.logCall(ctx, info.FullMethod, caller.Name, s.actionNames.of(req), start, err)
	return resp, err
}

func (s *Server) logStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	start := time.Now()
	ctx, caller := expect(ss.Context())
	err := handler(srv, contextStream{ss, ctx})
	s.logCall(ctx, info.FullMethod, caller.Name, "", start, err)
	return err
}

// logCall writes the one line of a call. It holds names and codes, never a value of the request. caller and the saved action's
// name are "" for none.
func (s *Server) logCall(ctx context.Context, fullMethod, caller, action string, start time.Time, err error) {
	level := logLevel(fullMethod, err)
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", strings.TrimPrefix(fullMethod, "/")),
		slog.String("code", statusCode(err).String()),
		slog.Duration("duration", time.Since(start)),
		slog.String("call_id", callID(ctx)),
	}
	if caller != "" {
		attrs = append(attrs, slog.String("caller", caller))
	}
	if action != "" {
		attrs = append(attrs, slog.String("action", action))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()))
	}
	s.log.LogAttrs(ctx, level, "call", append(attrs, failureAttrs(err)...)...)
}

// logLevel is how loud a call is logged: what an operator must look at is an error, gRPC's own services are only
// interesting to who looks for them.
func logLevel(fullMethod string, err error) slog.Level {
	switch statusCode(err) {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return slog.LevelWarn
	}
	if strings.HasPrefix(fullMethod, "/grpc.") {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// failureAttrs tells why a call failed. The messages of faults may quote the request, so that only their places and
// reasons are told; the texts of other errors hold no value that was sent.
func failureAttrs(err error) []slog.Attr {
	var failure *callError
	if !errors.As(err, &failure) {
		return nil
	}
	attrs := []slog.Attr{slog.String("reason", failure.detail.GetReason().String())}
	var refused *input.Error
	switch {
	case len(failure.detail.GetFaults()) > 0:
		places := make([]string, 0, len(failure.detail.GetFaults()))
		for _, f := range failure.detail.GetFaults() {
			places = append(places, f.GetField()+" "+f.GetReason().String())
		}
		attrs = append(attrs, slog.Any("faults", places))
	case failure.cause != nil && !errors.As(failure.cause, &refused):
		attrs = append(attrs, slog.String("error", failure.cause.Error()))
	}
	var panicked *panicError
	if errors.As(failure.cause, &panicked) {
		attrs = append(attrs, slog.String("stack", string(panicked.stack)))
	}
	return attrs
}
