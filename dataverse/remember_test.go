package dataverse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	fetched := map[string]int{}
	m := &memory[string]{max: 2, timeout: time.Minute, fetch: func(_ context.Context, key string) (string, life, error) {
		fetched[key]++
		if key == "none" {
			return "", life{}, errors.New("none")
		}
		return "value of " + key, life{fresh: time.Hour, valid: time.Hour}, nil
	}}
	for _, key := range []string{"a", "b", "a", "none", "none", "b", "c", "b", "a"} {
		if value, err := m.get(t.Context(), key); key == "none" && err == nil || key != "none" && value != "value of "+key {
			t.Errorf("get(%s) = %q, %v", key, value, err)
		}
	}
	// c pushed out a, which was not used for longest; what does not exist pushed out nothing.
	if got, want := fmt.Sprint(fetched), "map[a:2 b:1 c:1 none:2]"; got != want {
		t.Errorf("fetches: %s, want %s", got, want)
	}
	if m.used.Len() > 2 || len(m.byKey) != m.used.Len() {
		t.Errorf("%d and %d are kept, want 2", m.used.Len(), len(m.byKey))
	}
}

func TestRenewDoesNotJoinAnOlderFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		r := &remembered[int]{timeout: time.Minute, fetch: func(context.Context) (int, life, error) {
			mu.Lock()
			n++
			mine := n
			mu.Unlock()
			if mine == 1 {
				time.Sleep(10 * time.Second) // the older one ends later
			} else {
				time.Sleep(time.Second)
			}
			return mine, life{fresh: time.Hour, valid: time.Hour}, nil
		}}
		first := make(chan int)
		go func() {
			value, _ := r.get(t.Context())
			first <- value
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		if value, err := r.renew(t.Context()); value != 2 || err != nil {
			t.Errorf("renew = %d, %v; want 2, which began after it was asked for", value, err)
		}
		<-first
		if value, _ := r.get(t.Context()); value != 2 {
			t.Errorf("the older fetch has taken the place of the newer one: %d", value)
		}
	})
}

func TestFetchOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		r := &remembered[int]{timeout: time.Minute, fetch: func(ctx context.Context) (int, life, error) {
			n++
			select {
			case <-time.After(5 * time.Second):
				return n, life{fresh: time.Hour, valid: time.Hour}, nil
			case <-ctx.Done():
				return 0, life{}, context.Cause(ctx)
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("get = %v, want the caller's deadline", err)
		}
		if value, err := r.get(t.Context()); value != 1 || err != nil {
			t.Errorf("get = %d, %v; want what was under way", value, err)
		}
	})
}
