package presence

import (
	"context"
	"errors"
	"time"
)

// Reader reads records of Dataverse for presence. Its methods may be called from many goroutines at once.
type Reader interface {
	// GetRecord reads one record by its ID: the fields, or all of its fields where none are named. organizationID says which
	// environment is meant; empty is the default one.
	GetRecord(ctx context.Context, organizationID, entity, id string, fields []string) (Record, error)
	// ListRecords reads all active records of an entity.
	ListRecords(ctx context.Context, organizationID, entity string, fields []string) ([]Record, error)
	// ListCreated reads a page of an entity's records by when they were created, active or not. ErrNoHistory is its error
	// where there can be none.
	ListCreated(ctx context.Context, q CreatedQuery) (CreatedPage, error)

	// Environments names all environments, by their names in the configuration.
	Environments() []string
	// Organization tells which organisation an environment is.
	Organization(ctx context.Context, environment string) (Organization, error)
}

// ErrNoHistory says that an environment has no such entity, or that the entity does not tell when records were created.
var ErrNoHistory = errors.New("the environment has no such entity with a time of creation")

// Record is what a Reader read.
type Record struct {
	ID             string
	OrganizationID string            // of the environment that it was read from
	Values         map[string]any    // by logical name, as the Web API tells them; a lookup as the other record's ID
	Formatted      map[string]string // the display texts, by logical name
}

// Organization is what an environment is to presence.
type Organization struct {
	ID   string // by which webhooks and events name it
	Name string // the unique name, not the display name; empty where it may not be read
}

// CreatedQuery asks for the records of an entity that were created at a time or later, the oldest first, and by ID where
// several were created at once.
type CreatedQuery struct {
	OrganizationID string
	Entity         string    // by logical name
	Fields         []string  // by logical name; none is all. The time of creation is read in any case
	Since          time.Time // to the second: what was created within it is included
	Size           int       // of a page
	Next           string    // where the next page begins, as the page before told; empty is the first
}

// CreatedPage is a page of what a CreatedQuery asks for.
type CreatedPage struct {
	Records []Record
	Next    string // where the next page begins; empty on the last. It can be asked for again
}
