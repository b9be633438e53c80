package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds how long NATS may take to open its files; a large journal that was not closed is read through.
const startTimeout = time.Minute

// maxPayload bounds a message. A webhook's body has 256 KiB at most, and the server takes somewhat larger ones.
const maxPayload = 8 << 20

// Journal is an open journal. Its methods may be called from many goroutines at once.
type Journal struct {
	dir    *directory
	log    *natsLog
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream

	replicas int // on how many servers each stream lies
}

// Open locks the directory and starts NATS on it. It fails with ErrLocked when another process has the directory and
// with ErrFormat when another version wrote it. Close what it returns.
func Open(ctx context.Context, config Config) (*Journal, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	dir, err := openDirectory(config.Dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, log: newLog(config.Logger), replicas: 1}
	if err := j.start(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("start the journal in %s: %w", config.Dir, err), j.Close())
	}
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
	j.js, err = jetstream.New(j.conn)
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

// Err says why the journal is no longer to be relied on: NATS met what it calls a fatal error, or has stopped. nil while
// all is well.
func (j *Journal) Err() error {
	if err := j.log.err(); err != nil {
		return fmt.Errorf("the journal failed: %w", err)
	}
	if !j.server.Running() {
		return errors.New("the journal is closed")
	}
	return nil
}

// Close stops NATS, waits until its files are written, and frees the directory. What was acknowledged before stays; what
// was not may be lost. Calling it again does nothing.
func (j *Journal) Close() error {
	if j.conn != nil {
		j.conn.Close()
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
