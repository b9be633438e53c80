package actions

import (
	"context"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/dataverse"
)

// newIDShown stands in a listed request for a record ID that a real call would choose at random.
const newIDShown = "{new record ID}"

// validate lists the requests that create would send. What comes after the creation depends on its answer, and is listed
// with the condition.
func (c *creation) validate(ctx context.Context, plan *plan) (Result, error) {
	if err := c.list(ctx, plan); err != nil {
		return Result{}, err
	}
	result := c.answer("", nil, nil)
	result.Requests = plan.Requests()
	if c.spec.RequestID == "" {
		hideID(result.Requests, string(c.id), newIDShown)
	}
	hideID(result.Requests, string(anyRecord), anyRecordShown)
	c.report(&result)
	result.Explanation = &Explanation{Conversions: c.values.notes.all(), DuplicateRules: c.explainedRules()}
	return plan.explain(ctx, c.client, result)
}

// list lists the requests: those of a record that the match fields find now, else those of a creation.
func (c *creation) list(ctx context.Context, plan *plan) error {
	if c.spec.ReportDuplicates {
		c.lookForReport(ctx)
	}
	if c.match != nil {
		found, own, err := c.lookFor(ctx)
		if err != nil || own >= 0 {
			return err
		}
		if len(found.records) > 0 {
			_, err := c.meet(ctx, found)
			return plan.heldOrDone(err)
		}
	}
	if _, _, err := c.send(ctx); plan.heldBack(err) != nil {
		return plan.heldBack(err)
	}
	return c.validateRest(ctx, plan)
}

// validateRest lists the requests that may follow the creation.
func (c *creation) validateRest(ctx context.Context, plan *plan) error {
	plan.hold(c.readCondition())
	if _, err := c.client.GetRecord(ctx, c.entity, c.id, c.selected()); plan.heldBack(err) != nil {
		return plan.heldBack(err)
	}
	if c.values.later != nil {
		plan.hold("once the record is created")
		if _, err := c.sendState(ctx); plan.heldBack(err) != nil {
			return plan.heldBack(err)
		}
	}
	if c.detects() && c.rules.InForce {
		plan.hold("if Dataverse refuses the record as a duplicate")
		_, _ = c.matches(ctx) // all of which are held
	}
	plan.hold("if an alternate key refuses the record")
	c.sameKey(ctx)
	if c.spec.OnDuplicate.takesExisting() && c.spec.OnDuplicate != UseExisting {
		return c.merging(anyRecord).list(ctx, plan, "if one existing record matches")
	}
	return nil
}

// readCondition says when the record is read by its ID.
func (c *creation) readCondition() string {
	if c.needsRow() {
		return "if the answer is lost or tells nothing of the record, or if Dataverse answers that the record may exist"
	}
	return "if the answer is lost, or if Dataverse answers that the record may exist"
}

// anyRecord stands in listed requests for a record that is not known before.
const anyRecord dataverse.ID = "00000000-0000-0000-0000-000000000000"

// anyRecordShown is how it is shown.
const anyRecordShown = "{existing record ID}"

// list lists the requests of a merge into a record of which nothing is known: every value is to be written.
func (m *merge) list(ctx context.Context, plan *plan, condition string) error {
	plan.hold(condition)
	if _, err := m.client.GetRecord(ctx, m.entity, m.id, m.selected()); plan.heldBack(err) != nil {
		return plan.heldBack(err)
	}
	if m.policy == NewestWins {
		condition += " and was not changed after as_of"
	}
	plan.hold(condition + ", with the values that it lacks and the version that was read")
	_, err := m.write(ctx, dataverse.Record{}, input.SortedNames(m.values))
	return plan.heldBack(err)
}

// hideID replaces an ID that a real call would not have.
func hideID(requests []PlannedRequest, id, shown string) {
	for i := range requests {
		requests[i].URL = strings.ReplaceAll(requests[i].URL, id, shown)
		for name, value := range requests[i].Body {
			if value == id {
				requests[i].Body[name] = shown
			}
		}
	}
}
