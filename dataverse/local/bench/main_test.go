// Package bench measures the local Dataverse on a large data set, beside raw SQLite that runs the same SQL and beside a
// bare HTTP server, all in the same run. tools/bench-local.sh runs it; docs/benchmarks.md says what the figures mean.
//
// The server is a process of its own, as it is in use, so that its memory can be told apart from the client's.
package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
)

// asServer makes the test binary serve the data directory that it names.
const asServer = "BOTVERSE_BENCH_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asServer); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve serves a data directory, and beside it a handler that does nothing, and prints both addresses.
func serve(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg := local.Default()
	cfg.Addr, cfg.DataDir, cfg.Seed = "127.0.0.1:0", dir, local.SeedNone
	server, err := local.Open(ctx, cfg)
	if err != nil {
		return err
	}
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, server.Close())
	}
	go http.Serve(bare, http.HandlerFunc(serveBare)) // until the process ends
	if err := server.Listen(); err != nil {
		return errors.Join(err, server.Close())
	}
	fmt.Println(server.Addr(), bare.Addr())
	return errors.Join(server.Run(ctx), server.Close())
}

// serveBare reads the request's body and answers with as many bytes as it is asked for.
func serveBare(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	_, _ = w.Write(make([]byte, n))
}

// process is a server in a process of its own.
type process struct {
	pid       int
	api, bare string // base URLs
}

// start serves a data directory until the benchmark ends.
func start(b *testing.B, dir string) process {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), asServer+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.Errorf("the server ended with: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the server did not start: %v", err)
	}
	api, bare, _ := strings.Cut(strings.TrimSpace(line), " ")
	return process{pid: cmd.Process.Pid, api: "http://" + api + "/api/data/v9.2/", bare: "http://" + bare + "/"}
}
