package dataverse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

func TestEntityIsAskedForInOneBatch(t *testing.T) {
	t.Parallel()
	c := replay(t, "entity")
	var first *schema.Entity
	for range 2 { // the second is remembered
		e, err := c.Entity(t.Context(), "new_widget")
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && e != first {
			t.Error("the remembered entity is another one")
		}
		first = e
	}
	size, account := first.Field("new_size"), first.Field("new_accountid")
	if first.EntitySetName != "new_widgets" || !first.DuplicateDetection || size == nil || len(size.Options) != 1 || size.Options[0].Value != 100000000 {
		t.Errorf("the entity is %+v, its size %+v", first, size)
	}
	if account == nil || account.Navigation["account"] != "new_AccountId" {
		t.Errorf("the lookup is %+v, want the navigation property in its own case", account)
	}
}

// definitions answers for entities of the standard schema, slowly, and counts how often each is asked for.
type definitions struct {
	t     *testing.T
	down  bool
	slow  time.Duration // that an answer takes; 0 for a second
	mu    sync.Mutex
	asked map[string]int
}

func (d *definitions) answer(_ int, r *http.Request) (*http.Response, error) {
	time.Sleep(max(time.Second, d.slow))
	if d.down {
		return reply(503, ""), nil
	}
	if !strings.HasSuffix(r.URL.Path, "$batch") {
		d.count("all")
		return reply(200, `{"value":[{"LogicalName":"contact"},{"LogicalName":"account"}]}`), nil
	}
	w := httptest.NewRecorder()
	r.Body, _ = r.GetBody()
	first := true
	answerBatch(d.t, w, r, func(q odata.BatchRequest) odata.BatchResponse {
		name := strings.Split(q.URL, "'")[1]
		if first {
			d.count(name)
		}
		first = false
		if entity(name) == nil {
			return part(404, `{"error":{"code":"0x80060888","message":"Could not find an entity"}}`)
		}
		if strings.Contains(q.URL, "/Attributes") {
			return part(200, `{"value":[]}`)
		}
		return part(200, fmt.Sprintf(`{"LogicalName":%q,"EntitySetName":%q}`, name, entity(name).EntitySetName))
	})
	return w.Result(), nil
}

func (d *definitions) count(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil {
		d.asked = map[string]int{}
	}
	d.asked[name]++
}

func (d *definitions) client() *Client { return (&script{t: d.t, answer: d.answer}).client() }

func TestEntityIsAskedForOnceForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var callers sync.WaitGroup
		for range 30 {
			callers.Go(func() {
				if e, err := c.Entity(t.Context(), "contact"); err != nil || e.LogicalName != "contact" {
					t.Errorf("Entity = %v, %v", e, err)
				}
			})
		}
		if _, err := c.Entity(ctx, "contact"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
			t.Errorf("who cannot wait gets %v, want its deadline", err)
		}
		callers.Wait()
		if diff := cmp.Diff(map[string]int{"contact": 1}, d.asked); diff != "" {
			t.Errorf("what was asked for differs (-want +got):\n%s", diff)
		}
	})
}

func TestEntityIsRenewedAfterAnHourAndKeptThroughAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		get := func() {
			t.Helper()
			if _, err := c.Entity(t.Context(), "contact"); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			time.Sleep(time.Minute)
		}
		for range 60 {
			get()
		}
		if d.asked["contact"] != 1 {
			t.Errorf("within the hour it was asked for %d times", d.asked["contact"])
		}
		get()
		get()
		if d.asked["contact"] != 2 {
			t.Errorf("after the hour it was asked for %d times, want 2", d.asked["contact"])
		}
		d.down = true
		for range 120 {
			get()
		}
	})
}

func TestUnknownEntityNamesTheNearest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		for _, name := range []string{"contcat", "Contact", "contact')/Attributes", ""} {
			_, err := c.Entity(t.Context(), name)
			var unknown *UnknownEntityError
			if !errors.Is(err, ErrUnknownEntity) || !errors.As(err, &unknown) || unknown.Name != name {
				t.Errorf("Entity(%q) = %v, want ErrUnknownEntity", name, err)
				continue
			}
			if name != "" && len(name) < 10 && (len(unknown.Nearest) == 0 || unknown.Nearest[0] != "contact") {
				t.Errorf("the nearest of %q are %q", name, unknown.Nearest)
			}
		}
		if diff := cmp.Diff(map[string]int{"contcat": 1, "all": 1}, d.asked); diff != "" {
			t.Errorf("what was asked for differs (-want +got):\n%s", diff)
		}
	})
}

// A token endpoint answers with 404 where its address is wrong.
func TestMissingTokenEndpointIsNotAnUnknownEntity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, token: func(int, *http.Request) (*http.Response, error) { return reply(404, ""), nil }}
		if _, err := s.client().Entity(t.Context(), "contact"); !errors.Is(err, ErrSignIn) || errors.Is(err, ErrUnknownEntity) {
			t.Errorf("Entity = %v, want ErrSignIn", err)
		}
	})
}

func TestOutageIsNotAnUnknownEntity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t, down: true}
		if _, err := d.client().Entity(t.Context(), "contact"); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknownEntity) || !strings.HasPrefix(err.Error(), "Entity contact: ") {
			t.Errorf("Entity = %v", err)
		}
	})
}

func TestRefreshEntityAsksAnewButNotEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		refresh := func(want int) {
			t.Helper()
			if e, err := c.RefreshEntity(t.Context(), "contact"); err != nil || e.LogicalName != "contact" {
				t.Errorf("RefreshEntity = %v, %v", e, err)
			}
			if d.asked["contact"] != want {
				t.Errorf("it was asked for %d times, want %d", d.asked["contact"], want)
			}
		}
		if _, err := c.Entity(t.Context(), "contact"); err != nil {
			t.Fatal(err)
		}
		refresh(2)
		refresh(2) // a misspelt field does this on each call
		time.Sleep(refreshPause)
		refresh(3)
	})
}

// TestASlowRefreshIsNotRepeated: Dataverse takes seconds to write the definition of a large entity.
func TestASlowRefreshIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t, slow: 3 * refreshPause}
		c := d.client()
		for range 3 {
			if _, err := c.RefreshEntity(t.Context(), "contact"); err != nil {
				t.Error(err)
			}
		}
		if d.asked["contact"] != 1 {
			t.Errorf("it was asked for %d times, want once", d.asked["contact"])
		}
	})
}

func TestRefreshIsSharedByThoseWhoComeMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		old, err := c.Entity(t.Context(), "contact")
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if e, err := c.RefreshEntity(t.Context(), "contact"); err != nil || e == old {
					t.Errorf("RefreshEntity = the old one %t, %v; want what came anew", e == old, err)
				}
			})
		}
		callers.Wait()
		if d.asked["contact"] != 2 {
			t.Errorf("it was asked for %d times, want 2", d.asked["contact"])
		}
	})
}

func TestEntitiesAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{t: t}
		c := d.client()
		for range 2 {
			all, err := c.Entities(t.Context())
			if err != nil || len(all) != 2 || all[0].LogicalName != "account" {
				t.Fatalf("Entities = %v, %v; want account and contact", all, err)
			}
			all[0] = nil
		}
		if d.asked["all"] != 1 {
			t.Errorf("they were asked for %d times, want 1", d.asked["all"])
		}
	})
}
