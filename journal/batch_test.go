package journal_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/journal"
)

// once is a message that is stored only where the stream has none of its subject.
func once(n int) *nats.Msg {
	return &nats.Msg{
		Subject: fmt.Sprint("s.", n), Data: fmt.Append(nil, n),
		Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}},
	}
}

func onces(from, to int) (msgs []*nats.Msg) {
	for n := from; n <= to; n++ {
		msgs = append(msgs, once(n))
	}
	return msgs
}

func openStream(t testing.TB, j *journal.Journal) jetstream.Stream {
	t.Helper()
	s, err := j.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantStored holds the stream to messages 1 to count, in that order where it says so.
func wantStored(t *testing.T, s jetstream.Stream, count int, inOrder bool) {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != uint64(count) {
		t.Fatalf("the stream has %d messages (%v), want %d", info.State.Msgs, err, count)
	}
	for n := 1; n <= count; n++ {
		msg, err := s.GetLastMsgForSubject(t.Context(), fmt.Sprint("s.", n))
		if err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		if string(msg.Data) != fmt.Sprint(n) || inOrder && msg.Sequence != uint64(n) {
			t.Errorf("message %d is %q at %d", n, msg.Data, msg.Sequence)
		}
	}
}

func isDouble(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

func TestPublishAtOnceStoresAllOrNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	s := openStream(t, j)
	if last, err := j.PublishAtOnce(t.Context(), onces(1, 30)); err != nil || last != 30 {
		t.Fatalf("PublishAtOnce = %d, %v; want 30", last, err)
	}
	if _, err := j.PublishAtOnce(t.Context(), append(onces(31, 60), once(7))); !isDouble(err) {
		t.Errorf("PublishAtOnce with one that is there = %v, want that it is refused", err)
	}
	if last, err := j.PublishAtOnce(t.Context(), onces(31, 31)); err != nil || last != 31 {
		t.Errorf("PublishAtOnce of one = %d, %v; want 31", last, err)
	}
	wantStored(t, s, 31, true)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantStored(t, openStream(t, open(t, dir)), 31, true)
}

func TestPublishAllTellsOfEach(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	s := openStream(t, j)
	if !j.BatchPays(30) || j.BatchPays(2) {
		t.Error("30 synced messages are worth a batch, 2 are not")
	}
	for i, err := range j.PublishAll(t.Context(), onces(1, 30)) {
		if err != nil {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	for i, err := range j.PublishAll(t.Context(), onces(21, 60)) { // ten are there
		if double := i < 10; isDouble(err) != double || err != nil && !double {
			t.Errorf("message %d: %v", i+21, err)
		}
	}
	for i, err := range j.PublishAll(t.Context(), onces(59, 61)) {
		if double := i < 2; isDouble(err) != double || err != nil && !double {
			t.Errorf("message %d: %v", i+59, err)
		}
	}
	wantStored(t, s, 61, true)
}

// Many publish at once, some of them the same: each is stored once, and each publisher learns what became of its own.
func TestPublisherTellsEachItsOwn(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	s := openStream(t, j)
	p := j.Publisher()
	var all sync.WaitGroup
	results := make([][2]error, 300)
	for n := range results {
		twice := n%10 == 0
		all.Go(func() { results[n][0] = p.Publish(t.Context(), once(n+1)) })
		if twice {
			all.Go(func() { results[n][1] = p.Publish(t.Context(), once(n+1)) })
		}
	}
	all.Wait()
	for n, errs := range results {
		doubles := 0
		for _, err := range errs {
			if isDouble(err) {
				doubles++
			} else if err != nil {
				t.Errorf("message %d: %v", n+1, err)
			}
		}
		if want := map[bool]int{true: 1}[n%10 == 0]; doubles != want {
			t.Errorf("message %d was refused as a double %d times, want %d", n+1, doubles, want)
		}
	}
	wantStored(t, s, 300, false)
}

// A stream that an earlier Botverse made takes batches too.
func TestOlderStreamsTakeBatches(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if _, err := j.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	s := openStream(t, j)
	if _, err := j.PublishAtOnce(t.Context(), onces(1, 2)); err != nil {
		t.Fatal(err)
	}
	wantStored(t, s, 2, true)
}
