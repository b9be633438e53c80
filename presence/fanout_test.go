package presence

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

const subscribers = 1000

// BenchmarkFanOut hands one event to 1,000 subscribers, each in a goroutine of its own, each taking the encoded bytes.
func BenchmarkFanOut(b *testing.B) {
	h := newHub(cursors{uuid.New()}, 1024, map[string]*agent{}, 0, 0, func(string) string { return "" })
	e := at(0, busy, 10)
	event, a := derive(nil, e, 1)
	encode := func(m *Message) ([]byte, error) { return []byte(m.Cursor), nil }
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var handed, ended sync.WaitGroup
	for range subscribers {
		s := h.watchSnapshot(nil)
		ended.Go(func() {
			for {
				m, err := s.Next(ctx)
				if err != nil {
					return
				}
				if m.Event != nil {
					_, _ = Encoded(m, "proto", encode)
					handed.Done()
				}
			}
		})
	}
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		handed.Add(subscribers)
		h.apply(n, &event, e.agentKey(), a)
		handed.Wait()
	}
	b.ReportMetric(float64(n)*subscribers/b.Elapsed().Seconds(), "deliveries/s")
	cancel()
	ended.Wait()
}

// BenchmarkFanOutByChannels is what BenchmarkFanOut is to be measured by: a channel for each subscriber.
func BenchmarkFanOutByChannels(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var handed, ended sync.WaitGroup
	channels := make([]chan *Message, subscribers)
	for i := range channels {
		channels[i] = make(chan *Message, 64)
		ended.Go(func() {
			for {
				select {
				case <-channels[i]:
					handed.Done()
				case <-ctx.Done():
					return
				}
			}
		})
	}
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		m := &Message{sequence: n}
		handed.Add(subscribers)
		for _, c := range channels {
			c <- m
		}
		handed.Wait()
	}
	b.ReportMetric(float64(n)*subscribers/b.Elapsed().Seconds(), "deliveries/s")
	cancel()
	ended.Wait()
}

// BenchmarkReceiveToSubscriber is one delivery from its body to a subscriber.
func BenchmarkReceiveToSubscriber(b *testing.B) {
	r := startRig(b, b.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(b, s)
	n := 0
	for b.Loop() {
		n++
		r.receive(change{row: n, agent: n % 100, presence: available, minute: n})
		nextEvent(b, s)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(n)/float64(time.Microsecond), "µs/event")
}
