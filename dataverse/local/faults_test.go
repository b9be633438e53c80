package local_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/internal/await"
)

func TestFaultPlan(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	post := func(lastname string) (*http.Response, error) {
		response, err := http.Post(c.base+"contacts", "application/json", strings.NewReader(`{"lastname":"`+lastname+`"}`))
		if err == nil {
			response.Body.Close()
		}
		return response, err
	}
	count := func(lastname string) int {
		return len(c.list("contacts?$select=contactid&$filter=lastname eq '" + lastname + "'"))
	}

	server.SetFaults([]local.Fault{{Method: http.MethodPost, Path: "/contacts", Skip: 1, Times: 1, Status: 429, RetryAfter: 7}})
	for i, want := range []int{204, 429, 204} {
		response, err := post("Busy")
		if err != nil || response.StatusCode != want {
			t.Fatalf("request %d = %v, %v, want %d", i, response, err, want)
		}
		if want == 429 && response.Header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After = %q, want 7", response.Header.Get("Retry-After"))
		}
	}
	if got := count("Busy"); got != 2 {
		t.Errorf("%d records after a 429 between two answers, want 2", got)
	}

	server.SetFaults([]local.Fault{{Method: http.MethodPost, DropAfterCommit: true}})
	if _, err := post("Lost"); err == nil {
		t.Error("an answer came, want it lost after the commit")
	}
	server.SetFaults([]local.Fault{{Method: http.MethodPost, DropBefore: true}})
	if _, err := post("Dropped"); err == nil {
		t.Error("an answer came, want the request lost")
	}
	server.SetFaults([]local.Fault{{Path: "/nowhere", Status: 503}, {Status: 503, Times: 1}})
	if response, err := post("Away"); err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answer = %v, %v, want 503", response, err)
	}
	server.SetFaults([]local.Fault{{Delay: 20 * time.Millisecond}})
	begin := time.Now()
	if _, err := post("Late"); err != nil || time.Since(begin) < 20*time.Millisecond {
		t.Errorf("answer after %s, %v, want it after the delay", time.Since(begin), err)
	}
	server.SetFaults([]local.Fault{{Delay: time.Hour}})
	held := make(chan error, 1)
	go func() {
		_, err := post("Held")
		held <- err
	}()
	await.Until(t, "the request is held", func() bool { return server.Faults()[0].Struck == 1 })
	server.SetFaults(nil)
	if err := <-held; err != nil {
		t.Errorf("the answer to a request of a plan that is replaced: %v, want it to come at once", err)
	}
	for lastname, want := range map[string]int{"Lost": 1, "Dropped": 0, "Away": 0, "Late": 1, "Held": 1} {
		if got := count(lastname); got != want {
			t.Errorf("%d records of %q, want %d", got, lastname, want)
		}
	}
}

func TestFaultsOverHTTPNeedAllowControl(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		_, base := localtest.Start(t, local.Config{AllowControl: allowed})
		response, err := http.Post(base+"/local/faults", "application/json", strings.NewReader(`[{"path":"WhoAmI","status":503}]`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		wantPlan, wantAnswer := http.StatusNoContent, http.StatusServiceUnavailable
		if !allowed {
			wantPlan, wantAnswer = http.StatusForbidden, http.StatusOK
		}
		if response.StatusCode != wantPlan {
			t.Errorf("POST /local/faults = %s, want %d", response.Status, wantPlan)
		}
		if got, _, _ := newClient(t, base).send(http.MethodGet, "WhoAmI", ""); got != wantAnswer {
			t.Errorf("WhoAmI = %d, want %d", got, wantAnswer)
		}
	}
}
