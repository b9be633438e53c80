package actions

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
)

// recordValues are a request's `fields`, translated.
type recordValues struct {
	entity   *schema.Entity
	purpose  purpose
	values   map[string]any   // by logical name, as translated.Wire; nil for null
	later    dataverse.Fields // to be written once the record exists: its state; nil for nothing
	omitted  []string         // left out because a variable is not set, sorted
	warnings []Warning
	lookups  map[string]*asked   // as the request names them
	parties  map[string][]*asked // likewise, by field
	seen     map[string]bool     // fields that the request names
	labelled map[string]string   // where fields were given that the request names by their labels
	faults   []input.Fault
	notes    *notes                // nil where nothing is to be explained
	given    map[string]Conversion // by logical name
	stale    bool                  // whether a fault may come of metadata that is out of date
}

// translateFields renders and translates a request's `fields`, and finds every fault before it asks Dataverse anything. A
// field or an option that is not known has the entity's metadata read again, once, so that a new one works at once.
func (r *Runtime) translateFields(ctx context.Context, client *dataverse.Client, e *schema.Entity, in fieldInput) (*recordValues, error) {
	if fault := in.purpose.refused(e, in.fields); fault != nil {
		return nil, input.ErrorOf([]input.Fault{*fault})
	}
	zone, zoneFault := translate.ZoneOf(in.timeZone)
	if zoneFault != nil {
		zone = time.UTC // stands in, so that the other faults can be found
	}
	writing, cultureFault := translate.NumbersOf(in.culture)
	v := r.translateOnce(e, in, zone, writing)
	if v.stale && r.mayRefresh(client, e) {
		fresh, err := client.RefreshEntity(ctx, e.LogicalName)
		if err != nil {
			return nil, err
		}
		v = r.translateOnce(fresh, in, zone, writing)
	}
	for _, fault := range []*input.Fault{zoneFault, cultureFault} {
		if fault != nil {
			v.fault(fault)
		}
	}
	if err := v.resolveLookups(ctx, client); err != nil && len(v.faults) == 0 { // what is wrong anyway goes first
		return nil, err
	}
	v.checkState()
	v.checkRequired()
	if len(v.faults) > 0 {
		return v, input.ErrorOf(v.faults)
	}
	return v, v.noteSent(ctx, client)
}

// translateOnce renders and translates what needs no request.
func (r *Runtime) translateOnce(e *schema.Entity, in fieldInput, zone *time.Location, writing *translate.Numbers) *recordValues {
	v := &recordValues{entity: e, purpose: in.purpose, values: make(map[string]any, len(in.fields)), lookups: map[string]*asked{}, parties: map[string][]*asked{}, seen: make(map[string]bool, len(in.fields)), notes: newNotes(in.explain), given: map[string]Conversion{}}
	names := input.SortedNames(in.fields)
	paths := pathsOf("fields.", names)
	for i, name := range names {
		o := translate.Options{Path: paths[i], Zone: zone, Numbers: writing, CutLongText: in.cutLongText}
		f, fault := v.field(name, o.Path)
		if fault != nil {
			v.fault(fault)
			continue
		}
		given, faults := switchesOf(in.fields[name], in.onUnset, o.Path)
		if len(faults) > 0 {
			v.faults = append(v.faults, faults...)
			continue
		}
		v.takeGiven(f, given, comparer{runtime: r, variables: in.variables, zone: zone, numbers: writing, notes: v.notes}, o)
	}
	return v
}

// pathsOf puts the same before each of many names. All share one text.
func pathsOf(before string, names []string) []string {
	var all strings.Builder
	length := 0
	for _, name := range names {
		length += len(before) + len(name)
	}
	all.Grow(length)
	paths := make([]string, len(names))
	for i, name := range names {
		start := all.Len()
		all.WriteString(before)
		all.WriteString(name)
		paths[i] = all.String()[start:]
	}
	return paths
}

// takeGiven renders and translates what the request gives for a field.
func (v *recordValues) takeGiven(f *schema.Field, given switched, c comparer, o translate.Options) {
	rendered, fault := c.renderField(f, given.value, o.Path)
	if fault != nil {
		v.fault(fault)
		return
	}
	switch what, why := given.remedy(rendered); what {
	case asItIs:
		if v.notes != nil {
			v.noteField(f, o.Path, rendered.Value, translate.Reason(f, rendered.Value, o))
		}
		v.take(f, rendered.Value, o)
	case clearIt:
		v.noteField(f, o.Path, nil, why+", which clears the field")
		v.values[f.LogicalName] = nil
	case leaveOut:
		v.omitted = append(v.omitted, f.LogicalName)
	case refuseIt:
		v.fault(input.NewFault(input.VariableUnset, o.Path, "%s", why))
	case takeDefault:
		rest := map[string]remedy{onUnsetMember: refuseIt, onNullMember: clearIt} // a default must say something, or null
		v.takeGiven(f, switched{value: given.fallback, remedies: rest}, c, o)
		if n, ok := v.given[f.LogicalName]; ok && !n.Sensitive {
			n.Reason = "the default, because " + why + "; " + n.Reason
			v.given[f.LogicalName] = n
		}
	}
}

func (v *recordValues) fault(f *input.Fault) { v.faults = append(v.faults, *f) }

// take translates one rendered value into the record.
func (v *recordValues) take(f *schema.Field, rendered any, o translate.Options) {
	if f.IsLookup() {
		l, fault := translate.ParseLookup(f, rendered, o)
		if fault == nil {
			fault = checkBindable(f, l, o.Path)
		}
		if fault != nil {
			v.fault(fault)
			return
		}
		v.lookups[f.LogicalName] = &asked{path: o.Path, lookup: l}
		return
	}
	if f.Type == schema.PartyList {
		v.takeParties(f, rendered, o)
		return
	}
	value, fault := translate.Value(f, rendered, o)
	if fault != nil {
		v.stale = v.stale || f.IsChoice() || f.Type == schema.MultiSelectPicklist
		v.fault(fault)
		return
	}
	v.values[f.LogicalName] = value.Wire
	if value.Cut {
		v.warnings = append(v.warnings, Warning{
			Code: TextCut, Field: o.Path, Message: fmt.Sprintf("the text was cut to the %d characters that %s takes", f.MaxLength, translate.Named(f)),
		})
	}
}

// field is the field that a member of `fields` writes. It may be named by its label, and in any case, but only once.
func (v *recordValues) field(name, path string) (*schema.Field, *input.Fault) {
	f := translate.Field(v.entity, name)
	if f == nil {
		v.stale = true
		return nil, translate.UnknownField(v.entity, name, path)
	}
	if fault := v.purpose.notWritable(v.entity, f, path); fault != nil {
		return nil, fault
	}
	if v.seen[f.LogicalName] {
		return nil, translate.GivenTwice(f, path)
	}
	v.seen[f.LogicalName] = true
	if translate.ByLabel(f, name) != "" {
		if v.labelled == nil {
			v.labelled = map[string]string{}
		}
		v.labelled[f.LogicalName] = path
	}
	return f, nil
}

// path is where the request gives a field's value, or would give it.
func (v *recordValues) path(field string) string {
	return cmp.Or(v.labelled[field], "fields."+field)
}

// concurrentLookups bounds the lookups by name that one action asks for at a time.
const concurrentLookups = 4

// resolveLookups asks Dataverse for the records that lookups name. It adds the faults to those that were found before.
func (v *recordValues) resolveLookups(ctx context.Context, client *dataverse.Client) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentLookups)
	ask := func(f *schema.Field, a *asked) {
		if l := a.lookup; l.ID != "" || a.address != "" {
			a.ref, a.found = translate.Reference{Entity: l.Entity, ID: l.ID}, true
			return
		}
		group.Go(func() (err error) {
			a.ref, a.found, a.faults, err = findLookup(ctx, client, f, a.lookup, translate.Options{Path: a.path})
			return err
		})
	}
	for _, name := range input.SortedNames(v.lookups) {
		ask(v.entity.Field(name), v.lookups[name])
	}
	for _, name := range input.SortedNames(v.parties) {
		for _, a := range v.parties[name] {
			ask(v.entity.Field(name), a)
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, name := range input.SortedNames(v.lookups) {
		v.lookupFound(name)
	}
	for _, name := range input.SortedNames(v.parties) {
		v.partiesFound(name)
	}
	return nil
}

// lookupFound takes over what a lookup has found.
func (v *recordValues) lookupFound(name string) {
	switch a := v.lookups[name]; {
	case a.faults != nil:
		v.faults = append(v.faults, a.faults...)
	case a.found:
		v.values[name] = a.ref
	default:
		v.warnings = append(v.warnings, Warning{Code: LookupOmitted, Field: a.path, Message: "the lookup finds nothing: the field was left out"})
	}
}

// checkRequired finds required fields without a value. Blank counts as none. A record that is there has its values: there
// it is those that would be cleared.
func (v *recordValues) checkRequired() {
	for _, f := range v.entity.Fields {
		if v.purpose.requires(v, f) && isBlank(v.values[f.LogicalName]) {
			v.missing(f)
		}
	}
}

// missing is the fault of a required field without a value.
func (v *recordValues) missing(f *schema.Field) {
	path, why := v.path(f.LogicalName), ""
	switch {
	case v.purpose != toCreate:
		why = ": it cannot be cleared"
	case slices.Contains(v.omitted, f.LogicalName):
		why = ": its variable is not set"
	}
	if !v.faulty(path) {
		v.fault(input.NewFault(input.MissingRequired, path, "%s is required%s", translate.Named(f), why))
	}
}

// faulty reports whether a field has a fault already, which then is the one to mend.
func (v *recordValues) faulty(path string) bool {
	return slices.ContainsFunc(v.faults, func(f input.Fault) bool {
		rest, ok := cutPrefixFold(f.Field, path)
		return ok && (rest == "" || rest[0] == '.') // the whole of it, or a part
	})
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

func isBlank(value any) bool {
	text, isText := value.(string)
	return value == nil || isText && strings.TrimSpace(text) == ""
}

// refreshInterval is how often a name that is not known has an entity's metadata read again: a flow with a misspelt
// field must not have it read for every call.
const refreshInterval = time.Second

// mayRefresh reports whether an entity's metadata is to be read again now.
func (r *Runtime) mayRefresh(client *dataverse.Client, e *schema.Entity) bool {
	key := client.Name() + "/" + e.LogicalName // of entities that exist: a bounded number
	now := time.Now()
	last, loaded := r.refreshed.Swap(key, now)
	if loaded && now.Sub(last.(time.Time)) < refreshInterval {
		r.refreshed.Store(key, last)
		return false
	}
	return true
}
