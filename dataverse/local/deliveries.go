package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/botverse/botverse/dataverse/webhook"
)

// deliveries are the webhooks on their way. Those of one step go out one after another, in the order of the commits;
// different steps do not wait for each other.
type deliveries struct {
	s      *Server
	client *http.Client
	ctx    context.Context // ends with stop, and with it every delivery
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting map[string][]event // by step; a step in the map has a goroutine at work
	idle    chan struct{}      // closed while nothing waits
}

func newDeliveries(s *Server) *deliveries {
	ctx, cancel := context.WithCancel(context.Background())
	d := &deliveries{s: s, ctx: ctx, cancel: cancel, waiting: map[string][]event{}, idle: make(chan struct{})}
	close(d.idle)
	d.client = &http.Client{
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is a failure
	}
	return d
}

// enqueue sends events on their way. The writing transaction calls it, so that their order is that of the commits.
func (d *deliveries) enqueue(events []event) {
	if len(events) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return
	}
	if len(d.waiting) == 0 {
		d.idle = make(chan struct{})
	}
	for _, e := range events {
		queue, working := d.waiting[e.step.id]
		d.waiting[e.step.id] = append(queue, e)
		if !working {
			go d.work(e.step.id)
		}
	}
}

// work delivers what waits for a step until nothing does.
func (d *deliveries) work(stepID string) {
	for e, ok := d.first(stepID); ok; e, ok = d.next(stepID) {
		failed := d.post(d.ctx, e)
		if d.ctx.Err() != nil {
			continue
		}
		if err := d.s.recordDelivery(d.ctx, e, failed); err != nil {
			d.s.log.Error("the system job of a webhook could not be recorded", "step", e.step.name, "error", err)
		}
	}
}

func (d *deliveries) first(stepID string) (event, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting[stepID][0], true
}

// next takes the event that is done off the queue; false when it was the last, or all are to end.
func (d *deliveries) next(stepID string) (event, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	queue := d.waiting[stepID][1:]
	if len(queue) == 0 || d.ctx.Err() != nil {
		delete(d.waiting, stepID)
		if len(d.waiting) == 0 {
			close(d.idle)
		}
		return event{}, false
	}
	d.waiting[stepID] = slices.Clip(queue)
	return queue[0], true
}

// drain waits until nothing is on its way or ctx ends, and returns how much is left.
func (d *deliveries) drain(ctx context.Context) int {
	for {
		d.mu.Lock()
		idle, left := d.idle, 0
		for _, queue := range d.waiting {
			left += len(queue)
		}
		d.mu.Unlock()
		if left == 0 {
			return 0
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return left
		}
	}
}

// stop breaks off what is on its way, and returns when all is still.
func (d *deliveries) stop() {
	d.cancel()
	d.drain(context.Background())
	d.client.CloseIdleConnections()
}

// deliveryFault is why a webhook was not delivered. It says nothing of the address, which may hold the key.
type deliveryFault struct {
	text    string
	status  int // 0 where no answer came
	retries int
}

// post delivers an event: it tries once more where the receiver, or what stands before it, is busy; no other answer earns
// another try ("Use webhooks", retries).
func (d *deliveries) post(ctx context.Context, e event) *deliveryFault {
	body, oversize, err := encodeContext(e.context)
	if err != nil {
		return &deliveryFault{text: err.Error()}
	}
	var failed *deliveryFault
	for try := range 2 {
		failed = d.try(ctx, e, body, oversize)
		if failed == nil {
			return nil
		}
		failed.retries = try
		if !slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, failed.status) {
			break
		}
	}
	return failed
}

// encodeContext is the body of a delivery; one that is too large goes without what makes it so.
func encodeContext(c *webhook.Context) (body string, oversize bool, err error) {
	b, err := webhook.Encode(c)
	if err == nil && len(b) > webhook.MaxSize {
		reduced := *c
		reduced.Reduced = true
		b, err = webhook.Encode(&reduced)
		oversize = true
	}
	return string(b), oversize, err
}

func (d *deliveries) try(ctx context.Context, e event, body string, oversize bool) *deliveryFault {
	ctx, cancel := context.WithTimeout(ctx, d.s.cfg.WebhookTimeout)
	defer cancel()
	request, err := e.step.endpoint.request(ctx, body)
	if err != nil {
		return &deliveryFault{text: "the address of the webhook is not a URL"}
	}
	request.Header.Set(webhook.HeaderOrganization, d.s.Addr())
	request.Header.Set(webhook.HeaderEntityName, e.context.PrimaryEntityName)
	request.Header.Set(webhook.HeaderRequestName, e.context.MessageName)
	request.Header.Set(webhook.HeaderCorrelationID, e.context.CorrelationID)
	if oversize {
		request.Header.Set(webhook.HeaderSizeExceeded, "true")
	}
	response, err := d.client.Do(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &deliveryFault{text: fmt.Sprintf("the endpoint did not answer within %s", d.s.cfg.WebhookTimeout)}
	case err != nil:
		return &deliveryFault{text: "the endpoint could not be reached"}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	return &deliveryFault{text: "the endpoint answered " + response.Status, status: response.StatusCode}
}
