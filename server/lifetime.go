package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
)

const (
	// callTime is how long a unary call may take where the caller set no deadline.
	callTime = 20 * time.Second
	// stopPatience is how long unary calls in flight may go on once the server stops; then they are told to end.
	stopPatience = 5 * time.Second
	// stopTime is when whatever is still going on at a stop is cut off.
	stopTime = 8 * time.Second
)

// errShuttingDown ends what is going on when the server stops.
var errShuttingDown = errors.New("the server is stopping")

// lifetime bounds how long calls last: by their deadline, and by the server's end.
type lifetime struct {
	streams    context.Context // done when streams must end
	endStreams context.CancelFunc
	calls      context.Context // done when unary calls must end
	endCalls   context.CancelFunc
}

func newLifetime() *lifetime {
	l := new(lifetime)
	l.streams, l.endStreams = context.WithCancel(context.Background())
	l.calls, l.endCalls = context.WithCancel(context.Background())
	return l
}

// until is a context that ends with ctx, with end, or when the returned function is called.
func until(ctx, end context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(end, func() { cancel(errShuttingDown) })
	return ctx, func() { stop(); cancel(nil) }
}

// ended says of an error whether the server's end is behind it.
func ended(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errShuttingDown) && errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", errShuttingDown, err)
	}
	return err
}

// unary gives a call the caller's deadline, else callTime.
func (l *lifetime) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if _, given := ctx.Deadline(); !given {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTime)
		defer cancel()
	}
	ctx, stop := until(ctx, l.calls)
	defer stop()
	resp, err := handler(ctx, req)
	return resp, ended(ctx, err)
}

// stream lets a stream last as long as caller and server do.
func (l *lifetime) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, stop := until(ss.Context(), l.streams)
	defer stop()
	return ended(ctx, handler(srv, contextStream{ss, ctx}))
}
