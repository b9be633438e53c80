package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// installationForm is what an installation's ID looks like.
var installationForm = regexp.MustCompile(`^[a-z0-9]{8}$`)

// installationID tells what this installation registered in an environment from what others did: made once, and kept in the
// data directory.
func installationID(dataDir string) (string, error) {
	name := filepath.Join(dataDir, "installation.id")
	text, err := os.ReadFile(name)
	if err == nil {
		id := strings.TrimSpace(string(text))
		if !installationForm.MatchString(id) {
			return "", fmt.Errorf("%s has %q, which is no installation's ID: eight letters and digits", name, id)
		}
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the installation's ID: %w", err)
	}
	id := strings.ToLower(rand.Text())[:8]
	if err := keepFile(name, id+"\n", os.Link); err != nil {
		if errors.Is(err, fs.ErrExist) { // another process was faster
			return installationID(dataDir)
		}
		return "", fmt.Errorf("keep the installation's ID: %w", err)
	}
	return id, nil
}

// keepFile writes a file whole or not at all, for its owner only, and makes its directory. put brings it into its place:
// os.Rename replaces what is there, os.Link does not.
func keepFile(name, text string, put func(from, to string) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where it was renamed
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return put(f.Name(), name)
}
