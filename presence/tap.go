package presence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
)

// outputBucket has the position of each tap. It does not expire.
const outputBucket = "PRESENCE_OUTPUTS"

// Position is a place in the events: all up to it were handled. To everybody but a tap it is opaque.
type Position struct {
	Incarnation string `json:"incarnation"` // of the log: one that is made anew counts from 1 again
	Place       uint64 `json:"place"`
}

// Tap is somebody's own place in the events, kept in the journal: whoever opens it again goes on where it was committed. It
// is for one goroutine, and for one process at a time.
type Tap struct {
	store     *store
	name      string
	names     *organizations
	positions jetstream.KeyValue
	revision  uint64   // of the position that is kept
	last      Position // of the event that was returned last
	events    *events  // nil until it reads
	lost      *atomic.Uint64
}

// Tapped is an event that a Tap returned.
type Tapped struct {
	Event    *Event
	Position Position

	trace trace.SpanContext // that the delivery began; invalid where there is none
}

// OpenTap opens the tap of a name. One that is new begins behind the last event, or, where fromStart says so, with the
// first that the log has. Close it.
func (p *Presence) OpenTap(ctx context.Context, name string, fromStart bool) (*Tap, error) {
	positions, err := p.store.journal.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: outputBucket, Description: "How far each output has come. It does not expire.",
	})
	if err != nil {
		return nil, fmt.Errorf("open the positions of outputs: %w", err)
	}
	lost, _ := p.lost.LoadOrStore(name, new(atomic.Uint64))
	t := &Tap{store: p.store, name: name, names: p.organizations, positions: positions, lost: lost.(*atomic.Uint64)}
	err = t.Reload(ctx)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		if err = t.begin(ctx, fromStart); conflict(err) { // another process was faster
			err = t.Reload(ctx)
		}
	}
	return t, err
}

// Reload goes to the position that is kept: another process may have moved it since.
func (t *Tap) Reload(ctx context.Context) error {
	there, err := t.positions.Get(ctx, t.name)
	if err != nil {
		return fmt.Errorf("read the position of output %s: %w", t.name, err)
	}
	var position Position
	if err := json.Unmarshal(there.Value(), &position); err != nil {
		return fmt.Errorf("read the position of output %s: %w", t.name, err)
	}
	t.revision = there.Revision()
	t.Seek(position)
	return nil
}

// begin is the position of a new tap. It is kept at once, so that what happens before the first commit is not lost.
func (t *Tap) begin(ctx context.Context, fromStart bool) error {
	t.last = Position{Incarnation: t.store.incarnation.String()}
	if !fromStart {
		state, err := t.store.streamState(ctx, t.store.events)
		if err != nil {
			return fmt.Errorf("begin output %s: %w", t.name, err)
		}
		t.last.Place = state.LastSeq
	}
	return t.Commit(ctx, t.last)
}

// Position is that of the event that Next returned last, or where the tap was opened.
func (t *Tap) Position() Position { return t.last }

// Seek goes to a position that the caller keeps itself. One in a log that is gone is the beginning of the present one.
func (t *Tap) Seek(position Position) {
	t.Close()
	if position.Incarnation != t.store.incarnation.String() {
		position = Position{Incarnation: t.store.incarnation.String()}
	}
	t.last = position
}

// Next waits for events, and returns those that are there then, most of them at most. After an error the next call tries
// again where the last one ended.
func (t *Tap) Next(ctx context.Context, most int) ([]Tapped, error) {
	var batch []Tapped
	for pending := uint64(1); pending > 0 && len(batch) < most; {
		stored, err := t.next(ctx)
		if err != nil {
			t.Close()
			if len(batch) > 0 {
				return batch, nil
			}
			return nil, err
		}
		t.last.Place = stored.place
		pending = stored.pending
		stored.event.Environment = t.names.environment(stored.event.OrganizationID)
		batch = append(batch, Tapped{stored.event, t.last, stored.trace})
	}
	return batch, nil
}

func (t *Tap) next(ctx context.Context) (storedEvent, error) {
	for {
		if t.events == nil {
			opened, err := t.store.openEvents(ctx, t.last.Place+1)
			if err != nil {
				return storedEvent{}, err
			}
			t.events = opened
			t.lost.Add(opened.place - t.last.Place - 1)
			t.last.Place = opened.place - 1
		}
		stored, err := t.events.next(ctx)
		if !errors.Is(err, ErrCursorExpired) {
			return stored, err
		}
		t.Close() // events expired meanwhile: go on with the first that is there
	}
}

// Lost is how many events had expired before they could be read, since this process opened a tap of the name.
func (t *Tap) Lost() uint64 { return t.lost.Load() }

// LostEvents is Lost of all taps, by their names.
func (p *Presence) LostEvents() map[string]uint64 {
	counts := make(map[string]uint64)
	p.lost.Range(func(name, lost any) bool {
		counts[name.(string)] = lost.(*atomic.Uint64).Load()
		return true
	})
	return counts
}

// Commit keeps a position: all events up to it are handled. It fails where another process has moved it meanwhile: then this
// one is no longer the one that has the tap.
func (t *Tap) Commit(ctx context.Context, position Position) error {
	text, err := json.Marshal(position)
	if err != nil {
		return err
	}
	revision, err := t.positions.Update(ctx, t.name, text, t.revision)
	if conflict(err) { // it may have been this very commit, of which the answer was lost
		if there, looked := t.positions.Get(ctx, t.name); looked == nil && bytes.Equal(there.Value(), text) {
			revision, err = there.Revision(), nil
		}
	}
	if err != nil {
		return fmt.Errorf("keep the position of output %s: %w", t.name, err)
	}
	t.revision = revision
	return nil
}

// leaseTTL is how long a process that was killed while it had a tap keeps the others from it.
const leaseTTL = 10 * time.Second

// Lead runs work, again and again, while no other process that shares the journal has the tap, until ctx ends. It begins at
// the position that is kept.
func (t *Tap) Lead(ctx context.Context, work func(ctx context.Context)) error {
	return t.store.journal.Lead(ctx, "output."+t.name, leaseTTL, func(ctx context.Context) error {
		defer t.Close()
		if t.store.journal.Shared() {
			if err := t.store.patiently(ctx, func() error { return t.Reload(ctx) }); err != nil {
				return err
			}
		}
		work(ctx)
		return nil
	})
}

// SetAside makes an event that could not be handed on a dead letter. Its source is the output.
func (t *Tap) SetAside(ctx context.Context, reason string, event *Event) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	if _, err := t.store.setAside(ctx, OutputPrefix+t.name, reason, body); err != nil {
		return fmt.Errorf("set an event of output %s aside: %w", t.name, err)
	}
	return nil
}

// OutputPrefix stands before the output's name in the source of a dead letter that an output made. No source has such a
// name.
const OutputPrefix = "output:"

// Close ends reading; the tap can be read again.
func (t *Tap) Close() {
	if t.events != nil {
		t.events.close()
		t.events = nil
	}
}
