package local

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

// What a fault may do to the delivery of a webhook: Fault.Webhook.
const (
	WebhookDelayed  = "delayed"  // only waits for the fault's Delay
	WebhookTwice    = "twice"    // posts it once more when it was taken
	WebhookLate     = "late"     // posts it after the next one of its step; until there is one, it waits
	WebhookDropped  = "dropped"  // posts nothing, and goes on as if it had been taken
	WebhookOversize = "oversize" // leaves the payload out, as of one that is too large
)

var webhookEffects = []string{WebhookDelayed, WebhookTwice, WebhookLate, WebhookDropped, WebhookOversize}

// ofWebhooks reports whether a fault strikes deliveries, and not requests.
func (f Fault) ofWebhooks() bool { return f.Webhook != "" }

// strikesStep reports whether a fault is meant for what a step tells of an entity.
func (f Fault) strikesStep(step step, entity string) bool {
	return f.ofWebhooks() && (f.Step == step.id || strings.Contains(step.name, f.Step)) && (f.Entity == "" || f.Entity == entity)
}

// strikeWebhook returns the fault that hits a delivery, and counts it; the zero Fault where none does. The delivery that goes out
// before one that is late must not be late itself: else the two would be in order again.
func (p *plan) strikeWebhook(step step, entity string, mayBeLate bool) Fault {
	f := p.choose(func(f Fault) bool { return f.strikesStep(step, entity) && (mayBeLate || f.Webhook != WebhookLate) })
	if f == nil {
		return Fault{}
	}
	return f.Fault
}

// strike lets the fault plan strike an event, once.
func (d *deliveries) strike(e *event, mayBeLate bool) {
	if e.met {
		return
	}
	e.met = true
	if step, there := d.s.settings.Load().webhooks[e.stepID]; there {
		e.fault = d.s.plan.strikeWebhook(step, e.context.PrimaryEntityName, mayBeLate)
	}
}

// arrange puts to the front of a queue what is to go out next. It returns false where that is to come late and nothing is there to
// go before it. The caller holds mu.
func (d *deliveries) arrange(queue []event) bool {
	d.strike(&queue[0], true)
	if queue[0].fault.Webhook != WebhookLate {
		return true
	}
	if len(queue) == 1 {
		return false
	}
	queue[0].fault.Webhook = WebhookDelayed
	queue[0], queue[1] = queue[1], queue[0]
	d.strike(&queue[0], false)
	return true
}

// hurry sends on their way the events that are late, for the plan that made them so is no more.
func (d *deliveries) hurry() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for stepID, queue := range d.waiting {
		if len(queue) > 0 && queue[0].fault.Webhook == WebhookLate {
			queue[0].fault = Fault{}
			d.hire(stepID)
		}
	}
}

// send posts an event, or does with it what the fault plan says.
func (d *deliveries) send(ctx context.Context, to endpoint, e event) *deliveryFault {
	if e.fault.Delay > 0 {
		select {
		case <-time.After(e.fault.Delay):
		case <-ctx.Done():
			return &deliveryFault{text: "it was broken off", canceled: true}
		}
	}
	switch e.fault.Webhook {
	case WebhookDropped:
		return nil
	case WebhookOversize:
		reduced := *e.context
		reduced.Reduced = true
		body, err := webhook.Encode(&reduced)
		if err != nil {
			return &deliveryFault{text: "its context cannot be written"}
		}
		e.context, e.body = &reduced, string(body)
	}
	failed := d.post(ctx, to, e)
	if e.fault.Webhook == WebhookTwice && failed == nil {
		_ = d.post(ctx, to, e) // what becomes of the second is nobody's concern, as of one that a network repeats
	}
	return failed
}

// validateWebhook names what is wrong with a fault of webhooks.
func (f Fault) validateWebhook(refuse func(when bool, format string, args ...any)) {
	refuse(f.ofWebhooks() && !slices.Contains(webhookEffects, f.Webhook), "webhook %q is none of %s", f.Webhook, strings.Join(webhookEffects, ", "))
	refuse(f.ofWebhooks() && (f.Method != "" || f.Path != ""), "method and path choose requests; webhooks are chosen by step and entity")
	refuse(!f.ofWebhooks() && (f.Step != "" || f.Entity != ""), "step and entity choose webhooks: give webhook, as %q", WebhookTwice)
	refuse(f.Webhook == WebhookDelayed && f.Delay == 0, "webhook %q needs a delay", WebhookDelayed)
}
