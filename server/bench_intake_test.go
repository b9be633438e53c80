//go:build unix

package server

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/presence"
)

// BenchmarkIntake posts deliveries, 64 at once, to the webhook listener of a server whose journal syncs each write, beside raw
// publishes of as many bytes to a JetStream that does the same and refuses doubles too. streamed/s is until a subscriber has all
// events of them: their states and the events themselves are stored in between.
func BenchmarkIntake(b *testing.B) {
	b.Run("botverse", func(b *testing.B) {
		p := startPresenceOn(b, openJournal(b, true), wideBuffer)
		r := start(b, loopback(), Deps{Presence: p}, &services{actions: stub{}, metadata: stub{}, presence: presenceService{presence: p}})
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		b.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		streamed := countEventsOf(b, p, b.N)
		takeIn(b, func(n int) error {
			resp, err := client.Post(r.hook+agentStatusPath+"?code="+webhookKey, "application/json", bytes.NewReader(delivery(b, n, n%1000, presenceBusy)))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusNoContent {
				return fmt.Errorf("status %d", resp.StatusCode)
			}
			return nil
		})
		<-streamed
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "streamed/s")
	})
	b.Run("raw", func(b *testing.B) {
		publish := rawPublisher(b)
		takeIn(b, func(n int) error { return publish(n, delivery(b, n, n%1000, presenceBusy)) })
	})
}

// countEventsOf closes its channel when a subscriber has so many events.
func countEventsOf(b *testing.B, p *presence.Presence, count int) <-chan struct{} {
	b.Helper()
	s, err := p.Watch(b.Context(), "", presence.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	all := make(chan struct{})
	go func() {
		defer close(all)
		defer s.Close()
		for count > 0 {
			m, err := s.Next(b.Context())
			if err != nil {
				b.Errorf("the subscriber: %v", err)
				return
			}
			if m.Event != nil {
				count--
			}
		}
	}()
	return all
}

func takeIn(b *testing.B, deliver func(n int) error) {
	b.Helper()
	b.ResetTimer()
	sideBySide(b, b.N, deliver)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// rawPublisher opens a stream as the presence log is, and returns what publishes the nth message to it.
func rawPublisher(b *testing.B) func(n int, body []byte) error {
	b.Helper()
	j := openJournal(b, true)
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	js := j.JetStream()
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: "RAW", Subjects: []string{"raw.*"}, Storage: jetstream.FileStorage,
	}); err != nil {
		b.Fatal(err)
	}
	return func(n int, body []byte) error {
		_, err := js.PublishMsg(b.Context(), &nats.Msg{Subject: fmt.Sprint("raw.", n), Data: body}, jetstream.WithExpectLastSequencePerSubject(0))
		return err
	}
}

// sideBySide does count things, many at once.
func sideBySide(b *testing.B, count int, do func(n int) error) {
	b.Helper()
	const atOnce = 64
	var next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for n := int(next.Add(1)); n <= count; n = int(next.Add(1)) {
				if err := do(n); err != nil {
					b.Errorf("number %d: %v", n, err)
					return
				}
			}
		})
	}
	all.Wait()
}
