package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Stream opens a stream, and makes it where it is missing. Where it is there, its age limit is set to that of config and
// all else stays; the caller looks at its metadata. All processes on the journal may do so at once.
//
// The journal decides on how many servers the stream lies and where it is read: always at the stream's leader, so that
// whoever was told that a message is stored finds it. A replica may be behind, and would say that there is none.
func (j *Journal) Stream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	config.Replicas, config.AllowDirect, config.Storage = j.replicas, false, jetstream.FileStorage
	there, err := j.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		there, err = j.js.CreateStream(ctx, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			there, err = j.js.Stream(ctx, config.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", config.Name, err)
	}
	set := there.CachedInfo().Config
	if set.MaxAge == config.MaxAge && set.Replicas == config.Replicas && !set.AllowDirect {
		return there, nil
	}
	set.MaxAge, set.Duplicates, set.Replicas, set.AllowDirect = config.MaxAge, config.Duplicates, config.Replicas, false
	if there, err = j.js.UpdateStream(ctx, set); err != nil {
		return nil, fmt.Errorf("set stream %s: %w", config.Name, err)
	}
	return there, nil
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
