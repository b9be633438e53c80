package actions

import (
	"sync"

	"github.com/botverse/botverse/actions/input"
)

const (
	maxFetches     = 256     // queries in one generation
	maxFetchesSize = 1 << 20 // bytes of their texts; a query read takes some ten times as much
)

// fetchQueries reads queries, and keeps those that it read. The zero fetchQueries is ready, for any number of goroutines.
type fetchQueries struct {
	templates input.Renderer
	kept      fetchCache
}

// fetchKey is what a FetchXML query was read for.
type fetchKey struct{ environment, entity, text string }

// fetchCache keeps queries that were read and checked, up to a bound. The zero fetchCache is ready, for any number of
// goroutines. It has two generations: when the young one is full it becomes the old one, and what was old is forgotten.
type fetchCache struct {
	mu         sync.Mutex
	young, old map[fetchKey]*fetchQuery
	size       int // of the young ones' texts
}

// get returns a query; nil where it is not there.
func (c *fetchCache) get(key fetchKey) *fetchQuery {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q, ok := c.young[key]; ok {
		return q
	}
	q, ok := c.old[key]
	if ok {
		c.keep(key, q)
	}
	return q
}

// put keeps a query, in place of what was kept for the key.
func (c *fetchCache) put(key fetchKey, q *fetchQuery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(key, q)
}

func (c *fetchCache) keep(key fetchKey, q *fetchQuery) {
	if _, ok := c.young[key]; ok {
		c.young[key] = q
		return
	}
	if c.young == nil || len(c.young) >= maxFetches || c.size+len(key.text) > maxFetchesSize {
		c.old, c.young, c.size = c.young, map[fetchKey]*fetchQuery{}, 0
	}
	c.young[key] = q
	c.size += len(key.text)
}
