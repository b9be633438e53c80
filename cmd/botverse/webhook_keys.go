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

// keyring is the webhook keys of this installation, by source and environment, so that each can be changed for itself. The
// intake looks at them while a command changes them.
type keyring struct {
	shelf keyShelf
	log   *slog.Logger

	mu   sync.Mutex
	last map[string][]presence.Key // by source, as they were read last
}

// keyShelf is where keys lie: a text for each source and environment. Its methods may be called at once.
type keyShelf interface {
	read(source, environment string) (string, error) // empty where there is none
	add(source, environment, text string) error      // fs.ErrExist where there is one
	replace(source, environment, text string) error
	remove(source, environment string) error
	all(source string) ([]string, error)
}

func newKeyring(shelf keyShelf, log *slog.Logger) *keyring {
	return &keyring{shelf: shelf, log: log, last: map[string][]presence.Key{}}
}

// openKeyring is the keys in the data directory.
func openKeyring(dataDir string, log *slog.Logger) *keyring {
	return newKeyring(keyFiles{filepath.Join(dataDir, "webhook-keys")}, log)
}

// heldKeys are the live keys of one registration.
type heldKeys struct {
	current  string // what Dataverse is to show
	previous string // what it may still show; empty where no key is being changed
}

// readHeld reads what text wrote.
func readHeld(text string) heldKeys {
	lines := append(strings.Fields(text), "", "")
	return heldKeys{lines[0], lines[1]}
}

// text is how keys are kept: a line each.
func (h heldKeys) text() string { return strings.TrimSpace(h.current+"\n"+h.previous) + "\n" }

// held reads the keys of a registration, the zero value where there are none.
func (k *keyring) held(source, environment string) (heldKeys, error) {
	text, err := k.shelf.read(source, environment)
	if err != nil {
		return heldKeys{}, fmt.Errorf("read the webhook's key: %w", err)
	}
	return readHeld(text), nil
}

// ensure returns the keys of a registration, and makes one where there is none.
func (k *keyring) ensure(source, environment string) (heldKeys, error) {
	held, err := k.held(source, environment)
	if err != nil || held.current != "" {
		return held, err
	}
	err = k.shelf.add(source, environment, heldKeys{current: rand.Text()}.text())
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return heldKeys{}, fmt.Errorf("keep the webhook's key: %w", err)
	}
	return k.held(source, environment)
}

// store replaces the keys of a registration.
func (k *keyring) store(source, environment string, keys heldKeys) error {
	if err := k.shelf.replace(source, environment, keys.text()); err != nil {
		return fmt.Errorf("keep the webhook's key: %w", err)
	}
	return nil
}

// remove forgets the keys of a registration.
func (k *keyring) remove(source, environment string) error {
	if err := k.shelf.remove(source, environment); err != nil {
		return fmt.Errorf("remove the webhook's key: %w", err)
	}
	return nil
}

// keys returns all live keys of a source, of whatever environment. Where they cannot be read, as when too many files are
// open, it returns those that were read last: Dataverse does not repeat what was refused.
func (k *keyring) keys(source string) []presence.Key {
	texts, err := k.shelf.all(source)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.log.Error("the webhook keys cannot be read; those from before stand", "source", source, "error", err)
		return k.last[source]
	}
	var keys []presence.Key
	for _, text := range texts {
		held := readHeld(text)
		for _, key := range []string{held.current, held.previous} {
			if key != "" {
				keys = append(keys, presence.Key(key))
			}
		}
	}
	k.last[source] = keys
	return keys
}

// keyFiles is keys in a directory: a file for each source and environment.
type keyFiles struct{ dir string }

// file names the file of a source's keys. Environments may be called anything.
func (k keyFiles) file(source, environment string) string {
	return filepath.Join(k.dir, source, url.PathEscape(environment)+keyFileEnding)
}

const keyFileEnding = ".keys"

func (k keyFiles) read(source, environment string) (string, error) {
	text, err := os.ReadFile(k.file(source, environment))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return string(text), err
}

func (k keyFiles) add(source, environment, text string) error {
	return keepFile(k.file(source, environment), text, os.Link)
}

func (k keyFiles) replace(source, environment, text string) error {
	return keepFile(k.file(source, environment), text, os.Rename)
}

func (k keyFiles) remove(source, environment string) error {
	err := os.Remove(k.file(source, environment))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (k keyFiles) all(source string) ([]string, error) {
	environments, err := k.environments(source)
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(environments))
	for _, environment := range environments {
		text, err := k.read(source, environment)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// environments are those that a source has keys of.
func (k keyFiles) environments(source string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(k.dir, source))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, file := range files {
		escaped, ok := strings.CutSuffix(file.Name(), keyFileEnding) // else one that is being written
		if !ok {
			continue
		}
		name, err := url.PathUnescape(escaped)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
