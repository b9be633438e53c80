package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/botverse/botverse/internal/sleep"
)

// teamRefresh is how old what is known of a team may be, and how often the teams of subscribers' filters are read again.
const teamRefresh = time.Minute

// maxTeams bounds how many teams are kept for whom nobody watches.
const maxTeams = 1000

// member is an agent of a team.
type member struct{ organizationID, agentID string }

type members map[member]struct{}

// team is a team in one or more environments: copies of an environment have the same record IDs.
type team struct {
	key          string
	name         string
	environments []string
	watchers     atomic.Int64
	members      atomic.Pointer[members]
	read         atomic.Int64  // when, in nanoseconds of Unix time
	changed      atomic.Uint64 // how far the log was when other members were read, and 1; 0 where none were
}

// watchedTeam is a team with the members that it had when a filter was made.
type watchedTeam struct {
	*team
	had *members
}

func (t watchedTeam) has(organizationID, agentID string) bool {
	_, ok := (*t.had)[member{organizationID, agentID}]
	return ok
}

func (t watchedTeam) changed() bool { return t.members.Load() != t.had }

// changedSince says whether other members were read after a position of the log, as far as this process knows.
func (t watchedTeam) changedSince(sequence uint64) bool { return t.team.changed.Load() > sequence }

func (t *team) fresh(now time.Time) bool { return now.Sub(time.Unix(0, t.read.Load())) < teamRefresh }

// teams knows the members of teams. They are read when somebody names one, and again while somebody watches.
type teams struct {
	directory     Directory
	organizations *organizations
	position      func() uint64 // how far the log is applied
	flight        singleflight.Group

	mu    sync.Mutex
	known map[string]*team
}

func newTeams(d Directory, o *organizations, position func() uint64) *teams {
	return &teams{directory: d, organizations: o, position: position, known: make(map[string]*team)}
}

// find is a team with its present members, in the environments that are named, or in all.
func (ts *teams) find(ctx context.Context, environments []string, name string) (watchedTeam, error) {
	if len(environments) == 0 {
		environments = ts.directory.Environments()
	}
	key := strings.ToLower(name) + "\x00" + strings.Join(environments, "\x00")
	ts.mu.Lock()
	t, ok := ts.known[key]
	ts.mu.Unlock()
	if !ok {
		t = &team{key: key, name: name, environments: slices.Clone(environments)}
	}
	if !ok || !t.fresh(time.Now()) {
		if err := ts.once(ctx, t); err != nil {
			return watchedTeam{}, err
		}
		t = ts.keep(t)
	}
	return watchedTeam{t, t.members.Load()}, nil
}

// keep makes a team one that is known, unless it is already.
func (ts *teams) keep(t *team) *team {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if known, ok := ts.known[t.key]; ok {
		return known
	}
	if len(ts.known) >= maxTeams {
		maps.DeleteFunc(ts.known, func(_ string, t *team) bool { return t.watchers.Load() == 0 })
	}
	ts.known[t.key] = t
	return t
}

// once reads a team for all who ask for it meanwhile.
func (ts *teams) once(ctx context.Context, t *team) error {
	answer := ts.flight.DoChan(t.key, func() (any, error) {
		// One caller's end must not take the answer from the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		fresh, err := ts.read(ctx, t.environments, t.name)
		return fresh, err
	})
	select {
	case a := <-answer:
		if a.Err != nil {
			return a.Err
		}
		t.become(a.Val.(members), ts.position())
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// become notes what was read. The same members are the same set, so that a change can be told by the pointer.
func (t *team) become(fresh members, position uint64) {
	t.read.Store(time.Now().UnixNano())
	had := t.members.Load()
	if had != nil && maps.Equal(*had, fresh) {
		return
	}
	if t.members.CompareAndSwap(had, &fresh) && had != nil {
		t.changed.Store(position + 1)
	}
}

// read asks all environments. One that has no such team is no error where another has it; one that does not answer is.
func (ts *teams) read(ctx context.Context, environments []string, name string) (members, error) {
	fresh, found := make(members), false
	for _, environment := range environments {
		ids, err := ts.directory.TeamMembers(ctx, environment, name)
		if errors.Is(err, ErrUnknownTeam) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("its members cannot be read in %s: %w", environment, err)
		}
		organization, err := ts.organizations.id(ctx, environment)
		if err != nil {
			return nil, err
		}
		found = true
		for _, id := range ids {
			fresh[member{organization, strings.ToLower(id)}] = struct{}{}
		}
	}
	if !found {
		return nil, fmt.Errorf("%w in %s", ErrUnknownTeam, cmp.Or(strings.Join(environments, ", "), "any environment: none is configured"))
	}
	return fresh, nil
}

// refreshTeams reads the teams of subscribers' filters again, until ctx ends.
func (p *Presence) refreshTeams(ctx context.Context) error {
	for sleep.For(ctx, teamRefresh) {
		p.teams.refresh(ctx, func(t *team, err error) {
			p.logger.WarnContext(ctx, "the members of a team could not be read; those known before stand", "team", t.name, "error", err)
		})
	}
	return nil
}

// refresh reads all teams that somebody watches. One that is gone has no members any more.
func (ts *teams) refresh(ctx context.Context, failed func(*team, error)) {
	ts.mu.Lock()
	watched := slices.Collect(maps.Values(ts.known))
	ts.mu.Unlock()
	for _, t := range watched {
		if t.watchers.Load() == 0 || ctx.Err() != nil {
			continue
		}
		err := ts.once(ctx, t)
		switch {
		case errors.Is(err, ErrUnknownTeam):
			t.become(members{}, ts.position())
		case err != nil && ctx.Err() == nil:
			failed(t, err)
		}
	}
}
