package actions

import (
	"context"
	"errors"
	"fmt"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// resolveLookup translates a rendered value of a lookup field, and asks Dataverse for the record where the value names
// it: {entity, name}, {entity, where}, a user's domain name or e-mail address. found is false where nothing is found and the
// value says that this is no fault ("missing": "OMIT"). err is Dataverse's, as it came.
//
// What is found is never remembered: a name may be another record's a moment later.
func resolveLookup(ctx context.Context, client *dataverse.Client, f *schema.Field, v any, o translate.Options) (ref translate.Reference, found bool, faults []input.Fault, err error) {
	l, fault := translate.ParseLookup(f, v, o)
	if fault != nil {
		return translate.Reference{}, false, []input.Fault{*fault}, nil
	}
	return findLookup(ctx, client, f, l, o)
}

// findLookup finds the record that a lookup asks for.
func findLookup(ctx context.Context, client *dataverse.Client, f *schema.Field, l translate.Lookup, o translate.Options) (ref translate.Reference, found bool, faults []input.Fault, err error) {
	if l.ID != "" {
		return translate.Reference{Entity: l.Entity, ID: l.ID}, true, nil, nil
	}
	if where, ok := l.Where.(lookupWhere); ok {
		return where.find(ctx, client, l, o)
	}
	ref, found, fault, err := findNamed(ctx, client, f, l, o)
	if fault != nil {
		faults = []input.Fault{*fault}
	}
	return ref, found, faults, err
}

// findNamed finds the active record of the lookup's name.
func findNamed(ctx context.Context, client *dataverse.Client, f *schema.Field, l translate.Lookup, o translate.Options) (ref translate.Reference, found bool, fault *input.Fault, err error) {
	entities := []string{l.Entity}
	if l.Entity == "" {
		entities = f.Targets // an owner: a user of that address, else a team of that name
	}
	var refs []translate.Reference
	for _, entity := range entities {
		if refs, err = recordsNamed(ctx, client, entity, l.Name); err != nil || len(refs) > 0 {
			break
		}
	}
	switch {
	case errors.Is(err, errNoName):
		return ref, false, input.NewFault(input.InvalidValue, o.Path, "records of %s have no name to find them by; give the ID", l.Entity), nil
	case errors.Is(err, dataverse.ErrUnknownEntity):
		return ref, false, input.NewFault(input.InvalidValue, o.Path, "the environment has no entity %q", l.Entity), nil
	case errors.Is(err, dataverse.ErrNotAllowed):
		return ref, false, refusedByConfig(err, o.Path), nil
	case err != nil:
		return ref, false, nil, err
	case len(refs) == 1:
		return refs[0], true, nil, nil
	case len(refs) > 1:
		return ref, false, input.NewFault(input.LookupAmbiguous, o.Path, "several active records of %s are named %s; give the ID of one", refs[0].Entity, translate.Shown(f, l.Name)), nil
	case l.Omit:
		return ref, false, nil, nil
	}
	return ref, false, input.NewFault(input.LookupNotFound, o.Path, "no active record of %s is named %s", input.OneOf(entities), translate.Shown(f, l.Name)), nil
}

// errNoName is an entity whose records have no name.
var errNoName = errors.New("the entity has no primary name")

// recordsNamed returns the active records of an entity that have a name, two at most: more would not say more.
func recordsNamed(ctx context.Context, client *dataverse.Client, entity, name string) ([]translate.Reference, error) {
	if name == "" {
		return nil, nil // a blank name is nobody's
	}
	e, err := client.Entity(ctx, entity)
	if err != nil {
		return nil, fmt.Errorf("look up a record by name: %w", err)
	}
	filter := nameFilter(e, name)
	if filter == nil {
		return nil, errNoName
	}
	two := 2
	page, err := client.ListRecords(ctx, e, &odata.Query{Select: []string{e.PrimaryID}, Filter: filter, Top: &two})
	if err != nil {
		return nil, fmt.Errorf("look up a record by name: %w", err)
	}
	var refs []translate.Reference
	for _, record := range page.Records {
		refs = append(refs, translate.Reference{Entity: entity, ID: record.ID()})
	}
	return refs, nil
}

// nameFilter is the condition of being active and having the name; nil for an entity without names. Users are found by
// the names they sign in with, too: full names repeat.
func nameFilter(e *schema.Entity, name string) odata.Expr {
	equal := func(field string) odata.Expr {
		return &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: odata.String(name)}
	}
	switch {
	case e.LogicalName == "systemuser":
		return &odata.Logical{Op: odata.And, Terms: []odata.Expr{
			&odata.Logical{Op: odata.Or, Terms: []odata.Expr{equal("domainname"), equal("internalemailaddress"), equal("fullname")}},
			&odata.Compare{Path: odata.Path{"isdisabled"}, Op: odata.Eq, Value: odata.Bool(false)},
		}}
	case e.PrimaryName == "":
		return nil
	case !e.HasState():
		return equal(e.PrimaryName)
	}
	return &odata.Logical{Op: odata.And, Terms: []odata.Expr{
		equal(e.PrimaryName),
		&odata.Compare{Path: odata.Path{"statecode"}, Op: odata.Eq, Value: odata.Number("0")},
	}}
}
