package presence

import (
	"context"
	"errors"
	"net/http"

	"github.com/botverse/botverse/journal"
)

// Presence receives, keeps and streams. Its methods may be called from many goroutines at once.
type Presence struct {
	config Config
}

// Receipt says what became of a delivery.
type Receipt struct {
	EventID      string // empty for what was set aside
	Duplicate    bool   // it was in the log already
	DeadLettered string // why no event could be made of it; empty when one was
}

// Subscription is one subscriber's place in the stream. It is for one goroutine.
type Subscription struct{}

// Open opens presence in the journal. reader may be nil: then labels come from the deliveries alone and nothing is seeded
// or read again.
func Open(ctx context.Context, config Config, j *journal.Journal, reader Reader) (*Presence, error) {
	return nil, errors.ErrUnsupported
}

// Run follows the log until ctx ends, which is no error. Subscriptions then end with ErrClosed.
func (p *Presence) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Ready says why the states are not yet to be relied on; nil once the log is read and the first states are seeded.
func (p *Presence) Ready() error { return errors.ErrUnsupported }

// Receive stores what Dataverse posted to a source; authenticate it first. When it returns without error, the delivery is
// on the disk, as an event or, with the reason, as a dead letter: either is to be answered with success, for Dataverse
// does not send it again. ErrUnknownSource, ErrNotJSON and ErrNotStored are its errors. The body is not kept.
func (p *Presence) Receive(ctx context.Context, source string, body []byte, header http.Header) (Receipt, error) {
	return Receipt{}, errors.ErrUnsupported
}

// List returns the agents' states by agent ID, pageSize of them at most (0 is 100), from pageToken on (empty is the
// first page), the next page's token (empty after the last), and the cursor from which Watch goes on. All pages of one
// list have the first page's cursor. ErrPageToken and ErrClosed are its errors.
func (p *Presence) List(ctx context.Context, pageSize int, pageToken string) (states []*AgentState, next, cursor string, err error) {
	return nil, "", "", errors.ErrUnsupported
}

// Watch subscribes: from a snapshot of now when after is empty, else from what came after that cursor. ErrCursorExpired
// and ErrClosed are its errors. Close the subscription.
func (p *Presence) Watch(ctx context.Context, after string) (*Subscription, error) {
	return nil, errors.ErrUnsupported
}

// Next waits for the next message. ErrTooSlow, ErrCursorExpired, ErrClosed and ctx's error end the subscription.
func (s *Subscription) Next(ctx context.Context) (*Message, error) { return nil, errors.ErrUnsupported }

// Cursor is that of the last message that Next returned, or the one that Watch was given: where to go on.
func (s *Subscription) Cursor() string { return "" }

// Close ends the subscription. Calling it again does nothing.
func (s *Subscription) Close() {}
