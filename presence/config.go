package presence

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/botverse/botverse/journal"
)

// Config is what presence receives and how it streams.
type Config struct {
	Sources   map[string]Source `yaml:"sources"`   // by the name that ends the webhook's path
	Heartbeat time.Duration     `yaml:"heartbeat"` // how long a stream may be silent
	Buffer    int               `yaml:"buffer"`    // how many messages a subscriber may be behind
	Retention time.Duration     `yaml:"retention"` // how long events can be caught up with, and repeats be told
	MaxBytes  int64             `yaml:"max_bytes"` // bounds each of the log, the events and the dead letters, in bytes: the oldest go; 0 is by age alone
	Backfill  Backfill          `yaml:"backfill"`  // how what no webhook told is read from the tables
	Logger    *slog.Logger      `yaml:"-"`         // nil is slog.Default

	// TracerProvider makes the spans that lead from a delivery to its event; nil keeps none.
	TracerProvider trace.TracerProvider `yaml:"-"`

	// Directory knows the environments and their teams. nil knows none: then states and events do not name their environment,
	// and no filter can name one, or a team.
	Directory Directory `yaml:"-"`

	// KeptKeys returns the live keys of a source whose settings have none: those that are kept elsewhere, and may change
	// while presence runs. It is asked at each delivery, by many goroutines at once. nil knows none.
	KeptKeys func(source string) []Key `yaml:"-"`
}

// Default returns the settings that stand where nothing else is said: one source, of the agents' presence, whose keys
// are left to the caller.
func Default() Config {
	return Config{
		Sources:   map[string]Source{AgentStatus: AgentPresenceSource()},
		Heartbeat: 15 * time.Second,
		Buffer:    1024,
		Retention: 30 * 24 * time.Hour,
		MaxBytes:  journal.Default().MaxBytes / journalShare,
		Backfill:  Backfill{Interval: 5 * time.Minute, Overlap: 5 * time.Minute, PageSize: 1000},
	}
}

// Filled returns the settings with what each source leaves empty filled in, as Open takes them.
func (c Config) Filled() Config {
	sources := make(map[string]Source, len(c.Sources))
	for name, s := range c.Sources {
		sources[name] = s.filled(name)
	}
	c.Sources = sources
	return c
}

// Validate names all that is wrong.
func (c Config) Validate() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		for _, fault := range c.Sources[name].filled(name).faults(name) {
			faults = append(faults, fmt.Errorf("sources.%s.%w", name, fault))
		}
	}
	if c.Heartbeat < time.Second {
		faults = append(faults, fmt.Errorf("heartbeat: %v is too short; at least 1s", c.Heartbeat))
	}
	if c.Buffer < 16 || c.Buffer > 1<<20 {
		faults = append(faults, fmt.Errorf("buffer: %d is out of range; 16 to 1048576", c.Buffer))
	}
	if c.Retention < time.Hour {
		faults = append(faults, fmt.Errorf("retention: %v is too short; at least 1h", c.Retention))
	}
	if c.MaxBytes != 0 && c.MaxBytes < minBytes {
		faults = append(faults, fmt.Errorf("max_bytes: %d is too small; at least %d (16 MiB), or 0 for no limit of size", c.MaxBytes, minBytes))
	}
	return errors.Join(append(faults, c.Backfill.faults(c.Retention)...)...)
}
