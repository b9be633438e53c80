package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// wire is the record as the Web API takes it.
func (v *recordValues) wire(ctx context.Context, client *dataverse.Client) (dataverse.Fields, error) {
	return wireOf(ctx, client, v.entity, v.values, dataverse.Record{})
}

// wireOf is values as the Web API takes them. A lookup is bound by the navigation property of the metadata, in its case
// (Web API, "Associate and disassociate table rows"). One that is to be cleared is, where the record as it is, in row, has
// a value for it.
func wireOf(ctx context.Context, client *dataverse.Client, e *schema.Entity, values map[string]any, row dataverse.Record) (dataverse.Fields, error) {
	fields := make(dataverse.Fields, len(values)+1)
	if err := addParties(ctx, client, e, values, fields); err != nil {
		return nil, err
	}
	for name, value := range values {
		f := e.Field(name)
		switch value := value.(type) {
		case translate.Reference:
			address, err := recordAddress(ctx, client, value, "fields."+name)
			if err != nil {
				return nil, err
			}
			fields[bindProperty(f, value)] = address
		case []party: // all below, in one list
		case []int:
			fields[name] = translate.ChosenText(value)
		case nil:
			switch target := row.LookupEntity(f.Property()); {
			case f.Type == schema.PartyList: // a new activity has none
			case !f.IsLookup():
				fields[name] = nil
			case target != "": // a new record's lookups are empty as they are
				fields[bindProperty(f, translate.Reference{Entity: target})] = nil
			}
		default:
			fields[name] = value
		}
	}
	return fields, nil
}

// recordAddress is a record as a lookup is bound to it.
func recordAddress(ctx context.Context, client *dataverse.Client, ref translate.Reference, path string) (string, error) {
	target, err := client.Entity(ctx, ref.Entity)
	if errors.Is(err, dataverse.ErrUnknownEntity) {
		return "", input.ErrorOf([]input.Fault{*input.NewFault(input.InvalidValue, path, "the environment has no entity %q", ref.Entity)})
	}
	if err != nil {
		return "", err
	}
	return "/" + odata.RecordPath(target.EntitySetName, string(ref.ID)), nil
}

// addParties adds the parties of all fields that hold some, as the one list that Dataverse has them in (Web API, "Create a
// table row", activity parties).
func addParties(ctx context.Context, client *dataverse.Client, e *schema.Entity, values map[string]any, fields dataverse.Fields) error {
	var list []any
	for name := range partyKinds {
		if all, ok := values[name].([]party); ok {
			more, err := wireParties(ctx, client, name, all)
			if err != nil {
				return err
			}
			list = append(list, more...)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b any) int {
		return cmp.Compare(a.(map[string]any)[partyKindField].(int), b.(map[string]any)[partyKindField].(int))
	})
	fields[partiesProperty(e)] = list
	return nil
}

// navigation is the property by which a lookup is bound to an entity; "" where there is none. An owner's may stand under
// the name of what users and teams have in common.
func navigation(f *schema.Field, entity string) string {
	if property := f.Navigation[entity]; property != "" {
		return property
	}
	return f.Navigation["owner"]
}

func bindProperty(f *schema.Field, ref translate.Reference) string {
	return navigation(f, ref.Entity) + bindSuffix
}

// checkBindable finds a lookup that cannot be written because the metadata has no relationship for it.
func checkBindable(f *schema.Field, l translate.Lookup, path string) *input.Fault {
	entity := l.Entity
	if entity == "" && len(f.Targets) > 0 {
		entity = f.Targets[0]
	}
	if navigation(f, entity) != "" {
		return nil
	}
	return input.NewFault(input.InvalidField, path, "%s", fmt.Sprintf("%s has no relationship with %s by which it could be written", translate.Named(f), entity))
}
