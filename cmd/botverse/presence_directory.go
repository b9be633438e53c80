package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/presence"
)

// presenceDirectory tells presence of the configured environments and their teams.
type presenceDirectory struct{ environments *dataverse.Environments }

// Environments implements presence.Directory.
func (d presenceDirectory) Environments() []string { return d.environments.Names() }

// OrganizationID implements presence.Directory.
func (d presenceDirectory) OrganizationID(ctx context.Context, environment string) (string, error) {
	client, err := d.environments.Client(ctx, environment)
	if err != nil {
		return "", err
	}
	organization, err := client.Organization(ctx)
	return string(organization.ID), err
}

// TeamMembers implements presence.Directory. Who is in a team stands in the intersect entity of users and teams.
func (d presenceDirectory) TeamMembers(ctx context.Context, environment, name string) ([]string, error) {
	client, err := d.environments.Client(ctx, environment)
	if err != nil {
		return nil, err
	}
	team, err := findTeam(ctx, client, name)
	if err != nil {
		return nil, err
	}
	e, err := client.Entity(ctx, "teammembership")
	if err != nil {
		return nil, err
	}
	page, err := client.ListRecords(ctx, e, &odata.Query{
		Select: []string{e.PrimaryID, "systemuserid"},
		Filter: &odata.Compare{Path: odata.Path{"teamid"}, Op: odata.Eq, Value: odata.GUID(team)},
	})
	var members []string
	for ; err == nil; page, err = client.NextPage(ctx, e, page) {
		for _, membership := range page.Records {
			if id, ok := membership.Value("systemuserid"); ok {
				members = append(members, fmt.Sprint(id))
			}
		}
		if !page.More {
			break
		}
	}
	return members, err
}

// findTeam is the record ID of the team that a record ID or a name means.
func findTeam(ctx context.Context, client *dataverse.Client, name string) (dataverse.ID, error) {
	e, err := client.Entity(ctx, "team")
	if err != nil {
		return "", err
	}
	if id, err := uuid.Parse(name); err == nil {
		record, err := client.GetRecord(ctx, e, dataverse.ID(id.String()), &odata.Query{Select: []string{e.PrimaryID}})
		if errors.Is(err, dataverse.ErrNotFound) {
			return "", presence.ErrUnknownTeam
		}
		return record.ID(), err
	}
	page, err := client.ListRecords(ctx, e, &odata.Query{
		Select: []string{e.PrimaryID}, Top: new(2),
		Filter: &odata.Compare{Path: odata.Path{"name"}, Op: odata.Eq, Value: odata.String(name)},
	})
	switch {
	case err != nil:
		return "", err
	case len(page.Records) == 0:
		return "", presence.ErrUnknownTeam
	case len(page.Records) > 1:
		return "", fmt.Errorf("%w: several teams have the name; give the record ID", presence.ErrFilter)
	}
	return page.Records[0].ID(), nil
}
