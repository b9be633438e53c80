package actions

import (
	"context"
	"strings"
)

// newIDShown stands in a listed request for a record ID that a real call would choose at random.
const newIDShown = "{new record ID}"

// validate lists the requests that create would send. What comes after the creation depends on its answer, and is listed
// with the condition.
func (c *creation) validate(ctx context.Context, plan *plan) (Result, error) {
	if _, err := c.send(ctx); plan.heldBack(err) != nil {
		return Result{}, plan.heldBack(err)
	}
	if err := c.validateRest(ctx, plan); err != nil {
		return Result{}, err
	}
	result := c.answer("", nil, nil)
	result.Requests = plan.Requests()
	if c.spec.RequestID == "" {
		hideID(result.Requests, string(c.id))
	}
	return result, nil
}

// validateRest lists the requests that may follow the creation.
func (c *creation) validateRest(ctx context.Context, plan *plan) error {
	plan.hold("if the answer is lost, or if Dataverse answers that the record may exist")
	if _, err := c.client.GetRecord(ctx, c.entity, c.id, c.selected()); plan.heldBack(err) != nil {
		return plan.heldBack(err)
	}
	if c.values.later != nil {
		plan.hold("once the record is created")
		if err := c.setState(ctx); plan.heldBack(err) != nil {
			return plan.heldBack(err)
		}
	}
	if c.save.NeedsRow() {
		plan.hold("once the record is created")
		if _, err := c.client.GetRecord(ctx, c.entity, c.id, c.selected()); plan.heldBack(err) != nil {
			return plan.heldBack(err)
		}
	}
	if c.spec.OnDuplicate == DoNotCreate && c.rules.InForce {
		plan.hold("if Dataverse refuses the record as a duplicate")
		c.matches(ctx)
	}
	plan.hold("if an alternate key refuses the record")
	c.sameKey(ctx)
	return nil
}

// hideID replaces a random ID, which a real call would not have.
func hideID(requests []PlannedRequest, id string) {
	for i := range requests {
		requests[i].URL = strings.ReplaceAll(requests[i].URL, id, newIDShown)
		for name, value := range requests[i].Body {
			if value == id {
				requests[i].Body[name] = newIDShown
			}
		}
	}
}
