package server

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// writeTime is how long a client may take to accept what is written to it.
const writeTime = 10 * time.Second

// limitWrite cuts a client that does not read what is written next.
func limitWrite(w http.ResponseWriter) {
	// A writer without deadlines has no connection that could be held.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
}

// dialSelf connects the gateway to the server in the same process, so that REST passes the same chain as gRPC.
func dialSelf(pipe *bufconn.Listener) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///self",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(takeIdempotencyKey),
		// What our own server sends is as large as it must be.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	)
}

// newGateway serves the contract's unary methods as REST.
func newGateway(d *door, conn *grpc.ClientConn) (http.Handler, error) {
	ctx := context.Background() // the connection is closed by who opened it
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, strictJSON{}),
		runtime.WithMetadata(forwardedMetadata),
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithForwardResponseOption(func(_ context.Context, w http.ResponseWriter, _ proto.Message) error {
			limitWrite(w)
			w.Header().Set("Cache-Control", "no-store") // answers hold what people said of themselves
			return nil
		}),
		runtime.WithErrorHandler(d.gatewayError),
		runtime.WithRoutingErrorHandler(d.gatewayRouting),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	return mux, errors.Join(
		botversev1.RegisterActionServiceHandler(ctx, mux, conn),
		botversev1.RegisterMetadataServiceHandler(ctx, mux, conn),
		botversev1.RegisterPresenceServiceHandler(ctx, mux, conn),
	)
}

// forwardedMetadata is what the chain gets to know of a REST request beside the request itself: the call's ID and the
// trace; and what takeIdempotencyKey wants. Authorization the gateway forwards by itself. Headers of the client's choice never
// become metadata.
func forwardedMetadata(ctx context.Context, r *http.Request) metadata.MD {
	md := metadata.Pairs(callIDHeader, callID(r.Context()))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	for key, value := range carrier {
		md.Set(key, value)
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		md.Set(idempotencyKey, key)
	}
	return md
}

// gatewayError answers what the chain refused, and what the gateway itself did.
func (d *door) gatewayError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	var ours *callError
	if st := status.Convert(err); !errors.As(err, &ours) && detailOf(st) != nil {
		writeError(w, st) // the chain's: logged there
		return
	}
	d.refuse(w, r, d.ownError(r, err))
}

// ownError says what an error of the gateway's own is about, or of its connection to the chain.
func (d *door) ownError(r *http.Request, err error) error {
	var ours *callError
	x := exchangeOf(r.Context())
	switch code := status.Code(err); {
	case errors.As(err, &ours):
		return ours
	case code == codes.InvalidArgument && x.route != nil && x.route.body:
		return bodyError(x.body, x.route.input)
	case code == codes.InvalidArgument:
		return refusal(malformed, fault(malformed, "", "a parameter of the path or the query does not fit"))
	case code == codes.ResourceExhausted: // gRPC's own limit: small numbers take more room in protobuf than in JSON
		return refusal(botversev1.ErrorDetail_REQUEST_TOO_LARGE, fault(botversev1.ErrorDetail_REQUEST_TOO_LARGE, "", "the request has more values than this server takes"))
	case code == codes.Canceled:
		return failure(botversev1.ErrorDetail_CANCELLED, "", err)
	case code == codes.DeadlineExceeded:
		return failure(botversev1.ErrorDetail_DEADLINE, "", err)
	case code == codes.Unavailable:
		return failure(botversev1.ErrorDetail_SHUTTING_DOWN, "", err)
	default:
		return failure(botversev1.ErrorDetail_INTERNAL, "", err)
	}
}

// gatewayRouting answers for the gateway's own idea of paths, where it differs from the door's.
func (d *door) gatewayRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, _ int) {
	d.refuse(w, r, d.unknownRoute(r.Method, r.URL.Path))
}
