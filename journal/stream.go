package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
)

// Stream opens a stream, and makes it where it is missing. Where it is there, its limits of age and of size are set to those
// of config and all else stays; the caller looks at its metadata. All processes on the journal may do so at once.
//
// The journal decides on how many servers the stream lies and where it is read: always at the stream's leader, so that
// whoever was told that a message is stored finds it. A replica may be behind, and would say that there is none.
func (j *Journal) Stream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	config.Replicas, config.AllowDirect, config.Storage = j.replicas, false, jetstream.FileStorage
	config.AllowAtomicPublish = !j.Shared() // servers of before 2.12 know nothing of batches
	there, err := j.findOrMake(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", config.Name, j.explain(err))
	}
	set := there.CachedInfo().Config
	if set.MaxAge == config.MaxAge && max(set.MaxBytes, 0) == config.MaxBytes && set.Replicas == config.Replicas &&
		!set.AllowDirect && set.AllowAtomicPublish == config.AllowAtomicPublish {
		return there, nil
	}
	set.MaxAge, set.MaxBytes, set.Duplicates = config.MaxAge, config.MaxBytes, config.Duplicates
	set.Replicas, set.AllowDirect, set.AllowAtomicPublish = config.Replicas, false, config.AllowAtomicPublish
	if there, err = j.js.UpdateStream(ctx, set); err != nil {
		return nil, fmt.Errorf("set stream %s: %w", config.Name, j.explain(err))
	}
	return there, nil
}

// findOrMake makes a stream unless it is there. Another process may do so at the same time.
func (j *Journal) findOrMake(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	for {
		there, err := j.js.Stream(ctx, config.Name)
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return there, err
		}
		there, err = j.js.CreateStream(ctx, config)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return there, err
		}
		if !sleep.For(ctx, makePause) { // it is being made, and cannot be found before that is done
			return nil, err
		}
	}
}

// makePause is how long to wait for a stream that another process makes.
const makePause = 50 * time.Millisecond

// The refusals of servers that are fewer than the replicas, or have too little room (JetStream's API errors).
const (
	noPeers    jetstream.ErrorCode = 10005 // no suitable peers for placement
	noStorage  jetstream.ErrorCode = 10047 // insufficient storage resources available
	noReplicas jetstream.ErrorCode = 10074 // replicas > 1 not supported in non-clustered mode
)

// explain says which setting is at odds with the servers.
func (j *Journal) explain(err error) error {
	var refusal *jetstream.APIError
	if !errors.As(err, &refusal) {
		return err
	}
	switch {
	case refusal.ErrorCode == noStorage || refusal.ErrorCode == noPeers && strings.Contains(refusal.Description, "insufficient storage"):
		return fmt.Errorf("the room that the stream's limit of size sets aside is not to be had: give JetStream more "+
			"(max_file_store, or the account's limit), or set presence.max_bytes lower: %w", err)
	case refusal.ErrorCode == noPeers || refusal.ErrorCode == noReplicas:
		return fmt.Errorf("the NATS servers that can be reached are fewer than the %d on which each stream is to lie: start "+
			"the others, or set nats.replicas to what there is: %w", j.replicas, err)
	}
	return err
}

// Bucket opens a key-value bucket, and makes it where it is missing, as Stream does. Of config it takes the name, the
// description and the time to live; a key has one value, the newest.
func (j *Journal) Bucket(ctx context.Context, config jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	duplicates := 2 * time.Minute
	if config.TTL > 0 {
		duplicates = min(duplicates, config.TTL)
	}
	// What makes a stream a bucket is written in NATS's ADR-8, "JetStream based Key-Value Stores". The client's own way to
	// make one always has it read at any replica.
	_, err := j.Stream(ctx, jetstream.StreamConfig{
		Name: "KV_" + config.Bucket, Description: config.Description, Subjects: []string{"$KV." + config.Bucket + ".>"},
		MaxMsgsPerSubject: 1, MaxAge: config.TTL, Duplicates: duplicates,
		Discard: jetstream.DiscardNew, AllowRollup: true, DenyDelete: true,
	})
	if err != nil {
		return nil, err
	}
	return j.js.KeyValue(ctx, config.Bucket)
}
