package template

import "sync"

const (
	maxCached      = 1024    // templates in one generation
	maxCachedBytes = 4 << 20 // bytes of their texts
)

// Cache keeps parsed templates, up to a bound. The zero Cache is ready, for any number of goroutines.
//
// It has two generations: when the young one is full it becomes the old one, and what was old is forgotten. What is in
// use comes back from the old one, so that a template in every request is parsed once.
type Cache struct {
	mu         sync.RWMutex
	young, old map[string]*Template
	bytes      int // of the young ones' texts
}

// Parse is the function Parse, remembered where it succeeds.
func (c *Cache) Parse(source string) (*Template, error) {
	c.mu.RLock()
	t, young := c.young[source]
	if !young {
		t = c.old[source]
	}
	c.mu.RUnlock()
	if young {
		return t, nil
	}
	if t == nil {
		var err error
		if t, err = Parse(source); err != nil {
			return nil, err
		}
	}
	c.keep(source, t)
	return t, nil
}

func (c *Cache) keep(source string, t *Template) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxCached || c.bytes+len(source) > maxCachedBytes {
		c.old, c.young, c.bytes = c.young, map[string]*Template{}, 0
	}
	if _, ok := c.young[source]; !ok {
		c.young[source] = t
		c.bytes += len(source)
	}
}
