package main

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// expiring is a serve whose first token expires after a message.
type expiring struct {
	botversev1.UnimplementedPresenceServiceServer
	mu    sync.Mutex
	calls []string // the token and the cursor of each
}

func (e *expiring) WatchPresence(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	token := strings.Join(metadata.ValueFromIncomingContext(stream.Context(), "authorization"), ",")
	e.mu.Lock()
	e.calls = append(e.calls, token+" "+req.GetAfter())
	first := len(e.calls) == 1
	e.mu.Unlock()
	if token == "Bearer old-token" && !first {
		return tokenExpired()
	}
	message := &botversev1.WatchPresenceResponse{Cursor: "c2", Message: &botversev1.WatchPresenceResponse_SnapshotEnd{SnapshotEnd: &botversev1.SnapshotEnd{Agents: 7}}}
	if first {
		message.Cursor = "c1"
	}
	if err := stream.Send(message); err != nil || first {
		return tokenExpired()
	}
	<-stream.Context().Done()
	return nil
}

func tokenExpired() error {
	st, err := status.New(codes.Unauthenticated, "the token has expired").WithDetails(&botversev1.ErrorDetail{Reason: botversev1.ErrorDetail_TOKEN_EXPIRED, Cursor: "c1"})
	if err != nil {
		return err
	}
	return st.Err()
}

// watchExpiring watches at a serve whose token expires, until out has what is printed the second time, or the command ends.
func watchExpiring(t *testing.T, out, log *waitBuffer, renew func(), flag string) (*expiring, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service, server := &expiring{}, grpc.NewServer()
	botversev1.RegisterPresenceServiceServer(server, service)
	go func() { _ = server.Serve(l) }() // ends with Stop
	t.Cleanup(server.Stop)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"presence", "watch", "--server=" + l.Addr().String(), "--format=json", flag}, out, log)
	}()
	for {
		select {
		case <-log.seen:
			log.seen = nil
			renew()
		case <-out.seen:
			cancel()
			return service, <-ended
		case err := <-ended:
			return service, err
		}
	}
}

// Where the token of a watch expires, it waits for the file to have another one, and goes on where it was.
func TestPresenceWatchRenewsItsToken(t *testing.T) {
	t.Parallel()
	file := fileWith(t, "old-token\n")
	out, log := newWaitBuffer(`"c2"`), newWaitBuffer("the token has expired")
	service, err := watchExpiring(t, out, log, func() {
		if err := os.WriteFile(file, []byte("new-token\n"), 0o600); err != nil {
			t.Error(err)
		}
	}, "--token-file="+file)
	if err != nil {
		t.Errorf("the watch ended with %v", err)
	}
	if got := strings.Join(service.calls, "; "); got != "Bearer old-token ; Bearer new-token c1" {
		t.Errorf("the calls were %s", got)
	}
	if !strings.Contains(log.String(), "-- online --") {
		t.Errorf("it told:\n%s", log)
	}
}

// A token that nobody can renew ends the watch.
func TestPresenceWatchEndsWithATokenThatStays(t *testing.T) {
	t.Parallel()
	_, err := watchExpiring(t, newWaitBuffer("never"), newWaitBuffer("never"), func() {}, "--token=old-token")
	if err == nil || !strings.Contains(err.Error(), "does not take the token: the token has expired") || exitStatus(err) != 1 {
		t.Errorf("it ended with %v", err)
	}
}
