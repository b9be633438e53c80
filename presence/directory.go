package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/internal/sleep"
)

// Directory knows the configured environments, and the teams in them. Its methods may be called from many goroutines at
// once.
type Directory interface {
	// Environments are the names of all environments.
	Environments() []string
	// OrganizationID is the ID of the organisation that an environment is, in small letters.
	OrganizationID(ctx context.Context, environment string) (string, error)
	// TeamMembers are the record IDs of the users in a team, which is named by its record ID or its name. ErrUnknownTeam is
	// its error where the environment has no such team.
	TeamMembers(ctx context.Context, environment, team string) ([]string, error)
}

// The errors of filters.
var (
	// ErrFilter says that a filter names what there is not.
	ErrFilter = errors.New("the filter cannot hold")
	// ErrUnknownTeam says that there is no team of that ID or name.
	ErrUnknownTeam = fmt.Errorf("%w: there is no such team", ErrFilter)
	// ErrTeamChanged says that a team of a subscriber's filter has other members now. Subscribe anew, from a snapshot.
	ErrTeamChanged = errors.New("the members of a team have changed; start again without a cursor")
)

// noDirectory is for a presence that was given none.
type noDirectory struct{}

func (noDirectory) Environments() []string { return nil }

func (noDirectory) OrganizationID(context.Context, string) (string, error) {
	return "", fmt.Errorf("%w: no environment is configured", ErrFilter)
}

func (noDirectory) TeamMembers(context.Context, string, string) ([]string, error) {
	return nil, ErrUnknownTeam
}

// organizations knows which environment each organisation is. It asks the directory once for each.
type organizations struct {
	directory Directory

	mu    sync.RWMutex
	names map[string]string // of environments, by organisation ID
	ids   map[string]string // of organisations, by environment
}

func newOrganizations(d Directory) *organizations {
	return &organizations{directory: d, names: make(map[string]string), ids: make(map[string]string)}
}

// environment is the name of an organisation's environment; empty where it is not known.
func (o *organizations) environment(organizationID string) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.names[organizationID]
}

// id is an environment's organisation.
func (o *organizations) id(ctx context.Context, environment string) (string, error) {
	o.mu.RLock()
	id, ok := o.ids[environment]
	o.mu.RUnlock()
	if ok {
		return id, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	id, err := o.directory.OrganizationID(ctx, environment)
	if err != nil {
		return "", err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids[environment] = id
	if first, ok := o.names[id]; !ok || environment < first { // two names for one organisation: always the same one
		o.names[id] = environment
	}
	return id, nil
}

// namePause is how long an environment that did not answer is left alone.
const namePause = 10 * time.Second

// nameEnvironments asks which organisation each environment is, until all have answered, so that states and events can
// name them.
func (p *Presence) nameEnvironments(ctx context.Context) error {
	defer p.named.Store(true)
	missing := p.organizations.directory.Environments()
	for len(missing) > 0 {
		missing = p.nameOnce(ctx, missing)
		p.named.Store(true) // whoever waits for the names need not wait for an environment that is away
		if len(missing) > 0 && !sleep.For(ctx, namePause) {
			return nil
		}
	}
	return nil
}

// nameOnce asks all at once and returns those that did not answer.
func (p *Presence) nameOnce(ctx context.Context, names []string) (missing []string) {
	var group errgroup.Group
	failed := make([]bool, len(names))
	for i, name := range names {
		group.Go(func() error {
			_, err := p.organizations.id(ctx, name)
			failed[i] = err != nil
			if err != nil && ctx.Err() == nil {
				p.logger.DebugContext(ctx, "an environment does not tell its organisation", "environment", name, "error", err)
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	for i, name := range names {
		if failed[i] {
			missing = append(missing, name)
		}
	}
	if len(missing) < len(names) {
		p.hub.rename()
	}
	return slices.Clip(missing)
}
