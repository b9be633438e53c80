package presence

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

// Became says what became of a delivery.
type Became string

// What becomes of deliveries.
const (
	BecameEvent      Became = "EVENT"
	BecameDuplicate  Became = "DUPLICATE"
	BecameFiltered   Became = "FILTERED"
	BecameDeadLetter Became = "DEAD_LETTER"
	BecameRefused    Became = "REFUSED"    // it was no JSON
	BecameNotStored  Became = "NOT_STORED" // Dataverse sends it again
)

// Delivery is what is remembered of a delivery: nothing of what it says of anybody.
type Delivery struct {
	Source        string
	Time          time.Time
	Became        Became
	Reason        string // why it became no event; else empty
	EventID       string
	Delay         *time.Duration // nil where it is not known
	CorrelationID string
}

// keptDeliveries is how many deliveries of each source are remembered.
const keptDeliveries = 100

// deliveries remembers the last ones of each source, in the order in which they were answered.
type deliveries struct {
	mu   sync.Mutex
	last map[string][]Delivery // by source, the newest last
}

func deliveryOf(source string, r Receipt, err error, header http.Header) Delivery {
	d := Delivery{
		Source: source, Time: time.Now().UTC(), Became: BecameEvent, EventID: r.EventID, Delay: r.Delay,
		CorrelationID: header.Get(webhook.HeaderCorrelationID),
	}
	switch {
	case errors.Is(err, ErrNotJSON):
		d.Became, d.Reason = BecameRefused, ErrNotJSON.Error()
	case err != nil:
		d.Became, d.Reason = BecameNotStored, ErrNotStored.Error()
	case r.Filtered != "":
		d.Became, d.Reason = BecameFiltered, r.Filtered
	case r.DeadLettered != "":
		d.Became, d.Reason = BecameDeadLetter, r.DeadLettered
	case r.Duplicate:
		d.Became = BecameDuplicate
	}
	return d
}

func (ds *deliveries) note(d Delivery) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.last == nil {
		ds.last = make(map[string][]Delivery)
	}
	of := append(ds.last[d.Source], d)
	if len(of) >= 2*keptDeliveries { // seldom enough that a delivery costs no more than its own place
		of = slices.Clone(of[len(of)-keptDeliveries:])
	}
	ds.last[d.Source] = of
}

// Deliveries are the last deliveries that came to this process, of one source or, where that is empty, of all; the newest
// first, limit of them at most. It remembers some hundred of each source, and forgets them when it ends.
func (p *Presence) Deliveries(source string, limit int) []Delivery {
	p.deliveries.mu.Lock()
	defer p.deliveries.mu.Unlock()
	var all []Delivery
	for name, of := range p.deliveries.last {
		if source == "" || source == name {
			all = append(all, of[max(0, len(of)-keptDeliveries):]...)
		}
	}
	slices.SortStableFunc(all, func(a, b Delivery) int { return b.Time.Compare(a.Time) })
	return all[:min(limit, len(all))]
}
