package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/presence"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

func TestAddressInUseIsToldByListen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := loopback()
	config.GRPCAddr, config.WebhookAddr = vacant.Address(t), taken.Addr().String()
	s, err := newServer(config, Deps{}, services{stub{}, stub{}, stub{}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Listen()
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "webhooks") {
		t.Errorf("got %v, want the listener and the address", err)
	}
	if l, err := net.Listen("tcp", config.GRPCAddr); err != nil {
		t.Errorf("the other listeners were not given back: %v", err)
	} else {
		l.Close()
	}
}

func TestRefusesToStartBeyondLoopback(t *testing.T) {
	t.Parallel()
	config := Default()
	config.HTTPAddr = "0.0.0.0:8080"
	if _, err := newServer(config, Deps{}, services{}); err == nil || !strings.Contains(err.Error(), "insecure_no_auth") {
		t.Errorf("got %v, want the way out named", err)
	}
}

// endless is a WatchPresence that sends one message and then waits for the end.
func endless(_ *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	if err := stream.SendMsg(watchMessage{&presence.Message{SnapshotEnd: &presence.SnapshotEnd{}, Cursor: "c1"}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return inContext{error: stream.Context().Err(), cursor: "c1"}
}

func TestStopEndsStreamsAndLetsCallsFinish(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	r := startStub(t, stub{watch: endless, create: func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		arrived <- struct{}{}
		<-release
		return &botversev1.CreateRecordResponse{Outcome: botversev1.CreateRecordResponse_CREATED}, nil
	}})
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	sse := openStream(t, r.base+"/v1/presence:watch", "Accept", "text/event-stream")
	sse.until("snapshot_end")

	answers := make(chan error, 2)
	go func() {
		_, err := r.actions().CreateRecord(context.Background(), aContact())
		answers <- err
	}()
	go func() {
		if got := post(t, r.base+"/v1/actions/create-record", createContact); got.status != 200 {
			answers <- errors.New(got.body)
			return
		}
		answers <- nil
	}()
	<-arrived
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()

	_, err = stream.Recv()
	if d := detailIn(t, status.Convert(err).Proto().GetDetails()); status.Code(err) != codes.Unavailable || d.GetReason() != botversev1.ErrorDetail_SHUTTING_DOWN {
		t.Errorf("the gRPC stream ended with %v", err)
	}
	if !hasCursor(err, "c1") {
		t.Errorf("the gRPC stream's end does not tell its cursor: %v", err)
	}
	if rest := sse.rest(); !strings.Contains(rest, "event: error") || !strings.Contains(rest, "SHUTTING_DOWN") {
		t.Errorf("the SSE stream ended with %q", rest)
	}
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Errorf("a call in flight ended with %v", err)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestStopIsDoneWithinTenSeconds runs in a bubble of fake time, where TCP would hang: its listeners are pipes.
func TestStopIsDoneWithinTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startPiped(t, stub{create: func(ctx context.Context, _ *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ended := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, err := r.actions().CreateRecord(ctx, aContact())
			ended <- err
		}()
		// An idle stream of gRPC's own must not hold the stop up either.
		if _, err := grpc_reflection_v1.NewServerReflectionClient(r.conn).ServerReflectionInfo(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if d := detailIn(t, status.Convert(<-ended).Proto().GetDetails()); d.GetReason() != botversev1.ErrorDetail_SHUTTING_DOWN {
			t.Errorf("the call ended with %v", d)
		}
	})
}

func TestStopDoesNotWaitForConnectionsWithoutARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startPiped(t, stub{})
		for _, at := range []net.Listener{r.restAt, r.hooksAt, r.grpcAt} {
			if _, err := at.(*bufconn.Listener).Dial(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		start := time.Now()
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

func TestHealthAndReflection(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	watching, err := grpc_health_v1.NewHealthClient(r.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		answer, err := watching.Recv()
		if err != nil {
			t.Fatalf("health: %v", err)
		}
		if answer.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			break
		}
	}
	for _, service := range []string{"", "botverse.v1.ActionService", "botverse.v1.MetadataService", "botverse.v1.PresenceService"} {
		answer, err := grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v (%v), want SERVING", service, answer, err)
		}
	}
	_, err = grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "nobody"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("health of an unknown service: %v, want NOT_FOUND as its protocol says", err)
	}
	stream, err := grpc_reflection_v1.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	list, err := stream.Recv()
	if err != nil || !strings.Contains(list.String(), "botverse.v1.ActionService") {
		t.Errorf("reflection: %v, %v", list, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("reflection ended with %v", err)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	deps := Deps{Ready: func(context.Context) error { return errors.New("the journal of /var/secret is catching up") }}
	r := start(t, loopback(), deps, &services{stub{}, stub{}, stub{}})
	for _, base := range []string{r.base, r.hook} {
		if got := send(t, "GET", base+"/readyz", ""); got.status != 503 || strings.Contains(got.body, "secret") {
			t.Errorf("%s/readyz: got %d %q", base, got.status, got.body)
		}
		if got := send(t, "GET", base+"/healthz", ""); got.status != 200 {
			t.Errorf("%s/healthz: got %d", base, got.status)
		}
	}
	r.log.line(t, "catching up")
	answer, err := grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("gRPC's health: %v, %v", answer, err)
	}
}

// TestHealthFollowsReadiness: a balancer must hear when calls cannot be served any more, and when they can again.
func TestHealthFollowsReadiness(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	deps := Deps{Ready: func(context.Context) error {
		if away.Load() {
			return errors.New("the journal does not answer")
		}
		return nil
	}}
	r := start(t, loopback(), deps, &services{stub{}, stub{}, stub{}})
	watching, err := grpc_health_v1.NewHealthClient(r.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	await := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		for {
			answer, err := watching.Recv()
			if err != nil {
				t.Fatalf("health: %v, want %v", err, want)
			}
			if answer.GetStatus() == want {
				return
			}
		}
	}
	for range 2 {
		await(grpc_health_v1.HealthCheckResponse_SERVING)
		away.Store(true)
		await(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		away.Store(false)
	}
}

// TestKeepaliveThatProxiesNeedIsTaken lets a client ping an idle connection for a long while, in fake time.
func TestKeepaliveThatProxiesNeedIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startPiped(t, stub{watch: endless}, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 15 * time.Second, PermitWithoutStream: true}))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream, err := r.presence().WatchPresence(ctx, &botversev1.WatchPresenceRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := stream.Recv()
			ended <- err
		}()
		select {
		case err := <-ended:
			t.Errorf("a stream whose client pings ended with %v", err)
		case <-time.After(20 * time.Minute):
		}
		cancel()
	})
}
