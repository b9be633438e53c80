package server

import (
	"context"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// callIDHeader carries the call ID both ways: gRPC metadata, and as X-Request-Id over HTTP.
const callIDHeader = "x-request-id"

// maxCallID bounds a caller's own call ID, in bytes.
const maxCallID = 128

type callIDKey struct{}

// callID is the ID of the call that ctx belongs to, as in the log, the span and the reply.
func callID(ctx context.Context) string {
	id, _ := ctx.Value(callIDKey{}).(string)
	return id
}

// withCallID gives a context its call's ID, and its span too.
func withCallID(ctx context.Context, id string) context.Context {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("botverse.call_id", id))
	return context.WithValue(ctx, callIDKey{}, id)
}

// callIDFrom is the caller's ID where it gave a usable one, else a new one.
func callIDFrom(given string) string {
	if given == "" || len(given) > maxCallID {
		return uuid.NewString()
	}
	for _, b := range []byte(given) {
		if b <= ' ' || b > '~' { // it is printed in logs and headers
			return uuid.NewString()
		}
	}
	return given
}

func incomingCallID(ctx context.Context) string {
	for _, given := range metadata.ValueFromIncomingContext(ctx, callIDHeader) {
		return callIDFrom(given)
	}
	return callIDFrom("")
}

func identifyUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	id := incomingCallID(ctx)
	_ = grpc.SetHeader(ctx, metadata.Pairs(callIDHeader, id)) // fails only after the headers were sent
	return handler(withCallID(ctx, id), req)
}

func identifyStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	id := incomingCallID(ss.Context())
	_ = ss.SetHeader(metadata.Pairs(callIDHeader, id)) // fails only after the headers were sent
	return handler(srv, contextStream{ss, withCallID(ss.Context(), id)})
}
