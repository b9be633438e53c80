package local_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestOneOfManyWritersWins holds that of those who change one version of a record one succeeds, and the others are told 412.
func TestOneOfManyWritersWins(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	id := c.create("contacts", `{"lastname":"x"}`)
	_, header, _ := c.send(http.MethodGet, "contacts("+id+")?$select=lastname", "")
	var won, lost atomic.Int32
	var wait sync.WaitGroup
	for writer := range 50 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			switch status, _, b := c.send(http.MethodPatch, "contacts("+id+")", fmt.Sprintf(`{"lastname":"%d"}`, writer), "If-Match: "+header.Get("ETag")); status {
			case http.StatusNoContent:
				won.Add(1)
			case http.StatusPreconditionFailed:
				lost.Add(1)
			default:
				t.Errorf("answer = %d %s", status, b)
			}
		}()
	}
	wait.Wait()
	if won.Load() != 1 || lost.Load() != 49 {
		t.Errorf("%d writers succeeded and %d were refused, want 1 and 49", won.Load(), lost.Load())
	}
}

// TestCascadesAreSeenWholeOrNotAtAll holds that nobody sees an account with a part of its contacts while it is deleted.
func TestCascadesAreSeenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	const children = 40
	account := c.create("accounts", `{"name":"x"}`)
	for i := range children {
		c.create("contacts", fmt.Sprintf(`{"lastname":"%d","parentcustomerid_account@odata.bind":"/accounts(%s)"}`, i, account))
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if status, _, b := c.send(http.MethodDelete, "accounts("+account+")", ""); status != http.StatusNoContent {
			t.Errorf("the delete is answered %d %s", status, b)
		}
	}()
	for done := false; !done; {
		select {
		case <-gone:
			done = true
		default:
		}
		seen := c.list("accounts?$select=name&$expand=contact_customer_accounts($select=lastname)")
		if len(seen) == 1 {
			if got, _ := seen[0]["contact_customer_accounts"].([]any); len(got) != children {
				t.Errorf("the account is seen with %d contacts, want %d", len(got), children)
			}
		}
		if left := len(c.list("contacts?$select=lastname")); left != 0 && left != children {
			t.Errorf("%d contacts are seen, want all %d or none", left, children)
		}
	}
	if left := len(c.list("contacts?$select=lastname")); left != 0 {
		t.Errorf("%d contacts are left", left)
	}
}
