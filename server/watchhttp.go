package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// reconnectTime is how long a browser waits before it comes back.
const reconnectTime = 3 * time.Second

// wire is how a stream looks over HTTP.
type wire struct {
	form        string
	contentType string
	prelude     string // what comes before the first message
	encode      func(*presence.Message) ([]byte, error)
	frameError  func(body []byte) []byte
}

func linesWire() *wire {
	return &wire{
		form:        formLines,
		contentType: "application/x-ndjson",
		encode:      encodeLine,
		frameError:  func(body []byte) []byte { return frameLine("error", body) },
	}
}

func sseWire() *wire {
	return &wire{
		form:        formSSE,
		contentType: "text/event-stream",
		prelude:     "retry: " + strconv.FormatInt(reconnectTime.Milliseconds(), 10) + "\n\n",
		encode:      encodeSSE,
		frameError:  func(body []byte) []byte { return frameSSE("", "error", body) },
	}
}

// wireFor is server-sent events where the request accepts them, and else lines of JSON.
func wireFor(r *http.Request) *wire {
	for _, accept := range r.Header.Values("Accept") {
		for _, one := range strings.Split(accept, ",") {
			media, parameters, err := mime.ParseMediaType(one)
			if q, bad := strconv.ParseFloat(parameters["q"], 64); bad == nil && q == 0 {
				continue
			}
			if err == nil && media == "text/event-stream" {
				return sseWire()
			}
		}
	}
	return linesWire()
}

// watchHandler serves WatchPresence over HTTP: the same handler behind the same chain as over gRPC, on a stream of HTTP.
// The gateway has no server-sent events, and would decode and encode each message for each subscriber.
func watchHandler(d *door, service botversev1.PresenceServiceServer, chain grpc.StreamServerInterceptor) http.Handler {
	desc := botversev1.PresenceService_ServiceDesc.Streams[0]
	info := &grpc.StreamServerInfo{FullMethod: botversev1.PresenceService_WatchPresence_FullMethodName, IsServerStream: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := watchRequestFrom(r)
		if err != nil { // the door has refused all that it knows to be wrong
			d.refuse(w, r, refusal(malformed, fault(malformed, "", "a parameter of the query does not fit")))
			return
		}
		stream := newHTTPStream(w, r, request)
		if err := chain(service, stream, info, desc.Handler); err != nil {
			stream.end(status.Convert(err))
		}
	})
}

// httpStream is a grpc.ServerStream that goes out as the body of an HTTP response.
type httpStream struct {
	ctx     context.Context
	w       http.ResponseWriter
	control *http.ResponseController
	wire    *wire
	request *botversev1.WatchPresenceRequest // nil once received
	begun   bool                             // whether the status line is out
}

func newHTTPStream(w http.ResponseWriter, r *http.Request, request *botversev1.WatchPresenceRequest) *httpStream {
	md := metadata.Pairs(callIDHeader, callID(r.Context()))
	md.Append(authorization, r.Header.Values(authorization)...)
	return &httpStream{
		ctx:     metadata.NewIncomingContext(r.Context(), md),
		w:       w,
		control: http.NewResponseController(w),
		wire:    wireFor(r),
		request: request,
	}
}

// watchRequestFrom reads the query, as the gateway reads queries.
func watchRequestFrom(r *http.Request) (*botversev1.WatchPresenceRequest, error) {
	request := &botversev1.WatchPresenceRequest{}
	err := runtime.PopulateQueryParameters(request, r.URL.Query(), utilities.NewDoubleArray(nil))
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		request.After = last // what a browser that reconnects saw last; its address still has where it began
	}
	return request, err
}

// Context implements grpc.ServerStream.
func (s *httpStream) Context() context.Context { return s.ctx }

// SetHeader implements grpc.ServerStream. The call ID, which is all that the chain sets, is in the response already.
func (s *httpStream) SetHeader(metadata.MD) error { return nil }

// SendHeader implements grpc.ServerStream. Headers go out with the first message, so that an error before it has a
// status of its own.
func (s *httpStream) SendHeader(metadata.MD) error { return nil }

// SetTrailer implements grpc.ServerStream.
func (s *httpStream) SetTrailer(metadata.MD) {}

// RecvMsg implements grpc.ServerStream: the request comes once.
func (s *httpStream) RecvMsg(m any) error {
	if s.request == nil {
		return io.EOF
	}
	if d, ok := m.(*decoding); ok {
		m = d.into
	}
	proto.Merge(m.(proto.Message), s.request)
	s.request = nil
	return nil
}

// SendMsg implements grpc.ServerStream.
func (s *httpStream) SendMsg(m any) error {
	message, ok := m.(watchMessage)
	if !ok {
		return errNoWatchMessage
	}
	data, err := presence.Encoded(message.Message, s.wire.form, s.wire.encode)
	if err != nil {
		return err
	}
	if err := s.write(data); err != nil {
		return err
	}
	if message.State != nil {
		return nil // the snapshot leaves in whole buffers; its end follows at once
	}
	return s.gone(s.control.Flush())
}

var errNoWatchMessage = errors.New("the stream takes messages of WatchPresence only")

func (s *httpStream) write(data []byte) error {
	limitWrite(s.w)
	if !s.begun {
		s.begin()
	}
	_, err := s.w.Write(data)
	return s.gone(err)
}

func (s *httpStream) begin() {
	s.begun = true
	h := s.w.Header()
	h.Set("Content-Type", s.wire.contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold messages back
	s.w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(s.w, s.wire.prelude) // the message behind it meets the same error
}

// gone says of a failed write that the client is not there any more, or does not read.
func (s *httpStream) gone(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(context.Canceled, err)
}

// end tells how the stream ended: as the response, where none has begun, else as a last message.
func (s *httpStream) end(st *status.Status) {
	if !s.begun {
		writeError(s.w, st)
		return
	}
	if s.ctx.Err() != nil {
		return
	}
	if s.write(s.wire.frameError(errorBody(st))) == nil {
		_ = s.control.Flush() // the last that can be said
	}
}
