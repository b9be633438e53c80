package local_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestClientsThatGoAwayDoNoHarm breaks requests off at any moment, and then asks each connection to the records for more.
func TestClientsThatGoAwayDoNoHarm(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	var wait sync.WaitGroup
	for i := range 80 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%40)*100*time.Microsecond)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"contacts?$expand=parentcustomerid_account,Contact_Tasks&$orderby=fullname", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		}()
	}
	wait.Wait()
	for range 20 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if status, _, b := c.send(http.MethodGet, "contacts?$top=1&$select=fullname", ""); status != http.StatusOK {
				t.Errorf("answer = %d %s", status, b)
			}
		}()
	}
	wait.Wait()
}

// TestWritersAndReadersAtOnce holds that all writes are done, each version is given once, and what was answered is seen.
func TestWritersAndReadersAtOnce(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	var wait sync.WaitGroup
	for writer := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 10 {
				id := c.create("contacts", fmt.Sprintf(`{"lastname":"%d-%d"}`, writer, i))
				if got := c.list("contacts?$select=lastname&$filter=contactid eq " + id); len(got) != 1 {
					t.Errorf("a record that was created is not seen: %v", got)
				}
			}
		}()
	}
	wait.Wait()
	records := c.list("contacts?$select=versionnumber,createdon&$orderby=createdon")
	versions := map[any]bool{}
	for _, r := range records {
		versions[r["versionnumber"]] = true
	}
	if len(records) != 80 || len(versions) != 80 {
		t.Errorf("%d records with %d versions, want 80 of each", len(records), len(versions))
	}
}

// TestOldestIsNoCoinToss holds that records made within one second keep their order.
func TestOldestIsNoCoinToss(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	var want []string
	for i := range 20 {
		want = append(want, c.create("contacts", fmt.Sprintf(`{"contactid":"%08d-0000-4000-8000-000000000000","lastname":"x"}`, 99-i)))
	}
	for i, r := range c.list("contacts?$select=contactid&$orderby=createdon") {
		if r["contactid"] != want[i] {
			t.Fatalf("record %d by createdon is %v, want %v", i, r["contactid"], want[i])
		}
	}
}
