package server

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/access/accesstest"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// tokenLife is how long the tokens of these tests live.
const tokenLife = time.Minute

// viewerToken is a token of who may watch.
func viewerToken(t *testing.T, issuer *accesstest.Issuer) string {
	t.Helper()
	return issuer.Token(t, "board", map[string]any{"roles": []string{"viewer"}, "exp": time.Now().Add(tokenLife).Unix()})
}

// A stream ends when its token does, whichever way it came, with a reason and with the cursor to go on from; a new token goes on.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := accesstest.NewIssuerAt(t, "https://login.example.com")
		config := loopback()
		config.Auth = &access.Config{OIDC: access.OIDC{Issuer: issuer.URL, Audience: accesstest.Audience}, Transport: issuer}
		r := startPipedWith(t, config, stub{watch: endless})
		token := viewerToken(t, issuer)
		begun := time.Now()

		stream, err := r.presence().WatchPresence(withToken(t.Context(), token), &botversev1.WatchPresenceRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines, events := r.openPiped(t, token, ""), r.openPiped(t, token, "text/event-stream")
		overGRPC := make(chan error, 1)
		go func() {
			_, err := stream.Recv()
			overGRPC <- err
		}()

		st := status.Convert(<-overGRPC)
		if took := time.Since(begun); took != tokenLife {
			t.Errorf("the stream ended after %v, and its token after %v", took, tokenLife)
		}
		if d := detailOf(st); st.Code() != codes.Unauthenticated || d.GetReason() != botversev1.ErrorDetail_TOKEN_EXPIRED || d.GetCursor() != "c1" {
			t.Errorf("gRPC: the stream ended with %v", st)
		}
		for name, stream := range map[string]*streaming{"lines": lines, "events": events} {
			if last := stream.rest(); !strings.Contains(last, "TOKEN_EXPIRED") || !strings.Contains(last, `"cursor":"c1"`) || !strings.Contains(last, `"code":16`) {
				t.Errorf("%s: the stream ended with %s", name, last)
			}
		}
		stream, err = r.presence().WatchPresence(withToken(t.Context(), viewerToken(t, issuer)), &botversev1.WatchPresenceRequest{After: "c1"})
		if err == nil {
			_, err = stream.Recv()
		}
		if err != nil {
			t.Errorf("with a new token: %v", err)
		}
		time.Sleep(time.Nanosecond) // until which the token holds
		if _, err := r.actions().ListActions(withToken(t.Context(), token), &botversev1.ListActionsRequest{}); detailOf(status.Convert(err)).GetReason() != botversev1.ErrorDetail_TOKEN_EXPIRED {
			t.Errorf("another call with the old token: %v", err)
		}
	})
}

// openPiped opens a stream of HTTP inside a bubble, and reads its beginning.
func (r *running) openPiped(t *testing.T, token, accept string) *streaming {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return r.restAt.(*bufconn.Listener).DialContext(ctx)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	s := openStreamBy(t, &http.Client{Transport: transport}, "http://localhost/v1/presence:watch", "Authorization", "Bearer "+token, "Accept", accept)
	s.until("snapshotEnd")
	return s
}
