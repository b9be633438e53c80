package local_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/internal/await"
)

// lastNames are the names in the next deliveries.
func (r *receiver) lastNames(t *testing.T, count int) []string {
	t.Helper()
	var names []string
	for range count {
		target, _ := r.next(t).context.Target()
		names = append(names, fmt.Sprint(target.Value("lastname")))
	}
	return names
}

// What was committed is told of, though the process ended before it could: in the order of the commits, before anything
// newer, and to where the endpoint is by then.
func TestQueuedWebhooksOutliveTheProcess(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	cfg.HoldWebhooks = true
	first, stop := serve(t, cfg)
	c := newClient(t, "http://"+first.Addr())
	gone, r := newReceiver(t), newReceiver(t)
	register(c, gone.URL, withKey, "Create", "contact", asynchronous, "")
	c.create("contacts", `{"lastname":"A"}`)
	c.create("contacts", `{"lastname":"B"}`)
	if jobs := c.list("asyncoperations?$filter=statecode eq 0 and statuscode eq 0 and messagename eq 'Create'"); len(jobs) != 2 {
		t.Errorf("jobs = %v, want one that waits for each webhook", jobs)
	}
	stop()

	second, stop := serve(t, cfg)
	c = newClient(t, "http://"+second.Addr())
	c.send(http.MethodPatch, "serviceendpoints("+endpointID+")", `{"url":"`+r.URL+`/moved","authvalue":"new"}`)
	c.create("contacts", `{"lastname":"C"}`)
	second.ReleaseWebhooks()
	if d := r.next(t); d.url != "/moved?code=new" || d.header.Get("X-Ms-Dynamics-Organization") != second.Addr() {
		t.Errorf("delivered to %s with %v", d.url, d.header)
	}
	if got := r.lastNames(t, 2); fmt.Sprint(got) != "[B C]" {
		t.Errorf("delivered A, then %v, want B and C", got)
	}
	local.WaitForWebhooks(t.Context(), second)
	if jobs := c.list("asyncoperations"); len(jobs) != 0 {
		t.Errorf("jobs = %v, want none: the step deletes those that succeed", jobs)
	}
	stop()

	cfg.HoldWebhooks = false
	serve(t, cfg)
	if n := gone.count.Load() + r.count.Load(); n != 3 {
		t.Errorf("%d deliveries of 3 events", n)
	}
}

// waitForJob asks until there is a system job of that kind.
func waitForJob(c client, filter string) {
	c.t.Helper()
	await.Until(c.t, "there is a job with "+filter, func() bool { return len(c.list("asyncoperations?$filter="+filter)) > 0 })
}

// A delivery that the end of the process breaks off is made by the next one.
func TestDeliveryBrokenOffIsRepeated(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 1)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		_, _ = io.Copy(io.Discard, request.Body)
		begun <- struct{}{}
		<-request.Context().Done()
	}))
	t.Cleanup(slow.Close)
	cfg := config(t.TempDir())
	cfg.DrainTimeout = time.Millisecond
	first, stop := serve(t, cfg)
	c := newClient(t, "http://"+first.Addr())
	register(c, slow.URL, withKey, "Create", "contact", asynchronous, "")
	c.create("contacts", `{"lastname":"Cut"}`)
	<-begun
	waitForJob(c, "statecode eq 2 and statuscode eq 20 and startedon ne null and completedon eq null")
	stop()

	cfg.HoldWebhooks = true
	second, _ := serve(t, cfg)
	r := newReceiver(t)
	c = newClient(t, "http://"+second.Addr())
	if jobs := c.list("asyncoperations?$filter=statecode eq 0 and statuscode eq 0 and startedon eq null"); len(jobs) != 1 {
		t.Errorf("%d jobs wait, want the one that was broken off", len(jobs))
	}
	c.send(http.MethodPatch, "serviceendpoints("+endpointID+")", `{"url":"`+r.URL+`"}`)
	second.ReleaseWebhooks()
	if got := r.lastNames(t, 1); got[0] != "Cut" {
		t.Errorf("delivered %v", got)
	}
}

func TestHeldWebhooksWait(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL, withKey, "Create", "contact", `"mode":1,"stage":40`, "")
	server.HoldWebhooks(t.Context())
	id := c.create("contacts", `{"lastname":"Kept"}`)
	server.HoldWebhooks(t.Context()) // returns although something waits
	if n := r.count.Load(); n != 0 {
		t.Errorf("%d deliveries while webhooks are held back", n)
	}
	server.ReleaseWebhooks()
	r.lastNames(t, 1)
	local.WaitForWebhooks(t.Context(), server)
	jobs := c.list("asyncoperations?$select=statuscode,_regardingobjectid_value,data,completedon")
	if len(jobs) != 1 || jobs[0]["statuscode"] != float64(30) || jobs[0]["_regardingobjectid_value"] != id || jobs[0]["data"] != nil || jobs[0]["completedon"] == nil {
		t.Errorf("jobs = %v, want the one that succeeded", jobs)
	}
}

func TestWebhookOfAStepThatIsGoneIsCanceled(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL, withKey, "Create", "contact", asynchronous, "")
	server.HoldWebhooks(t.Context())
	c.create("contacts", `{"lastname":"Nobody's"}`)
	c.send(http.MethodDelete, "sdkmessageprocessingsteps("+stepID+")", "")
	server.ReleaseWebhooks()
	local.WaitForWebhooks(t.Context(), server)
	if jobs := c.list("asyncoperations?$select=statecode,statuscode"); len(jobs) != 1 || jobs[0]["statecode"] != float64(3) || jobs[0]["statuscode"] != float64(32) {
		t.Errorf("jobs = %v, want a canceled one", jobs)
	}
	if n := r.count.Load(); n != 0 {
		t.Errorf("%d deliveries", n)
	}
}
