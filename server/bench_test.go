//go:build unix

package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

const (
	watchersHTTP   = 200 // over HTTP each has a connection of its own
	streamsPerConn = 100
)

// BenchmarkFanOut sends events, one at a time, to gRPC subscribers: first from the delivery through journal and
// WatchPresence with everything around it, then from a bare grpc-go server that does nothing but send the same bytes.
// Clients take bytes as they are. What is compared is messages/s.
func BenchmarkFanOut(b *testing.B) {
	for _, watchers := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("to-%d", watchers), func(b *testing.B) { benchmarkFanOut(b, watchers) })
	}
}

func benchmarkFanOut(b *testing.B, watchers int) {
	b.Run("botverse", func(b *testing.B) {
		r, p := startWatched(b, loopback(), wideBuffer)
		received := newCounter()
		attach(b, r.GRPCAddr(), botversev1.PresenceService_WatchPresence_FullMethodName, watchers, received)
		bodies := deliveries(b)
		fanOut(b, watchers, received, func(n int) { publish(b, p, bodies[n]) })
	})
	b.Run("bare", func(b *testing.B) {
		payload := encodedEvent(b, func(m *presence.Message) ([]byte, error) {
			data, err := encodeProto(m)
			return data.Materialize(), err
		})
		hub := &bareHub{}
		addr := serveBare(b, hub)
		received := newCounter()
		attach(b, addr, "/bare.Broadcast/Watch", watchers, received)
		hub.wait(watchers)
		fanOut(b, watchers, received, func(int) { hub.publish(payload) })
	})
}

// BenchmarkFanOutSSE does the same over server-sent events, beside a bare net/http handler.
func BenchmarkFanOutSSE(b *testing.B) {
	b.Run("botverse", func(b *testing.B) {
		r, p := startWatched(b, loopback(), wideBuffer)
		received := newCounter()
		attachHTTP(b, r.base+"/v1/presence:watch", watchersHTTP, received)
		bodies := deliveries(b)
		fanOut(b, watchersHTTP, received, func(n int) { publish(b, p, bodies[n]) })
	})
	b.Run("bare", func(b *testing.B) {
		payload := encodedEvent(b, encodeSSE)
		hub := &bareHub{}
		server := &http.Server{Handler: hub}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		go func() { _ = server.Serve(l) }()
		b.Cleanup(func() { server.Close() })
		received := newCounter()
		attachHTTP(b, "http://"+l.Addr().String()+"/", watchersHTTP, received)
		hub.wait(watchersHTTP)
		fanOut(b, watchersHTTP, received, func(int) { hub.publish(payload) })
	})
}

func wideBuffer(c *presence.Config) { c.Buffer = 1 << 14 }

// counter counts what all subscribers have received, and times it from the first of an event to the last.
type counter struct {
	n, first, middle, target atomic.Int64
	began, half              atomic.Int64 // when the first and the middle one came, in Unix nanoseconds
	reached                  chan struct{}
}

func newCounter() *counter { return &counter{reached: make(chan struct{}, 1)} }

// expect sets how many are to come next.
func (c *counter) expect(count int) {
	c.first.Store(c.target.Load() + 1)
	c.middle.Store(c.target.Load() + int64(count+1)/2)
	c.target.Add(int64(count))
}

func (c *counter) add() {
	n := c.n.Add(1)
	if n == c.first.Load() {
		c.began.Store(time.Now().UnixNano())
	}
	if n == c.middle.Load() {
		c.half.Store(time.Now().UnixNano())
	}
	if n == c.target.Load() {
		c.reached <- struct{}{}
	}
}

// fanOut publishes b.N events, each when every subscriber has the one before. messages/s is from the delivery on, with the
// journal's synced writes before anybody is told; fanned-out/s is from the first subscriber that has the event to the last.
// median-ms is from the delivery to the middle one of the subscribers, the median of all events. cpu-µs/message is what the
// whole process, clients included, works for a message: it depends least on who else uses the machine.
func fanOut(b *testing.B, subscribers int, received *counter, publish func(n int)) {
	b.Helper()
	b.ResetTimer()
	before := processorTime(b)
	var spread time.Duration
	delays := make([]float64, b.N)
	for n := range b.N {
		received.expect(subscribers)
		delivered := time.Now()
		publish(n)
		<-received.reached
		spread += time.Duration(time.Now().UnixNano() - received.began.Load())
		delays[n] = float64(received.half.Load()-delivered.UnixNano()) / 1e6
	}
	b.StopTimer()
	slices.Sort(delays)
	b.ReportMetric(delays[b.N/2], "median-ms")
	b.ReportMetric(float64(b.N*subscribers)/spread.Seconds(), "fanned-out/s")
	b.ReportMetric(float64(b.N*subscribers)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N*subscribers), "cpu-µs/message")
}

// processorTime is how long the process has used processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// deliveries are b.N deliveries, made beforehand: they are Dataverse's work.
func deliveries(b *testing.B) [][]byte {
	b.Helper()
	bodies := make([][]byte, b.N)
	for n := range bodies {
		bodies[n] = delivery(b, n, n%50, presenceBusy)
	}
	return bodies
}

// publish takes a delivery in, as the webhook's handler does.
func publish(b *testing.B, p *presence.Presence, body []byte) {
	if _, err := p.Receive(context.Background(), presence.AgentStatus, body, http.Header{}); err != nil {
		b.Fatal(err)
	}
}

// encodedEvent is an event of the size that delivery makes.
func encodedEvent(b *testing.B, encode func(*presence.Message) ([]byte, error)) []byte {
	b.Helper()
	p := startPresence(b, nil)
	s, err := p.Watch(b.Context(), "", presence.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	publish(b, p, delivery(b, 1, 1, presenceBusy))
	for {
		m, err := s.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if m.Event == nil {
			continue
		}
		data, err := encode(m)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
}

// rawCodec sends and receives bytes.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*int) = data.Len()
	return nil
}

var _ encoding.CodecV2 = rawCodec{}

// attach subscribes, many streams a connection, and returns when each stream has had its first message.
func attach(b *testing.B, addr, method string, subscribers int, received *counter) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ended, ready sync.WaitGroup
	var conns []*grpc.ClientConn
	b.Cleanup(func() {
		cancel()
		ended.Wait()
		for _, conn := range conns {
			conn.Close()
		}
	})
	for i := range subscribers {
		if i%streamsPerConn == 0 {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
			if err != nil {
				b.Fatal(err)
			}
			conns = append(conns, conn)
		}
		stream, err := conns[len(conns)-1].NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
		if err != nil {
			b.Fatal(err)
		}
		if err := stream.SendMsg([]byte{}); err != nil {
			b.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			b.Fatal(err)
		}
		ready.Add(1)
		ended.Go(func() {
			var size int
			for first := true; ; first = false {
				if err := stream.RecvMsg(&size); err != nil {
					if first {
						b.Errorf("no first message: %v", err)
						ready.Done()
					}
					return
				}
				if first {
					ready.Done()
					continue
				}
				received.add()
			}
		})
	}
	ready.Wait()
}

// attachHTTP subscribes over HTTP, a connection each. It counts the events' ends.
func attachHTTP(b *testing.B, url string, subscribers int, received *counter) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{}
	var ended, ready sync.WaitGroup
	b.Cleanup(func() {
		cancel()
		ended.Wait()
		transport.CloseIdleConnections()
	})
	for range subscribers {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			b.Fatal(err)
		}
		ready.Add(1)
		ended.Go(func() {
			defer resp.Body.Close()
			countEvents(resp.Body, ready.Done, received)
		})
	}
	ready.Wait()
}

// countEvents counts the blank lines that end events, after the one that ends the snapshot.
func countEvents(body io.Reader, ready func(), received *counter) {
	buffer := make([]byte, 64<<10)
	var tail []byte
	begun := false
	for {
		n, err := body.Read(buffer)
		tail = append(tail, buffer[:n]...)
		for {
			end := bytes.Index(tail, []byte("\n\n"))
			if end < 0 {
				break
			}
			block := tail[:end]
			tail = tail[end+2:]
			switch {
			case begun:
				received.add()
			case bytes.Contains(block, []byte("snapshot_end")):
				begun = true
				ready()
			}
		}
		if err != nil {
			return
		}
	}
}

// bareHub is the least that can broadcast: a channel for each subscriber, whose stream sends what comes.
type bareHub struct {
	mu          sync.Mutex
	subscribers []chan []byte
	greeting    []byte // what a subscriber is sent first, greetings times; once and empty where that is 0
	greetings   int
}

func (h *bareHub) join() chan []byte {
	c := make(chan []byte, 1<<14)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers = append(h.subscribers, c)
	return c
}

// wait returns when n have joined.
func (h *bareHub) wait(n int) {
	for {
		h.mu.Lock()
		joined := len(h.subscribers)
		h.mu.Unlock()
		if joined == n {
			return
		}
		runtime.Gosched()
	}
}

func (h *bareHub) publish(payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.subscribers {
		c <- payload
	}
}

// watch is the bare gRPC handler.
func (h *bareHub) watch(_ any, stream grpc.ServerStream) error {
	c := h.join()
	for range max(1, h.greetings) {
		if err := stream.SendMsg(h.greeting); err != nil {
			return err
		}
	}
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case payload := <-c:
			if err := stream.SendMsg(payload); err != nil {
				return err
			}
		}
	}
}

// ServeHTTP is the bare handler of server-sent events.
func (h *bareHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.join()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "event: snapshot_end\n\n")
	flusher := w.(http.Flusher)
	flusher.Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case payload := <-c:
			if _, err := w.Write(payload); err != nil {
				return
			}
			flusher.Flush()
		}
	}
}

func serveBare(b *testing.B, hub *bareHub) string {
	b.Helper()
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}))
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "bare.Broadcast", Streams: []grpc.StreamDesc{
		{StreamName: "Watch", Handler: hub.watch, ServerStreams: true},
	}}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(server.Stop)
	return l.Addr().String()
}
