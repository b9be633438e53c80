package silent_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/internal/silent"
)

// pipes is a listener whose connections are in memory, so that its times are a bubble's.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.made:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.made <- server
	return client
}

func TestSilentConnectionsDoNotHoldAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := newPipes()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			_, _ = io.WriteString(w, "done")
		})}
		silent.LetGo(server)
		go func() { _ = server.Serve(at) }()
		asking, quiet := at.dial(), at.dial()
		if _, err := io.WriteString(asking, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make(chan string, 1)
		go func() { b, _ := io.ReadAll(asking); answer <- string(b) }()
		synctest.Wait()

		begun, ended := time.Now(), make(chan error, 1)
		go func() { ended <- server.Shutdown(context.Background()) }()
		if _, err := quiet.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the silent connection ended with %v, want EOF", err)
		}
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("the silent connection was kept for %v", waited)
		}
		if got := <-answer; !strings.HasSuffix(got, "done") {
			t.Errorf("the request was answered with %q", got)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
