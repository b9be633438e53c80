package actions

import (
	"context"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// FindRecord asks for the first record whose fields equal the given values, and fulfil the given conditions. What it holds is read only.
type FindRecord struct {
	Environment   string         // "" for the default
	Entity        string         // logical name
	Where         map[string]any // by logical name or label: literals, templates, lookups; "@phone" for a number in any spelling
	Conditions    []Condition    // beside Where, all of them; one of Where and Conditions is needed
	OrderBy       []string       // as "createdon desc"; nil for active first, then oldest
	Save          map[string]string
	SaveDefaults  map[string]any
	Variables     map[string]any
	OnMultiple    OnMultiple
	MaxCandidates int    // how many to list where several match; 0 for none, but three for TakeNone
	CountMatches  bool   // tell exactly how many records match
	TimeZone      string // IANA name: whose days the days of `where` are; "" for the application user's
	Culture       string // language tag, of how texts write numbers; "" for digits and a point
	ValidateOnly  bool   // list the query, send it not
}

// FindRecord finds the first record of an entity whose fields equal the rendered values of spec.Where. No match is an
// outcome, not an error. It asks Dataverse once, beside lookups, what the metadata cache lacks, and
// the number of more than 5,000 matches.
func (r *Runtime) FindRecord(ctx context.Context, spec FindRecord) (Result, error) {
	ctx, cancel := withinBudget(ctx)
	defer cancel()
	client, entity, err := r.describeFor(ctx, spec.Environment, spec.Entity, dataverse.Find)
	if err != nil {
		return Result{}, err
	}
	requests := newPlan(spec.ValidateOnly)
	client = requests.through(client)
	found, err := withFreshMetadata(ctx, r, client, entity, func(e *schema.Entity) (recordSearch, error) {
		return r.planFind(ctx, client, e, spec)
	})
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
	records, all, err := found.list(ctx)
	if err != nil {
		return Result{}, err
	}
	return found.answer(records, all), nil
}

// recordSearch is a FindRecord that was checked: the query to send.
type recordSearch struct {
	search
	query *odata.Query
}

// list reads the first records and learns how many there are.
func (s recordSearch) list(ctx context.Context) ([]dataverse.Record, tally, error) {
	if s.phone != nil {
		return s.listByPhone(ctx, s.query, s.query.Count)
	}
	page, err := s.client.ListRecords(ctx, s.entity, s.query)
	if err != nil {
		return nil, tally{}, err
	}
	all, err := s.count(ctx, page)
	return page.Records, all, err
}

// planFind checks a request and makes its query. The error is an *input.Error with all faults, or Dataverse's.
func (r *Runtime) planFind(ctx context.Context, client *dataverse.Client, e *schema.Entity, spec FindRecord) (recordSearch, error) {
	s, faults := newSearch(client, e, spec.OnMultiple, spec.MaxCandidates)
	zone, fault := translate.ZoneOf(spec.TimeZone)
	if fault != nil {
		faults = append(faults, *fault)
	}
	writing, fault := translate.NumbersOf(spec.Culture)
	if fault != nil {
		faults = append(faults, *fault)
	}
	save, saveFaults, err := planSave(ctx, client, e, saveRequest{
		Save: spec.Save, Defaults: spec.SaveDefaults, Variables: spec.Variables, Links: true, Count: true, Phone: hasPhone(spec.Where),
	})
	if err != nil {
		return recordSearch{}, err
	}
	s.notes = newNotes(spec.ValidateOnly)
	orders, orderFaults := order.Parse(e, spec.OrderBy)
	wanted, whereFaults, err := comparer{runtime: r, client: client, entity: e, variables: spec.Variables, zone: zone, numbers: writing, notes: s.notes}.filter(ctx, spec.Where, spec.Conditions)
	if err != nil {
		return recordSearch{}, err
	}
	faults = append(append(append(whereFaults, orderFaults...), saveFaults...), faults...)
	if err := input.ErrorOf(faults); err != nil {
		return recordSearch{}, err
	}
	orders = order.Total(e, orders)
	s.save, s.orderedBy, s.phone = save, wanted.phone.ordered(order.Texts(orders)), wanted.phone
	top := s.top()
	return recordSearch{search: s, query: &odata.Query{
		Select: wanted.phone.selecting(save.Select()), Filter: wanted.filter, OrderBy: order.OData(orders), Top: &top, Expand: save.Expand(), Count: spec.CountMatches,
	}}, nil
}

// validate answers with the query, which is not sent.
func (s recordSearch) validate(ctx context.Context, requests *plan) (Result, error) {
	requests.hold("")
	if s.phone != nil {
		err := s.phone.plan(ctx, s.client, s.entity, s.query, s.wantedByPhone(s.query.Count), requests)
		return s.planned(requests), err
	}
	_, err := s.client.ListRecords(ctx, s.entity, s.query)
	if err := requests.heldBack(err); err != nil {
		return Result{}, err
	}
	if s.query.Count {
		requests.hold("if 5,000 records match, or more")
		_, err := s.client.ListRecords(ctx, s.entity, s.counting())
		if err := requests.heldBack(err); err != nil {
			return Result{}, err
		}
	}
	return s.planned(requests), nil
}
