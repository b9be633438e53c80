package journal

import (
	"context"
	"maps"
	"strconv"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The headers of a message that is stored together with others (NATS's ADR-50, "JetStream Batch Publishing").
const (
	batchHeader  = "Nats-Batch-Id"
	placeHeader  = "Nats-Batch-Sequence"
	commitHeader = "Nats-Batch-Commit"
)

// PublishAtOnce stores messages of one stream, 1,000 at most, one behind the other in their order, and returns the sequence of
// the last. It stores all of them or none, with one sync. What a message expects of the stream
// (jetstream.ExpectedLastSubjSeqHeader) is asked of all before any is stored. After any error but a refusal (jetstream.APIError)
// they may be stored.
func (j *Journal) PublishAtOnce(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	batch, end := uuid.NewString(), len(msgs)-1
	for i, msg := range msgs[:end] {
		if err := j.conn.PublishMsg(inBatch(msg, batch, i+1)); err != nil {
			return 0, err
		}
	}
	commit := inBatch(msgs[end], batch, end+1)
	commit.Header.Set(commitHeader, "1")
	stored, err := j.js.PublishMsg(ctx, commit, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return stored.Sequence, nil
}

// inBatch is a message as one of a batch.
func inBatch(msg *nats.Msg, batch string, place int) *nats.Msg {
	header := maps.Clone(msg.Header)
	if header == nil {
		header = nats.Header{}
	}
	header.Set(batchHeader, batch)
	header.Set(placeHeader, strconv.Itoa(place))
	return &nats.Msg{Subject: msg.Subject, Data: msg.Data, Header: header}
}

// BatchPays says whether so many messages are stored sooner by PublishAtOnce than one by one. NATS inside keeps a batch in
// a file of its own until it has all of it, which costs as much as some twenty synced writes (BenchmarkPublishAtOnce). On
// servers that processes share nothing is stored in batches.
func (j *Journal) BatchPays(messages int) bool { return !j.Shared() && j.sync && messages >= 24 }

// PublishAll stores messages of one stream, each as it would be alone: at once where that pays, else without waiting for one
// another. It returns an error for each that was refused, or may not be stored. Most are in their order in the stream.
func (j *Journal) PublishAll(ctx context.Context, msgs []*nats.Msg) []error {
	errs := make([]error, len(msgs))
	if j.BatchPays(len(msgs)) {
		if _, err := j.PublishAtOnce(ctx, msgs); err == nil {
			return errs
		}
	}
	sent := make([]jetstream.PubAckFuture, len(msgs))
	for i, msg := range msgs {
		sent[i], errs[i] = j.js.PublishMsgAsync(msg)
	}
	for i := range msgs {
		if errs[i] == nil {
			errs[i] = acknowledged(ctx, sent[i])
		}
	}
	return errs
}

// acknowledged waits until what was sent is stored.
func acknowledged(ctx context.Context, sent jetstream.PubAckFuture) error {
	select {
	case <-sent.Ok():
		return nil
	case err := <-sent.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
