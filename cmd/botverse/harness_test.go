package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/botverse/botverse/internal/await"
)

// asProgram makes the test binary be botverse itself, for tests of exit status and signals.
const asProgram = "BOTVERSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// running is a `botverse serve` inside the test's process, with a local Dataverse of its own.
type running struct {
	http, grpc, webhook, local string // addresses
	dir                        string // of the data
	welcome                    string
	log                        *safeBuffer
	stop                       func() error
}

// serve starts everything on ports of the kernel's choice and waits until it is ready.
func serve(t testing.TB, args ...string) *running {
	t.Helper()
	r := serveWith(t, args...)
	r.local = address(t, r.welcome, `local Dataverse +http://([^/]+)/`)
	return r
}

// serveEnvironment starts everything but a local Dataverse: actions go to the one at url.
func serveEnvironment(t testing.TB, url string) *running {
	t.Helper()
	return serveWith(t, "--environments", fmt.Sprintf(
		"{there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/token, client_id: c, client_secret: s}}}", url))
}

func serveWith(t testing.TB, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := newWaitBuffer("botverse is ready")
	log := &safeBuffer{}
	dir := t.TempDir()
	args = append(append([]string{"serve"}, onAnyPort(dir)...), args...)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, out, log) }()
	r := &running{dir: dir, log: log, stop: sync.OnceValue(func() error { cancel(); return <-ended })}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("serve ended with: %v\n%s", err, log)
		}
	})
	select {
	case <-out.seen:
	case err := <-ended:
		ended <- err
		t.Fatalf("serve ended before it was ready: %v\n%s", err, log)
	}
	r.welcome = out.String()
	r.grpc = address(t, r.welcome, `gRPC +(\S+)`)
	r.http = address(t, r.welcome, `HTTP +https?://(\S+)`)
	r.webhook = address(t, r.welcome, `webhook intake +http://(\S+)`)
	return r
}

// onAnyPort is the flags that make a serve keep out of the way of every other.
func onAnyPort(dataDir string) []string {
	return []string{
		"--http-addr=127.0.0.1:0", "--grpc-addr=127.0.0.1:0", "--webhook-addr=127.0.0.1:0", "--local-addr=127.0.0.1:0",
		"--data-dir=" + dataDir,
	}
}

func address(t testing.TB, welcome, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(welcome)
	if m == nil {
		t.Fatalf("the welcome has no %s:\n%s", pattern, welcome)
	}
	return m[1]
}

// awaitLog waits until the log has a text.
func (r *running) awaitLog(t testing.TB, text string) {
	t.Helper()
	await.Until(t, "the log says "+text, func() bool { return strings.Contains(r.log.String(), text) })
}

// dial connects to the gRPC address.
func (r *running) dial(t testing.TB) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(r.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// post calls an action over HTTP and returns the status and the answer.
func (r *running) post(t testing.TB, action, body string) (int, map[string]any) {
	t.Helper()
	response, err := http.Post("http://"+r.http+"/v1/actions/"+action, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, readJSON(t, response)
}

// get reads a path over HTTP and returns the status and the answer.
func (r *running) get(t testing.TB, path string) (int, map[string]any) {
	t.Helper()
	response, err := http.Get("http://" + r.http + path)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, readJSON(t, response)
}

// metrics are what is counted, as text.
func (r *running) metrics(t testing.TB) string {
	t.Helper()
	response, err := http.Get("http://" + r.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readJSON(t testing.TB, response *http.Response) map[string]any {
	t.Helper()
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("HTTP %d is not JSON: %v\n%s", response.StatusCode, err, b)
	}
	return answer
}

// at walks an answer: at(answer, "record", "id").
func at(answer any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := answer.(map[string]any)
			answer = m[step]
		case int:
			list, _ := answer.([]any)
			if step >= len(list) {
				return nil
			}
			answer = list[step]
		}
	}
	return answer
}

// safeBuffer is a buffer that one goroutine writes while another reads.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// waitBuffer is a safeBuffer that closes seen when what was written holds a text.
type waitBuffer struct {
	safeBuffer
	text string
	once sync.Once
	seen chan struct{}
}

func newWaitBuffer(text string) *waitBuffer {
	return &waitBuffer{text: text, seen: make(chan struct{})}
}

func (w *waitBuffer) Write(p []byte) (int, error) {
	n, err := w.safeBuffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}
