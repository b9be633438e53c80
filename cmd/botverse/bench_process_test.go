//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// BenchmarkStart starts the real binary until it is ready, on a new data directory each time, and reads the memory it
// resides in when it is idle.
func BenchmarkStart(b *testing.B) {
	binary := buildBinary(b)
	var ready time.Duration
	var resident float64
	for b.Loop() {
		start := time.Now()
		p := startBinary(b, binary)
		ready += time.Since(start)
		resident += p.residentMB(b)
		p.stop(b)
	}
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ready-ms")
	b.ReportMetric(resident/float64(b.N), "resident-MB")
}

const (
	idleSubscribers = 5_000
	streamsPerConn  = 100
)

// BenchmarkIdleSubscribers has 5,000 subscribers come to the real binary and stay, and reads how much more memory it resides
// in: what the collector has not given back is counted too.
func BenchmarkIdleSubscribers(b *testing.B) {
	binary := buildBinary(b)
	for _, way := range []struct {
		name      string
		subscribe func(context.Context, *process, int) ([]io.Closer, error)
	}{{"gRPC", subscribeGRPC}, {"SSE", subscribeSSE}} {
		b.Run(way.name, func(b *testing.B) {
			var grown float64
			for b.Loop() {
				p := startBinary(b, binary)
				before := p.residentMB(b)
				ctx, cancel := context.WithCancel(b.Context())
				open, err := way.subscribe(ctx, p, idleSubscribers)
				if err != nil {
					b.Fatal(err)
				}
				grown += p.residentMB(b) - before
				cancel()
				for _, c := range open {
					c.Close()
				}
				p.stop(b)
			}
			b.ReportMetric(grown*1024/float64(b.N)/idleSubscribers, "KB/subscriber")
		})
	}
}

// subscribeGRPC opens streams, many a connection, and returns when each has its snapshot.
func subscribeGRPC(ctx context.Context, p *process, count int) (open []io.Closer, err error) {
	var client botversev1.PresenceServiceClient
	for n := range count {
		if n%streamsPerConn == 0 {
			conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return open, err
			}
			open, client = append(open, conn), botversev1.NewPresenceServiceClient(conn)
		}
		stream, err := client.WatchPresence(ctx, &botversev1.WatchPresenceRequest{})
		for err == nil {
			var m *botversev1.WatchPresenceResponse
			if m, err = stream.Recv(); m.GetSnapshotEnd() != nil {
				break
			}
		}
		if err != nil {
			return open, err
		}
	}
	return open, nil
}

// subscribeSSE opens streams of server-sent events, a connection each.
func subscribeSSE(ctx context.Context, p *process, count int) (open []io.Closer, err error) {
	for range count {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/v1/presence:watch", nil)
		if err != nil {
			return open, err
		}
		q.Header.Set("Accept", "text/event-stream")
		response, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			return open, err
		}
		open = append(open, response.Body)
		lines := bufio.NewReaderSize(response.Body, 256)
		for line := ""; line != "event: snapshot_end\n"; {
			if line, err = lines.ReadString('\n'); err != nil {
				return open, err
			}
		}
	}
	return open, nil
}

// buildBinary builds botverse as it is shipped.
func buildBinary(b *testing.B) string {
	binary := filepath.Join(b.TempDir(), "botverse")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// process is a running botverse.
type process struct {
	cmd        *exec.Cmd
	grpc, http string // where it listens
	read       sync.WaitGroup
}

// startBinary starts botverse serve on a new data directory and returns when it is ready.
func startBinary(b *testing.B, binary string) *process {
	p := &process{cmd: exec.CommandContext(b.Context(), binary, append([]string{"serve"}, onAnyPort(b.TempDir())...)...)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var welcome strings.Builder
	for !strings.Contains(lines.Text(), "webhook intake") {
		if !lines.Scan() {
			b.Fatal(errors.Join(errors.New("botverse ended before it was ready"), lines.Err()))
		}
		fmt.Fprintln(&welcome, lines.Text())
	}
	p.grpc = address(b, welcome.String(), `gRPC +(\S+)`)
	p.http = address(b, welcome.String(), `HTTP +http://(\S+)`)
	p.read.Go(func() {
		for lines.Scan() {
		}
	})
	return p
}

// stop ends botverse as an operator does.
func (p *process) stop(b *testing.B) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	p.read.Wait()
	if err := p.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

// residentMB is the memory that botverse resides in.
func (p *process) residentMB(b *testing.B) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Logf("resident memory is not known here: %v", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
