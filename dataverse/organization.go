package dataverse

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// Organization is what the environment says of itself and of the application user.
type Organization struct {
	ID                 ID
	Name               string
	DuplicateDetection bool // whether records are checked for duplicates when they are created or updated
	UserID             ID   // of the application user
	BusinessUnitID     ID   // of the application user

	readable bool // whether the application user may read the organization's record
}

const (
	organizationFresh = time.Hour
	organizationValid = 24 * time.Hour
)

// Organization is remembered for an hour. What the application user may not read of it is left at zero.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	o, err := patiently(ctx, c, func() (Organization, error) { return c.organization.get(ctx) })
	return o, ofCaller(err, "Organization", "")
}

func newOrganization(c *Client) *remembered[Organization] {
	return &remembered[Organization]{timeout: metadataTimeout, fetch: func(ctx context.Context) (Organization, life, error) {
		o, err := c.fetchOrganization(ctx)
		return o, life{fresh: organizationFresh, valid: organizationValid}, err
	}}
}

func (c *Client) fetchOrganization(ctx context.Context) (Organization, error) {
	var me struct{ OrganizationId, UserId, BusinessUnitId string }
	q := call{op: "Organization", method: http.MethodGet, path: "WhoAmI()", read: true}
	if err := c.get(ctx, q, &me); err != nil {
		return Organization{}, err
	}
	o := Organization{ID: ID(strings.ToLower(me.OrganizationId)), UserID: ID(strings.ToLower(me.UserId)), BusinessUnitID: ID(strings.ToLower(me.BusinessUnitId))}
	if o.ID == "" {
		return Organization{}, notTheWebAPI(q, "the answer to WhoAmI names no organization")
	}
	record, err := c.GetRecord(ctx, platformEntity("organization", "organizations"), o.ID, &odata.Query{
		Select: []string{"name", "isduplicatedetectionenabled", "isduplicatedetectionenabledforonlinecreateupdate"},
	})
	if errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
		return o, nil
	}
	if err != nil {
		return Organization{}, err
	}
	o.readable = true
	o.Name = record.text("name")
	// Both have to be on (Web API, "Detect duplicate data").
	o.DuplicateDetection = record.bool("isduplicatedetectionenabled") && record.bool("isduplicatedetectionenabledforonlinecreateupdate")
	return o, nil
}

// UniqueName is the organization's name as webhooks tell it; the one of Organization is what people call it. It is asked for each
// time.
func (c *Client) UniqueName(ctx context.Context) (string, error) {
	q := call{
		op: "UniqueName", method: http.MethodGet, read: true, path: "RetrieveCurrentOrganization(AccessType=@p1)",
		query: "@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'",
	}
	var answered struct{ Detail struct{ UniqueName string } }
	err := c.get(ctx, q, &answered)
	return answered.Detail.UniqueName, err
}

// platformEntity is an entity of which no more is needed than where its records are.
func platformEntity(name, set string) *schema.Entity {
	return &schema.Entity{LogicalName: name, EntitySetName: set, PrimaryID: name + "id"}
}
