package presence

import (
	"context"
	"sort"
	"sync"
	"sync/atomic"
)

// ring holds the last messages for all subscribers together: each has but a place in it. One goroutine at a time
// appends, and never waits; any number read. Who falls further behind than the ring is long has lost its place.
type ring struct {
	slots  []atomic.Pointer[Message]
	head   atomic.Uint64 // the place of the next message
	closed atomic.Bool

	mu     sync.Mutex
	parked []waiter // those that wait for the next message
	spare  []waiter // what parked was before, to be used again
}

func newRing(length int) *ring { return &ring{slots: make([]atomic.Pointer[Message], length)} }

// append adds a message and returns the one that it displaces, nil while the ring is not full.
func (r *ring) append(m *Message) (displaced *Message) {
	m.place = r.head.Load()
	displaced = r.slot(m.place).Swap(m)
	r.head.Add(1)
	r.wakeAll()
	return displaced
}

// replace puts another message in the place of each. No message may be appended meanwhile.
func (r *ring) replace(with func(*Message) *Message) {
	for i := range r.slots {
		if m := r.slots[i].Load(); m != nil {
			r.slots[i].Store(with(m))
		}
	}
}

// close ends what waits, and all that comes when it has read the rest.
func (r *ring) close() {
	r.closed.Store(true)
	r.wakeAll()
}

// wakeAll wakes all that wait now. One goroutine at a time calls it.
func (r *ring) wakeAll() {
	r.mu.Lock()
	parked := r.parked
	r.parked = r.spare[:0]
	r.mu.Unlock()
	for _, w := range parked {
		w.wake()
	}
	clear(parked)
	r.spare = parked
}

// park has a waiter woken by the next message, unless there is something to be had at its place already.
func (r *ring) park(w waiter, place uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if place < r.head.Load() || r.closed.Load() {
		w.wake()
		return
	}
	r.parked = append(r.parked, w)
}

func (r *ring) slot(place uint64) *atomic.Pointer[Message] {
	return &r.slots[place%uint64(len(r.slots))]
}

// next returns the message at a place, waiting for it. ErrTooSlow, ErrClosed and ctx's error are its errors.
func (r *ring) next(ctx context.Context, w waiter, place uint64) (*Message, error) {
	for {
		if place < r.head.Load() {
			return r.at(place)
		}
		if r.closed.Load() {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.park(w, place)
		<-w
	}
}

// at returns the message at a place that has been filled.
func (r *ring) at(place uint64) (*Message, error) {
	if m := r.slot(place).Load(); m.place == place {
		return m, nil
	}
	return nil, ErrTooSlow
}

// after returns the place of the first message that is beyond a position of the log. No message may be appended
// meanwhile. Positions never go down along the ring.
func (r *ring) after(sequence uint64) uint64 {
	head := r.head.Load()
	held := min(head, uint64(len(r.slots)))
	first := head - held
	return first + uint64(sort.Search(int(held), func(i int) bool {
		return r.slot(first+uint64(i)).Load().sequence > sequence
	}))
}
