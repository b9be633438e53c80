package dataverse

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// life says how long a value is worth keeping: it is asked for anew once it is past fresh, and useless past valid.
type life struct{ fresh, valid time.Duration }

// retryPause is how long a value that could not be renewed is left alone while it is still valid.
const retryPause = 5 * time.Second

// remembered is a value that is costly to get. However many callers want it, it is fetched once; each of them waits no longer
// than its own context allows. A value past its freshness is renewed behind the caller, who gets the old one; the old one
// stays while it is valid and no newer one is to be had.
type remembered[T any] struct {
	fetch   func(context.Context) (T, life, error)
	timeout time.Duration // bounds one fetch

	kept       atomic.Pointer[kept[T]]
	flight     singleflight.Group
	refreshing atomic.Bool
	keeping    sync.Mutex // one fetch stores at a time
}

type kept[T any] struct {
	value                 T
	began, refresh, until time.Time
}

func (r *remembered[T]) get(ctx context.Context) (T, error) {
	k, now := r.kept.Load(), time.Now()
	if k == nil || !now.Before(k.until) {
		return r.wait(ctx)
	}
	if !now.Before(k.refresh) && r.refreshing.CompareAndSwap(false, true) {
		r.start(ctx)
	}
	return k.value, nil
}

// drop forgets the value in hand if it is a bad one.
func (r *remembered[T]) drop(bad func(T) bool) {
	if k := r.kept.Load(); k != nil && bad(k.value) {
		r.kept.CompareAndSwap(k, nil)
	}
}

// renew fetches the value anew, also where one is under way that may have begun too early. The old value stays until then.
func (r *remembered[T]) renew(ctx context.Context) (T, error) {
	r.flight.Forget("")
	return r.wait(ctx)
}

func (r *remembered[T]) wait(ctx context.Context) (T, error) {
	select {
	case result := <-r.start(ctx):
		value, _ := result.Val.(T)
		return value, result.Err
	case <-ctx.Done():
		var zero T
		return zero, ended(ctx)
	}
}

// start begins a fetch, or joins the one under way. It does not end with the caller: others may be waiting for it.
func (r *remembered[T]) start(ctx context.Context) <-chan singleflight.Result {
	return r.flight.DoChan("", func() (any, error) {
		defer r.refreshing.Store(false)
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), r.timeout,
			fmt.Errorf("%w: no answer within %v", ErrUnavailable, r.timeout))
		defer cancel()
		began := time.Now()
		value, l, err := r.fetch(ctx)
		r.keep(value, l, err, began)
		return value, err
	})
}

// keep stores what a fetch brought, unless a fetch that began later has already stored what it brought.
func (r *remembered[T]) keep(value T, l life, err error, began time.Time) {
	r.keeping.Lock()
	defer r.keeping.Unlock()
	old, now := r.kept.Load(), time.Now()
	switch {
	case old != nil && old.began.After(began):
	case err == nil:
		r.kept.Store(&kept[T]{value: value, began: began, refresh: now.Add(l.fresh), until: now.Add(l.valid)})
	case old != nil:
		r.kept.CompareAndSwap(old, &kept[T]{value: old.value, began: old.began, refresh: now.Add(retryPause), until: old.until})
	}
}

// memory is a bounded number of remembered values by key. When it is full, the one that was not used for longest is forgotten.
type memory[T any] struct {
	fetch   func(ctx context.Context, key string) (T, life, error)
	timeout time.Duration
	max     int

	mu    sync.Mutex
	byKey map[string]*list.Element
	used  list.List // of *slot[T], the last used first
}

type slot[T any] struct {
	key string
	remembered[T]
}

func (m *memory[T]) get(ctx context.Context, key string) (T, error) {
	s, added := m.slot(key)
	value, err := s.get(ctx)
	if added {
		m.settle(s, err != nil && ctx.Err() == nil)
	}
	return value, err
}

func (m *memory[T]) renew(ctx context.Context, key string) (T, error) {
	s, added := m.slot(key)
	value, err := s.renew(ctx)
	if added {
		m.settle(s, err != nil && ctx.Err() == nil)
	}
	return value, err
}

func (m *memory[T]) slot(key string) (s *slot[T], added bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.byKey[key]; ok {
		m.used.MoveToFront(at)
		return at.Value.(*slot[T]), false
	}
	s = &slot[T]{key: key}
	s.timeout = m.timeout
	s.fetch = func(ctx context.Context) (T, life, error) { return m.fetch(ctx, key) }
	if m.byKey == nil {
		m.byKey = map[string]*list.Element{}
	}
	m.byKey[key] = m.used.PushFront(s)
	return s, true
}

// settle makes room for a new slot once it is known to hold something: names that do not exist must not push out those that do.
func (m *memory[T]) settle(s *slot[T], failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.byKey[s.key]; ok && failed && at.Value == any(s) {
		m.used.Remove(at)
		delete(m.byKey, s.key)
	}
	for m.used.Len() > m.max {
		last := m.used.Remove(m.used.Back()).(*slot[T])
		delete(m.byKey, last.key)
	}
}
