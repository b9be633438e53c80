package server

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// idempotencyKey is the metadata in which the header Idempotency-Key travels to takeIdempotencyKey and no further.
const idempotencyKey = "botverse-idempotency-key"

// takeIdempotencyKey puts the header Idempotency-Key into the request's request_id, where the request has one: reads have
// none, and need none. A structured header's quotes are not part of the key (RFC 8941, "Strings").
func takeIdempotencyKey(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	md, _ := metadata.FromOutgoingContext(ctx)
	given := md.Get(idempotencyKey)
	if len(given) == 0 {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	md = md.Copy()
	md.Delete(idempotencyKey)
	if err := setRequestID(req, unquoted(given[0])); err != nil {
		return err
	}
	return invoke(metadata.NewOutgoingContext(ctx, md), method, req, reply, conn, opts...)
}

func setRequestID(req any, key string) error {
	message := req.(proto.Message).ProtoReflect()
	field := message.Descriptor().Fields().ByName("request_id")
	if field == nil {
		return nil
	}
	if inBody := message.Get(field).String(); inBody != "" && inBody != key {
		return refusal(botversev1.ErrorDetail_INVALID_REQUEST, fault(botversev1.ErrorDetail_INVALID_REQUEST, "request_id",
			"differs from the header Idempotency-Key: give one of them, or the same in both"))
	}
	message.Set(field, protoreflect.ValueOfString(key))
	return nil
}

func unquoted(key string) string {
	if len(key) >= 2 && strings.HasPrefix(key, `"`) && strings.HasSuffix(key, `"`) {
		return key[1 : len(key)-1]
	}
	return key
}
