package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/journal"
)

// Presence receives, keeps and streams. Its methods may be called from many goroutines at once.
type Presence struct {
	config Config
	logger *slog.Logger
	reader Reader // may be nil
	store  *store
	labels *labels
	hub    *hub
	teams  *teams
	tracer trace.Tracer

	deliveries deliveries

	organizations *organizations

	// lead runs work while no other process on the journal runs work of that name.
	lead func(ctx context.Context, name string, ttl time.Duration, work func(context.Context) error) error

	readings *readings
	replays  sync.Map // by an output's name, how it takes an event again
	lost     sync.Map // by a tap's name, how many events expired before it read them
	running  atomic.Bool
	seeded   atomic.Bool   // the first states were read, or cannot be
	named    atomic.Bool   // all environments were asked which organisation they are
	target   atomic.Uint64 // the log's end when this process started, or after it was seeded
}

// Open opens presence in the journal, which must stay open until Run has returned. reader may be nil: then labels come
// from the deliveries alone and nothing is seeded, read again or backfilled. ctx bounds the opening only.
func Open(ctx context.Context, config Config, j *journal.Journal, reader Reader) (*Presence, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("presence: %w", err)
	}
	p := &Presence{config: config.Filled(), logger: config.Logger, reader: reader, readings: newReadings(), lead: alone}
	if j.Shared() {
		p.lead = j.Lead
	}
	if p.logger == nil {
		p.logger = slog.Default()
	}
	p.labels = newLabels(reader, p.logger)
	directory := config.Directory
	if directory == nil {
		directory = noDirectory{}
	}
	p.tracer = tracerOf(config.TracerProvider)
	p.organizations = newOrganizations(directory)
	p.teams = newTeams(directory, p.organizations, func() uint64 { return p.hub.position() })
	if err := p.open(ctx, j); err != nil {
		return nil, fmt.Errorf("open presence: %w", err)
	}
	return p, nil
}

// alone runs work at once: no other process has the journal, and the lease of one that was killed need not be waited for.
func alone(ctx context.Context, _ string, _ time.Duration, work func(context.Context) error) error {
	return work(ctx)
}

// open takes up what the journal has. The end of the events is looked up before the states: another process may be
// writing both, and states that are ahead are known for what they are.
func (p *Presence) open(ctx context.Context, j *journal.Journal) (err error) {
	if p.store, err = openStore(ctx, j, limits{age: p.config.Retention, bytes: p.config.MaxBytes}); err != nil {
		return err
	}
	last, sequence, err := p.store.lastEvent(ctx)
	if err != nil {
		return err
	}
	agents, err := p.store.loadStates(ctx)
	if err != nil {
		return err
	}
	if last == 0 { // none was stored yet, or all have expired, and the log's entries of them before them
		if sequence, err = p.store.beforeLog(ctx); err != nil {
			return err
		}
	}
	end, err := p.store.logEnd(ctx)
	if err != nil {
		return err
	}
	p.hub = newHub(cursors{p.store.incarnation}, p.config.Buffer, agents, sequence, end, p.organizations.environment)
	newest, err := p.recall(ctx, last)
	if err != nil {
		return err
	}
	if err := p.catchUp(ctx, newest); err != nil {
		return err
	}
	if err := p.meet(ctx); err != nil {
		return err
	}
	return p.aim(ctx)
}

// meet notes which sources of which environments are new: what is created from now on is not to be missed.
func (p *Presence) meet(ctx context.Context) error {
	if p.reader == nil {
		return nil
	}
	for _, environment := range p.reader.Environments() {
		for _, source := range p.readableSources(BackfillRequest{}) {
			if _, err := p.store.marks.first(ctx, environment, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// recall fills the ring with the last events, so that subscribers who come back after a restart need not read the disk. It
// returns the newest log entry among them by which each agent's state changed.
func (p *Presence) recall(ctx context.Context, last uint64) (newest map[string]uint64, err error) {
	if last == 0 {
		return nil, nil
	}
	events, err := p.store.openEvents(ctx, last-min(last-1, uint64(p.config.Buffer)-1))
	if err != nil {
		return nil, err
	}
	defer events.close()
	newest = make(map[string]uint64)
	for {
		event, err := events.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the last events: %w", err)
		}
		if e := event.event; e.Activity == nil && !e.Late {
			newest[agentKey(e.OrganizationID, e.AgentID)] = event.sequence
		}
		p.hub.recall(event.sequence, event.event)
		if event.place >= last {
			return newest, nil
		}
	}
}

// catchUpTime bounds the wait for states that are behind their events.
const catchUpTime = 15 * time.Second

// catchUp reads the states again while they are behind the events, which are stored after them: where servers end and begin,
// one may lead that has yet to apply what it has. Who goes on from older states would tell everybody of changes that were
// none. States that stay behind were lost; then there is no other way but to go on from them.
func (p *Presence) catchUp(ctx context.Context, newest map[string]uint64) error {
	waiting, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		behind := p.hub.behind(newest)
		if behind == 0 {
			return nil
		}
		if !sleep.For(waiting, wait) {
			p.logger.ErrorContext(ctx, "agents' states are older than their events", "agents", behind)
			return ctx.Err()
		}
		agents, err := p.store.loadStates(ctx)
		if err != nil {
			return err
		}
		end, err := p.store.logEnd(ctx) // it goes on meanwhile, and states with it
		if err != nil {
			return err
		}
		p.hub.load(agents, end)
	}
}

// aim notes how far the log goes.
func (p *Presence) aim(ctx context.Context) error {
	end, err := p.store.logEnd(ctx)
	if err != nil {
		return err
	}
	p.target.Store(end)
	return nil
}

// Run follows the log until ctx ends, which is no error. Subscriptions then end with ErrClosed. It runs once.
func (p *Presence) Run(ctx context.Context) error {
	p.running.Store(true)
	defer p.hub.ring.close()
	defer p.running.Store(false)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.follow(ctx) })
	group.Go(func() error { return p.beat(ctx) })
	group.Go(func() error { return p.keepFilled(ctx) })
	group.Go(func() error { return p.nameEnvironments(ctx) })
	group.Go(func() error { return p.refreshTeams(ctx) })
	return group.Wait()
}

// Ready says why the states are not yet to be relied on; nil once what the log had at the start is applied and the
// agents' first states are read.
func (p *Presence) Ready() error {
	switch {
	case !p.running.Load():
		return errors.New("presence is not running")
	case !p.seeded.Load():
		return errors.New("the agents' first states are still being read")
	case !p.named.Load():
		return errors.New("the environments are still being asked which organisations they are")
	case p.hub.position() < p.target.Load():
		return errors.New("the presence log is still being read")
	}
	return nil
}
