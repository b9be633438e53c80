package local

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// pool lends connections, each to one goroutine at a time. The one that came back last is lent first: what it has read is
// still in its cache.
type pool struct {
	size int64
	free *semaphore.Weighted // of the size, less what is lent
	mu   sync.Mutex          // guards idle
	idle []*conn
}

func newPool(size int64) *pool { return &pool{size: size, free: semaphore.NewWeighted(size)} }

// fill opens as many connections as the pool has room for.
func (p *pool) fill(ctx context.Context, db *sql.DB) error {
	db.SetMaxOpenConns(int(p.size))
	db.SetMaxIdleConns(int(p.size))
	for range p.size {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		p.idle = append(p.idle, &conn{sql: c, prepared: map[string]*statement{}})
	}
	return nil
}

// take waits for a connection. Who takes one puts it back.
func (p *pool) take(ctx context.Context) (*conn, error) {
	if err := p.free.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c, nil
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	p.free.Release(1)
}

// close waits until no connection is lent, and closes them all.
func (p *pool) close() error {
	faults := []error{p.free.Acquire(context.Background(), p.size)}
	for _, c := range p.idle {
		faults = append(faults, c.close())
	}
	return errors.Join(faults...)
}
