package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/presence"
)

// presenceReader reads records for presence through the client.
type presenceReader struct{ environments *dataverse.Environments }

// GetRecord implements presence.Reader.
func (r presenceReader) GetRecord(ctx context.Context, organizationID, entity, id string, fields []string) (presence.Record, error) {
	client, e, err := r.entity(ctx, organizationID, entity)
	if err != nil {
		return presence.Record{}, err
	}
	query := &odata.Query{Select: properties(e, fields)}
	if len(fields) == 0 {
		query, fields = nil, fieldNames(e)
	}
	record, err := client.GetRecord(ctx, e, dataverse.ID(id), query)
	if err != nil {
		return presence.Record{}, err
	}
	return presenceRecord(e, record, organizationID, fields), nil
}

// ListRecords implements presence.Reader.
func (r presenceReader) ListRecords(ctx context.Context, organizationID, entity string, fields []string) ([]presence.Record, error) {
	client, e, err := r.entity(ctx, organizationID, entity)
	if err != nil {
		return nil, err
	}
	if organizationID == "" {
		organization, err := client.Organization(ctx)
		if err != nil {
			return nil, err
		}
		organizationID = string(organization.ID)
	}
	q := &odata.Query{Select: properties(e, fields)}
	if e.HasState() {
		q.Filter = &odata.Compare{Path: odata.Path{"statecode"}, Op: odata.Eq, Value: odata.Number("0")}
	}
	page, err := client.ListRecords(ctx, e, q)
	var all []presence.Record
	for ; err == nil; page, err = client.NextPage(ctx, e, page) {
		for _, record := range page.Records {
			all = append(all, presenceRecord(e, record, organizationID, fields))
		}
		if !page.More {
			break
		}
	}
	return all, err
}

func (r presenceReader) entity(ctx context.Context, organizationID, entity string) (*dataverse.Client, *schema.Entity, error) {
	client, err := r.client(ctx, organizationID)
	if err != nil {
		return nil, nil, err
	}
	e, err := client.Entity(ctx, entity)
	if errors.Is(err, dataverse.ErrUnknownEntity) {
		err = fmt.Errorf("%w: %w", presence.ErrNoHistory, err)
	}
	return client, e, err
}

// ListCreated implements presence.Reader.
func (r presenceReader) ListCreated(ctx context.Context, q presence.CreatedQuery) (presence.CreatedPage, error) {
	client, e, err := r.entity(ctx, q.OrganizationID, q.Entity)
	if err != nil {
		return presence.CreatedPage{}, err
	}
	if e.Field(createdField) == nil {
		return presence.CreatedPage{}, fmt.Errorf("%w: %s has no %s", presence.ErrNoHistory, q.Entity, createdField)
	}
	fields, query := fieldNames(e), createdSince(e, q.Since)
	if len(q.Fields) > 0 {
		fields = append(slices.Clone(q.Fields), createdField)
		slices.Sort(fields)
		fields = slices.Compact(fields)
		query.Select = properties(e, fields)
	}
	var page dataverse.Page
	if q.Next == "" {
		page, err = client.ListPages(ctx, e, query, q.Size)
	} else {
		page, err = client.NextPage(ctx, e, dataverse.Page{NextLink: q.Next, Size: q.Size})
	}
	if err != nil {
		return presence.CreatedPage{}, err
	}
	created := presence.CreatedPage{Next: page.NextLink}
	for _, record := range page.Records {
		created.Records = append(created.Records, presenceRecord(e, record, q.OrganizationID, fields))
	}
	return created, nil
}

// createdField is when a record was created.
const createdField = "createdon"

// createdSince asks for the records that were created since a time. The primary key orders those that were created at once, so that
// no page has a record of another (Web API, "Page results").
func createdSince(e *schema.Entity, since time.Time) *odata.Query {
	return &odata.Query{
		Filter: &odata.Compare{
			Path: odata.Path{createdField}, Op: odata.Ge, Value: odata.DateTime(since.UTC().Truncate(time.Second).Format(time.RFC3339)),
		},
		OrderBy: []odata.Order{{Path: odata.Path{createdField}}, {Path: odata.Path{e.PrimaryID}}},
	}
}

// Environments implements presence.Reader.
func (r presenceReader) Environments() []string { return r.environments.Names() }

// Organization implements presence.Reader.
func (r presenceReader) Organization(ctx context.Context, environment string) (presence.Organization, error) {
	client, err := r.environments.Client(ctx, environment)
	if err != nil {
		return presence.Organization{}, err
	}
	organization, err := client.Organization(ctx)
	if err != nil {
		return presence.Organization{}, err
	}
	name, err := client.UniqueName(ctx)
	if errors.Is(err, dataverse.ErrForbidden) { // it is a label
		err = nil
	}
	return presence.Organization{ID: string(organization.ID), Name: name}, err
}

// client is the environment of an organisation; the default one for an empty ID.
func (r presenceReader) client(ctx context.Context, organizationID string) (*dataverse.Client, error) {
	if organizationID == "" {
		return r.environments.Client(ctx, "")
	}
	var lastErr error
	for _, name := range r.environments.Names() {
		client, err := r.environments.Client(ctx, name)
		if err != nil {
			return nil, err
		}
		organization, err := client.Organization(ctx)
		if err != nil {
			lastErr = err
			continue
		}
		if string(organization.ID) == organizationID {
			return client, nil
		}
	}
	if lastErr != nil {
		return nil, lastErr
	}
	return nil, fmt.Errorf("no configured environment is the organisation %s", organizationID)
}

// properties are the JSON names of fields; those that the environment does not have are left out, because presence reads
// tables that differ between versions.
func properties(e *schema.Entity, fields []string) []string {
	selected := []string{e.PrimaryID}
	for _, name := range fields {
		if f := e.Field(name); f != nil && name != e.PrimaryID {
			selected = append(selected, f.Property())
		}
	}
	return selected
}

func fieldNames(e *schema.Entity) []string {
	names := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		names[i] = f.LogicalName
	}
	return names
}

func presenceRecord(e *schema.Entity, record dataverse.Record, organizationID string, fields []string) presence.Record {
	out := presence.Record{ID: string(record.ID()), OrganizationID: organizationID, Values: map[string]any{}, Formatted: map[string]string{}}
	for _, name := range fields {
		f := e.Field(name)
		if f == nil {
			continue
		}
		if value, ok := record.Value(f.Property()); ok {
			out.Values[name] = value
		}
		if text := record.Formatted(f.Property()); text != "" {
			out.Formatted[name] = text
		}
	}
	return out
}
