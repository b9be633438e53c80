package server

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// statuses gives errors the status that their callers see.
type statuses struct {
	environments []string // the names that there are
}

// outward is an error as its caller sees it. The statuses of gRPC's own services are part of their protocol and stay.
func (s statuses) outward(ctx context.Context, fullMethod string, err error) error {
	if err == nil {
		return nil
	}
	if _, isStatus := status.FromError(err); isStatus && strings.HasPrefix(fullMethod, "/grpc.") {
		return err
	}
	e := asCallError(ctx, err)
	if e.detail.GetReason() == botversev1.ErrorDetail_UNKNOWN_ENVIRONMENT {
		f := fault(botversev1.ErrorDetail_UNKNOWN_ENVIRONMENT, "environment", "%s", e.message)
		f.Allowed = s.environments
		e.detail.Faults = append(e.detail.Faults, f)
	}
	return e
}

func (s statuses) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	return resp, s.outward(ctx, info.FullMethod, err)
}

func (s statuses) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return s.outward(ss.Context(), info.FullMethod, handler(srv, ss))
}
