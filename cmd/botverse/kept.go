package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/journal"
)

// kept is what an installation keeps of its registrations: in the data directory, or, where several machines share a
// journal and are one installation, in that.
type kept struct {
	keys         *keyring
	installation func() (string, error) // the installation's ID
	close        func()
}

// openKept opens what is kept, in the journal where it is shared. j may be nil where it is not.
func (c *place) openKept(ctx context.Context, j *journal.Journal, log *slog.Logger) (*kept, error) {
	if !c.journalConfig(log).Shared() {
		return &kept{
			keys:         openKeyring(c.DataDir, log),
			installation: func() (string, error) { return installationID(c.DataDir) },
			close:        func() {},
		}, nil
	}
	shelf, id, err := openShelf(ctx, j, c.DataDir, c.presenceSourceNames())
	if err != nil {
		return nil, fmt.Errorf("open the installation's keys in the journal: %w", err)
	}
	return &kept{keys: newKeyring(shelf, log), installation: func() (string, error) { return id, nil }, close: shelf.close}, nil
}

// reachKept opens what is kept for a command beside serve; call done when it is no longer needed.
func (c *place) reachKept(ctx context.Context, log *slog.Logger) (k *kept, done func(), err error) {
	config := c.journalConfig(log)
	if !config.Shared() { // serve has the journal, and needs no command to reach it
		k, err = c.openKept(ctx, nil, log)
		return k, func() {}, err
	}
	j, err := journal.Open(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	closeJournal := func() {
		if err := j.Close(); err != nil {
			log.Warn("leave the journal", "error", err)
		}
	}
	err = j.Patiently(ctx, func() (err error) {
		k, err = c.openKept(ctx, j, log)
		return err
	})
	if err != nil {
		closeJournal()
		return nil, nil, err
	}
	return k, func() { k.close(); closeJournal() }, nil
}

// installationBucket has the installation's ID, and the webhook keys by source and environment. Who may read the journal may
// read them.
const (
	installationBucket = "INSTALLATION"
	installationKey    = "installation"
	keyPrefix          = "webhook-keys."
)

// shelfTimeout bounds what a command does with the keys.
const shelfTimeout = 10 * time.Second

// sharedShelf is the keys in the journal, with a copy that follows it.
type sharedShelf struct {
	bucket  jetstream.KeyValue
	watcher jetstream.KeyWatcher
	ended   chan struct{}

	mu   sync.Mutex
	copy map[string]revised
}

// revised is a text of the bucket.
type revised struct {
	text     string
	revision uint64
}

// openShelf opens the keys in the journal, and returns the installation's ID too. What a machine had in its data directory
// is taken over by the first one that comes: its registrations go on.
func openShelf(ctx context.Context, j *journal.Journal, dataDir string, sources []string) (*sharedShelf, string, error) {
	ctx, cancel := context.WithTimeout(ctx, shelfTimeout)
	defer cancel()
	bucket, err := j.Bucket(ctx, jetstream.KeyValueConfig{
		Bucket: installationBucket, Description: "The installation's ID and its webhook keys. They do not expire.",
	})
	if err != nil {
		return nil, "", err
	}
	s := &sharedShelf{bucket: bucket, ended: make(chan struct{}), copy: map[string]revised{}}
	id, err := s.takeOver(ctx, dataDir, sources)
	if err != nil {
		return nil, "", err
	}
	return s, id, s.follow(ctx)
}

// takeOver returns the installation's ID, the data directory's where there is none yet: then its keys are taken too.
func (s *sharedShelf) takeOver(ctx context.Context, dataDir string, sources []string) (string, error) {
	there, err := s.bucket.Get(ctx, installationKey)
	if err == nil {
		return string(there.Value()), nil
	}
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", err
	}
	id, err := installationID(dataDir)
	if err != nil {
		return "", err
	}
	files := keyFiles{filepath.Join(dataDir, "webhook-keys")}
	for _, source := range sources { // before the ID: who finds that finds the keys
		if err := s.takeKeys(files, source); err != nil {
			return "", err
		}
	}
	_, err = s.bucket.Create(ctx, installationKey, []byte(id))
	if errors.Is(err, jetstream.ErrKeyExists) { // another process was faster
		if !sleep.For(ctx, 10*time.Millisecond) {
			return "", ctx.Err()
		}
		return s.takeOver(ctx, dataDir, sources)
	}
	return id, err
}

func (s *sharedShelf) takeKeys(files keyFiles, source string) error {
	environments, err := files.environments(source)
	if err != nil {
		return err
	}
	for _, environment := range environments {
		text, err := files.read(source, environment)
		if err == nil {
			err = s.add(source, environment, text)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// follow keeps the copy like the bucket from now on. It returns when the copy has all that there is.
func (s *sharedShelf) follow(ctx context.Context) (err error) {
	if s.watcher, err = s.bucket.WatchAll(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	loaded := make(chan struct{})
	go func() {
		defer close(s.ended)
		for entry := range s.watcher.Updates() {
			if entry == nil { // all that was there was told
				close(loaded)
				continue
			}
			s.note(entry.Key(), revised{string(entry.Value()), entry.Revision()}) // a key that was removed has no text
		}
	}()
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		s.close()
		return ctx.Err()
	}
}

// note changes the copy, unless it knows something newer.
func (s *sharedShelf) note(key string, entry revised) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy[key].revision < entry.revision {
		s.copy[key] = entry
	}
}

func (s *sharedShelf) close() {
	_ = s.watcher.Stop() // there is nothing more to hear
	<-s.ended
}

// keyOf names the bucket's key. Environments may be called anything, and the bucket takes letters and digits.
func keyOf(source, environment string) string {
	return keyPrefix + source + "." + hex.EncodeToString([]byte(environment))
}

func (s *sharedShelf) read(source, environment string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), shelfTimeout)
	defer cancel()
	entry, err := s.bucket.Get(ctx, keyOf(source, environment))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return string(entry.Value()), nil
}

func (s *sharedShelf) add(source, environment, text string) error {
	return s.write(source, environment, text, func(ctx context.Context, key string) (uint64, error) {
		revision, err := s.bucket.Create(ctx, key, []byte(text))
		if errors.Is(err, jetstream.ErrKeyExists) {
			err = fs.ErrExist
		}
		return revision, err
	})
}

func (s *sharedShelf) replace(source, environment, text string) error {
	return s.write(source, environment, text, func(ctx context.Context, key string) (uint64, error) {
		return s.bucket.Put(ctx, key, []byte(text))
	})
}

// write writes a text, and notes it at once: Dataverse may show the key before it is heard of.
func (s *sharedShelf) write(source, environment, text string, put func(context.Context, string) (uint64, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), shelfTimeout)
	defer cancel()
	key := keyOf(source, environment)
	revision, err := put(ctx, key)
	if err == nil {
		s.note(key, revised{text, revision})
	}
	return err
}

func (s *sharedShelf) remove(source, environment string) error {
	ctx, cancel := context.WithTimeout(context.Background(), shelfTimeout)
	defer cancel()
	return s.bucket.Delete(ctx, keyOf(source, environment))
}

func (s *sharedShelf) all(source string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for key, entry := range s.copy {
		if strings.HasPrefix(key, keyPrefix+source+".") {
			texts = append(texts, entry.text)
		}
	}
	return texts, nil
}

// presenceSourceNames are the configured sources.
func (c *place) presenceSourceNames() []string {
	names, _ := c.sourceNames("") // fails for one that was asked for only
	return names
}
