package presence

import "context"

// Reader reads records of Dataverse for presence. Both methods may be called from many goroutines at once.
type Reader interface {
	// GetRecord reads one record by its ID: the fields, or all of its fields where none are named. organizationID says which
	// environment is meant; empty is the default one.
	GetRecord(ctx context.Context, organizationID, entity, id string, fields []string) (Record, error)
	// ListRecords reads all active records of an entity.
	ListRecords(ctx context.Context, organizationID, entity string, fields []string) ([]Record, error)
}

// Record is what a Reader read.
type Record struct {
	ID             string
	OrganizationID string            // of the environment that it was read from
	Values         map[string]any    // by logical name, as the Web API tells them; a lookup as the other record's ID
	Formatted      map[string]string // the display texts, by logical name
}
