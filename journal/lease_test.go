package journal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const testTTL = 10 * time.Second

// bucketOf is the leases' bucket of a journal of its own. It is made within the caller's bubble.
func bucketOf(t *testing.T) (*Journal, leases) {
	t.Helper()
	config := Default()
	config.Dir, config.Sync, config.Logger = t.TempDir(), false, slog.New(slog.DiscardHandler)
	j, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	bucket, err := j.Bucket(t.Context(), jetstream.KeyValueConfig{Bucket: leaseBucket})
	if err != nil {
		t.Fatal(err)
	}
	return j, bucket
}

// cutOff is a bucket that can be out of reach: calls then wait until they give up, as over a connection that is gone.
type cutOff struct {
	leases
	away atomic.Bool
}

func (c *cutOff) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	if c.away.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.leases.Get(ctx, key)
}

func (c *cutOff) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if c.away.Load() {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return c.leases.Update(ctx, key, value, revision)
}

// candidate leads with a bucket, and tells when its work begins and ends.
type candidate struct {
	begun, ended chan time.Time
	stop         context.CancelFunc
	done         chan error
}

// stand lets a candidate wait for the lease. Its work goes on for a while after its context has ended.
func stand(t *testing.T, bucket leases, lingers time.Duration, busy *atomic.Int32) *candidate {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	c := &candidate{make(chan time.Time, 9), make(chan time.Time, 9), stop, make(chan error, 1)}
	l := &lease{bucket: bucket, name: "work", ttl: testTTL, logger: slog.New(slog.DiscardHandler)}
	go func() {
		c.done <- lead(ctx, l, func(ctx context.Context) error {
			if busy.Add(1) > 1 {
				t.Error("two work at once")
			}
			c.begun <- time.Now()
			<-ctx.Done()
			time.Sleep(lingers)
			c.ended <- time.Now()
			busy.Add(-1)
			return ctx.Err()
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-c.done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("lead = %v", err)
		}
	})
	return c
}

func TestLeaseIsHandedOverAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, bucket := bucketOf(t)
		var busy atomic.Int32
		first := stand(t, bucket, time.Second, &busy)
		<-first.begun
		second := stand(t, bucket, 0, &busy)
		time.Sleep(10 * testTTL) // renewed all the time
		select {
		case <-second.begun:
			t.Fatal("the second began while the first works")
		default:
		}
		first.stop()
		if gap := (<-second.begun).Sub(<-first.ended); gap < 0 || gap > testTTL/100 {
			t.Errorf("the second began %v after the first ended, want at once", gap)
		}
	})
}

func TestLeaseOfOneCutOffIsTakenOverOnceItHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, bucket := bucketOf(t)
		var busy atomic.Int32
		cut := &cutOff{leases: bucket}
		first := stand(t, cut, testTTL/5, &busy) // within the quarter that it has
		<-first.begun
		second := stand(t, bucket, 0, &busy)
		time.Sleep(3*testTTL + time.Second)
		cut.away.Store(true)
		away := time.Now()
		ended, begun := <-first.ended, <-second.begun
		if !ended.Before(begun) {
			t.Errorf("the first ended %v after the second began", ended.Sub(begun))
		}
		if took := begun.Sub(away); took > testTTL+testTTL/100 {
			t.Errorf("the second began after %v, want at most %v", took, testTTL)
		}
		cut.away.Store(false)
		second.stop()
		if gap := (<-first.begun).Sub(<-second.ended); gap > testTTL {
			t.Errorf("the first leads again after %v", gap)
		}
	})
}

// TestKilledHolderIsWaitedFor: an entry that nobody renews, as a killed process leaves it.
func TestKilledHolderIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, bucket := bucketOf(t)
		if _, err := bucket.Update(t.Context(), "work", []byte("gone"), 0); err != nil {
			t.Fatal(err)
		}
		var busy atomic.Int32
		stood := time.Now()
		c := stand(t, bucket, 0, &busy)
		if took := (<-c.begun).Sub(stood); took < testTTL || took > testTTL+testTTL/50 {
			t.Errorf("the lease of a killed holder was taken after %v, want %v", took, testTTL)
		}
	})
}

// TestStolenLeaseEndsTheWork: another has written the entry, as after the sleep of a whole machine.
func TestStolenLeaseEndsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, bucket := bucketOf(t)
		var busy atomic.Int32
		c := stand(t, bucket, 0, &busy)
		<-c.begun
		entry, err := bucket.Get(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Update(t.Context(), "work", []byte("other"), entry.Revision()); err != nil {
			t.Fatal(err)
		}
		stolen := time.Now()
		if took := (<-c.ended).Sub(stolen); took > testTTL/4 {
			t.Errorf("the work ended %v after the lease was taken, want at the next renewal", took)
		}
		<-c.begun // once the other has not renewed it for long enough
	})
}

// lostAnswers is a bucket whose writes get through though their answers do not, every other time.
type lostAnswers struct {
	leases
	writes atomic.Int32
}

func (l *lostAnswers) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	written, err := l.leases.Update(ctx, key, value, revision)
	if err == nil && l.writes.Add(1)%2 == 0 {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return written, err
}

func TestLostAnswersLoseNoLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, bucket := bucketOf(t)
		var busy atomic.Int32
		c := stand(t, &lostAnswers{leases: bucket}, 0, &busy)
		<-c.begun
		time.Sleep(20 * testTTL)
		select {
		case <-c.ended:
			t.Error("the work ended though each renewal got through")
		default:
		}
		c.stop()
		<-c.ended
		other := stand(t, bucket, 0, &busy)
		<-other.begun
	})
}

func TestResultOfTheWorkIsReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, bucket := bucketOf(t)
		ways := map[string]func(context.Context, func(context.Context) error) error{
			"inside": func(ctx context.Context, work func(context.Context) error) error {
				return j.Lead(ctx, "work", testTTL, work)
			},
			"shared": func(ctx context.Context, work func(context.Context) error) error {
				return lead(ctx, &lease{bucket: bucket, name: "work", ttl: testTTL, logger: slog.New(slog.DiscardHandler)}, work)
			},
		}
		for name, lead := range ways {
			want := errors.New("done")
			began := time.Now()
			for range 3 { // each frees the lease for the next
				if err := lead(t.Context(), func(context.Context) error { return want }); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", name, err, want)
				}
			}
			if took := time.Since(began); took > testTTL/10 {
				t.Errorf("%s: three in a row took %v", name, took)
			}
			ctx, stop := context.WithCancel(t.Context())
			stop()
			never := func(context.Context) error { t.Error("work runs after the end"); return want }
			if err := lead(ctx, never); err != nil {
				t.Errorf("%s: after the end %v, want nil", name, err)
			}
		}
	})
}

// TestTurnsWithinAProcess: on a journal of this process alone its parts take turns.
func TestTurnsWithinAProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, _ := bucketOf(t)
		var busy atomic.Int32
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				err := j.Lead(t.Context(), "work", testTTL, func(context.Context) error {
					if busy.Add(1) > 1 {
						t.Error("two work at once")
					}
					time.Sleep(time.Second)
					busy.Add(-1)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}
