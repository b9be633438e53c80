package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// DeadLetter is a delivery of which no event could be made, or an event that an output could not hand on.
type DeadLetter struct {
	ID          uint64
	Source      string // of the delivery; OutputPrefix and a name for an output's
	Reason      string
	ReceiveTime time.Time
	Body        []byte // as it came; the event as JSON for an output's
}

// ErrNoDeadLetter says that there is no dead letter of that ID: it has expired, was handled, or never was.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// DeadLetters returns the newest dead letters, limit of them at most, the newest first.
func (p *Presence) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	return p.DeadLettersBefore(ctx, 0, limit)
}

// DeadLettersBefore returns what DeadLetters does, from the first one on that is older than the one of an ID; 0 is the
// newest.
func (p *Presence) DeadLettersBefore(ctx context.Context, id uint64, limit int) ([]DeadLetter, error) {
	info, err := p.store.dead.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	sequence := info.State.LastSeq
	if id > 0 {
		sequence = min(sequence, id-1)
	}
	var letters []DeadLetter
	for ; sequence >= max(info.State.FirstSeq, 1) && len(letters) < limit; sequence-- {
		letter, err := p.DeadLetter(ctx, sequence)
		if errors.Is(err, ErrNoDeadLetter) { // expired meanwhile, or handled
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

// DeadLetter returns the dead letter of an ID. ErrNoDeadLetter is its error.
func (p *Presence) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	message, err := p.store.dead.GetMsg(ctx, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, ErrNoDeadLetter
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", id, err)
	}
	return DeadLetter{
		ID: id, Source: message.Header.Get(sourceHeader), Reason: message.Header.Get(reasonHeader),
		ReceiveTime: message.Time.UTC(), Body: message.Data,
	}, nil
}

// Replay tries a dead letter again: as if it were delivered now, or by the output that gave it up. Where it gets through it
// is a dead letter no longer; else the receipt's DeadLettered says why it did not. ErrNoDeadLetter is its error.
func (p *Presence) Replay(ctx context.Context, id uint64) (Receipt, error) {
	letter, err := p.DeadLetter(ctx, id)
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	if output, ok := strings.CutPrefix(letter.Source, OutputPrefix); ok {
		receipt = p.sendAgain(ctx, output, letter.Body)
	} else {
		receipt, err = p.receive(ctx, letter.Source, letter.Body, nil)
	}
	switch {
	case errors.Is(err, ErrUnknownSource):
		return Receipt{DeadLettered: "the source " + letter.Source + " is no longer configured"}, nil
	case err != nil || receipt.DeadLettered != "":
		return receipt, err
	}
	if err := p.store.dead.DeleteMsg(ctx, id); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return receipt, fmt.Errorf("dead letter %d was handled, and could not be removed: %w", id, err)
	}
	return receipt, nil
}

// HandleReplay lets an output take its dead letters again: send makes one attempt.
func (p *Presence) HandleReplay(output string, send func(context.Context, *Event) error) {
	p.replays.Store(output, send)
}

func (p *Presence) sendAgain(ctx context.Context, output string, body []byte) Receipt {
	send, ok := p.replays.Load(output)
	if !ok {
		return Receipt{DeadLettered: "the output " + output + " is no longer configured"}
	}
	event := new(Event)
	err := json.Unmarshal(body, event)
	if err == nil {
		event.Environment = p.organizations.environment(event.OrganizationID)
		err = send.(func(context.Context, *Event) error)(ctx, event)
	}
	if err != nil {
		return Receipt{DeadLettered: err.Error()}
	}
	return Receipt{EventID: event.ID}
}
