package journal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// TestCloseEndsWhatIsBeingStored: no answer comes any more, and nobody is to wait for it, nor a goroutine.
func TestCloseEndsWhatIsBeingStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, _ := bucketOf(t)
		if _, err := j.conn.SubscribeSync("never.answered"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- j.Publisher().Publish(t.Context(), nats.NewMsg("never.answered")) }()
		synctest.Wait()
		began := time.Now()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(began) > groupTimeout/2 {
			t.Errorf("Publish = %v, %v after Close; want it to end then", err, time.Since(began))
		}
	})
}
