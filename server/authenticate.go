package server

import (
	"context"

	"google.golang.org/grpc"
)

// authenticator finds out who calls. It returns a context that knows the caller, or errUnauthenticated.
type authenticator func(ctx context.Context) (context.Context, error)

// anyone lets every caller in: who can connect to loopback may call.
func anyone(ctx context.Context) (context.Context, error) { return ctx, nil }

func (a authenticator) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := a(ctx)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (a authenticator) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := a(ss.Context())
	if err != nil {
		return err
	}
	return handler(srv, contextStream{ss, ctx})
}
