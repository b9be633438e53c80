package actions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// wire is the record as the Web API takes it. A lookup is bound by the navigation property of the metadata, in its case
// (Web API, "Associate and disassociate table rows").
func (v *recordValues) wire(ctx context.Context, client *dataverse.Client) (dataverse.Fields, error) {
	fields := make(dataverse.Fields, len(v.values)+1)
	for name, value := range v.values {
		f := v.entity.Field(name)
		switch value := value.(type) {
		case reference:
			target, err := client.Entity(ctx, value.Entity)
			if errors.Is(err, dataverse.ErrUnknownEntity) {
				return nil, inputError([]Fault{*newFault(InvalidValue, "fields."+name, "the environment has no entity %q", value.Entity)})
			}
			if err != nil {
				return nil, err
			}
			fields[bindProperty(f, value)] = "/" + odata.RecordPath(target.EntitySetName, string(value.ID))
		case []int:
			fields[name] = strings.ReplaceAll(joinInts(value), " ", "")
		case nil:
			if !f.IsLookup() { // a new record's lookups are empty as they are
				fields[name] = nil
			}
		default:
			fields[name] = value
		}
	}
	return fields, nil
}

// navigation is the property by which a lookup is bound to an entity; "" where there is none. An owner's may stand under
// the name of what users and teams have in common.
func navigation(f *schema.Field, entity string) string {
	if property := f.Navigation[entity]; property != "" {
		return property
	}
	return f.Navigation["owner"]
}

func bindProperty(f *schema.Field, ref reference) string {
	return navigation(f, ref.Entity) + "@odata.bind"
}

// checkBindable finds a lookup that cannot be written because the metadata has no relationship for it.
func checkBindable(f *schema.Field, l lookup, path string) *Fault {
	entity := l.Entity
	if entity == "" && len(f.Targets) > 0 {
		entity = f.Targets[0]
	}
	if navigation(f, entity) != "" {
		return nil
	}
	return newFault(InvalidField, path, "%s", fmt.Sprintf("%s has no relationship with %s by which it could be written", named(f), entity))
}
