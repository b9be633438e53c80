package presence

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// defaultPage is the size of a page for which none was asked.
const defaultPage = 100

// Order is the order of a list.
type Order string

// The orders. The empty one is by agent ID.
const (
	ByAgent       Order = ""
	ByTimeInState Order = "TIME_IN_STATE" // who is longest in the presence comes first; of whom it is not known, last
)

// ListQuery is what List is asked for.
type ListQuery struct {
	Filter    Filter // its Kinds mean nothing here
	Order     Order
	PageSize  int    // at most; 0 is 100
	PageToken string // from which page on; empty is the first
	Count     bool   // whether to count all that pass
}

// Listing is a page of agents' states.
type Listing struct {
	States []*AgentState // shared: do not change them
	Next   string        // the next page's token; empty after the last
	Cursor string        // from which Watch goes on
	Time   time.Time     // of the states
	Counts *Counts       // nil where nobody asked for it
}

// Counts are how many agents there are.
type Counts struct {
	Agents    int
	Available int // who can take work; see AgentState.Available
	Statuses  map[BaseStatus]int
}

// List returns the agents' states that pass the filter, a page at a time. All pages of one list have the first page's
// cursor, so that Watch misses nothing that changed meanwhile. ErrPageToken, ErrFilter and the directory's are its errors.
func (p *Presence) List(ctx context.Context, q ListQuery) (Listing, error) {
	q.Filter.Kinds = nil
	f, err := p.compile(ctx, q.Filter)
	if err != nil {
		return Listing{}, err
	}
	agents, sequence, _ := p.hub.snapshot()
	list := Listing{Time: time.Now().UTC()}
	if q.Count {
		list.Counts = count(agents, f)
	}
	if q.Order == ByTimeInState {
		agents = byTimeInState(agents, f)
	}
	if q.PageToken != "" {
		first, last, ok := p.hub.cursors.parsePage(q.PageToken)
		last, mine := strings.CutPrefix(last, q.tag())
		if !ok || !mine {
			return Listing{}, fmt.Errorf("%w for this list: start again without one", ErrPageToken)
		}
		sequence = first
		agents = agents[sort.Search(len(agents), func(i int) bool { return agents[i].key(q.Order) > last }):]
	}
	list.Cursor = p.hub.cursors.format(sequence)
	list.page(agents, f, q, func(a *agent) string { return p.hub.cursors.formatPage(sequence, q.tag()+a.key(q.Order)) })
	return list, nil
}

// page takes the first states that pass.
func (l *Listing) page(agents []*agent, f *filter, q ListQuery, token func(last *agent) string) {
	size := cmp.Or(max(q.PageSize, 0), defaultPage)
	var last *agent
	for _, a := range agents {
		if !f.state(&a.State) {
			continue
		}
		if len(l.States) == size {
			l.Next = token(last)
			return
		}
		l.States, last = append(l.States, &a.State), a
	}
}

// tag ties a page token to the question: another one's would leave agents out.
func (q ListQuery) tag() string {
	text, err := json.Marshal(struct {
		Filter Filter
		Order  Order
	}{q.Filter, q.Order})
	if err != nil { // texts have JSON
		return ""
	}
	return digest(string(text))[:12] + " "
}

// key is an agent's place in an order.
func (a *agent) key(o Order) string {
	if o != ByTimeInState {
		return a.sortKey()
	}
	start := int64(1<<63 - 1)
	if !a.State.StartTime.IsZero() {
		start = a.State.StartTime.UnixNano()
	}
	digits := strconv.FormatUint(uint64(start)+1<<63, 10) // in the order of the times before 1970 too
	return strings.Repeat("0", 20-len(digits)) + digits + " " + a.sortKey()
}

// byTimeInState sorts those that pass by their key.
func byTimeInState(agents []*agent, f *filter) []*agent {
	type keyed struct {
		*agent
		key string
	}
	var passing []keyed
	for _, a := range agents {
		if f.state(&a.State) {
			passing = append(passing, keyed{a, a.key(ByTimeInState)})
		}
	}
	slices.SortFunc(passing, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	sorted := make([]*agent, len(passing))
	for i, k := range passing {
		sorted[i] = k.agent
	}
	return sorted
}

func count(agents []*agent, f *filter) *Counts {
	c := &Counts{Statuses: make(map[BaseStatus]int)}
	for _, a := range agents {
		if !f.state(&a.State) {
			continue
		}
		c.Agents++
		c.Statuses[a.State.Presence.Base]++
		if a.State.Available() {
			c.Available++
		}
	}
	return c
}
