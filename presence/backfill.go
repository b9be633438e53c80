package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Backfill is how what no webhook told is read from the tables: after a time in which nobody took the deliveries, or in which
// Dataverse sent none. It is done at the start, after a gap, now and then, and when it is asked for.
type Backfill struct {
	Interval time.Duration `yaml:"interval"`  // how often the tables are read though no gap is known of; 0 is not at all
	Overlap  time.Duration `yaml:"overlap"`   // how far each reading goes back behind where the last one ended
	History  time.Duration `yaml:"history"`   // how far the very first reading goes back; 0 begins with the present
	PageSize int           `yaml:"page_size"` // how many records are read at once
}

// maxPageSize is the largest page that Dataverse gives (Web API, "Page results").
const maxPageSize = 5000

func (b Backfill) faults(retention time.Duration) []error {
	var faults []error
	if b.Interval != 0 && b.Interval < 10*time.Second {
		faults = append(faults, fmt.Errorf("backfill.interval: %v is too short; at least 10s, or 0 for none", b.Interval))
	}
	if b.Overlap < 0 || b.Overlap > retention/2 {
		faults = append(faults, fmt.Errorf("backfill.overlap: %v is out of range; 0 to half of the retention", b.Overlap))
	}
	if b.History < 0 || b.History > retention {
		faults = append(faults, fmt.Errorf("backfill.history: %v is out of range; 0 to the retention", b.History))
	}
	if b.PageSize < 1 || b.PageSize > maxPageSize {
		faults = append(faults, fmt.Errorf("backfill.page_size: %d is out of range; 1 to %d", b.PageSize, maxPageSize))
	}
	return faults
}

// The pauses of the backfill.
const (
	// gapPause is how long a gap may go on before it is looked at: an outage has many refused deliveries.
	gapPause = 5 * time.Second
	// failedPause is how long to wait after a reading that failed; it doubles.
	failedPause = 10 * time.Second
	// maxFailedPause bounds it.
	maxFailedPause = 5 * time.Minute
)

// backfillLease is held while tables are read: of all processes on a journal, by one at a time.
const backfillLease = "presence-backfill"

// backfillLeaseTime is after how long another process reads where the one that did was killed.
const backfillLeaseTime = 30 * time.Second

// BackfillRequest asks for what may be missing. The zero value asks for what the process would read by itself.
type BackfillRequest struct {
	Since       time.Time // from when on; zero is where the last reading ended, less the overlap
	Environment string    // by its name in the configuration; empty is all
	Source      string    // empty is all that can be read
}

// Backfilled says what was read of one source of one environment.
type Backfilled struct {
	Environment    string
	OrganizationID string // empty where it could not be told
	Source         string
	Since          time.Time // from when on it was read
	Until          time.Time // when the last record that was read was created; zero where there was none
	Rows           int       // how many records were read
	Merged         int       // of them, how many no webhook had told
	Doubles        int       // how many were there already
	Filtered       int       // how many are none that the source is for
	SetAside       int       // how many became dead letters: no event could be made of them
	Err            error     // why it ended early; what was merged before stays, and the next reading goes on from there
}

// reading is one that was asked for. Whoever asks the same while it goes on waits for it too.
type reading struct {
	request BackfillRequest
	done    chan struct{}
	results []Backfilled // once done is closed
}

// readings are those that wait or go on, and what was read so far.
type readings struct {
	wake   chan struct{} // has one when there is something new
	closed chan struct{} // when nobody reads any more

	mu      sync.Mutex
	gap     bool // deliveries may have been missed
	waiting []*reading
	going   map[BackfillRequest]*reading
	counts  map[[2]string]BackfillCount // by environment and source
}

func newReadings() *readings {
	return &readings{
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
		going: make(map[BackfillRequest]*reading), counts: make(map[[2]string]BackfillCount),
	}
}

// suspect notes that deliveries may have been missed.
func (r *readings) suspect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gap = true
	r.rouse()
}

// rouse wakes the reader. The caller holds mu.
func (r *readings) rouse() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// ask makes a request known to the reader, unless the same one is being done.
func (r *readings) ask(request BackfillRequest) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if there, ok := r.going[request]; ok {
		return there
	}
	asked := &reading{request: request, done: make(chan struct{})}
	r.going[request] = asked
	r.waiting = append(r.waiting, asked)
	r.rouse()
	return asked
}

// take returns what is new.
func (r *readings) take() (waiting []*reading, gap bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, gap = r.waiting, r.gap
	r.waiting, r.gap = nil, false
	return waiting, gap
}

func (r *readings) finish(asked *reading, results []Backfilled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked.results = results
	delete(r.going, asked.request)
	close(asked.done)
}

// ErrNotReadable says that the records of a source cannot be read from a table: it is for updates or deletions, which leave
// nothing to read.
var ErrNotReadable = errors.New("only what is created can be read later")

// Backfill reads what no webhook may have told, and returns what was read of each source of each environment, in their order.
// Where ctx ends first it returns the error of ctx, and the reading goes on: who asks the same then waits for it again.
// ErrUnknownSource, ErrNotReadable and the Reader's error for an unknown environment are its errors too.
func (p *Presence) Backfill(ctx context.Context, request BackfillRequest) ([]Backfilled, error) {
	if p.reader == nil {
		return nil, errors.New("there is no environment to read from")
	}
	if s, ok := p.config.Sources[request.Source]; request.Source != "" && !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownSource, request.Source)
	} else if ok && !s.readable() {
		return nil, fmt.Errorf("source %s is of %s: %w", request.Source, s.Message, ErrNotReadable)
	}
	if request.Environment != "" && !slices.Contains(p.reader.Environments(), request.Environment) {
		_, err := p.reader.Organization(ctx, request.Environment)
		return nil, err
	}
	request.Since = request.Since.UTC()
	asked := p.readings.ask(request)
	select {
	case <-asked.done:
		return asked.results, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.readings.closed:
		return nil, ErrClosed
	}
}

// occasion is why tables are read.
type occasion string

const (
	atStart    occasion = "start"
	afterGap   occasion = "gap"
	onDemand   occasion = "demand"
	nowAndThen occasion = "interval"
)

// keepFilled reads what was missed until ctx ends: at once, after a gap, now and then, and on demand.
func (p *Presence) keepFilled(ctx context.Context) error {
	defer close(p.readings.closed)
	if p.reader == nil {
		p.seeded.Store(true)
		return nil
	}
	p.seedFirst(ctx)
	due := time.NewTimer(0)
	due.Stop() // until it is planned
	defer due.Stop()
	plan := &schedule{why: atStart, due: due, now: true}
	for {
		if plan.now {
			settles, ok := p.fill(ctx, plan.why)
			plan.next(settles, ok, p.config.Backfill.Interval)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
			plan.now = true
		case <-p.readings.wake:
			waiting, gap := p.readings.take()
			for _, asked := range waiting {
				results, _ := p.read(ctx, asked.request, onDemand)
				p.readings.finish(asked, results)
			}
			if gap {
				plan.hurry()
			}
		}
	}
}

// schedule says when all is read next, and why.
type schedule struct {
	due    *time.Timer
	why    occasion
	now    bool
	failed time.Duration // how long was waited after the last failure; 0 after none
}

// next plans what comes after a reading.
func (s *schedule) next(settles, ok bool, interval time.Duration) {
	s.now = false
	switch {
	case !ok: // why stays, for what is to be done is still to be done
		s.failed = min(max(2*s.failed, failedPause), maxFailedPause)
		s.due.Reset(s.failed)
		return
	case settles:
		s.why = afterGap
		s.due.Reset(2 * settleTime)
	case interval > 0:
		s.why = nowAndThen
		s.due.Reset(interval)
	default:
		s.why = nowAndThen
		s.due.Stop()
	}
	s.failed = 0
}

// hurry plans to look at a gap.
func (s *schedule) hurry() {
	if s.why != atStart {
		s.why = afterGap
	}
	s.due.Reset(gapPause)
}

// fill reads all that there is to read. It is not ok where something failed, and settles where it has to be done again soon.
func (p *Presence) fill(ctx context.Context, why occasion) (settles, ok bool) {
	results, settles := p.read(ctx, BackfillRequest{}, why)
	for _, r := range results {
		if r.Err != nil {
			return settles, false
		}
		if why == nowAndThen && r.Merged > 0 {
			settles = true // a gap that nobody knew of
		}
	}
	return settles, true
}

// read reads what a request asks for, while no other process on the journal does.
func (p *Presence) read(ctx context.Context, request BackfillRequest, why occasion) (results []Backfilled, settles bool) {
	err := p.lead(ctx, backfillLease, backfillLeaseTime, func(ctx context.Context) error {
		results, settles = p.readEnvironments(ctx, request, why)
		return nil
	})
	if err == nil && results == nil {
		err = ctx.Err()
	}
	if err != nil {
		results = append(results, Backfilled{Err: err})
	}
	return results, settles
}

// readEnvironments reads all environments at once: none waits for one that does not answer.
func (p *Presence) readEnvironments(ctx context.Context, request BackfillRequest, why occasion) (results []Backfilled, settles bool) {
	environments := p.reader.Environments()
	if request.Environment != "" {
		environments = []string{request.Environment}
	}
	parts := make([]environmentReading, len(environments))
	var (
		all     sync.WaitGroup
		claimed sync.Map
	)
	for i, name := range environments {
		parts[i] = environmentReading{Presence: p, environment: name, request: request, why: why, claimed: &claimed}
		all.Go(func() { parts[i].run(ctx) })
	}
	all.Wait()
	results = []Backfilled{}
	for _, part := range parts {
		results = append(results, part.results...)
		settles = settles || part.settles
	}
	return results, settles
}

// readable says whether what a source is for can be read from its table: an update leaves no trace of itself, and of a deleted
// record nothing is left.
func (s Source) readable() bool { return s.Message == "Create" }

// readableSources are the sources that a request means, sorted.
func (p *Presence) readableSources(request BackfillRequest) []string {
	if request.Source != "" {
		return []string{request.Source}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.config.Sources)), func(name string) bool {
		return !p.config.Sources[name].readable()
	})
}
