// Package fetch makes the FetchXML of a request ready to find records: it reads the query, checks it against metadata, makes its
// order total, and puts values in the place of its outputs. A variable is only ever a value of a query: none changes what it is.
package fetch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// Query is a FetchXML query that was read, checked against metadata, and made ready to find records in a total order.
// It is complete but for the values of its outputs and how much to ask for. It is only read, by any number of goroutines.
type Query struct {
	templates  *input.Renderer
	fetch      *fetchxml.Fetch
	root       *schema.Entity
	entities   []*schema.Entity  // all that it was checked against
	columns    map[string]Column // what it selects, by the source that `save` names it by
	operands   []operandPlace    // where values go
	OrderedBy  []string          // its total order, as an answer tells it
	Warnings   []Warning         // what its author should know
	Multiplies bool              // whether a link can give one record several rows
}

// Read reads and checks a query, or takes it from the cache where the metadata has not changed since. The error is an
// *input.Error with all faults, or Dataverse's.
func (r *Queries) Read(ctx context.Context, metadata Metadata, e *schema.Entity, text string) (*Query, error) {
	key := cacheKey{environment: metadata.Name(), entity: e.LogicalName, text: text}
	if q := r.kept.get(key); q != nil && q.current(ctx, metadata) {
		return q, nil
	}
	fetch, fault := parse(text)
	if fault != nil {
		return nil, input.ErrorOf([]input.Fault{*fault})
	}
	q, err := r.compile(ctx, metadata, e, fetch)
	if err != nil {
		return nil, err
	}
	r.kept.put(key, q)
	return q, nil
}

// Metadata tells what entities hold, as *dataverse.Client does.
type Metadata interface {
	Name() string // of the environment
	Entity(ctx context.Context, name string) (*schema.Entity, error)
	RefreshEntity(ctx context.Context, name string) (*schema.Entity, error)
	Permit(entity string, needed ...dataverse.Verb) error
}

// Aggregate reports whether the query's rows are no records but what is computed of them.
func (q *Query) Aggregate() bool { return q.fetch.Aggregate }

// current reports whether the query was checked against what is known of its entities now.
func (q *Query) current(ctx context.Context, metadata Metadata) bool {
	for _, e := range q.entities {
		if known, err := metadata.Entity(ctx, e.LogicalName); err != nil || known != e {
			return false
		}
	}
	return true
}

// compile checks a query and makes it ready. It changes fetch.
func (r *Queries) compile(ctx context.Context, metadata Metadata, e *schema.Entity, fetch *fetchxml.Fetch) (*Query, error) {
	if fault := mismatch(e, fetch.Entity); fault != nil {
		return nil, input.ErrorOf([]input.Fault{*fault})
	}
	known, faults, err := describeLinks(ctx, metadata, e, fetch)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, input.ErrorOf(faults) // the fields of an entity that is not known cannot be checked
	}
	return r.ready(fetch, known)
}

// mismatch is the fault of a query for another entity than the request's; nil where they are the same.
func mismatch(e *schema.Entity, root *fetchxml.Entity) *input.Fault {
	at := place(root.PosOf("name"))
	switch {
	case root.Name == e.LogicalName:
		return nil
	case strings.EqualFold(root.Name, e.LogicalName):
		return input.NewFault(input.EntityMismatch, at, "names in FetchXML are in lower case: %q", e.LogicalName)
	}
	return input.NewFault(input.EntityMismatch, at, "the query is for %q and the request for %q: both must name the same entity", root.Name, e.LogicalName)
}

// ready checks a query against the metadata of its entities and makes it ready. It changes fetch.
func (r *Queries) ready(fetch *fetchxml.Fetch, known map[string]*schema.Entity) (*Query, error) {
	var faults []input.Fault
	for _, fault := range fetchxml.Check(asIfListed(fetch), func(name string) *schema.Entity { return known[name] }) {
		faults = append(faults, checkFault(fault))
	}
	faults = slices.Concat(faults, unsupported(fetch), r.whenSetFaults(fetch), r.operandFaults(fetch))
	if err := input.ErrorOf(faults); err != nil {
		return nil, err
	}
	scope := newFetchScope(fetch, known)
	q := &Query{
		templates: &r.templates, fetch: fetch, root: scope.root(), entities: slices.Collect(maps.Values(known)), columns: scope.columns(), Multiplies: scope.multiplies(),
	}
	q.operands = r.operandPlaces(scope)
	q.makeReady(scope)
	return q, nil
}

// makeReady replaces the query's paging, has it select what the answer needs, and makes its order total. An aggregate query
// stays as it is written: its rows are no records.
func (q *Query) makeReady(scope *scope) {
	if q.fetch.Aggregate {
		q.OrderedBy, q.Warnings = aggregateOrder(q.fetch)
		return
	}
	q.Warnings = replacePaging(q.fetch)
	selectKeys(scope)
	orderedBy, warning := scope.makeOrderTotal()
	q.OrderedBy = orderedBy
	if warning != nil {
		q.Warnings = append(q.Warnings, *warning)
	}
}

// describeLinks asks for the metadata of all entities of a query, the root's own included, by logical name.
func describeLinks(ctx context.Context, metadata Metadata, root *schema.Entity, fetch *fetchxml.Fetch) (map[string]*schema.Entity, []input.Fault, error) {
	known := map[string]*schema.Entity{root.LogicalName: root}
	var faults []input.Fault
	for link := range AllLinks(&fetch.Entity.Contents) {
		if known[link.Name] != nil {
			continue
		}
		if err := metadata.Permit(link.Name, dataverse.Find); err != nil {
			faults = append(faults, *input.NewFault(input.NotAllowed, place(link.PosOf("name")), "%v", err))
			continue
		}
		e, err := metadata.Entity(ctx, link.Name)
		if errors.Is(err, dataverse.ErrUnknownEntity) {
			faults = append(faults, unknownLink(link, err))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		known[link.Name] = e
	}
	return known, faults, nil
}

func unknownLink(link *fetchxml.Link, err error) input.Fault {
	fault := input.NewFault(input.UnknownEntity, place(link.PosOf("name")), "there is no entity %q", link.Name)
	if unknown := new(dataverse.UnknownEntityError); errors.As(err, &unknown) {
		fault.NearestTo(unknown.Nearest)
	}
	return *fault
}

// asIfListed is the query as its operators' counts of values can be checked: one output may become the two values that an
// operator takes.
func asIfListed(fetch *fetchxml.Fetch) *fetchxml.Fetch {
	var pairs []int
	for i, c := range conditionsOf(fetch) {
		op, _ := fetchxml.LookupOperator(c.Operator)
		if operands := c.Operands(); op.Operands == fetchxml.Two && len(operands) == 1 && input.HasTemplate(operands[0].Text) {
			pairs = append(pairs, i)
		}
	}
	if len(pairs) == 0 {
		return fetch
	}
	listed := fetch.Clone()
	for _, i := range pairs {
		c := conditionsOf(listed)[i]
		c.Values = []fetchxml.Text{c.Operands()[0], c.Operands()[0]}
	}
	return listed
}

// Warning is something that the author of a query should know though it can be sent.
type Warning struct {
	Kind    WarningKind
	Place   string // as "fetch_xml:3:14"
	Message string // a sentence, without values
}

// WarningKind is what a Warning is about.
type WarningKind int

// What there is to be told of a query.
const (
	PagingReplaced WarningKind = iota
	OrderNotTotal              // rows that are equal in the order may come in any
)

// replacePaging drops the query's own top, count and page: a search sets how much it asks for. Top and the paging
// attributes exclude each other (FetchXML, "Page results").
func replacePaging(fetch *fetchxml.Fetch) []Warning {
	var replaced []string
	if fetch.Top != nil {
		replaced = append(replaced, "top")
	}
	if fetch.Count != nil {
		replaced = append(replaced, "count")
	}
	if fetch.Page != nil {
		replaced = append(replaced, "page")
	}
	fetch.Top, fetch.Count, fetch.Page, fetch.ReturnTotalRecordCount = nil, nil, nil, false
	if len(replaced) == 0 {
		return nil
	}
	return []Warning{{
		Kind: PagingReplaced, Place: place(fetch.PosOf(replaced[0])),
		Message: "The query's own " + strings.Join(replaced, " and ") + " was replaced: a search asks for as many records as its answer needs.",
	}}
}

// Refresh asks anew for the metadata of all entities of a query and reports whether any has changed.
func Refresh(ctx context.Context, metadata Metadata, text string) bool {
	fetch, fault := parse(text)
	if fault != nil {
		return false
	}
	names := []string{fetch.Entity.Name}
	for link := range AllLinks(&fetch.Entity.Contents) {
		names = append(names, link.Name)
	}
	slices.Sort(names)
	changed := false
	for _, name := range slices.Compact(names) {
		before, err := metadata.Entity(ctx, name)
		if err != nil {
			continue
		}
		after, err := metadata.RefreshEntity(ctx, name)
		changed = changed || err == nil && after != before
	}
	return changed
}
