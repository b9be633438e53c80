package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/botverse/botverse/presence"
)

// keyring is the webhook keys in the data directory: a file for each source and environment, so that each can be changed
// for itself. The intake looks at them while a command changes them.
type keyring struct {
	dir string
	log *slog.Logger

	mu   sync.Mutex
	last map[string][]presence.Key // by source, as they were read last
}

func openKeyring(dataDir string, log *slog.Logger) *keyring {
	return &keyring{dir: filepath.Join(dataDir, "webhook-keys"), log: log, last: map[string][]presence.Key{}}
}

// heldKeys are the live keys of one registration.
type heldKeys struct {
	current  string // what Dataverse is to show
	previous string // what it may still show; empty where no key is being changed
}

// file names the file of a source's keys. Environments may be called anything.
func (k *keyring) file(source, environment string) string {
	return filepath.Join(k.dir, source, url.PathEscape(environment)+".keys")
}

// held reads the keys of a registration, the zero value where there are none.
func (k *keyring) held(source, environment string) (heldKeys, error) {
	return readKeys(k.file(source, environment))
}

func readKeys(name string) (heldKeys, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return heldKeys{}, nil
	}
	if err != nil {
		return heldKeys{}, fmt.Errorf("read the webhook's key: %w", err)
	}
	lines := append(strings.Fields(string(text)), "", "")
	return heldKeys{lines[0], lines[1]}, nil
}

// ensure returns the keys of a registration, and makes one where there is none.
func (k *keyring) ensure(source, environment string) (heldKeys, error) {
	held, err := k.held(source, environment)
	if err != nil || held.current != "" {
		return held, err
	}
	err = k.keep(source, environment, heldKeys{current: rand.Text()}, os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return heldKeys{}, err
	}
	return k.held(source, environment)
}

// store replaces the keys of a registration.
func (k *keyring) store(source, environment string, keys heldKeys) error {
	return k.keep(source, environment, keys, os.Rename)
}

func (k *keyring) keep(source, environment string, keys heldKeys, put func(from, to string) error) error {
	text := strings.TrimSpace(keys.current+"\n"+keys.previous) + "\n"
	if err := keepFile(k.file(source, environment), text, put); err != nil {
		return fmt.Errorf("keep the webhook's key: %w", err)
	}
	return nil
}

// remove forgets the keys of a registration.
func (k *keyring) remove(source, environment string) error {
	err := os.Remove(k.file(source, environment))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the webhook's key: %w", err)
	}
	return nil
}

// keys returns all live keys of a source, of whatever environment. Where the files cannot be read, as when too many are
// open, it returns those that were read last: Dataverse does not repeat what was refused.
func (k *keyring) keys(source string) []presence.Key {
	keys, err := k.read(source)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.log.Error("the webhook keys cannot be read; those from before stand", "source", source, "error", err)
		return k.last[source]
	}
	k.last[source] = keys
	return keys
}

func (k *keyring) read(source string) ([]presence.Key, error) {
	files, err := os.ReadDir(filepath.Join(k.dir, source))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var keys []presence.Key
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".keys" { // one that is being written
			continue
		}
		held, err := readKeys(filepath.Join(k.dir, source, file.Name()))
		if err != nil {
			return nil, err
		}
		for _, key := range []string{held.current, held.previous} {
			if key != "" {
				keys = append(keys, presence.Key(key))
			}
		}
	}
	return keys, nil
}
