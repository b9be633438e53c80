package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
)

// leaseBucket has a key for each lease. Its value begins with its holder's token, and is empty while the lease is free.
const leaseBucket = "LEASES"

// errLeaseLost is the cause with which work's context ends when the lease is lost.
var errLeaseLost = errors.New("the lease is lost")

// Lead runs work while this process holds the lease of a name: of all processes that share the journal one at a time. The
// others wait. A lease that is given back, because work or ctx ended, goes to another process at once; one whose holder was
// killed or cut off goes after ttl.
//
// The holder renews its lease. Where it cannot, or where another has it, the context that work runs in ends, a quarter of
// ttl before anybody else may begin: work has that long to return, and is run again once the lease is held again. No two
// clocks are compared: a holder counts from before it sent what renewed the lease, everybody else from when they saw it,
// each with a monotonic clock of its own. What such a clock does not count, as the sleep of a whole machine, shows at the
// next renewal; work that must do nothing even until then makes its writes conditional on what it read.
//
// On a journal of this process alone nobody else can be on, and work waits for others of the process only: nothing is left
// behind by a process that was killed.
//
// Lead returns what work returned while the lease was held, and nil when ctx ended.
func (j *Journal) Lead(ctx context.Context, name string, ttl time.Duration, work func(ctx context.Context) error) error {
	if !j.Shared() {
		return j.leadInside(ctx, name, work)
	}
	bucket, err := j.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: leaseBucket, Description: "Which process does what only one may do at a time.",
	})
	if err != nil {
		return fmt.Errorf("open the leases: %w", err)
	}
	return lead(ctx, &lease{bucket: bucket, name: name, ttl: ttl, logger: j.log.logger.With("lease", name)}, work)
}

// leadInside takes turns within this process.
func (j *Journal) leadInside(ctx context.Context, name string, work func(context.Context) error) error {
	turn, _ := j.turns.LoadOrStore(name, make(chan struct{}, 1))
	select {
	case turn.(chan struct{}) <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	defer func() { <-turn.(chan struct{}) }()
	if ctx.Err() != nil {
		return nil
	}
	return work(ctx)
}

// leases is what a lease needs of its bucket.
type leases interface {
	Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Watch(ctx context.Context, keys string, opts ...jetstream.WatchOpt) (jetstream.KeyWatcher, error)
}

// lease is one process's view of a lease. It is for one goroutine.
type lease struct {
	bucket leases
	name   string
	ttl    time.Duration
	logger *slog.Logger

	token    string    // tells this holding from all others
	revision uint64    // of the entry, as it was seen or written last
	seen     time.Time // when that revision was seen first; zero before
	until    time.Time // while it is held: when work must end unless the lease is renewed
}

func lead(ctx context.Context, l *lease, work func(context.Context) error) error {
	for l.campaign(ctx) {
		if err := l.hold(ctx, work); !errors.Is(err, errLeaseLost) {
			return err
		}
		l.logger.WarnContext(ctx, "the lease was lost")
	}
	return nil
}

// campaign waits until the lease is held; false when ctx ended first.
func (l *lease) campaign(ctx context.Context) bool {
	l.token, l.seen = rand.Text(), time.Time{}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var news <-chan jetstream.KeyValueEntry // nil where it cannot be watched: then looking now and then has to do
	if watcher, err := l.bucket.Watch(watching, l.name, jetstream.UpdatesOnly(), jetstream.MetaOnly()); err == nil {
		defer func() { _ = watcher.Stop() }() // there is nothing more to hear
		news = watcher.Updates()
	}
	for {
		wait, err := l.try(ctx)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			l.logger.WarnContext(ctx, "the lease cannot be looked at; trying again", "error", err)
		case wait <= 0:
			return true
		}
		timer := time.NewTimer(min(max(wait, l.ttl/100), l.ttl/4))
		select {
		case _, ok := <-news:
			if !ok {
				news = nil
			}
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// try takes the lease where it is free or has not been renewed for ttl. It returns how long to wait before the next try, 0
// when the lease is held.
func (l *lease) try(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, l.ttl)
	defer cancel()
	revision, holder, err := l.look(ctx)
	if err != nil {
		return l.ttl, err
	}
	if revision != l.revision || l.seen.IsZero() {
		l.revision, l.seen = revision, time.Now() // after the look: the entry is as old as this, or older
	}
	if holder != "" && holder != l.token {
		if left := l.ttl - time.Since(l.seen); left > 0 {
			return left, nil
		}
	}
	err = l.write(ctx, l.value())
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) { // another was faster
		return l.ttl / 100, nil
	}
	return 0, err
}

// look returns the entry's revision and the token of who holds the lease; both are zero where it never was held.
func (l *lease) look(ctx context.Context) (revision uint64, holder string, err error) {
	entry, err := l.bucket.Get(ctx, l.name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	holder, _, _ = strings.Cut(string(entry.Value()), " ")
	return entry.Revision(), holder, nil
}

// value says for people on which machine the holder is.
func (l *lease) value() string {
	host, err := os.Hostname()
	if err != nil {
		return l.token
	}
	return l.token + " " + host
}

// write replaces the entry of the revision that was seen last, and counts from before it did.
func (l *lease) write(ctx context.Context, value string) error {
	sent := time.Now()
	revision, err := l.bucket.Update(ctx, l.name, []byte(value), l.revision)
	if err != nil {
		return err
	}
	l.revision, l.until = revision, sent.Add(l.ttl-l.ttl/4)
	return nil
}

// hold runs work and renews the lease until it returns, which is its result; errLeaseLost where the lease was lost before.
func (l *lease) hold(ctx context.Context, work func(context.Context) error) error {
	working, end := context.WithCancelCause(ctx)
	defer end(nil)
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx)) // work may take a while to end once ctx has
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		l.renew(renewing, end)
	}()
	err := work(working)
	stop()
	<-renewed
	if errors.Is(context.Cause(working), errLeaseLost) {
		return errLeaseLost
	}
	l.release(context.WithoutCancel(ctx))
	return err
}

// renew renews the lease until ctx ends or the lease is lost, which it tells.
func (l *lease) renew(ctx context.Context, lost context.CancelCauseFunc) {
	expiry := time.AfterFunc(time.Until(l.until), func() { lost(errLeaseLost) })
	defer expiry.Stop()
	for wait := l.ttl / 4; sleep.For(ctx, wait); {
		err := l.extend(ctx)
		switch {
		case err == nil:
			if !expiry.Stop() {
				return // it was too late
			}
			expiry.Reset(time.Until(l.until))
			wait = l.ttl / 4
		case errors.Is(err, errLeaseLost):
			lost(errLeaseLost)
			return
		case ctx.Err() == nil:
			l.logger.WarnContext(ctx, "the lease could not be renewed; trying again", "error", err)
			wait = l.ttl / 20
		}
	}
}

// extend renews the lease once. Where an attempt of before got through though its answer did not, it goes on from that.
func (l *lease) extend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.ttl/4)
	defer cancel()
	err := l.write(ctx, l.value())
	if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return err
	}
	revision, holder, err := l.look(ctx)
	switch {
	case err != nil:
		return err
	case holder != l.token:
		return errLeaseLost
	}
	l.revision = revision
	return l.write(ctx, l.value())
}

// release gives the lease back, so that nobody has to wait for its end. Where it cannot, they wait.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.ttl/4)
	defer cancel()
	err := l.write(ctx, "")
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) { // a renewal whose answer was not waited for
		if revision, holder, err := l.look(ctx); err == nil && holder == l.token {
			l.revision = revision
			_ = l.write(ctx, "")
		}
		return
	}
	if err != nil {
		l.logger.WarnContext(ctx, "the lease could not be given back; others wait until it has expired", "error", err)
	}
}
