package actions

import (
	"context"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// saveRequest is what a request says about saving.
type saveRequest struct {
	Save      map[string]string // variable to source
	Defaults  map[string]any    // by variable
	Variables map[string]any
	Links     bool   // whether "lookup.field" may be a source
	Count     bool   // whether "@count" may be a source
	Phone     bool   // whether "@phone_field" and "@phone_number" may be sources
	NoRecord  string // why there is no record for "@id", "@url", "@record"; "" where there is one
}

// savePlan is a request's `save`, checked: which fields must be read, and which variable each value goes to.
type savePlan struct {
	entity    *schema.Entity
	targets   []saveTarget // by variable
	defaults  map[string]any
	variables map[string]any
}

// saveTarget is one variable of `save`.
type saveTarget struct {
	variable string
	source   saveSource
}

// sourceKind says what a source names.
type sourceKind int

const (
	fieldSource sourceKind = iota
	idSource
	urlSource
	recordSource
	countSource
	phoneFieldSource
	phoneNumberSource
)

// saveSource is where the value of a variable comes from.
type saveSource struct {
	text      string // as written
	kind      sourceKind
	formatted bool // the value as people read it
	column    column
}

// column is where in an answer a field's value stands.
type column struct {
	Navigation string // the expanded lookup that it is behind; "" for the record's own
	Property   string
	Field      *schema.Field
}

// columnOf finds the column of a source's name, without its "@formatted".
type columnOf func(name, path string) (column, *input.Fault, error)

// specialSources are the sources that are no field.
var specialSources = map[string]sourceKind{
	"@id": idSource, "@url": urlSource, "@record": recordSource, "@count": countSource,
	"@phone_field": phoneFieldSource, "@phone_number": phoneNumberSource,
}

// formattedSuffix asks for a field's value as people read it.
const formattedSuffix = "@formatted"

// planSave checks the sources and targets of `save` against an entity. It asks Dataverse only for the metadata of
// entities that "lookup.field" names. err is Dataverse's, as it came.
func planSave(ctx context.Context, client *dataverse.Client, e *schema.Entity, req saveRequest) (*savePlan, []input.Fault, error) {
	return newSavePlan(e, req, func(name, path string) (column, *input.Fault, error) {
		return entityColumn(ctx, client, e, name, path, req.Links)
	})
}

// newSavePlan checks `save` with the columns that find knows.
func newSavePlan(e *schema.Entity, req saveRequest, find columnOf) (*savePlan, []input.Fault, error) {
	p := &savePlan{entity: e, targets: make([]saveTarget, 0, len(req.Save)), defaults: req.Defaults, variables: req.Variables}
	names := input.SortedNames(req.Save)
	faults := checkTargets(req, names)
	for _, variable := range names {
		source, fault, err := parseSource(req.Save[variable], "save."+variable, req, find)
		if err != nil {
			return nil, nil, err
		}
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		p.targets = append(p.targets, saveTarget{variable: variable, source: source})
	}
	return p, faults, nil
}

// parseSource reads one source of `save`.
func parseSource(text, path string, req saveRequest, find columnOf) (saveSource, *input.Fault, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "@") {
		kind, fault := specialSource(text, path, req)
		return saveSource{text: text, kind: kind}, fault, nil
	}
	name, formatted := strings.CutSuffix(text, formattedSuffix)
	if before, after, ok := strings.Cut(name, "@"); ok {
		fault := input.NewFault(input.InvalidField, path, "a field can be saved as %q, not as %q", before+formattedSuffix, "@"+after)
		fault.Nearest = []string{before + formattedSuffix}
		return saveSource{}, fault, nil
	}
	c, fault, err := find(name, path)
	return saveSource{text: text, formatted: formatted, column: c}, fault, err
}

// specialSource reads a source that is no field.
func specialSource(text, path string, req saveRequest) (sourceKind, *input.Fault) {
	kind, known := specialSources[text]
	switch {
	case !req.Phone && (kind == phoneFieldSource || kind == phoneNumberSource):
		return kind, input.NewFault(input.InvalidField, path, "%q is a source of a search by a phone number only: one that has %q in `where`", text, phoneMember)
	case !known || kind == countSource && !req.Count && req.NoRecord == "":
		fault := input.NewFault(input.InvalidField, path, "%q is no source; a source is a field, a field's value as people read it (\"name%s\"), %s", text, formattedSuffix, input.OneOf(allowedSpecials(req)))
		fault.Allowed = allowedSpecials(req)
		fault.Nearest = schema.Nearest(text, fault.Allowed)
		return kind, fault
	case req.NoRecord != "":
		return kind, input.NewFault(input.InvalidField, path, "%q cannot be saved: %s", text, req.NoRecord)
	}
	return kind, nil
}

func allowedSpecials(req saveRequest) []string {
	allowed := []string{"@id", "@record", "@url"}
	if req.Count {
		allowed = append(allowed, "@count")
	}
	if req.Phone {
		allowed = append(allowed, "@phone_field", "@phone_number")
	}
	return allowed
}

// entityColumn is the column of a record's own field, or of a field behind one of its lookups.
func entityColumn(ctx context.Context, client *dataverse.Client, e *schema.Entity, name, path string, links bool) (column, *input.Fault, error) {
	f := translate.Field(e, name) // first, for a label may have a dot in it
	if lookup, field, ok := strings.Cut(name, "."); f == nil && ok && links {
		return linkedColumn(ctx, client, e, lookup, field, path)
	} else if f == nil && ok {
		return column{}, input.NewFault(input.InvalidField, path, "what is behind %q cannot be saved here: save %[1]q itself, and find the record that it points at", lookup), nil
	}
	if f == nil {
		return column{}, translate.UnknownField(e, name, path), nil
	}
	return column{Property: f.Property(), Field: f}, unreadable(e, f, path), nil
}

// linkedColumn is the column of a field of the record that a lookup points at.
func linkedColumn(ctx context.Context, client *dataverse.Client, e *schema.Entity, lookup, field, path string) (column, *input.Fault, error) {
	f := translate.Field(e, lookup)
	if f == nil {
		return column{}, translate.UnknownField(e, lookup, path), nil
	}
	if linkedEntity(f) == "" {
		return column{}, input.NewFault(input.InvalidField, path, "%q is not behind a lookup with one target: %q can be saved itself, and FetchXML with a link-entity reads what is behind it", field, lookup), nil
	}
	if fault := notAllowed(client, f.Targets[0], path, dataverse.Find); fault != nil {
		return column{}, fault, nil
	}
	target, err := client.Entity(ctx, f.Targets[0])
	if err == nil && translate.Field(target, field) == nil {
		target, err = client.RefreshEntity(ctx, f.Targets[0]) // so that a new field works at once
	}
	if err != nil {
		return column{}, nil, err
	}
	c, fault, err := entityColumn(ctx, client, target, field, path, false)
	c.Navigation = f.Navigation[f.Targets[0]]
	return c, fault, err
}

// linkedEntity is the entity behind a lookup whose fields can be saved; "" where there is none. Only a lookup with one target has
// one navigation property whose fields are known before the record is.
func linkedEntity(f *schema.Field) string {
	if f.IsLookup() && len(f.Targets) == 1 && f.Navigation[f.Targets[0]] != "" {
		return f.Targets[0]
	}
	return ""
}

// unreadable is the fault of saving a field that a query cannot select; nil where it can.
func unreadable(e *schema.Entity, f *schema.Field, path string) *input.Fault {
	if base := e.Field(f.AttributeOf); !standsForItself(f) && base != nil && base.Type != schema.Uniqueidentifier {
		// A shadow such as parentcustomeridname is not a property of the Web API; the annotations tell the same.
		fault := input.NewFault(input.InvalidField, path, "%s.%s only shadows %s and cannot be read; its text is %q", e.LogicalName, f.LogicalName, f.AttributeOf, f.AttributeOf+formattedSuffix)
		fault.Nearest = []string{f.AttributeOf + formattedSuffix}
		return fault
	}
	if !standsForItself(f) || !translate.Savable(f) {
		return input.NewFault(input.InvalidField, path, "%s.%s cannot be saved into a variable: it cannot be read, or a variable cannot hold it (%s)", e.LogicalName, f.LogicalName, f.Type)
	}
	return nil
}

// NeedsRow reports whether a source is a field of the record, so that it must be read.
func (p *savePlan) NeedsRow() bool {
	return slices.ContainsFunc(p.targets, func(t saveTarget) bool { return t.source.kind == fieldSource })
}

// NeedsName reports whether a source is a reference, which has the record's name.
func (p *savePlan) NeedsName() bool {
	return slices.ContainsFunc(p.targets, func(t saveTarget) bool { return t.source.kind == recordSource })
}

// query is what reads the record for the plan.
func (p *savePlan) query() *odata.Query { return &odata.Query{Select: p.Select(), Expand: p.Expand()} }

// Select returns the properties to be read for the plan and for the record's name, sorted, the primary key first.
func (p *savePlan) Select() []string {
	properties := []string{}
	if p.entity.PrimaryName != "" {
		properties = append(properties, p.entity.PrimaryName)
	}
	for _, t := range p.targets {
		if t.source.kind == fieldSource && t.source.column.Navigation == "" {
			properties = append(properties, t.source.column.Property)
		}
	}
	properties = slices.DeleteFunc(properties, func(s string) bool { return s == p.entity.PrimaryID })
	slices.Sort(properties)
	return slices.Insert(slices.Compact(properties), 0, p.entity.PrimaryID)
}

// Expand returns the lookups to be expanded for the plan, sorted.
func (p *savePlan) Expand() []odata.Expand {
	properties := map[string][]string{}
	for _, t := range p.targets {
		if navigation := t.source.column.Navigation; navigation != "" {
			properties[navigation] = append(properties[navigation], t.source.column.Property)
		}
	}
	var expand []odata.Expand
	for _, navigation := range input.SortedNames(properties) {
		slices.Sort(properties[navigation])
		expand = append(expand, odata.Expand{Navigation: navigation, Select: slices.Compact(properties[navigation])})
	}
	return expand
}
