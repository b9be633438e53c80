package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds how long NATS may take to open its files; a large journal that was not closed is read through. A call that has no
// deadline may take as long.
const startTimeout = time.Minute

// maxPayload bounds a message. A webhook's body has 256 KiB at most, and the server takes somewhat larger ones.
const maxPayload = 8 << 20

// Journal is an open journal. Its methods may be called from many goroutines at once.
type Journal struct {
	log  *natsLog
	conn *nats.Conn
	js   jetstream.JetStream

	replicas int   // on how many servers each stream lies
	sync     bool  // each write is synced; of the NATS inside
	maxBytes int64 // bounds the files of all streams together; 0 where that is the servers' affair

	// Of the NATS inside.
	dir    *directory
	server *server.Server  // nil where there is none inside
	turns  sync.Map        // by a lease's name, who has it
	life   context.Context // ends with Close
	end    context.CancelFunc

	// Of servers elsewhere.
	credentials credentials
	fault       atomic.Pointer[error] // what the last probe found
	stop        func()                // ends the probing
}

// Open locks the directory and starts NATS on it. It fails with ErrLocked when another process has the directory and
// with ErrFormat when another version wrote it. Where config names servers it connects to them instead, which may take a
// minute when they do not answer. Close what it returns.
func Open(ctx context.Context, config Config) (*Journal, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if config.Shared() {
		return openShared(ctx, config)
	}
	dir, err := openDirectory(config.Dir)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	j := &Journal{life: life, end: end, dir: dir, log: newLog(config.Logger), replicas: 1, sync: config.Sync, maxBytes: config.MaxBytes}
	if err := j.start(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("start the journal in %s: %w", config.Dir, err), j.Close())
	}
	return j, nil
}

// openShared connects to servers.
func openShared(ctx context.Context, config Config) (*Journal, error) {
	j := &Journal{log: newLog(config.Logger), replicas: cmp.Or(config.NATS.Replicas, defaultReplicas)}
	var err error
	if j.credentials, err = openCredentials(config.NATS, j.log.logger); err == nil {
		err = j.join(ctx, config.NATS)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal on the NATS servers: %w", err), j.Close())
	}
	probing, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		j.probe(probing)
	}()
	j.stop = func() { stop(); <-ended }
	return j, nil
}

func newLog(logger *slog.Logger) *natsLog {
	if logger == nil {
		logger = slog.Default()
	}
	return &natsLog{logger: logger.With("component", "nats")}
}

// start runs NATS without a port and connects to it through memory.
func (j *Journal) start(ctx context.Context, config Config) error {
	s, err := server.NewServer(&server.Options{
		ServerName:             "botverse",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               filepath.Join(config.Dir, "nats"),
		SyncAlways:             config.Sync,
		JetStreamMaxStore:      config.MaxBytes,
		JetStreamMaxMemory:     64 << 20,
		MaxPayload:             maxPayload,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return err
	}
	s.SetLoggerV2(j.log, false, false, false)
	j.server = s
	s.Start()
	if err := j.awaitReady(ctx); err != nil {
		return err
	}
	j.conn, err = nats.Connect("", nats.InProcessServer(s), nats.Name("botverse"), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	// By the client's own settings a start fails where the disk is busy for five seconds: nothing is lost but the answer.
	j.js, err = jetstream.New(j.conn, jetstream.WithDefaultTimeout(startTimeout))
	return err
}

// awaitReady waits for NATS to take connections, and tells a start that went wrong: NATS itself only goes on waiting.
func (j *Journal) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !j.server.ReadyForConnections(100 * time.Millisecond) {
		if err := errors.Join(j.log.err(), ctx.Err()); err != nil {
			return err
		}
	}
	if err := errors.Join(j.log.err(), ctx.Err()); err != nil {
		return err
	}
	if !j.server.JetStreamEnabled() {
		return errors.New("NATS runs without JetStream")
	}
	return nil
}

// JetStream returns the streams and buckets. It is valid until Close.
func (j *Journal) JetStream() jetstream.JetStream { return j.js }

// MaxBytes bounds all streams together; 0 where servers elsewhere say so themselves. A stream's own limit sets room aside: it
// is refused where what the limits of all streams set aside would be more than this.
func (j *Journal) MaxBytes() int64 { return j.maxBytes }

// Shared says whether other processes may be on the journal at the same time.
func (j *Journal) Shared() bool { return j.server == nil }

// Err says why the journal is not to be relied on: NATS met what it calls a fatal error, has stopped, or cannot be reached
// just now. nil while all is well.
func (j *Journal) Err() error {
	if j.Shared() {
		return j.outage()
	}
	if err := j.log.err(); err != nil {
		return fmt.Errorf("the journal failed: %w", err)
	}
	if !j.server.Running() {
		return errors.New("the journal is closed")
	}
	return nil
}

// Close stops the NATS inside, waits until its files are written, and frees the directory; servers elsewhere are left.
// What was acknowledged before stays; what was not may be lost. Calling it again does nothing.
func (j *Journal) Close() error {
	if j.stop != nil {
		j.stop()
	}
	if j.conn != nil {
		j.conn.Close()
	}
	if j.end != nil {
		j.end()
	}
	if j.server != nil {
		j.server.Shutdown()
		j.server.WaitForShutdown()
	}
	if j.dir == nil {
		return nil
	}
	err := j.dir.close()
	j.dir = nil
	return err
}
