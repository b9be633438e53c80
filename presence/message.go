package presence

import (
	"sync"
	"sync/atomic"
	"time"
)

// Message is one message of a subscription. Exactly one of its first four members is set. A message may be shared by
// all subscribers: do not change it.
type Message struct {
	State       *AgentState  // one agent of the snapshot
	SnapshotEnd *SnapshotEnd // the snapshot is complete
	Event       *Event       // something changed
	Heartbeat   *Heartbeat   // nothing happened for a while

	// Cursor is where to go on after this message. Empty on State.
	Cursor string

	sequence  uint64 // the log's position that Cursor stands for
	place     uint64 // in the ring
	encodings atomic.Pointer[encoding]
}

// SnapshotEnd says that the snapshot is complete.
type SnapshotEnd struct {
	Agents int // how many states it had
}

// Heartbeat says that the stream is alive.
type Heartbeat struct {
	Time time.Time // when it was made
}

// encoding is the memo of one format, in a list that only grows at its head.
type encoding struct {
	format string
	once   sync.Once
	form   any
	err    error
	next   *encoding
}

// Encoded returns the message in a format, encoded by the first who asks and kept for all others: what is returned is
// shared and not to be changed. It may be called from many goroutines at once. format names the format; encode must
// always mean the same by it, and T is what it makes: bytes, or what a transport sends without a copy.
func Encoded[T any](m *Message, format string, encode func(*Message) (T, error)) (T, error) {
	e := m.encoding(format)
	e.once.Do(func() { e.form, e.err = encode(m) })
	return e.form.(T), e.err
}

// encoding finds the memo of a format, or adds an empty one.
func (m *Message) encoding(format string) *encoding {
	for {
		head := m.encodings.Load()
		for e := head; e != nil; e = e.next {
			if e.format == format {
				return e
			}
		}
		fresh := &encoding{format: format, next: head}
		if m.encodings.CompareAndSwap(head, fresh) {
			return fresh
		}
	}
}
