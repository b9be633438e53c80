package fetch

import (
	"sync"

	"github.com/botverse/botverse/actions/input"
)

const (
	maxQueries     = 256     // queries in one generation
	maxQueriesSize = 1 << 20 // bytes of their texts; a query read takes some ten times as much
)

// Queries reads queries, and keeps those that it read. The zero Queries is ready, for any number of goroutines.
type Queries struct {
	templates input.Renderer
	kept      cache
}

// cacheKey is what a FetchXML query was read for.
type cacheKey struct{ environment, entity, text string }

// cache keeps queries that were read and checked, up to a bound. The zero cache is ready, for any number of
// goroutines. It has two generations: when the young one is full it becomes the old one, and what was old is forgotten.
type cache struct {
	mu         sync.Mutex
	young, old map[cacheKey]*Query
	size       int // of the young ones' texts
}

// get returns a query; nil where it is not there.
func (c *cache) get(key cacheKey) *Query {
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
func (c *cache) put(key cacheKey, q *Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(key, q)
}

func (c *cache) keep(key cacheKey, q *Query) {
	if _, ok := c.young[key]; ok {
		c.young[key] = q
		return
	}
	if c.young == nil || len(c.young) >= maxQueries || c.size+len(key.text) > maxQueriesSize {
		c.old, c.young, c.size = c.young, map[cacheKey]*Query{}, 0
	}
	c.young[key] = q
	c.size += len(key.text)
}
