// Package actions runs a bot's actions on Dataverse: it renders the flow's variables into values, translates them into
// what the fields hold, calls Dataverse, and answers with an outcome to branch on and the variables to carry on with.
//
// What a flow branches on is an Outcome of a Result. What its author or the operator must put right is an error: an
// *input.Error with every fault of the request, or an error of package dataverse as it came.
package actions

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/botverse/botverse/actions/fetch"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// Runtime runs actions. It keeps nothing of a call but parsed templates and queries, and any number of goroutines may use it.
type Runtime struct {
	// Environments are the Dataverse environments that actions may name.
	Environments *dataverse.Environments
	// Ledger remembers request IDs; nil for none, so that a repeat is recognized by the record alone.
	Ledger Ledger

	renderer  input.Renderer
	fetches   fetch.Queries
	refreshed sync.Map // when an entity's metadata was last read again, by environment and entity: time.Time
}

// New is a Runtime that acts on these environments.
func New(environments *dataverse.Environments) *Runtime {
	return &Runtime{Environments: environments}
}

// client is the client of an environment ("" for the default), held to what actions may do there.
func (r *Runtime) client(ctx context.Context, environment string) (*dataverse.Client, error) {
	client, err := r.Environments.Client(ctx, environment)
	if err != nil {
		return nil, err
	}
	return client.Limited(), nil
}

// describe returns the client of an environment ("" for the default) and what Dataverse says of an entity, whose logical
// name may come in any case. An unknown entity is an *input.Error with the nearest names.
func (r *Runtime) describe(ctx context.Context, environment, entity string) (*dataverse.Client, *schema.Entity, error) {
	client, err := r.client(ctx, environment)
	if err != nil {
		return nil, nil, err
	}
	e, err := client.Entity(ctx, translate.LowerName(entity))
	if errors.Is(err, dataverse.ErrUnknownEntity) {
		return nil, nil, unknownEntity(entity, err)
	}
	return client, e, err
}

const (
	// defaultBudget is how long an action takes at most where the caller set no deadline.
	defaultBudget = 20 * time.Second
	// leastReserve is what remains of the caller's time for our answer to arrive.
	leastReserve = 200 * time.Millisecond
)

// withinBudget is a context for the work of one action: it ends before the caller's deadline, by a tenth of the time
// that is left but at least by leastReserve, so that the answer still arrives.
func withinBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	left := defaultBudget
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return context.WithTimeout(ctx, left-max(left/10, leastReserve))
}
