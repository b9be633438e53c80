package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// DeadLetter is a delivery of which no event could be made.
type DeadLetter struct {
	Source      string
	Reason      string
	ReceiveTime time.Time
	Body        []byte // as it came
}

// DeadLetters returns the newest dead letters, limit of them at most, the newest first.
func (p *Presence) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	info, err := p.store.dead.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	var letters []DeadLetter
	for sequence := info.State.LastSeq; sequence >= max(info.State.FirstSeq, 1) && len(letters) < limit; sequence-- {
		message, err := p.store.dead.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // expired meanwhile
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		letters = append(letters, DeadLetter{
			Source: message.Header.Get(sourceHeader), Reason: message.Header.Get(reasonHeader),
			ReceiveTime: message.Time.UTC(), Body: message.Data,
		})
	}
	return letters, nil
}
