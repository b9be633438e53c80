package main

import (
	"context"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/ledger"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/journal"
)

// openRuntime makes what runs the actions, with a ledger of request IDs in the journal.
func openRuntime(ctx context.Context, all *dataverse.Environments, j *journal.Journal) (*actions.Runtime, error) {
	requests, err := ledger.Open(ctx, j)
	if err != nil {
		return nil, err
	}
	runtime := actions.New(all)
	runtime.Ledger = requests
	return runtime, nil
}
