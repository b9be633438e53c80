package actions

import (
	"context"

	"github.com/botverse/botverse/actions/fetch"
	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/fetchxml"
	"github.com/botverse/botverse/dataverse/schema"
)

// FindRecordByFetchXML asks for the first record that a FetchXML query gives. What it holds is read only.
type FindRecordByFetchXML struct {
	Environment   string // "" for the default
	Entity        string // logical name: the query's root entity
	FetchXML      string // outputs stand inside a condition's value and inside <value> only
	Save          map[string]string
	SaveDefaults  map[string]any
	Variables     map[string]any
	OnMultiple    OnMultiple
	MaxCandidates int    // how many to list where several match; 0 for none, but three for TakeNone
	CountMatches  bool   // tell exactly how many records match
	TimeZone      string // IANA name, of points in time without an offset; "" refuses them
	Culture       string // language tag, of how texts write numbers; "" for digits and a point
	ValidateOnly  bool   // list the query, send it not
}

// ByFetchXML is the search by a query, in place of what spec compares with and orders by.
func (spec FindRecord) ByFetchXML(query string) FindRecordByFetchXML {
	return FindRecordByFetchXML{
		Environment: spec.Environment, Entity: spec.Entity, FetchXML: query, Save: spec.Save, SaveDefaults: spec.SaveDefaults, Variables: spec.Variables,
		OnMultiple: spec.OnMultiple, MaxCandidates: spec.MaxCandidates, CountMatches: spec.CountMatches, TimeZone: spec.TimeZone, Culture: spec.Culture,
		ValidateOnly: spec.ValidateOnly,
	}
}

// FindRecordByFetchXML finds the first record that a FetchXML query gives. A variable is only ever a value of the query:
// it cannot change what the query is. No match is an outcome, not an error.
func (r *Runtime) FindRecordByFetchXML(ctx context.Context, spec FindRecordByFetchXML) (Result, error) {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	client, entity, err := r.describeFor(ctx, spec.Environment, spec.Entity, dataverse.Find)
	if err != nil {
		return Result{}, err
	}
	requests := newPlan(spec.ValidateOnly)
	client = requests.through(client)
	found, err := r.planFetch(ctx, client, entity, spec)
	if err != nil {
		return Result{}, err
	}
	if spec.ValidateOnly {
		result, err := found.validate(ctx, requests)
		if err != nil {
			return Result{}, err
		}
		return requests.explain(ctx, client, result)
	}
	return found.run(ctx)
}

// fetchSearch is a FindRecordByFetchXML that was checked: the query to send.
type fetchSearch struct {
	search
	query        *fetch.Query
	fetch        *fetchxml.Fetch // with its values
	countMatches bool
}

const (
	// rowsOfLinks is how many rows are asked for where a record can have several.
	rowsOfLinks = 100
	// mostRows is how many Dataverse gives at once (FetchXML, "Page results").
	mostRows = 5000
)

// planFetch checks a request and makes its query.
func (r *Runtime) planFetch(ctx context.Context, client *dataverse.Client, e *schema.Entity, spec FindRecordByFetchXML) (fetchSearch, error) {
	return withFreshFetch(ctx, r, client, e, spec.FetchXML, func(e *schema.Entity) (fetchSearch, error) {
		return r.checkFetch(ctx, client, e, spec)
	})
}

// withFreshFetch is withFreshMetadata for all entities of a query.
func withFreshFetch[T any](ctx context.Context, r *Runtime, client *dataverse.Client, e *schema.Entity, query string, check func(*schema.Entity) (T, error)) (T, error) {
	result, err := check(e)
	if !maybeStale(err) || !r.mayRefresh(client, e) || !fetch.Refresh(ctx, client, query) {
		return result, err
	}
	fresh, freshErr := client.Entity(ctx, e.LogicalName)
	if freshErr != nil {
		return result, err
	}
	return check(fresh)
}

// checkFetch checks a request and makes its query. The error is an *input.Error with all faults, or Dataverse's.
func (r *Runtime) checkFetch(ctx context.Context, client *dataverse.Client, e *schema.Entity, spec FindRecordByFetchXML) (fetchSearch, error) {
	s, values, faults, err := r.prepareFetch(ctx, client, e, spec)
	if err != nil {
		return fetchSearch{}, err
	}
	rendered, operandFaults, err := s.query.Render(ctx, values.ofFetch())
	if err != nil {
		return fetchSearch{}, err
	}
	s.fetch = rendered
	if faults = append(operandFaults, faults...); len(faults) == 0 {
		faults = listed(input.CheckQuery(rendered.XML(), "fetch_xml"))
	}
	return s, input.ErrorOf(faults)
}

// prepareFetch checks all of a request but its values, which the comparer is to render.
func (r *Runtime) prepareFetch(ctx context.Context, client *dataverse.Client, e *schema.Entity, spec FindRecordByFetchXML) (fetchSearch, comparer, []input.Fault, error) {
	query, err := r.fetches.Read(ctx, client, e, spec.FetchXML)
	if err != nil {
		return fetchSearch{}, comparer{}, nil, err
	}
	s, faults := newSearch(client, e, spec.OnMultiple, spec.MaxCandidates)
	zone, fault := translate.ZoneOf(spec.TimeZone)
	if fault != nil {
		faults = append(faults, *fault)
	}
	writing, fault := translate.NumbersOf(spec.Culture)
	if fault != nil {
		faults = append(faults, *fault)
	}
	if spec.CountMatches && query.Aggregate() {
		faults = append(faults, *input.NewFault(input.InvalidRequest, "count_matches", "an aggregate query finds no records that could be counted"))
	}
	save, saveFaults, err := newSavePlan(e, saveOf(query, spec), columnsOf(query))
	if err != nil {
		return fetchSearch{}, comparer{}, nil, err
	}
	s.save, s.orderedBy, s.warnings, s.notes = save, query.OrderedBy, warningsOf(query), newNotes(spec.ValidateOnly)
	values := comparer{runtime: r, client: client, entity: e, variables: spec.Variables, zone: zone, numbers: writing, notes: s.notes}
	return fetchSearch{search: s, query: query, countMatches: spec.CountMatches}, values, append(saveFaults, faults...), nil
}

// ofFetch are the values of a query.
func (c comparer) ofFetch() fetch.Values {
	v := fetch.Values{Variables: c.variables, Zone: c.zone, Numbers: c.numbers, Lookup: c.lookup}
	if c.notes != nil {
		v.Note = func(f *schema.Field, at string, given any, sent, reason string) {
			c.notes.add(newConversion(f, at, given, sent, reason))
		}
	}
	return v
}

// saveOf is what a request wants saved of its query's answer.
func saveOf(q *fetch.Query, spec FindRecordByFetchXML) saveRequest {
	req := saveRequest{Save: spec.Save, Defaults: spec.SaveDefaults, Variables: spec.Variables, Count: true}
	if q.Aggregate() {
		req.Count, req.NoRecord = false, "an aggregate query finds no record; its aliases can be saved"
	}
	return req
}

// columnsOf are what a query selects, as sources of what is saved.
func columnsOf(q *fetch.Query) columnOf {
	return func(name, path string) (column, *input.Fault, error) {
		c, fault := q.Column(name, path)
		return column{Property: c.Property, Field: c.Field}, fault, nil
	}
}

// warningsOf are what is to be told of a query, as an answer tells it.
func warningsOf(q *fetch.Query) []Warning {
	var warnings []Warning
	for _, w := range q.Warnings {
		code := PagingReplaced
		if w.Kind == fetch.OrderNotTotal {
			code = OrderNotTotal
		}
		warnings = append(warnings, Warning{Code: code, Field: w.Place, Message: w.Message})
	}
	return warnings
}

// run sends the query and answers with what it found.
func (s fetchSearch) run(ctx context.Context) (Result, error) {
	if s.query.Aggregate() {
		return s.aggregate(ctx)
	}
	top := s.rows()
	records, full, err := s.ask(ctx, top)
	if err == nil && full && s.asksAgain() && len(records) < s.top() {
		records, full, err = s.ask(ctx, mostRows)
	}
	if err != nil {
		return Result{}, err
	}
	all, err := s.count(ctx, records, full)
	if err != nil {
		return Result{}, err
	}
	return s.answer(records, all), nil
}

// rows is how many rows to ask for first.
func (s fetchSearch) rows() int {
	if s.query.Multiplies {
		return max(rowsOfLinks, s.top())
	}
	return s.top()
}

// asksAgain reports whether the rows that are asked for first may belong to too few records to tell whether there is another.
func (s fetchSearch) asksAgain() bool { return s.query.Multiplies && s.rows() < mostRows }

// ask sends the query for that many rows and returns their records, each once, with its first row.
func (s fetchSearch) ask(ctx context.Context, top int) (records []dataverse.Record, full bool, err error) {
	s.fetch.Top = &top
	page, err := s.client.FetchRecords(ctx, s.entity, s.fetch.XML())
	if err != nil {
		return nil, false, err
	}
	seen := map[dataverse.ID]bool{}
	for _, row := range page.Records {
		if !seen[row.ID()] {
			seen[row.ID()] = true
			records = append(records, row)
		}
	}
	return records, page.More || len(page.Records) >= top, nil
}

// aggregate sends an aggregate query as it is written: its first row is what can be saved, and no record.
func (s fetchSearch) aggregate(ctx context.Context) (Result, error) {
	page, err := s.client.FetchRecords(ctx, s.entity, s.fetch.XML())
	if err != nil {
		return Result{}, err
	}
	result, found := s.result(), saved{}
	result.Outcome = NotMatched
	if len(page.Records) > 0 {
		result.Outcome, found.Row = Matched, &page.Records[0]
	}
	result.Variables = s.save.Fill(found)
	return result, nil
}

// validate answers with the query, which is not sent.
func (s fetchSearch) validate(ctx context.Context, requests *plan) (Result, error) {
	requests.hold("")
	_, err := s.run(ctx)
	if err := requests.heldBack(err); err != nil {
		return Result{}, err
	}
	if !s.query.Aggregate() && s.asksAgain() {
		requests.hold("if the rows of the first request belong to too few records")
		_, _, err := s.ask(ctx, mostRows)
		if err := requests.heldBack(err); err != nil {
			return Result{}, err
		}
	}
	if s.countMatches {
		requests.hold("if more records match than the requests before ask for")
		_, err := s.count(ctx, nil, true)
		if err := requests.heldBack(err); err != nil {
			return Result{}, err
		}
	}
	return s.planned(requests), nil
}
