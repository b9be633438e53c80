package presence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/journal"
)

// The streams and the bucket, and the subjects of the streams: a log entry's ends with a digest of the event's ID, an
// event's with the sequence of its log entry, a dead letter's with a digest of source and body. So "no message of this
// subject yet" is what makes a repeat known, for as long as the stream has the first.
const (
	logStream    = "PRESENCE_LOG"
	eventStream  = "PRESENCE_EVENTS"
	deadStream   = "PRESENCE_DEAD_LETTERS"
	stateBucket  = "PRESENCE_STATE"
	logSubject   = "presence.log."
	eventSubject = "presence.event."
	deadSubject  = "presence.dead."
	stateSubject = "$KV." + stateBucket + "."
)

// The headers of what is stored.
const (
	entryHeader  = "Botverse-Entry"  // the entry, as JSON; the message's data is the body as it came
	sourceHeader = "Botverse-Source" // of a dead letter
	reasonHeader = "Botverse-Reason" // of a dead letter
)

const incarnationKey = "botverse.incarnation"

// store is presence's part of the journal.
type store struct {
	journal     *journal.Journal
	js          jetstream.JetStream
	log         jetstream.Stream
	events      jetstream.Stream
	dead        jetstream.Stream
	states      jetstream.KeyValue
	intake      publisher // into the log
	outcomes    publisher // into the events
	setAsides   publisher // into the dead letters
	marks       *marks
	incarnation uuid.UUID
	limits      limits
}

// publisher stores messages of one stream, as journal.Publisher does.
type publisher interface {
	Publish(ctx context.Context, msg *nats.Msg) error
}

// openStore makes what is missing and takes over what is there.
func openStore(ctx context.Context, j *journal.Journal, kept limits) (*store, error) {
	s := &store{
		journal: j, js: j.JetStream(), limits: kept,
		intake: j.Publisher(), outcomes: j.Publisher(), setAsides: j.Publisher(),
	}
	err := kept.fit(j)
	if err != nil {
		return nil, err
	}
	if s.log, err = s.stream(ctx, logStream, logSubject, uuid.NewString()); err != nil {
		return nil, err
	}
	incarnation := s.log.CachedInfo().Config.Metadata[incarnationKey]
	if s.incarnation, err = uuid.Parse(incarnation); err != nil {
		return nil, fmt.Errorf("stream %s was not made by Botverse: it has no incarnation", logStream)
	}
	if s.events, err = s.eventsOf(ctx, incarnation); err != nil {
		return nil, err
	}
	if s.dead, err = s.stream(ctx, deadStream, deadSubject, incarnation); err != nil {
		return nil, err
	}
	s.states, err = j.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: stateBucket, Description: "The present state of each agent. It does not expire.",
	})
	if err != nil {
		return nil, fmt.Errorf("open the states: %w", err)
	}
	if s.marks, err = openMarks(ctx, j, incarnation); err != nil {
		return nil, err
	}
	_, err = s.reach(ctx) // what other limits than these have cut off is noted before there is more to cut
	return s, err
}

// stream opens a stream, or makes it with an incarnation, and sets its limits. What is too old or too much goes, the oldest
// first; nothing new is refused for that.
func (s *store) stream(ctx context.Context, name, subject, incarnation string) (jetstream.Stream, error) {
	return s.journal.Stream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: []string{subject + "*"}, MaxAge: s.limits.age, Duplicates: min(s.limits.age, 2*time.Minute),
		MaxBytes: s.limits.bytes, Discard: jetstream.DiscardOld,
		Metadata: map[string]string{incarnationKey: incarnation},
	})
}

// eventsOf opens the stream of events, anew when it was made from a log that is gone.
func (s *store) eventsOf(ctx context.Context, incarnation string) (jetstream.Stream, error) {
	events, err := s.stream(ctx, eventStream, eventSubject, incarnation)
	if err != nil || events.CachedInfo().Config.Metadata[incarnationKey] == incarnation {
		return events, err
	}
	if err := s.js.DeleteStream(ctx, eventStream); err != nil {
		return nil, fmt.Errorf("remove the events of an earlier log: %w", err)
	}
	return s.stream(ctx, eventStream, eventSubject, incarnation)
}

// append writes an entry into the log unless one with its ID is there, which it tells. It returns once the entry is
// stored. unstorable is its error for an entry that no log takes, however often it is tried.
func (s *store) append(ctx context.Context, e entry, body []byte) (duplicate bool, err error) {
	msg, err := messageOf(ctx, e, body)
	if err != nil {
		return false, err
	}
	return s.publishOnce(ctx, s.intake, msg)
}

// messageOf is an entry as the log has it. Its error is always unstorable.
func messageOf(ctx context.Context, e entry, body []byte) (*nats.Msg, error) {
	text, err := e.text()
	if err != nil {
		return nil, err
	}
	return newMessage(ctx, logSubject+digest(e.ID), body, nats.Header{entryHeader: {text}}), nil
}

// setAside stores a delivery of which no event can be made.
func (s *store) setAside(ctx context.Context, source, reason string, body []byte) (duplicate bool, err error) {
	msg := newMessage(ctx, deadSubject+digest(source, string(body)), body, nats.Header{
		sourceHeader: {source}, reasonHeader: {oneLine(reason)},
	})
	return s.publishOnce(ctx, s.setAsides, msg)
}

// event reads what an entry was made into.
func (s *store) event(ctx context.Context, sequence uint64) (Event, error) {
	msg, err := s.events.GetLastMsgForSubject(ctx, eventSubjectOf(sequence))
	if err != nil {
		return Event{}, err
	}
	var event Event
	err = json.Unmarshal(msg.Data, &event)
	return event, err
}

func (s *store) state(ctx context.Context, key string) (*agent, error) {
	there, err := s.states.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return &agent{}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.parseState(there)
}

// parseState reads an agent. Of one that an earlier log left, the state stays and the place in the log does not.
func (s *store) parseState(there jetstream.KeyValueEntry) (*agent, error) {
	a := &agent{revision: there.Revision()}
	if err := json.Unmarshal(there.Value(), a); err != nil {
		return nil, fmt.Errorf("read the state %s: %w", there.Key(), err)
	}
	if a.Incarnation != s.incarnation.String() {
		a.Sequence = 0
	}
	return a, nil
}

// loadStates reads all agents. Where the journal is shared, what reads them all may be a server that is behind, and some may be left
// out while others change: then it tries again, for who goes on from older states, or without one, would work out other events than
// everybody else.
func (s *store) loadStates(ctx context.Context) (map[string]*agent, error) {
	bucket, err := s.js.Stream(ctx, "KV_"+stateBucket)
	if err != nil {
		return nil, fmt.Errorf("read the states: %w", err)
	}
	last := bucket.CachedInfo().State.LastSeq // what its leader knows
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		told, err := s.loadStatesOnce(ctx)
		if err != nil {
			return nil, err
		}
		there, err := s.streamState(ctx, bucket)
		if err != nil {
			return nil, fmt.Errorf("count the states: %w", err)
		}
		if told.revision >= last && uint64(len(told.keys)) >= there.NumSubjects {
			return told.agents, nil
		}
		if !sleep.For(ctx, wait) {
			return nil, fmt.Errorf("read the states: %w", ctx.Err())
		}
	}
}

// toldStates are what the bucket told.
type toldStates struct {
	agents   map[string]*agent
	keys     map[string]bool // of all entries, the agents' among them
	revision uint64          // of the newest entry
}

// loadStatesOnce reads until the client says that all were told: when it had as many entries as there were at first. One that changes
// meanwhile counts again, and another may then be left out.
func (s *store) loadStatesOnce(ctx context.Context) (told toldStates, err error) {
	watcher, err := s.states.WatchAll(ctx)
	if err != nil {
		return told, fmt.Errorf("read the states: %w", err)
	}
	defer func() { _ = watcher.Stop() }() // it has no more to say
	told = toldStates{agents: make(map[string]*agent), keys: make(map[string]bool)}
	for there := range watcher.Updates() {
		if there == nil { // all were told
			return told, nil
		}
		told.revision = max(told.revision, there.Revision())
		told.keys[there.Key()] = true
		if strings.HasPrefix(there.Key(), seededKey) || there.Operation() != jetstream.KeyValuePut {
			continue
		}
		a, err := s.parseState(there)
		if err != nil {
			return told, err
		}
		told.agents[there.Key()] = a
	}
	return told, errors.Join(errors.New("read the states: the bucket went away"), ctx.Err())
}

func eventSubjectOf(sequence uint64) string { return eventSubject + strconv.FormatUint(sequence, 10) }

// sequenceOf reads the log's sequence from an event's subject.
func sequenceOf(subject string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(subject, eventSubject), 10, 64)
}

// digest makes a subject's token of texts that may have dots, spaces and wildcards.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// maxReason bounds the reason of a dead letter, in bytes: it may name what somebody sent.
const maxReason = 2 << 10

// oneLine fits a text into a header.
func oneLine(text string) string {
	text = cmp.Or(strings.Join(strings.Fields(text), " "), "no reason was given")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}
