package presence

import (
	"context"
	"fmt"
	"sort"
)

// defaultPage is the size of a page for which none was asked.
const defaultPage = 100

// List returns the agents' states by agent ID, pageSize of them at most (0 is 100), from pageToken on (empty is the
// first page), the next page's token (empty after the last), and the cursor from which Watch goes on. All pages of one
// list have the first page's cursor, so that Watch misses nothing that changed meanwhile. ErrPageToken is its error. The
// states are shared: do not change them.
func (p *Presence) List(_ context.Context, pageSize int, pageToken string) (states []*AgentState, next, cursor string, err error) {
	if pageSize <= 0 {
		pageSize = defaultPage
	}
	agents, sequence, _ := p.hub.snapshot()
	if pageToken != "" {
		first, key, ok := p.hub.cursors.parsePage(pageToken)
		if !ok {
			return nil, "", "", fmt.Errorf("%w: start again without one", ErrPageToken)
		}
		sequence = first
		agents = agents[sort.Search(len(agents), func(i int) bool { return agents[i].sortKey() > key }):]
	}
	if len(agents) > pageSize {
		agents = agents[:pageSize]
		next = p.hub.cursors.formatPage(sequence, agents[pageSize-1].sortKey())
	}
	states = make([]*AgentState, len(agents))
	for i, a := range agents {
		states[i] = &a.State
	}
	return states, next, p.hub.cursors.format(sequence), nil
}
