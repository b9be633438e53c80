package presence

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// TestWaitEndsWithItsContext: each call of Next heeds the context that it is given, whatever the one before was given.
func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRing(4)
		var w waiting
		defer w.leave()
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			var ended sync.WaitGroup
			ended.Go(func() {
				if m, err := r.next(ctx, w.under(ctx), 0); m != nil || !errors.Is(err, context.Canceled) {
					t.Errorf("next = %v, %v, want context.Canceled", m, err)
				}
			})
			synctest.Wait()
			cancel()
			ended.Wait()
		}
		// A reader that gave up is woken like all others: that must hold up nobody.
		want := &Message{}
		r.append(want)
		if m, err := r.next(t.Context(), w.under(t.Context()), 0); m != want || err != nil {
			t.Errorf("next = %v, %v, want the message", m, err)
		}
	})
}

func TestEveryReaderIsWoken(t *testing.T) {
	t.Parallel()
	const readers, messages = 50, 200
	r := newRing(messages)
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			var w waiting
			defer w.leave()
			for place := range uint64(messages) {
				m, err := r.next(t.Context(), w.under(t.Context()), place)
				if err != nil || m.place != place {
					t.Errorf("next(%d) = %v, %v", place, m, err)
					return
				}
			}
		})
	}
	for range messages {
		r.append(&Message{})
	}
	all.Wait()
	r.close()
	if _, err := r.next(t.Context(), make(waiter, 1), messages); !errors.Is(err, ErrClosed) {
		t.Errorf("next = %v after the end, want ErrClosed", err)
	}
}
