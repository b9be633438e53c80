package dataverse

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// lookPause is how often the files of credentials are looked at. They are few and small.
const lookPause = time.Second

// Run follows the files of all credentials until ctx ends: one that has changed is tried at once. It warns each day of those that
// expire soon. It returns nil.
func (es *Environments) Run(ctx context.Context) error {
	var group errgroup.Group
	for _, c := range es.clients {
		group.Go(func() error {
			c.sign.follow(ctx)
			return nil
		})
	}
	return group.Wait()
}

func (s *signer) follow(ctx context.Context) {
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for {
		s.warn(ctx)
		if s.look(ctx) {
			// The old token stays until there is a new one: what is under way goes on.
			if _, err := s.tokens.renew(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a credential has changed, and nobody could sign in with it yet", "environment", s.environment, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
