package actions

import (
	"context"
	"fmt"
	"slices"

	"github.com/botverse/botverse/actions/order"
	"github.com/botverse/botverse/actions/translate"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// meet answers a creation that existing records stand in the way of, as the request wants it. Records of other entities are
// listed, and never used or changed.
func (c *creation) meet(ctx context.Context, found rowList) (result Result, err error) {
	own := found.of(c.entity.LogicalName)
	switch {
	case !c.spec.OnDuplicate.takesExisting() || len(own.records) == 0:
		record, row := own.only()
		result = c.answer(Duplicate, record, row)
	case len(own.records) > 1 && !c.spec.UseFirst:
		result = c.answer(Ambiguous, nil, nil)
	default:
		result, err = c.takeFirst(ctx, own)
	}
	if err == nil && result.Outcome != Created && result.Outcome != AlreadyCreated {
		result.Existing, result.Matches = found.records, found.matches()
	}
	return result, err
}

// takesExisting reports whether a record that exists can be the answer.
func (o OnDuplicate) takesExisting() bool {
	return o == UseExisting || o == UpdateExisting || o == FillExisting || o == UpdateIfNewer
}

// takeFirst answers with the existing record, or with the first of several in the order of a search.
func (c *creation) takeFirst(ctx context.Context, own rowList) (Result, error) {
	at, orders := 0, []string(nil)
	if len(own.records) > 1 {
		var err error
		if at, err = c.first(ctx, own); err != nil {
			return Result{}, err
		}
		orders = order.Texts(order.Total(c.entity, nil))
	}
	result, err := c.take(ctx, own.records[at], own.rows[at])
	result.OrderedBy = orders
	return result, err
}

// first is the place of the record that a search would find first.
func (c *creation) first(ctx context.Context, own rowList) (int, error) {
	ids := make([]odata.Expr, len(own.records))
	for i, record := range own.records {
		ids[i] = &odata.Compare{Path: odata.Path{c.entity.PrimaryID}, Op: odata.Eq, Value: odata.GUID(record.ID)}
	}
	one := 1
	page, err := c.client.ListRecords(ctx, c.entity, &odata.Query{
		Select: []string{c.entity.PrimaryID}, Filter: &odata.Logical{Op: odata.Or, Terms: ids}, OrderBy: order.OData(order.Total(c.entity, nil)), Top: &one,
	})
	if err != nil || len(page.Records) == 0 { // deleted meanwhile: whichever is taken, it is not there
		return 0, err
	}
	return slices.IndexFunc(own.records, func(r Record) bool { return r.ID == string(page.Records[0].ID()) }), nil
}

// take answers with an existing record, after merging what the request has into it where that is wanted.
func (c *creation) take(ctx context.Context, record Record, row dataverse.Record) (Result, error) {
	if c.spec.OnDuplicate == UseExisting {
		return c.answer(Existing, &record, &row), nil
	}
	m := c.merging(dataverse.ID(record.ID))
	outcome, row, err := m.run(ctx)
	c.made = c.made || m.wrote
	c.warnings = append(c.warnings, m.warnings()...)
	switch {
	case err != nil:
		return Result{}, err
	case outcome == NotMatched && !c.gone: // deleted since it was found
		c.gone = true
		return c.create(ctx)
	case outcome == NotMatched:
		return Result{}, fmt.Errorf("the existing record: %w", dataverse.ErrNotFound)
	case outcome == InDoubt:
		result := c.answer(InDoubt, nil, nil)
		result.Record = &record
		return result, nil
	case m.unreadable:
		return c.answer(outcome, &record, nil), nil
	}
	record = recordOf(c.client, c.entity, row)
	return c.answer(outcome, &record, &row), nil
}

// merging is the merge of the record that was to be made into one that exists. What can be written only when a record is
// made stays out.
func (c *creation) merging(id dataverse.ID) *merge {
	m := &merge{client: c.client, entity: c.entity, id: id, values: map[string]any{}, save: c.save, paths: c.values.path}
	switch c.spec.OnDuplicate {
	case FillExisting:
		m.policy = FillBlanks
	case UpdateIfNewer:
		m.policy, m.asOf = NewestWins, c.asOf
	}
	for name, value := range c.values.withState() {
		if f := c.entity.Field(name); changeable(c.entity, f) {
			m.values[name] = value
		} else if name != stateField {
			c.warnings = append(c.warnings, fieldKept(f, c.values.path(name)))
		}
	}
	return m
}

// fieldKept tells that an existing record keeps its value of a field.
func fieldKept(f *schema.Field, path string) Warning {
	return Warning{
		Code: FieldNotUpdatable, Field: path,
		Message: translate.Named(f) + " can be written when a record is created, and not changed later: the existing record keeps its own",
	}
}

// withState is the values with the state that goes with a given status.
func (v *recordValues) withState() map[string]any {
	values := make(map[string]any, len(v.values)+2)
	for name, value := range v.values {
		values[name] = value
	}
	for name, value := range v.later {
		values[name] = value
	}
	if status, ok := values[statusField].(int); ok {
		if option := v.statusOption(status); option != nil {
			values[stateField] = *option.State
		}
	}
	return values
}
