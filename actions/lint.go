package actions

import (
	"context"
	"errors"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// The Lint functions find what is wrong with a request whatever its variables are going to hold: entities and fields that are
// not there or cannot be used so, templates that do not parse, literals that do not fit their field, orders, sources and targets
// of what is saved. They ask Dataverse for metadata and for nothing else; records that a lookup names are not looked for. The
// Variables of a request are not read. The error is an *input.Error with every fault, or Dataverse's as it came.

// LintFindRecord finds what is wrong with a FindRecord whatever its variables are.
func (r *Runtime) LintFindRecord(ctx context.Context, spec FindRecord) error {
	spec.Variables = nil
	return r.lint(ctx, spec.Environment, spec.Entity, []dataverse.Verb{dataverse.Find}, func(l linter) ([]input.Fault, error) {
		faults, err := l.filter(ctx, spec.Where, spec.Conditions)
		if err != nil {
			return nil, err
		}
		more, err := l.settings(ctx, settings{
			orderBy: spec.OrderBy, maxCandidates: spec.MaxCandidates, timeZone: spec.TimeZone, culture: spec.Culture,
			save: saveRequest{Save: spec.Save, Defaults: spec.SaveDefaults, Links: true, Count: true, Phone: hasPhone(spec.Where)},
		})
		return append(faults, more...), err
	})
}

// LintFindRecordByFetchXML finds what is wrong with a FindRecordByFetchXML whatever its variables are. A fault of the query has
// its place as its field: "fetch_xml:3:14".
func (r *Runtime) LintFindRecordByFetchXML(ctx context.Context, spec FindRecordByFetchXML) error {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	spec.Variables = nil
	client, e, err := r.describeFor(ctx, spec.Environment, spec.Entity, dataverse.Find)
	if err != nil {
		return err
	}
	_, err = withFreshFetch(ctx, r, client, e, spec.FetchXML, func(e *schema.Entity) (fetchSearch, error) {
		s, _, faults, err := r.prepareFetch(ctx, client, e, spec)
		if err != nil {
			return s, err
		}
		return s, input.ErrorOf(faults)
	})
	return err
}

// LintCreateRecord finds what is wrong with a CreateRecord whatever its variables are. A required field has a value where the
// request names it.
func (r *Runtime) LintCreateRecord(ctx context.Context, spec CreateRecord) error {
	spec.Variables = nil
	return r.lint(ctx, spec.Environment, spec.Entity, spec.needs(), func(l linter) ([]input.Fault, error) {
		_, faults, err := l.fields(ctx, spec.input())
		if err != nil {
			return nil, err
		}
		made := creation{spec: spec, client: l.client, entity: l.entity}
		more, err := l.settings(ctx, settings{
			timeZone: spec.TimeZone, culture: spec.Culture, save: saveRequest{Save: spec.Save, Defaults: spec.SaveDefaults},
		})
		return slices.Concat(faults, made.matchFaults(), more), err
	})
}

// LintUpdateRecord finds what is wrong with an UpdateRecord whatever its variables are.
func (r *Runtime) LintUpdateRecord(ctx context.Context, spec UpdateRecord) error {
	purpose := toChange
	if spec.Merge == FillBlanks {
		purpose = toFill
	}
	return r.lintChange(ctx, change{spec: spec, purpose: purpose})
}

// LintUpsertRecord finds what is wrong with an UpsertRecord whatever its variables are. What a new record lacks is no fault: one
// that is there may have it.
func (r *Runtime) LintUpsertRecord(ctx context.Context, spec UpsertRecord) error {
	return r.lintChange(ctx, change{spec: spec.UpdateRecord, purpose: toUpsert, upsert: true})
}

func (r *Runtime) lintChange(ctx context.Context, c change) error {
	c.spec.Variables = nil
	return r.lint(ctx, c.spec.Environment, c.spec.Entity, c.needs(), func(l linter) ([]input.Fault, error) {
		values, faults, err := l.fields(ctx, c.input())
		if err != nil {
			return nil, err
		}
		c.runtime, c.client, c.entity, c.values = r, l.client, l.entity, values
		meant, err := l.which(ctx, &c)
		if err != nil {
			return nil, err
		}
		more, err := l.settings(ctx, settings{
			orderBy: c.spec.OrderBy, maxCandidates: c.spec.MaxCandidates, timeZone: c.spec.TimeZone, culture: c.spec.Culture,
			save: saveRequest{Save: c.spec.Save, Defaults: c.spec.SaveDefaults},
		})
		return slices.Concat(faults, meant, more), err
	})
}

// linter checks the parts of a request against an entity.
type linter struct{ comparer }

// lint runs a check against an entity, and where its faults may come of metadata that has changed, once more.
func (r *Runtime) lint(ctx context.Context, environment, entity string, needed []dataverse.Verb, check func(linter) ([]input.Fault, error)) error {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	client, e, err := r.describeFor(ctx, environment, entity, needed...)
	if err != nil {
		return err
	}
	_, err = withFreshMetadata(ctx, r, client, e, func(e *schema.Entity) (struct{}, error) {
		faults, err := check(linter{comparer{runtime: r, client: client, entity: e}})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, input.ErrorOf(faults)
	})
	return err
}

// settings are what requests have beside values.
type settings struct {
	orderBy       []string
	maxCandidates int
	timeZone      string
	culture       string
	save          saveRequest
}

// settings checks what a request has beside values.
func (l linter) settings(ctx context.Context, s settings) ([]input.Fault, error) {
	_, faults := newSearch(l.client, l.entity, TakeFirst, s.maxCandidates)
	if _, fault := translate.ZoneOf(s.timeZone); fault != nil {
		faults = append(faults, *fault)
	}
	if _, fault := translate.NumbersOf(s.culture); fault != nil {
		faults = append(faults, *fault)
	}
	_, orders := order.Parse(l.entity, s.orderBy)
	_, saves, err := planSave(ctx, l.client, l.entity, s.save)
	return slices.Concat(faults, orders, saves), err
}

// which checks how a change says which record it means.
func (l linter) which(ctx context.Context, c *change) ([]input.Fault, error) {
	if fault := c.whichFault(); fault != nil {
		return []input.Fault{*fault}, nil
	}
	switch {
	case c.spec.RecordID != "":
		if input.HasTemplate(c.spec.RecordID) {
			return l.templates(c.spec.RecordID, "record_id"), nil
		}
		_, fault := c.recordID(l.entity)
		return listed(fault), nil
	case len(c.spec.Key) > 0:
		faults := checkKey(l.entity, c.spec.Key)
		if faults != nil {
			return faults, nil
		}
		l.member = "key"
		return l.filter(ctx, c.spec.Key, nil)
	}
	faults, err := l.filter(ctx, c.spec.Where, c.spec.Conditions)
	if number, found := c.spec.Where[phoneMember]; found && c.upsert && err == nil {
		if search, _ := l.phone(assumedPhone(number)); search != nil {
			faults = append(faults, c.phoneIdentityFaults(l.entity, search)...)
		}
	}
	return faults, err
}

// templates finds what is wrong with the templates of a value, however deep they stand.
func (l linter) templates(value any, path string) []input.Fault {
	switch v := value.(type) {
	case string:
		if input.HasTemplate(v) {
			_, fault := l.runtime.renderer.Template(v, path)
			return listed(fault)
		}
	case map[string]any:
		var faults []input.Fault
		for _, name := range input.SortedNames(v) {
			faults = append(faults, l.templates(v[name], path+"."+name)...)
		}
		return faults
	case []any:
		var faults []input.Fault
		for _, element := range v {
			faults = append(faults, l.templates(element, path)...)
		}
		return faults
	}
	return nil
}

// templated reports whether a value has a template in it.
func templated(value any) bool {
	switch v := value.(type) {
	case string:
		return input.HasTemplate(v)
	case map[string]any:
		for _, member := range v {
			if templated(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, templated)
	}
	return false
}

// listed is one fault as a list, or none.
func listed(fault *input.Fault) []input.Fault {
	if fault == nil {
		return nil
	}
	return []input.Fault{*fault}
}

// entityOfLookup is the entity that a lookup's object names, where it can be known; nil else.
func (l linter) entityOfLookup(ctx context.Context, f *schema.Field, object map[string]any, path string) (*schema.Entity, *input.Fault, error) {
	if text, _ := object["entity"].(string); input.HasTemplate(text) {
		return nil, nil, nil
	}
	name, fault := translate.LookupEntity(f, object, translate.Options{Path: path})
	if fault != nil {
		return nil, fault, nil
	}
	e, err := l.client.Entity(ctx, name)
	if isUnknownEntity(err) {
		return nil, input.NewFault(input.InvalidValue, path, "the environment has no entity %q", name), nil
	}
	return e, notAllowed(l.client, name, path, dataverse.Find), err
}

func isUnknownEntity(err error) bool { return errors.Is(err, dataverse.ErrUnknownEntity) }
