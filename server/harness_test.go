package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
)

// stub is the contract's services with the methods that a test gives.
type stub struct {
	botversev1.UnimplementedActionServiceServer
	botversev1.UnimplementedMetadataServiceServer
	botversev1.UnimplementedPresenceServiceServer
	create func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error)
	find   func(context.Context, *botversev1.FindRecordRequest) (*botversev1.FindRecordResponse, error)
	list   func(context.Context, *botversev1.ListEntitiesRequest) (*botversev1.ListEntitiesResponse, error)
	watch  func(*botversev1.WatchPresenceRequest, grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error
}

func (s stub) CreateRecord(ctx context.Context, req *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
	if s.create == nil {
		return &botversev1.CreateRecordResponse{Outcome: botversev1.CreateRecordResponse_CREATED}, nil
	}
	return s.create(ctx, req)
}

func (s stub) FindRecord(ctx context.Context, req *botversev1.FindRecordRequest) (*botversev1.FindRecordResponse, error) {
	if s.find == nil {
		return &botversev1.FindRecordResponse{Outcome: botversev1.FindRecordResponse_NOT_MATCHED, MatchCount: new(int32)}, nil
	}
	return s.find(ctx, req)
}

func (s stub) ListEntities(ctx context.Context, req *botversev1.ListEntitiesRequest) (*botversev1.ListEntitiesResponse, error) {
	if s.list == nil {
		return &botversev1.ListEntitiesResponse{}, nil
	}
	return s.list(ctx, req)
}

func (s stub) WatchPresence(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	return s.watch(req, stream)
}

// running is a server that serves on free ports of loopback.
type running struct {
	*Server
	base string // of REST
	hook string // of the webhook listener
	conn *grpc.ClientConn
	log  *logBuffer
	stop func() error // ends Run and returns what it did; once is enough
}

func (r *running) actions() botversev1.ActionServiceClient {
	return botversev1.NewActionServiceClient(r.conn)
}

func (r *running) presence() botversev1.PresenceServiceClient {
	return botversev1.NewPresenceServiceClient(r.conn)
}

func loopback() Config {
	config := Default()
	config.GRPCAddr, config.HTTPAddr, config.WebhookAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	return config
}

// startStub runs a server in front of a stub.
func startStub(t testing.TB, s stub) *running {
	t.Helper()
	return start(t, loopback(), Deps{}, &services{actions: s, metadata: s, presence: s})
}

// start runs a server until the test's end, in front of behind, or of what deps hold where that is nil.
func start(t testing.TB, config Config, deps Deps, behind *services) *running {
	t.Helper()
	log := &logBuffer{}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	var server *Server
	var err error
	if behind == nil {
		server, err = New(config, deps)
	} else {
		server, err = newServer(config, deps, *behind)
	}
	if err != nil {
		t.Fatalf("new server: %v", err)
	}
	if err := server.Listen(); err != nil {
		t.Fatalf("listen: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	conn, err := grpc.NewClient(server.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	r := &running{Server: server, base: "http://" + server.HTTPAddr(), hook: "http://" + server.WebhookAddr(), conn: conn, log: log}
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		conn.Close()
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return r
}

// startPiped runs a server on listeners inside the process, for tests in fake time. It ends with the test's function: call
// it inside the bubble.
func startPiped(t *testing.T, s stub, opts ...grpc.DialOption) *running {
	t.Helper()
	return startPipedWith(t, loopback(), s, opts...)
}

func startPipedWith(t *testing.T, config Config, s stub, opts ...grpc.DialOption) *running {
	t.Helper()
	server, err := newServer(config, Deps{}, services{actions: s, metadata: s, presence: s})
	if err != nil {
		t.Fatal(err)
	}
	pipe := bufconn.Listen(pipeBuffer)
	server.grpcAt, server.restAt, server.hooksAt = pipe, bufconn.Listen(pipeBuffer), bufconn.Listen(pipeBuffer)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	conn, err := grpc.NewClient("passthrough:///pipe", append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: server, conn: conn, stop: sync.OnceValue(func() error { cancel(); return <-done })}
	t.Cleanup(func() {
		conn.Close()
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return r
}

// logBuffer is a log that tests read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// line waits for a line of the log with all of the texts: a call is logged after its caller has the answer.
func (l *logBuffer) line(t *testing.T, texts ...string) string {
	t.Helper()
	deadline := time.Now().Add(await.Patience)
	for {
		for line := range strings.Lines(l.String()) {
			if containsAll(line, texts) {
				return line
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line of the log has all of %q; it is:\n%s", texts, l)
		}
		<-time.After(time.Millisecond)
	}
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}

// reply is an HTTP answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes an HTTP request with headers given as pairs.
func send(t testing.TB, method, url, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read: %v", method, url, err)
	}
	return reply{resp.StatusCode, resp.Header, string(data)}
}

// statusIn is the status that an error's body is.
func statusIn(t testing.TB, body string) *status.Status {
	t.Helper()
	var st spb.Status
	if err := protojson.Unmarshal([]byte(body), &st); err != nil {
		t.Fatalf("body %q is no error body: %v", body, err)
	}
	return status.FromProto(&st)
}

// post sends JSON.
func post(t testing.TB, url, body string, headers ...string) reply {
	t.Helper()
	return send(t, http.MethodPost, url, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// detail is the ErrorDetail of an error's body.
func (r reply) detail(t testing.TB) *botversev1.ErrorDetail {
	t.Helper()
	return detailIn(t, statusIn(t, r.body).Proto().GetDetails())
}

func detailIn(t testing.TB, details []*anypb.Any) *botversev1.ErrorDetail {
	t.Helper()
	for _, any := range details {
		var d botversev1.ErrorDetail
		if any.MessageIs(&d) {
			if err := any.UnmarshalTo(&d); err != nil {
				t.Fatal(err)
			}
			return &d
		}
	}
	t.Fatal("the error has no ErrorDetail")
	return nil
}

const createContact = `{"entity":"contact","fields":{"lastname":"Okafor"}}`
