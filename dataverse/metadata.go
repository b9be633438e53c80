package dataverse

import (
	"context"

	"github.com/botverse/botverse/dataverse/schema"
)

// Entity is what the environment says of an entity: its fields, choices, lookups, keys. It is remembered for an hour, and
// however many callers wait for it, it is asked for once. The Entity is shared: it is only to be read. An unknown one is an
// error that wraps ErrUnknownEntity; errors.As finds the *UnknownEntityError with the nearest names.
func (c *Client) Entity(ctx context.Context, logicalName string) (*schema.Entity, error) {
	return nil, errUnimplemented
}

// RefreshEntity asks anew for an entity, for when what is remembered of it has proved wrong.
func (c *Client) RefreshEntity(ctx context.Context, logicalName string) (*schema.Entity, error) {
	return nil, errUnimplemented
}

// Entities are all entities of the environment by name, without their fields and relationships. They are remembered like
// Entity's.
func (c *Client) Entities(ctx context.Context) ([]*schema.Entity, error) {
	return nil, errUnimplemented
}

type entityCache struct{}

func newEntityCache(*Client) *entityCache { return nil }
