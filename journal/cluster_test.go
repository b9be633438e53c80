//go:build cluster

package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/journal/journaltest"
)

// patience is how long to wait for what servers find out by themselves: a leader notices only every ten seconds that nobody has
// answered it for ten seconds.
const patience = time.Minute

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not so after %v", what, patience)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

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
	eventually(t, "the message is there without the server that took it", func() bool {
		msg, err := stream.GetMsg(t.Context(), 1)
		return err == nil && string(msg.Data) == "kept"
	})
	eventually(t, "the next message is taken", func() bool {
		_, err := j.JetStream().Publish(t.Context(), "s.b", nil)
		return err == nil
	})
	if err := j.Err(); err != nil {
		t.Errorf("Err = %v while two of three servers are there", err)
	}

	cluster.Stop((stopped + 1) % 3)
	eventually(t, "one of three is too few", func() bool { return j.Err() != nil })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := j.JetStream().Publish(ctx, "s.c", nil); err == nil {
		t.Error("one server of three acknowledged a message")
	}
	cluster.Restart(stopped)
	eventually(t, "two of three are enough again", func() bool { return j.Err() == nil })
}
