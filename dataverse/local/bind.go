package local

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/botverse/botverse/dataverse/local/query"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// targetColumn is query's, under a name that reads well here.
func targetColumn(f *schema.Field) string { return query.TargetColumn(f) }

// lookupOf returns the lookup of a single-valued navigation property, and the entities it may lead to.
func (t *table) lookupOf(navigation string) (*schema.Field, []string) {
	f := t.FieldOfNavigation(navigation)
	if f == nil && t.IsActivity {
		// Activities are derived from activitypointer, whose own lookups have no suffix ("ownerid" for "ownerid_task").
		navigation += "_" + t.LogicalName
		f = t.FieldOfNavigation(navigation)
	}
	if f == nil {
		return nil, nil
	}
	var targets []string
	for _, target := range f.Targets {
		if f.Navigation[target] == navigation {
			targets = append(targets, target)
		}
	}
	return f, targets
}

func (r *reading) lookupOf(navigation string) (*schema.Field, []string) {
	return r.table.lookupOf(navigation)
}

// bind lets a lookup point at the record of a URI, or empties it for null. On a collection it takes several URIs.
func (r *reading) bind(ctx context.Context, navigation string, value any) error {
	f, targets := r.lookupOf(navigation)
	if c, ok := r.table.children[navigation]; f == nil && ok && r.creating {
		return r.bindChildren(navigation, c, value)
	}
	if f == nil {
		return badPayload(r.table, "An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.", navigation)
	}
	if value == nil {
		if r.writable(f) {
			r.in.values.clear(f)
		}
		return nil
	}
	uri, ok := value.(string)
	if !ok {
		return badPayload(r.table, "The value of '%s@odata.bind' must be a string, as \"/accounts(…)\".", navigation)
	}
	target, id, err := r.find(ctx, uri)
	if err != nil {
		return err
	}
	if !slices.Contains(targets, target.LogicalName) {
		return badPayload(r.table, "The navigation property '%s' cannot point at a record of '%s'.", navigation, target.EntitySetName)
	}
	if r.writable(f) {
		r.in.values.set(f, target.LogicalName, id)
	}
	return nil
}

func (r *reading) bindChildren(navigation string, c collection, value any) error {
	list, ok := value.([]any)
	if !ok {
		return badPayload(r.table, "The value of '%s@odata.bind' must be an array.", navigation)
	}
	n := nested{collection: c, target: r.s.tables[c.entity.LogicalName], navigation: navigation}
	for _, item := range list {
		uri, ok := item.(string)
		if !ok {
			return badPayload(r.table, "The value of '%s@odata.bind' must hold strings.", navigation)
		}
		n.binds = append(n.binds, uri)
	}
	r.in.children = append(r.in.children, n)
	return nil
}

// serviceRoot is what an absolute URI has before the path of a record.
var serviceRoot = regexp.MustCompile(`^(https?://[^/]+)?/api/data/v9\.\d+/`)

// relative is a URI as it is below the service root.
func relative(uri string) string {
	return strings.TrimPrefix(serviceRoot.ReplaceAllString(uri, ""), "/")
}

// find returns the record of a URI: absolute, relative, or the reference to an earlier part of a change set. The record is
// there, or find fails as Dataverse does.
func (m *mutation) find(ctx context.Context, uri string) (*table, string, error) {
	uri = relative(uri)
	if strings.HasPrefix(uri, "$") {
		made, ok := m.references[uri]
		if !ok {
			return nil, "", noSuchReference(uri)
		}
		uri = relative(made)
	}
	path, err := odata.ParsePath(uri)
	if err != nil {
		return nil, "", err
	}
	if len(path.Segments) != 1 {
		return nil, "", noSuchSegment(uri)
	}
	segment := path.Segments[0]
	t, err := m.s.tableOfSet(segment.Name)
	if err != nil {
		return nil, "", err
	}
	key, err := readKey(t, segment)
	if err != nil {
		return nil, "", err
	}
	id, found, err := m.s.resolve(ctx, m.conn, t, key)
	if err != nil {
		return nil, "", err
	}
	if found && (key.id == "" || m.trusted) { // seeds point at each other in circles
		return t, id, nil
	}
	if found, err = m.s.exists(ctx, m.conn, t, id); err == nil && !found {
		err = key.missing(t)
	}
	return t, id, err
}
