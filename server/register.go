package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// decoding is a request on its way in. gRPC decodes a request before the chain, and answers what cannot be decoded in
// words of its own; a decoding never fails there and brings the reason into the chain.
type decoding struct {
	into any
	err  error
}

// decode fills the message.
func (d *decoding) decode(codec encoding.CodecV2, data mem.BufferSlice, maxSize int) {
	switch {
	case data.Len() > maxSize:
		d.err = refusal(botversev1.ErrorDetail_REQUEST_TOO_LARGE, fault(botversev1.ErrorDetail_REQUEST_TOO_LARGE, "",
			"the message has more than %d bytes", maxSize))
	case codec.Unmarshal(data, d.into) != nil:
		d.err = refusal(malformed, fault(malformed, "", "the message is not a protobuf message of this method's type"))
	}
}

// register adds a service whose undecodable requests are refused inside the chain.
func register(s *grpc.Server, desc *grpc.ServiceDesc, service any) {
	ours := *desc
	ours.Methods = slices.Clone(desc.Methods)
	for i := range ours.Methods {
		generated := desc.Methods[i].Handler
		ours.Methods[i].Handler = func(srv any, ctx context.Context, receive func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			var d decoding
			return generated(srv, ctx,
				func(req any) error { d.into = req; return receive(&d) },
				func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
					if d.err != nil {
						req = &d // stands in the chain for the request; validation refuses it
					}
					return chain(ctx, req, info, handler)
				})
		}
	}
	s.RegisterService(&ours, service)
}

// unknownMethod answers for methods that there are not. The code is the one that gRPC's clients know.
func unknownMethod(any, grpc.ServerStream) error {
	e := refusal(botversev1.ErrorDetail_UNKNOWN_ROUTE, fault(botversev1.ErrorDetail_UNKNOWN_ROUTE, "", "there is no such service or method"))
	return inContext{error: e, code: codes.Unimplemented}
}
