package journal

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Publisher stores messages of one stream. Many goroutines may publish at once: what comes while others are being stored is
// then stored together, with one sync for all. The zero value is of no use; Journal.Publisher makes one.
type Publisher struct {
	journal *Journal

	mu      sync.Mutex
	waiting []*publication
	storing bool
}

// publication is a message on its way, and how it ended.
type publication struct {
	msg   *nats.Msg
	ended chan error
}

// A group's bounds: messages, and bytes of their bodies.
const (
	groupSize  = 256
	groupBytes = 4 << 20
)

// groupTimeout bounds the wait for the answer to a group.
const groupTimeout = 4 * time.Second

// Publisher returns a publisher of messages of one stream.
func (j *Journal) Publisher() *Publisher { return &Publisher{journal: j} }

// Publish stores a message, unless the stream is not as the message expects it (jetstream.ExpectedLastSubjSeqHeader). It is
// on the disk when Publish returns without error. After any error but a refusal (jetstream.APIError) it may be stored.
// The message is not to be used again.
func (p *Publisher) Publish(ctx context.Context, msg *nats.Msg) error {
	if p.journal.Shared() { // servers elsewhere store what comes at the same time side by side
		_, err := p.journal.js.PublishMsg(ctx, msg)
		return err
	}
	mine := &publication{msg: msg, ended: make(chan error, 1)}
	p.mu.Lock()
	p.waiting = append(p.waiting, mine)
	if !p.storing {
		p.storing = true
		go p.store()
	}
	p.mu.Unlock()
	select {
	case err := <-mine.ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// store stores what is waiting until nothing is.
func (p *Publisher) store() {
	for group := p.take(); len(group) > 0; group = p.take() {
		p.storeGroup(group)
	}
}

// take is the next group; none when nothing is waiting.
func (p *Publisher) take() (group []*publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for bytes := 0; len(group) < min(len(p.waiting), groupSize) && bytes < groupBytes; {
		next := p.waiting[len(group)]
		group = append(group, next)
		bytes += len(next.msg.Data)
	}
	p.waiting = p.waiting[len(group):]
	p.storing = len(group) > 0
	return group
}

// storeGroup stores a group at once where that is less work. Where it is refused, as for one message that is there already,
// each is stored, or refused, on its own.
func (p *Publisher) storeGroup(group []*publication) {
	ctx, cancel := context.WithTimeout(p.journal.life, groupTimeout) // no answer comes once the journal is closed
	defer cancel()
	msgs := make([]*nats.Msg, len(group))
	for i, one := range group {
		msgs[i] = one.msg
	}
	for i, err := range p.journal.PublishAll(ctx, msgs) {
		group[i].ended <- err
	}
}
