package dataverse

import "context"

// Organization is what the environment says of itself and of the application user.
type Organization struct {
	ID                 ID
	Name               string
	DuplicateDetection bool // whether records are checked for duplicates when they are created or updated
	UserID             ID   // of the application user
	BusinessUnitID     ID   // of the application user
}

// Organization is remembered for an hour. What the application user may not read of it is left at zero.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	return Organization{}, errUnimplemented
}

type facts struct{}

func newFacts(*Client) *facts { return nil }
