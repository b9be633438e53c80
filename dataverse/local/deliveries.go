package local

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// deliveries are the webhooks on their way. Those of one step go out one after another, in the order of the commits;
// different steps do not wait for each other. Each has a system job in the records from the commit to the end of its
// delivery: what the end of the process finds undone, the next one does.
type deliveries struct {
	s      *Server
	client *http.Client
	ctx    context.Context // ends with stop, and with it every delivery
	cancel context.CancelFunc

	mu      sync.Mutex
	held    bool               // nothing more goes out
	waiting map[string][]event // by step; the first is on its way where the step is at work
	atWork  map[string]bool    // the steps that have a goroutine
	ended   chan struct{}      // closed when a goroutine ends; the next end has another
}

func newDeliveries(s *Server) *deliveries {
	ctx, cancel := context.WithCancel(context.Background())
	d := &deliveries{
		s: s, ctx: ctx, cancel: cancel, held: true,
		waiting: map[string][]event{}, atWork: map[string]bool{}, ended: make(chan struct{}),
	}
	d.client = &http.Client{
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is a failure
	}
	return d
}

// enqueue sends events on their way. The writing transaction calls it, so that their order is that of the commits.
func (d *deliveries) enqueue(events []event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range events {
		d.waiting[e.stepID] = append(d.waiting[e.stepID], e)
		d.hire(e.stepID)
	}
}

// hire puts a goroutine to work for a step that has none. The caller holds mu.
func (d *deliveries) hire(stepID string) {
	if d.held || d.atWork[stepID] {
		return
	}
	d.atWork[stepID] = true
	go d.work(stepID)
}

// release lets go out what waits and what comes.
func (d *deliveries) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = false
	for stepID := range d.waiting {
		d.hire(stepID)
	}
}

// hold keeps back what has not begun to go out, and waits for what has, at most until ctx ends.
func (d *deliveries) hold(ctx context.Context) {
	d.mu.Lock()
	d.held = true
	d.mu.Unlock()
	d.drain(ctx)
}

// work delivers what waits for a step until nothing does, or nothing more is to go out.
func (d *deliveries) work(stepID string) {
	for e, ok := d.first(stepID); ok; e, ok = d.first(stepID) {
		if d.deliver(e) {
			d.pop(stepID)
		}
	}
}

// first is what is to go out next for a step; false tells its goroutine to end.
func (d *deliveries) first(stepID string) (event, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	queue := d.waiting[stepID]
	if len(queue) > 0 && !d.held && d.arrange(queue) {
		return queue[0], true
	}
	if len(queue) == 0 {
		delete(d.waiting, stepID)
	}
	delete(d.atWork, stepID)
	close(d.ended)
	d.ended = make(chan struct{})
	return event{}, false
}

// pop takes the event that is done off the queue.
func (d *deliveries) pop(stepID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting[stepID][0] = event{} // it may be large
	d.waiting[stepID] = d.waiting[stepID][1:]
}

// deliver posts an event and notes what became of it. It returns false where that was broken off: then the event stays,
// and its job for the next process.
func (d *deliveries) deliver(e event) bool {
	started := time.Now()
	step, there := d.s.settings.Load().webhooks[e.stepID]
	failed := &deliveryFault{text: "the step that was to run is not there any more", canceled: true}
	if there {
		still := d.show(e, started)
		failed = d.send(d.ctx, step.endpoint, e)
		still()
	}
	if failed != nil && d.ctx.Err() != nil {
		return false
	}
	// What was delivered is noted though the end has come meanwhile: else it would be delivered again.
	if err := d.s.endJob(context.WithoutCancel(d.ctx), e, started, !step.autoDelete, failed); err != nil {
		d.s.log.Error("the system job of a webhook could not be recorded", "step", step.name, "error", err)
	}
	return true
}

// quick is how long a delivery is not shown in progress: most have ended by then, and need one write less.
const quick = 50 * time.Millisecond

// show shows the job of a delivery that lasts in progress, until the function that it returns is called; nothing is written after.
func (d *deliveries) show(e event, started time.Time) (still func()) {
	shown := make(chan struct{})
	timer := time.AfterFunc(quick, func() {
		defer close(shown)
		if err := d.s.beginJob(d.ctx, e, started); err != nil && d.ctx.Err() == nil {
			d.s.log.Error("the system job of a webhook could not be shown in progress", "error", err)
		}
	})
	return func() {
		if !timer.Stop() {
			<-shown
		}
	}
}

// drain waits until nothing is on its way or ctx ends, and returns how much is left.
func (d *deliveries) drain(ctx context.Context) int {
	for {
		d.mu.Lock()
		ended, idle, left := d.ended, len(d.atWork) == 0, 0
		for _, queue := range d.waiting {
			left += len(queue)
		}
		d.mu.Unlock()
		if idle {
			return left
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return left
		}
	}
}

// stop breaks off what is on its way, and returns when all is still.
func (d *deliveries) stop() {
	d.cancel()
	d.hold(context.Background())
	d.client.CloseIdleConnections()
}
