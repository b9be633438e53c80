package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/webhook"
)

// toldOf registers a step on contacts that are made, sets a plan over HTTP, and makes contacts.
func toldOf(t *testing.T, plan, step string, names ...string) (*local.Server, string, client, *receiver) {
	t.Helper()
	server, base := localtest.Start(t, local.Config{AllowControl: true})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL, withKey, "Create", "contact", step, "")
	if status, answer := control(t, base, http.MethodPost, "/local/faults", plan); status != http.StatusNoContent {
		t.Fatalf("POST = %d %s", status, answer)
	}
	for _, name := range names {
		c.create("contacts", `{"lastname":"`+name+`"}`)
	}
	return server, base, c, r
}

const keptJob = `"mode":1,"stage":40`

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ plan, want, counts string }{
		"twice":                       {`[{"webhook":"twice","skip":1,"times":1}]`, "[A B B C D]", "[4 1]"},
		"dropped":                     {`[{"webhook":"dropped","entity":"contact","skip":1,"times":2}]`, "[A D]", "[4 2]"},
		"late":                        {`[{"webhook":"late","skip":1,"times":1}]`, "[A C B D]", "[3 1]"},
		"all are late":                {`[{"webhook":"late"}]`, "[B A D C]", "[2 2]"},
		"one of the step by its name": {`[{"webhook":"twice","step":"Create of contact","times":1}]`, "[A A B C D]", "[4 1]"},
		"one of the step by its ID":   {`[{"webhook":"twice","step":"` + stepID + `","times":1}]`, "[A A B C D]", "[4 1]"},
		"of another step":             {`[{"webhook":"dropped","step":"Delete of contact"}]`, "[A B C D]", "[0 0]"},
		"of another entity":           {`[{"webhook":"dropped","entity":"account"}]`, "[A B C D]", "[0 0]"},
		"none of requests":            {`[{"status":503,"path":"/tasks"}]`, "[A B C D]", "[0 0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, _, c, r := toldOf(t, test.plan, keptJob, "A", "B", "C", "D")
			local.WaitForWebhooks(t.Context(), server)
			if got := fmt.Sprint(r.lastNames(t, len(strings.Fields(test.want)))); got != test.want {
				t.Errorf("delivered %s, want %s", got, test.want)
			}
			if n := int(r.count.Load()); n != len(strings.Fields(test.want)) {
				t.Errorf("%d deliveries, want %s", n, test.want)
			}
			if f := server.Faults()[0]; fmt.Sprint([]int{f.Met, f.Struck}) != test.counts {
				t.Errorf("met and struck = %d %d, want %s", f.Met, f.Struck, test.counts)
			}
			if jobs := c.list("asyncoperations?$filter=statuscode eq 30"); len(jobs) != 4 {
				t.Errorf("%d jobs succeeded, want one of each contact", len(jobs))
			}
		})
	}
}

// A delivery that is late waits for the next one, with its job, until there is one or the plan is replaced.
func TestLateWebhookWaits(t *testing.T) {
	t.Parallel()
	server, base, c, r := toldOf(t, `[{"webhook":"late"}]`, asynchronous, "A")
	local.WaitForWebhooks(t.Context(), server)
	if jobs := c.list("asyncoperations?$filter=statecode eq 0"); len(jobs) != 1 || r.count.Load() != 0 {
		t.Errorf("%d jobs wait after %d deliveries, want one and none", len(jobs), r.count.Load())
	}
	if status, _ := control(t, base, http.MethodDelete, "/local/faults", ""); status != http.StatusNoContent {
		t.Errorf("DELETE = %d", status)
	}
	if got := r.lastNames(t, 1); got[0] != "A" {
		t.Errorf("delivered %v", got)
	}
}

func TestOversizeWebhookFault(t *testing.T) {
	t.Parallel()
	for mode, step := range map[string]string{"asynchronous": keptJob, "synchronous": `"mode":0,"stage":40`} {
		_, _, _, r := toldOf(t, `[{"webhook":"oversize","times":1}]`, step, "A", "B")
		d := r.next(t)
		if d.header.Get(webhook.HeaderSizeExceeded) == "" || !d.context.Reduced || d.context.PrimaryEntityID == "" {
			t.Errorf("%s: context = %+v %v, want one without its payload", mode, d.context, d.header)
		}
		if next := r.next(t); next.header.Get(webhook.HeaderSizeExceeded) != "" || next.context.Reduced {
			t.Errorf("%s: the next is %+v, want it whole", mode, next.context)
		}
	}
}

func TestSynchronousWebhookFaults(t *testing.T) {
	t.Parallel()
	_, _, c, r := toldOf(t, `[{"webhook":"dropped","times":1},{"webhook":"twice","times":1},{"webhook":"late"}]`, `"mode":0,"stage":40`, "A", "B", "C")
	if got := fmt.Sprint(r.lastNames(t, 3)); got != "[B B C]" {
		t.Errorf("delivered %s, want B twice and C", got)
	}
	if got := c.list("contacts"); len(got) != 3 {
		t.Errorf("%d contacts, want all three", len(got))
	}
}

func TestDelayedWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := openInBubble(t, local.Config{})
		register(c, "http://127.0.0.1:1/", withKey, "Create", "contact", keptJob, "")
		server.SetFaults([]local.Fault{{Webhook: local.WebhookDropped, Delay: time.Hour}})
		server.ReleaseWebhooks()
		c.create("contacts", `{"lastname":"A"}`)
		if jobs := c.list("asyncoperations?$filter=statecode eq 0 and statuscode eq 0"); len(jobs) != 1 {
			t.Errorf("%d jobs wait at first, want one", len(jobs))
		}
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if jobs := c.list("asyncoperations?$filter=statecode eq 2 and statuscode eq 20"); len(jobs) != 1 {
			t.Errorf("%d jobs are in progress before the delay has ended, want one", len(jobs))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if jobs := c.list("asyncoperations?$filter=statuscode eq 30"); len(jobs) != 1 {
			t.Errorf("%d jobs ended after the delay, want one", len(jobs))
		}
	})
}
