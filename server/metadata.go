package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
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
	if req.GetCreatableOnly() {
		all = slices.DeleteFunc(all, func(e actions.EntitySummary) bool { return !e.Creatable })
	}
	page, next, err := pageOf(all, func(e actions.EntitySummary) string { return e.Entity }, req)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListEntitiesResponse{NextPageToken: next}
	resp.Entities = summariesOf(page)
	return resp, nil
}

func summariesOf(entities []actions.EntitySummary) []*botversev1.EntitySummary {
	var all []*botversev1.EntitySummary
	for _, e := range entities {
		all = append(all, &botversev1.EntitySummary{
			Entity: e.Entity, Label: e.Label, PluralLabel: e.PluralLabel, EntitySet: e.EntitySet, Activity: e.Activity, Creatable: e.Creatable,
			Allowed: verbsOf(e.Allowed)})
	}
	return all
}

func verbsOf(allowed []dataverse.Verb) []botversev1.EntitySummary_Verb {
	verbs := make([]botversev1.EntitySummary_Verb, len(allowed))
	for i, verb := range allowed {
		verbs[i] = botversev1.EntitySummary_Verb(botversev1.EntitySummary_Verb_value[strings.ToUpper(string(verb))])
	}
	return verbs
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
	var refused *input.Error
	unknown := errors.As(err, &refused) && len(refused.Faults) > 0 && refused.Faults[0].Reason == input.UnknownEntity
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
		Creatable:          e.Creatable,
		Allowed:            verbsOf(e.Allowed),
	}
	for _, k := range e.Keys {
		out.Keys = append(out.Keys, &botversev1.Entity_Key{Name: k.Name, Fields: k.Fields})
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

// behaviors are the contract's names of what Dataverse calls how a time treats zones.
var behaviors = map[schema.Behavior]botversev1.Field_Behavior{
	schema.DateOnly: botversev1.Field_DATE_ONLY, schema.UserLocal: botversev1.Field_USER_LOCAL, schema.TimeZoneIndependent: botversev1.Field_TIME_ZONE_INDEPENDENT,
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
		Behavior:   behaviors[f.Behavior],

		Recommended:    f.Recommended,
		Sensitive:      f.Sensitive,
		Operators:      f.Operators,
		Sortable:       f.Sortable,
		Phone:          f.Phone,
		TakesAddresses: f.Addresses,
		Savable:        f.Savable,
		Formatted:      f.Formatted,
		Linked:         f.Linked,
		TargetEntities: summariesOf(f.Entities),
	}
	for _, o := range f.Options {
		out.Options = append(out.Options, &botversev1.Field_Option{Value: int32(o.Value), Label: o.Label, State: int32Of(o.State)})
	}
	if f.Default != nil {
		out.DefaultValue, err = valueFrom(f.Default)
	}
	return out, err
}
