package actions

import (
	"context"
	"fmt"
	"slices"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// mostMatches bounds how many existing records are looked at.
const mostMatches = 50

// matchFaults finds what is wrong with the fields by which the request wants existing records to be found.
func (c *creation) matchFaults() []input.Fault {
	var faults []input.Fault
	switch {
	case len(c.spec.MatchOn) > 0 && c.spec.OnDuplicate == CreateDuplicate:
		faults = append(faults, *input.NewFault(input.InvalidRequest, "match_on", "has no use with CREATE_DUPLICATE, which looks for no existing record"))
	case c.spec.ReportDuplicates && c.spec.OnDuplicate != CreateDuplicate:
		faults = append(faults, *input.NewFault(input.InvalidRequest, "report_duplicates", "has a use with CREATE_DUPLICATE only: else the answer tells the duplicates anyway"))
	case c.spec.ReportDuplicates && c.spec.IgnoreRules:
		faults = append(faults, *input.NewFault(input.InvalidRequest, "report_duplicates", "needs the duplicate rules, which ignore_duplicate_rules leaves out"))
	case len(c.spec.MatchOn) == 0 && c.spec.IgnoreRules && c.spec.OnDuplicate != CreateDuplicate:
		faults = append(faults, *input.NewFault(input.InvalidRequest, "ignore_duplicate_rules", "leaves nothing to find existing records by: give match_on, or choose CREATE_DUPLICATE"))
	}
	seen := map[*schema.Field]bool{}
	for i, name := range c.spec.MatchOn {
		f, path := translate.Field(c.entity, name), fmt.Sprintf("match_on[%d]", i)
		fault := c.matchFault(name, path)
		if f != nil && seen[f] {
			fault = translate.GivenTwice(f, path)
		}
		faults, seen[f] = append(faults, listed(fault)...), true
	}
	return faults
}

func (c *creation) matchFault(name, path string) *input.Fault {
	f := translate.Field(c.entity, name)
	switch {
	case f == nil:
		return translate.UnknownField(c.entity, name, path)
	case !translate.Searchable(f), f.Type == schema.DateTime && f.Behavior != schema.DateOnly:
		return input.NewFault(input.InvalidField, path, "%s.%s is of a kind by which no record can be found (%s)", c.entity.LogicalName, f.LogicalName, f.Type)
	}
	for given := range c.spec.Fields {
		if translate.Field(c.entity, given) == f {
			return nil
		}
	}
	return input.NewFault(input.InvalidField, path, "needs the value of %s, which `fields` does not give", f.LogicalName)
}

// prepareMatch makes the condition of the request's own match fields. A field that has no value leaves nothing to be found,
// which is told: a misspelt variable must not have records made twice in silence.
func (c *creation) prepareMatch() {
	if len(c.spec.MatchOn) == 0 {
		return
	}
	var names []string
	for _, name := range c.spec.MatchOn {
		f := translate.Field(c.entity, name)
		names = append(names, f.LogicalName)
		if isBlank(c.values.values[f.LogicalName]) {
			c.warn(DuplicateRuleNotApplied, c.values.path(f.LogicalName), "existing records are to be found by this field, which has no value: none was looked for by match_on")
			return
		}
	}
	c.match, _ = c.equal(names)
	c.matchNames = names
}

// lookFor finds the records that the request's own match fields find, and what the rules find beside them. Where one of
// them is the very record that is to be made, own is its place.
func (c *creation) lookFor(ctx context.Context) (found rowList, own int, err error) {
	top := mostMatches
	query := c.selected()
	query.Filter, query.OrderBy, query.Top = c.match, order.OData(order.Total(c.entity, nil)), &top
	page, err := c.client.ListRecords(ctx, c.entity, query)
	if err != nil {
		return rowList{}, -1, err
	}
	found.add(c.client, c.entity, page.Records, func(dataverse.Record) reason { return reason{matchOn: c.matchNames} })
	own = slices.IndexFunc(found.records, func(r Record) bool { return r.ID == string(c.id) })
	if own < 0 && len(found.records) > 0 && c.rules.InForce {
		byRules, _ := c.matches(ctx)
		found.join(byRules)
	}
	return found, own, nil
}

// equal is the condition that fields have the values that the record is to have; false where one has none.
func (c *creation) equal(names []string) (odata.Expr, bool) {
	var terms []odata.Expr
	for _, name := range names {
		f, value := c.entity.Field(name), c.values.values[name]
		if f == nil || value == nil {
			return nil, false
		}
		switch value := value.(type) {
		case translate.Reference:
			terms = append(terms, compare(f, odata.GUID(value.ID))...)
		case []int:
			terms = append(terms, exactlySelected(f, value)...)
		default:
			terms = append(terms, compare(f, literal(f, value))...)
		}
	}
	if len(terms) == 1 {
		return terms[0], true
	}
	return &odata.Logical{Op: odata.And, Terms: terms}, len(terms) > 0
}
