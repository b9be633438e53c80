//go:build cluster

package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal/journaltest"
)

// TestClusterOutlivesAnyServer: what was acknowledged stays, and goes on, whichever server ends.
func TestClusterOutlivesAnyServer(t *testing.T) {
	t.Parallel()
	cluster := journaltest.Start(t, 3)
	j := join(t, cluster.NATS())
	stream, err := j.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().Config; got.Replicas != 3 || got.AllowDirect {
		t.Errorf("the stream has %d replicas, read at any of them: %v; want 3, at the leader", got.Replicas, got.AllowDirect)
	}
	bucket, err := j.Bucket(t.Context(), jetstream.KeyValueConfig{Bucket: "B"})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := bucket.Status(t.Context()); err != nil || status.Config().Replicas != 3 {
		t.Errorf("the bucket has %d replicas, want 3 (%v)", status.Config().Replicas, err)
	}
	if _, err := j.JetStream().Publish(t.Context(), "s.a", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	stopped := cluster.Leader("S")
	cluster.Stop(stopped)
	await.Until(t, "the message is there without the server that took it", func() bool {
		msg, err := stream.GetMsg(t.Context(), 1)
		return err == nil && string(msg.Data) == "kept"
	})
	await.Until(t, "the next message is taken", func() bool {
		_, err := j.JetStream().Publish(t.Context(), "s.b", nil)
		return err == nil
	})
	if err := j.Err(); err != nil {
		t.Errorf("Err = %v while two of three servers are there", err)
	}

	cluster.Stop((stopped + 1) % 3)
	await.Until(t, "one of three is too few", func() bool { return j.Err() != nil })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := j.JetStream().Publish(ctx, "s.c", nil); err == nil {
		t.Error("one server of three acknowledged a message")
	}
	cluster.Restart(stopped)
	await.Until(t, "two of three are enough again", func() bool { return j.Err() == nil })
}
