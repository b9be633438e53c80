// Package journal keeps what must not be lost: streams and key-value buckets in NATS JetStream. NATS runs inside the
// process, without a port, and its files lie in a directory that one process at a time may have.
package journal

import (
	"errors"
	"log/slog"
)

// Config is where the journal lies and how safe it is.
type Config struct {
	Dir      string       `yaml:"dir"`       // where the files lie; made where it is missing
	URL      string       `yaml:"url"`       // a NATS cluster in place of the one inside; not built yet: Validate refuses it
	Sync     bool         `yaml:"sync"`      // a write is acknowledged once it is on the disk, not once it is in the file system
	MaxBytes int64        `yaml:"max_bytes"` // bounds the files of all streams together
	Logger   *slog.Logger `yaml:"-"`         // takes NATS's own log, at debug; nil is slog.Default
}

// Default returns the settings that stand where nothing else is said. Dir is left to the caller.
func Default() Config {
	return Config{Sync: true, MaxBytes: 8 << 30}
}

// Validate names all that is wrong.
func (c Config) Validate() error {
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("dir: a directory for the journal is needed"))
	}
	if c.URL != "" {
		faults = append(faults, errors.New("url: a journal in a NATS cluster is not built yet; leave it empty"))
	}
	if c.MaxBytes < 64<<20 {
		faults = append(faults, errors.New("max_bytes: at least 67108864 (64 MiB) is needed"))
	}
	return errors.Join(faults...)
}
