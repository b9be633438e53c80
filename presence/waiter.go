package presence

import "context"

// waiter wakes one reader. A reader waits for this channel alone, for its context's end too, because that costs half of what
// a choice among channels does, and a thousand readers wait for each message.
type waiter chan struct{}

// wake ends the reader's wait, or else its next one. It never waits.
func (w waiter) wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// waiting is how a subscription waits under the context that it was last asked under.
type waiting struct {
	waiter
	done <-chan struct{} // the context's
	free func() bool     // lets go of the context
}

// under returns the waiter, which a context's end wakes.
func (w *waiting) under(ctx context.Context) waiter {
	if w.waiter == nil || w.done != ctx.Done() {
		w.leave()
		w.waiter, w.done = make(waiter, 1), ctx.Done()
		w.free = context.AfterFunc(ctx, w.wake)
	}
	return w.waiter
}

func (w *waiting) leave() {
	if w.free != nil {
		w.free()
	}
	*w = waiting{}
}
