// Package output hands presence's events on: into CSV files, and as CloudEvents over HTTP. Each output has a place of its own
// in the events, kept in the journal, and tries again by itself: one that is down holds no other, and nothing that comes in.
package output

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/presence"
)

// Kind is a kind of output.
type Kind string

// The kinds of outputs.
const (
	CSV         Kind = "csv"         // a file for each day
	CloudEvents Kind = "cloudevents" // a request for each event
)

// Mode is how a CloudEvent lies in a request (CloudEvents, "HTTP Protocol Binding").
type Mode string

// The modes.
const (
	Structured Mode = "structured" // all of it in the body
	Binary     Mode = "binary"     // its attributes in headers, its data in the body
)

// Config is one output.
type Config struct {
	Kind  Kind                 `yaml:"kind"`  // csv or cloudevents
	Kinds []presence.EventKind `yaml:"kinds"` // which events; none means all
	From  string               `yaml:"from"`  // where it begins when it is new: now, which stands where nothing is said, or start: with all that the log has

	Dir  string   `yaml:"dir"`  // csv: where the files are
	Path filePath `yaml:"path"` // csv: where each file is below dir, as {event}/{date}.csv; {org} is the organisation. Empty is the output's name and the date

	URL         string                  `yaml:"url"`          // cloudevents: where they are posted
	Mode        Mode                    `yaml:"mode"`         // cloudevents: structured, which stands where nothing is said, or binary
	Headers     map[string]presence.Key `yaml:"headers"`      // cloudevents: of each request, as Authorization; printed as [key]
	HeaderFiles map[string]string       `yaml:"header_files"` // cloudevents: the same, from files that hold one value each and are read again when they change

	Handshake bool   `yaml:"handshake"` // cloudevents: whether the receiver is asked first whether it agrees to be sent events
	Origin    string `yaml:"origin"`    // cloudevents: who we are in the handshake, a DNS name, as bots.example.com
	Rate      int    `yaml:"rate"`      // cloudevents: how many requests a minute are asked for in the handshake; 0 asks for no number
}

// name is what an output may be called: it is part of a file's name.
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Validate names all that is wrong with outputs, by name.
func Validate(configs map[string]Config) error {
	var faults []error
	for _, n := range slices.Sorted(maps.Keys(configs)) {
		if !name.MatchString(n) {
			faults = append(faults, fmt.Errorf("outputs.%s: the name is of small letters, digits and hyphens, at most 63", n))
		}
		for _, fault := range configs[n].faults() {
			faults = append(faults, fmt.Errorf("outputs.%s.%w", n, fault))
		}
	}
	return errors.Join(append(faults, shared(configs)...)...)
}

// shared names outputs that would write the same files, each over the other.
func shared(configs map[string]Config) (faults []error) {
	writers := make(map[string]string)
	for _, n := range slices.Sorted(maps.Keys(configs)) {
		if configs[n].Kind != CSV {
			continue
		}
		files := filepath.Join(configs[n].Dir, string(configs[n].path(n)))
		if other, ok := writers[files]; ok {
			faults = append(faults, fmt.Errorf("outputs.%s.path: output %s writes the files %s already", n, other, files))
		}
		writers[files] = n
	}
	return faults
}

// path is where the output's files are.
func (c Config) path(output string) filePath { return cmp.Or(c.Path, defaultPath(output)) }

func (c Config) faults() []error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, kind := range c.Kinds {
		if !slices.Contains(presence.EventKinds(), kind) {
			refuse("kinds: %q is none of %v", kind, presence.EventKinds())
		}
	}
	if !slices.Contains([]string{"", "now", "start"}, c.From) {
		refuse("from: it is %q; it must be now or start", c.From)
	}
	switch c.Kind {
	case CSV:
		if c.Dir == "" {
			refuse("dir: a directory for the files is needed")
		}
		if c.Path != "" {
			faults = append(faults, c.Path.faults()...)
		}
		if c.URL != "" || c.Mode != "" || c.Headers != nil || c.HeaderFiles != nil || c.Handshake || c.Origin != "" || c.Rate != 0 {
			refuse("kind: csv has no url, mode, headers, header_files, handshake, origin or rate")
		}
	case CloudEvents:
		if !strings.HasPrefix(c.URL, "https://") && !strings.HasPrefix(c.URL, "http://") {
			refuse("url: it is %q; give the receiver's address, as https://example.com/events", c.URL)
		}
		if !slices.Contains([]Mode{"", Structured, Binary}, c.Mode) {
			refuse("mode: it is %q; it must be structured or binary", c.Mode)
		}
		if c.Dir != "" || c.Path != "" {
			refuse("kind: cloudevents has no dir or path")
		}
		for header := range c.HeaderFiles {
			if _, both := c.Headers[header]; both {
				refuse("header_files: %s is among headers too; give it once", header)
			}
		}
		faults = append(faults, c.handshakeFaults()...)
	default:
		refuse("kind: it is %q; it must be csv or cloudevents", c.Kind)
	}
	return faults
}

// originName is a DNS name.
var originName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func (c Config) handshakeFaults() []error {
	switch {
	case !c.Handshake && (c.Origin != "" || c.Rate != 0):
		return []error{errors.New("handshake: origin and rate are for the handshake; set it to true")}
	case c.Handshake && !originName.MatchString(c.Origin):
		return []error{fmt.Errorf("origin: it is %q; the handshake needs a DNS name of ours, as bots.example.com", c.Origin)}
	case c.Rate < 0:
		return []error{fmt.Errorf("rate: it is %d; it must be a number of requests a minute, or 0", c.Rate)}
	}
	return nil
}

// Deps is what outputs stand on.
type Deps struct {
	Presence *presence.Presence
	// Encode writes an event as the JSON that subscribers of the stream get.
	Encode    func(*presence.Event) ([]byte, error)
	Transport http.RoundTripper // nil is http.DefaultTransport
	Logger    *slog.Logger      // nil logs nothing

	TracerProvider trace.TracerProvider // makes the spans that end at an output; nil keeps none
}

// Outputs are open outputs.
type Outputs struct {
	logger  *slog.Logger
	runners []*runner
}

// sink is where an output puts events.
type sink interface {
	// begin is called before the first events, and again where another process had the output since. It may move the tap to a place that the sink knows better.
	begin(ctx context.Context, tap *presence.Tap) error
	// put hands events on, in their order, and returns the last position up to which all are done. It does not return before
	// something is done, or ctx ended, or there is an error after which it is to be tried again.
	put(ctx context.Context, tap *presence.Tap, batch []presence.Tapped) error
}

// runner takes events from a tap to a sink.
type runner struct {
	name   string
	kinds  []presence.EventKind
	tap    *presence.Tap
	sink   sink
	logger *slog.Logger
	tracer trace.Tracer
}

// Open opens the outputs: their places in the events stand from now on. Validate the configs first.
func Open(ctx context.Context, configs map[string]Config, deps Deps) (*Outputs, error) {
	o := &Outputs{logger: deps.Logger}
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	for _, n := range slices.Sorted(maps.Keys(configs)) {
		config := configs[n]
		tap, err := deps.Presence.OpenTap(ctx, n, config.From == "start")
		if err != nil {
			return nil, err
		}
		r := &runner{name: n, kinds: config.Kinds, tap: tap, logger: o.logger.With("output", n), tracer: tracerOf(deps.TracerProvider)}
		switch config.Kind {
		case CSV:
			r.sink = &csvFiles{dir: config.Dir, name: n, path: config.path(n), logger: r.logger}
		case CloudEvents:
			poster, err := newPoster(config, deps, r.logger)
			if err != nil {
				return nil, fmt.Errorf("outputs.%s.%w", n, err)
			}
			deps.Presence.HandleReplay(n, poster.once)
			r.sink = poster
		}
		o.runners = append(o.runners, r)
	}
	return o, nil
}

// Run hands events on until ctx ends, which is no error. Of several processes on one journal one at a time does so, for each
// output by itself.
func (o *Outputs) Run(ctx context.Context) error {
	var group errgroup.Group
	for _, r := range o.runners {
		group.Go(func() error {
			r.persist(ctx, func() error { return r.tap.Lead(ctx, r.run) })
			return nil
		})
	}
	return group.Wait()
}

const (
	// batchSize is how many events a sink gets at once at most.
	batchSize = 256
	// pauses of an output that fails.
	firstPause = time.Second
	maxPause   = time.Minute
)

// run runs one output until ctx ends, or another process has it. What fails is tried again, for as long as it takes.
func (r *runner) run(ctx context.Context) {
	if !r.persist(ctx, func() error { return r.sink.begin(ctx, r.tap) }) {
		return
	}
	lost := r.tap.Lost() // another run told of them
	for {
		var batch []presence.Tapped
		done := r.persist(ctx, func() (err error) {
			batch, err = r.tap.Next(ctx, batchSize)
			return err
		})
		if !done {
			return
		}
		if n := r.tap.Lost(); n > lost {
			r.logger.ErrorContext(ctx, "events expired before the output took them", "events", n-lost)
			lost = n
		}
		if !r.persist(ctx, func() error { return r.handle(ctx, batch) }) {
			return
		}
	}
}

func (r *runner) handle(ctx context.Context, batch []presence.Tapped) error {
	last := batch[len(batch)-1].Position
	wanted := batch
	if len(r.kinds) > 0 {
		wanted = slices.DeleteFunc(slices.Clone(batch), func(t presence.Tapped) bool { return !slices.Contains(r.kinds, t.Event.Kind) })
	}
	if len(wanted) > 0 {
		end := r.trace(ctx, wanted)
		err := r.sink.put(ctx, r.tap, wanted)
		end(err)
		if err != nil {
			return err
		}
	}
	return r.tap.Commit(ctx, last)
}

// persist does something until it succeeds; false when ctx ended first.
func (r *runner) persist(ctx context.Context, do func() error) bool {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := do()
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			return true
		}
		r.logger.WarnContext(ctx, "the output does not work; trying again", "error", err, "in", pause)
		if !sleep.For(ctx, pause) {
			return false
		}
	}
}
