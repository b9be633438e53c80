package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botverse/botverse/internal/sleep"
)

// Subscription is one subscriber's place in the stream. It is for one goroutine.
type Subscription struct {
	hub     *hub
	pending []*Message // comes before all else
	replay  *events    // the events that the ring no longer has; nil when there are none, or no more
	place   uint64     // in the ring
	after   uint64     // events up to this position of the log were had
	cursor  string
	filter  *filter       // which events are wanted
	silence time.Duration // how long the subscriber may hear nothing
	heard   time.Time     // when it was told something last
	waiting waiting
}

// Watch subscribes: from a snapshot of now when after is empty, else from what came after that cursor. In both cases a
// message is there at once. What does not pass the filter is left out; the snapshot has states only where events of a
// presence are wanted. ErrFilter, ErrCursorExpired, ErrTeamChanged, ErrClosed and the directory's are its errors. Close the subscription.
func (p *Presence) Watch(ctx context.Context, after string, wanted Filter) (*Subscription, error) {
	if p.hub.ring.closed.Load() {
		return nil, ErrClosed
	}
	f, err := p.compile(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if after == "" {
		s := p.hub.watchSnapshot(f)
		s.silence = p.config.Heartbeat
		f.hold()
		return s, nil
	}
	sequence, ok := p.hub.cursors.parse(after)
	if !ok {
		return nil, fmt.Errorf("%w: it is of another log", ErrCursorExpired)
	}
	if f.changedSince(sequence) { // only a snapshot tells of those who have come
		return nil, ErrTeamChanged
	}
	s := &Subscription{hub: p.hub, after: sequence, cursor: after, filter: f, silence: p.config.Heartbeat, heard: time.Now()}
	if err := p.resume(ctx, s); err != nil {
		return nil, err
	}
	f.hold()
	return s, nil
}

// resume finds the place after a cursor: at the end of the ring or beyond, within the ring, or on the disk.
func (p *Presence) resume(ctx context.Context, s *Subscription) error {
	if s.after >= p.hub.position() {
		return p.resumeLive(ctx, s)
	}
	if place, ok := p.hub.seek(s.after); ok {
		s.place = place
		return nil
	}
	return p.resumeStored(ctx, s)
}

// watchSnapshot begins with the states that pass, and goes on from the ring's place of the same moment.
func (h *hub) watchSnapshot(f *filter) *Subscription {
	agents, sequence, place := h.snapshot()
	if !f.wantsStates() {
		agents = nil
	}
	s := &Subscription{hub: h, place: place, after: sequence, filter: f, heard: time.Now()}
	if f == nil {
		s.pending = make([]*Message, 0, len(agents)+1)
	}
	for _, a := range agents {
		if f.state(&a.State) {
			s.pending = append(s.pending, a.message)
		}
	}
	s.pending = append(s.pending, &Message{
		SnapshotEnd: &SnapshotEnd{Agents: len(s.pending)}, Cursor: h.cursors.format(sequence), sequence: sequence,
	})
	return s
}

// resumeLive goes on from a position that this process has just reached, or that it will reach: the cursor may be another
// process's. A heartbeat says that the stream is alive.
func (p *Presence) resumeLive(ctx context.Context, s *Subscription) error {
	if s.after > p.hub.position() {
		if err := p.awaitLog(ctx, s.after); err != nil {
			return err
		}
	}
	place, ok := p.hub.seek(s.after)
	if !ok { // the ring ran over it since
		return p.resumeStored(ctx, s)
	}
	s.place = place
	s.pending = []*Message{heartbeatAt(p.hub.cursors, s.after, time.Now().UTC())}
	return nil
}

// awaitLog fails with ErrCursorExpired where the log does not go so far. Where servers end and begin, one may lead that has
// yet to apply what it has, and tells too little for a while.
func (p *Presence) awaitLog(ctx context.Context, sequence uint64) error {
	patient := time.Now().Add(catchUpTime)
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		end, err := p.store.logEnd(ctx)
		if err != nil || end >= sequence {
			return err
		}
		if !p.store.journal.Shared() || time.Now().After(patient) {
			return fmt.Errorf("%w: it is ahead of the log", ErrCursorExpired)
		}
		if !sleep.For(ctx, wait) {
			return ctx.Err()
		}
	}
}

// resumeStored goes on from a position that only the disk still has.
func (p *Presence) resumeStored(ctx context.Context, s *Subscription) error {
	place, err := p.store.placeAfter(ctx, s.after)
	if errors.Is(err, ErrCursorExpired) {
		return fmt.Errorf("%w: the log no longer goes back so far", err)
	}
	if err != nil {
		return fmt.Errorf("find the cursor in the events: %w", err)
	}
	s.replay, err = p.store.openEvents(ctx, place)
	if err == nil && s.replay.place != place { // expired between the two
		s.closeReplay()
		return ErrCursorExpired
	}
	return err
}

// Next waits for the next message. ErrTooSlow, ErrCursorExpired, ErrTeamChanged, ErrClosed and ctx's error end the
// subscription.
func (s *Subscription) Next(ctx context.Context) (*Message, error) {
	if err := ctx.Err(); err != nil { // whoever is behind would not notice while there is something to be told
		return nil, err
	}
	m, err := s.next(ctx)
	if err != nil {
		return nil, err
	}
	if m.Cursor != "" {
		s.cursor = m.Cursor
	}
	if s.filter != nil {
		s.heard = time.Now()
	}
	return m, nil
}

// passOver is for an event that the subscriber does not want: a heartbeat where nothing was heard for long, else nil.
func (s *Subscription) passOver() *Message {
	if now := time.Now(); now.Sub(s.heard) >= s.silence {
		return heartbeatAt(s.hub.cursors, s.after, now.UTC())
	}
	return nil
}

func (s *Subscription) next(ctx context.Context) (*Message, error) {
	if len(s.pending) > 0 {
		m := s.pending[0]
		s.pending = s.pending[1:]
		return m, nil
	}
	for s.replay != nil {
		m, err := s.nextStored(ctx)
		if err != nil || s.filter.event(m.Event) {
			return m, err
		}
		if m := s.passOver(); m != nil {
			return m, nil
		}
	}
	for {
		m, err := s.hub.ring.next(ctx, s.waiting.under(ctx), s.place)
		if err != nil {
			return nil, err
		}
		if s.filter.changed() {
			return nil, ErrTeamChanged
		}
		s.place++
		switch {
		case m.Event != nil && m.sequence > s.after:
			s.after = m.sequence
			if s.filter.event(m.Event) {
				return m, nil
			}
			if m := s.passOver(); m != nil {
				return m, nil
			}
		case m.Heartbeat != nil && m.sequence >= s.after:
			return m, nil
		case m.Heartbeat != nil: // this process is behind the cursor, and a cursor never goes back
			return heartbeatAt(s.hub.cursors, s.after, m.Heartbeat.Time), nil
		}
	}
}

// nextStored reads the next event from the disk, and changes over to the ring once that has what follows.
func (s *Subscription) nextStored(ctx context.Context) (*Message, error) {
	stored, err := s.replay.next(ctx)
	for err == nil && stored.sequence <= s.after { // the place was told by a server that was behind
		stored, err = s.replay.next(ctx)
	}
	if err != nil {
		if s.hub.ring.closed.Load() {
			return nil, ErrClosed
		}
		return nil, err
	}
	s.after = stored.sequence
	if s.after >= s.hub.floor.Load() {
		if place, ok := s.hub.seek(s.after); ok {
			s.place = place
			s.closeReplay()
		}
	}
	stored.event.Environment = s.hub.environment(stored.event.OrganizationID)
	return &Message{
		Event: stored.event, Cursor: s.hub.cursors.format(stored.sequence), sequence: stored.sequence,
	}, nil
}

func heartbeatAt(c cursors, sequence uint64, now time.Time) *Message {
	return &Message{Heartbeat: &Heartbeat{Time: now}, Cursor: c.format(sequence), sequence: sequence}
}

// Cursor is that of the last message that Next returned, or the one that Watch was given: where to go on. Empty within
// the first snapshot, from which there is no going on.
func (s *Subscription) Cursor() string { return s.cursor }

// Close ends the subscription. Calling it again does nothing.
func (s *Subscription) Close() {
	s.waiting.leave()
	s.closeReplay()
	s.filter.release()
	s.filter = nil
}

func (s *Subscription) closeReplay() {
	if s.replay != nil {
		s.replay.close()
		s.replay = nil
	}
}
