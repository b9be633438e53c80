//go:build unix

package server

import (
	"context"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// snapshotAgents is how many agents' states the snapshot benchmark streams.
const snapshotAgents = 50_000

// BenchmarkSnapshot streams the states of 50,000 agents to a subscriber who comes, beside a bare grpc-go server that sends as
// many messages of the same size.
func BenchmarkSnapshot(b *testing.B) {
	b.Run("botverse", func(b *testing.B) {
		r, p := startWatched(b, loopback(), nil)
		sideBySide(b, snapshotAgents, func(n int) error {
			_, err := p.Receive(b.Context(), presence.AgentStatus, delivery(b, n, n, presenceBusy), http.Header{})
			return err
		})
		awaitAgents(b, p, snapshotAgents)
		readSnapshots(b, r.GRPCAddr(), botversev1.PresenceService_WatchPresence_FullMethodName)
	})
	b.Run("bare", func(b *testing.B) {
		state := encodedEvent(b, func(m *presence.Message) ([]byte, error) {
			data, err := encodeProto(m)
			return data.Materialize(), err
		})
		readSnapshots(b, serveBare(b, &bareHub{greeting: state, greetings: snapshotAgents}), "/bare.Broadcast/Watch")
	})
}

// awaitAgents returns when the states of so many agents are known.
func awaitAgents(b *testing.B, p *presence.Presence, count int) {
	b.Helper()
	s, err := p.Watch(b.Context(), "", presence.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	agents := map[string]bool{}
	for len(agents) < count {
		m, err := s.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		switch {
		case m.State != nil:
			agents[m.State.AgentID] = true
		case m.Event != nil:
			agents[m.Event.AgentID] = true
		}
	}
}

// readSnapshots subscribes b.N times, one after the other, and reads the states.
func readSnapshots(b *testing.B, addr, method string) {
	b.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	b.ResetTimer()
	for range b.N {
		ctx, cancel := context.WithCancel(b.Context())
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
		if err == nil {
			err = stream.SendMsg([]byte{})
		}
		var size int
		for range snapshotAgents {
			if err == nil {
				err = stream.RecvMsg(&size)
			}
		}
		cancel()
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*snapshotAgents)/b.Elapsed().Seconds(), "agents/s")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/snapshot")
}
