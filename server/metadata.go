package server

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// metadataService tells what entities and fields there are.
type metadataService struct {
	botversev1.UnimplementedMetadataServiceServer
	runtime *actions.Runtime
}

// ListEntities implements botversev1.MetadataServiceServer.
func (s metadataService) ListEntities(ctx context.Context, req *botversev1.ListEntitiesRequest) (*botversev1.ListEntitiesResponse, error) {
	all, err := s.runtime.ListEntities(ctx, req.GetEnvironment(), int(req.GetLanguage()))
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(e actions.EntitySummary) string { return e.Entity }, req)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListEntitiesResponse{NextPageToken: next}
	for _, e := range page {
		resp.Entities = append(resp.Entities, &botversev1.EntitySummary{
			Entity: e.Entity, Label: e.Label, PluralLabel: e.PluralLabel, EntitySet: e.EntitySet, Activity: e.Activity})
	}
	return resp, nil
}

// GetEntity implements botversev1.MetadataServiceServer.
func (s metadataService) GetEntity(ctx context.Context, req *botversev1.GetEntityRequest) (*botversev1.GetEntityResponse, error) {
	entity, err := s.runtime.GetEntity(ctx, req.GetEnvironment(), req.GetEntity(), int(req.GetLanguage()))
	if err != nil {
		return nil, notFoundIfUnknown(err)
	}
	e, err := entityOf(entity)
	return &botversev1.GetEntityResponse{Entity: e}, err
}

// notFoundIfUnknown makes an unknown entity NOT_FOUND: here it is what was asked for, elsewhere a bad argument.
func notFoundIfUnknown(err error) error {
	var input *actions.InputError
	unknown := errors.As(err, &input) && len(input.Faults) > 0 && input.Faults[0].Reason == actions.UnknownEntity
	if unknown || errors.Is(err, dataverse.ErrUnknownEntity) {
		return inContext{error: err, code: codes.NotFound}
	}
	return err
}

func entityOf(e actions.EntityDescription) (*botversev1.Entity, error) {
	out := &botversev1.Entity{
		Entity:             e.Entity,
		Label:              e.Label,
		PluralLabel:        e.PluralLabel,
		EntitySet:          e.EntitySet,
		PrimaryId:          e.PrimaryID,
		PrimaryName:        e.PrimaryName,
		Activity:           e.Activity,
		DuplicateDetection: e.DuplicateDetection,
	}
	for _, f := range e.Fields {
		field, err := fieldOf(f)
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, field)
	}
	return out, nil
}

func fieldOf(f actions.FieldDescription) (*botversev1.Field, error) {
	kind, err := enumOf[botversev1.Field_Type](botversev1.Field_Type_value, f.Type)
	if err != nil {
		return nil, err
	}
	out := &botversev1.Field{
		Field:      f.Field,
		Label:      f.Label,
		Type:       kind,
		Required:   f.Required,
		Creatable:  f.Creatable,
		Updatable:  f.Updatable,
		Searchable: f.Searchable,
		MaxLength:  int32Of(f.MaxLength),
		MinValue:   f.MinValue,
		MaxValue:   f.MaxValue,
		Precision:  int32Of(f.Precision),
		Targets:    f.Targets,
		Format:     f.Format,
	}
	for _, o := range f.Options {
		out.Options = append(out.Options, &botversev1.Field_Option{Value: int32(o.Value), Label: o.Label, State: int32Of(o.State)})
	}
	if f.Default != nil {
		out.DefaultValue, err = valueFrom(f.Default)
	}
	return out, err
}
