package actions

import (
	"context"
	"errors"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// describeFor is describe for an action that does something with the entity's records. Where the environment does not allow
// that, it is an *input.Error.
func (r *Runtime) describeFor(ctx context.Context, environment, entity string, needed ...dataverse.Verb) (*dataverse.Client, *schema.Entity, error) {
	client, e, err := r.describe(ctx, environment, entity)
	if err != nil {
		return nil, nil, err
	}
	if fault := notAllowed(client, e.LogicalName, "entity", needed...); fault != nil {
		return nil, nil, input.ErrorOf([]input.Fault{*fault})
	}
	return client, e, nil
}

// notAllowed is the fault of something that the environment does not allow with an entity's records; nil where it does.
func notAllowed(client *dataverse.Client, entity, path string, needed ...dataverse.Verb) *input.Fault {
	return refusedByConfig(client.Permit(entity, needed...), path)
}

// refusedByConfig is the fault of a request that the environment does not allow; nil for any other error.
func refusedByConfig(err error, path string) *input.Fault {
	var refused *dataverse.NotAllowedError
	if !errors.As(err, &refused) {
		return nil
	}
	fault := input.NewFault(input.NotAllowed, path, "%v", refused)
	for _, verb := range refused.Allowed {
		fault.Allowed = append(fault.Allowed, string(verb))
	}
	return fault
}

// needs are what a creation does with the entity's records. That it learns of those that Dataverse's rules find is part of creating.
func (s CreateRecord) needs() []dataverse.Verb {
	needed := []dataverse.Verb{dataverse.Create}
	if len(s.MatchOn) > 0 || s.OnDuplicate.takesExisting() {
		needed = append(needed, dataverse.Find)
	}
	if s.OnDuplicate.takesExisting() && s.OnDuplicate != UseExisting {
		needed = append(needed, dataverse.Update)
	}
	return needed
}

// needs are what a change does with the entity's records: it reads the record to write what differs.
func (c *change) needs() []dataverse.Verb {
	needed := []dataverse.Verb{dataverse.Find, dataverse.Update}
	if c.upsert {
		needed = append(needed, dataverse.Create)
	}
	return needed
}
