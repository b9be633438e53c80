package local_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/webhook"
	"github.com/botverse/botverse/internal/await"
)

// delivery is what a receiver got.
type delivery struct {
	url     string
	header  http.Header
	context *webhook.Context
}

// receiver keeps what is posted to it, and answers each with the next status, the last of them for ever.
type receiver struct {
	*httptest.Server
	got   chan delivery
	count atomic.Int64
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	r := &receiver{got: make(chan delivery, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		n := int(r.count.Add(1))
		b, err := io.ReadAll(request.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		c, err := webhook.Decode(b)
		if err != nil {
			t.Errorf("decode a delivery: %v", err)
		}
		if len(statuses) > 0 {
			w.WriteHeader(statuses[min(n, len(statuses))-1])
		}
		r.got <- delivery{request.URL.String(), request.Header, c}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-r.got:
		return d
	case <-time.After(await.Patience):
		t.Fatal("nothing was delivered")
		return delivery{}
	}
}

const (
	endpointID = "ee000000-0000-4000-8000-000000000001"
	stepID     = "57000000-0000-4000-8000-000000000001"
)

// register makes endpoint, step and image as a client does ("Register a web hook").
func register(c client, url, endpoint, message, entity, step, image string) {
	c.t.Helper()
	c.create("serviceendpoints", `{"serviceendpointid":"`+endpointID+`","name":"test","url":"`+url+`","contract":8,`+endpoint+`}`)
	messageID := c.list("sdkmessages?$select=sdkmessageid&$filter=name eq '" + message + "'")[0]["sdkmessageid"].(string)
	filterID := c.list("sdkmessagefilters?$select=sdkmessagefilterid&$filter=primaryobjecttypecode eq '" + entity + "' and _sdkmessageid_value eq " + messageID)[0]["sdkmessagefilterid"].(string)
	c.create("sdkmessageprocessingsteps", `{"sdkmessageprocessingstepid":"`+stepID+`","name":"test: `+message+` of `+entity+`","rank":1,`+step+`,
		"sdkmessageid@odata.bind":"/sdkmessages(`+messageID+`)","sdkmessagefilterid@odata.bind":"/sdkmessagefilters(`+filterID+`)",
		"eventhandler_serviceendpoint@odata.bind":"/serviceendpoints(`+endpointID+`)"}`)
	if image != "" {
		c.create("sdkmessageprocessingstepimages", `{"name":"image",`+image+`,"sdkmessageprocessingstepid@odata.bind":"/sdkmessageprocessingsteps(`+stepID+`)"}`)
	}
}

const (
	withKey      = `"authtype":4,"authvalue":"the key&more"`
	asynchronous = `"mode":1,"stage":40,"asyncautodelete":true`
)

func TestCreateIsDelivered(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL+"/hook", withKey, "Create", "msdyn_agentstatushistory", asynchronous,
		`"entityalias":"presence_post","imagetype":1,"messagepropertyname":"Id","attributes":"msdyn_agentid,msdyn_presenceid,msdyn_starttime"`)
	id := c.create("msdyn_agentstatushistories", `{"msdyn_name":"x","msdyn_starttime":"2026-01-01T10:00:00Z","msdyn_isagentloggedin":true,"msdyn_availablecapacity":100,
		"msdyn_Agentid@odata.bind":"/systemusers(50000000-0000-4000-8000-00000000000b)",
		"msdyn_presenceid@odata.bind":"/msdyn_presences(f523f628-c07a-e811-8162-000d3aa11f50)"}`)

	d := r.next(t)
	if d.url != "/hook?code=the+key%26more" {
		t.Errorf("delivered to %s, want the key as ?code=", d.url)
	}
	for name, want := range map[string]string{
		webhook.HeaderEntityName: "msdyn_agentstatushistory", webhook.HeaderRequestName: "Create", webhook.HeaderOrganization: server.Addr(), webhook.HeaderSizeExceeded: "",
	} {
		if got := d.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	x := d.context
	if x.PrimaryEntityID != id || x.MessageName != "Create" || x.OrganizationID != server.OrganizationID() || x.OwningExtension.ID != stepID || x.Stage != 40 || x.Mode != webhook.Asynchronous {
		t.Errorf("context = %+v", x)
	}
	image, ok := x.PostImage("presence_post")
	agent, _ := image.Value("msdyn_agentid").(webhook.EntityReference)
	if !ok || agent.ID != "50000000-0000-4000-8000-00000000000b" || agent.Name != "Aoife O'Rourke" || image.FormattedValue("msdyn_presenceid") != "Available" || image.Has("msdyn_name") {
		t.Errorf("image = %+v, want the three fields that were asked for, with the names of lookups", image)
	}
	if at, ok := image.Time("msdyn_starttime"); !ok || !at.Equal(time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("start time = %v", at)
	}
	target, _ := x.Target()
	if reference, _ := target.Value("msdyn_agentid").(webhook.EntityReference); reference.Name != "" || target.Value("msdyn_isagentloggedin") != true {
		t.Errorf("target = %+v, want it without names", target)
	}
	local.WaitForWebhooks(t.Context(), server)
	if jobs := c.list("asyncoperations?$select=statuscode"); len(jobs) != 0 {
		t.Errorf("jobs = %v, want none: the step deletes those that succeed", jobs)
	}
}

func TestUpdateAndDeleteAreDelivered(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	id := c.create("contacts", `{"lastname":"Before","nickname":"N"}`)
	register(c, r.URL, `"authtype":5,"authvalue":"<settings><setting name=\"X-Secret\" value=\"a &amp; b\"/></settings>"`, "Update", "contact",
		asynchronous+`,"filteringattributes":"lastname,jobtitle"`, `"entityalias":"both","imagetype":2,"messagepropertyname":"Target","attributes":"fullname"`)
	c.send(http.MethodPatch, "contacts("+id+")", `{"nickname":"not listened to"}`)
	c.send(http.MethodPatch, "contacts("+id+")", `{"lastname":"After"}`)
	d := r.next(t)
	if got := d.header.Get("X-Secret"); got != "a & b" {
		t.Errorf("X-Secret = %q", got)
	}
	target, _ := d.context.Target()
	if target.Value("lastname") != "After" || target.Has("nickname") || target.ID != id {
		t.Errorf("target = %+v, want what the request wrote", target)
	}
	post, _ := d.context.PostImage("both")
	var pre webhook.Entity
	for _, image := range d.context.PreEntityImages {
		if image.Alias == "both" {
			pre = image.Entity
		}
	}
	if pre.Value("fullname") != "Before" || post.Value("fullname") != "After" {
		t.Errorf("images = %+v, %+v", pre, post)
	}

	c.send(http.MethodPatch, "sdkmessageprocessingsteps("+stepID+")", `{"statecode":1,"statuscode":2}`)
	c.send(http.MethodPatch, "contacts("+id+")", `{"lastname":"Unheard"}`)
	c.send(http.MethodPatch, "sdkmessageprocessingsteps("+stepID+")", `{"statecode":0,"statuscode":1}`)
	c.send(http.MethodPatch, "contacts("+id+")", `{"lastname":"Heard"}`)
	target, _ = r.next(t).context.Target()
	if target.Value("lastname") != "Heard" {
		t.Errorf("target = %+v, want nothing of the time when the step was disabled", target)
	}
}

func TestDeleteIsDelivered(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	id := c.create("contacts", `{"lastname":"Gone"}`)
	register(c, r.URL+"/h?a=b", `"authtype":6,"authvalue":"<settings><setting name=\"key\" value=\"v\"/></settings>"`, "Delete", "contact", asynchronous, "")
	c.send(http.MethodDelete, "contacts("+id+")", "")
	d := r.next(t)
	if d.url != "/h?a=b&key=v" {
		t.Errorf("delivered to %s", d.url)
	}
	if d.context.PrimaryEntityID != id || len(d.context.InputParameters) != 1 || len(d.context.PreEntityImages) != 1 || d.context.PreEntityImages[0].Alias != webhook.PrimaryNameImage {
		t.Errorf("context = %+v, want a reference and the image of its name", d.context)
	}
}

func TestDeliveriesOfAStepKeepTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL, withKey, "Create", "contact", asynchronous, "")
	var want, got []string
	for i := range 30 {
		want = append(want, fmt.Sprint(i))
		c.create("contacts", fmt.Sprintf(`{"lastname":"%d"}`, i))
	}
	for range want {
		target, _ := r.next(t).context.Target()
		got = append(got, fmt.Sprint(target.Value("lastname")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
}

func TestFailedDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statuses []int
		posts    int
		failed   bool
	}{
		"a busy receiver is tried once more": {[]int{503, 200}, 2, false},
		"but only once":                      {[]int{502, 504, 200}, 2, true},
		"a refusal is final":                 {[]int{500, 200}, 1, true},
		"too many requests is no second try": {[]int{429, 200}, 1, true},
		"a redirect is not followed":         {[]int{302, 200}, 1, true},
		"any success is one":                 {[]int{202}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, base := localtest.Start(t, local.Config{})
			c, r := newClient(t, base), newReceiver(t, test.statuses...)
			register(c, r.URL, withKey, "Create", "contact", asynchronous, "")
			id := c.create("contacts", `{"lastname":"x"}`)
			for range test.posts {
				r.next(t)
			}
			local.WaitForWebhooks(t.Context(), server)
			jobs := c.list("asyncoperations?$select=statecode,statuscode,message,retrycount,_regardingobjectid_value&$filter=statuscode eq 31 and _owningextensionid_value eq " + stepID)
			if got := int(r.count.Load()); got != test.posts {
				t.Errorf("%d posts, want %d", got, test.posts)
			}
			if (len(jobs) == 1) != test.failed {
				t.Fatalf("failed jobs = %v, want one: %v", jobs, test.failed)
			}
			if !test.failed {
				return
			}
			if jobs[0]["_regardingobjectid_value"] != id || jobs[0]["retrycount"] != float64(test.posts-1) {
				t.Errorf("job = %v", jobs[0])
			}
			if message := jobs[0]["message"].(string); strings.Contains(message, "the key") || strings.Contains(message, r.URL) {
				t.Errorf("message %q tells the address or the key", message)
			}
		})
	}
}

func TestSlowReceiverFailsTheDelivery(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{WebhookTimeout: 30 * time.Millisecond})
	c := newClient(t, base)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		_, _ = io.Copy(io.Discard, request.Body) // only then the server sees the client go
		<-request.Context().Done()
	}))
	t.Cleanup(r.Close)
	register(c, r.URL, withKey, "Create", "contact", asynchronous, "")
	c.create("contacts", `{"lastname":"x"}`)
	local.WaitForWebhooks(t.Context(), server)
	if jobs := c.list("asyncoperations?$select=message&$filter=statuscode eq 31"); len(jobs) != 1 || !strings.Contains(jobs[0]["message"].(string), "30ms") {
		t.Errorf("jobs = %v, want one that says the time-out", jobs)
	}
}

func TestSynchronousStepRunsBeforeTheCommit(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t, 200, 500)
	register(c, r.URL, withKey, "Create", "contact", `"mode":0,"stage":40`, "")
	c.create("contacts", `{"lastname":"Let through"}`)
	if d := r.next(t); !d.context.IsInTransaction || d.context.OwningExtension.Name == "" || d.context.OperationID != d.context.RequestID {
		t.Errorf("context = %+v, want that of a synchronous step", d.context)
	}
	status, _, b := c.send(http.MethodPost, "contacts", `{"lastname":"Stopped"}`)
	if status != http.StatusBadRequest || !strings.Contains(string(b), "0x80040265") {
		t.Errorf("answer = %d %s, want a refusal", status, b)
	}
	if got := c.list("contacts?$select=lastname"); len(got) != 1 {
		t.Errorf("records = %v, want the stopped one undone", got)
	}
}

func TestOversizePayloadIsLeftOut(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL, withKey, "Create", "annotation", asynchronous, "")
	c.create("annotations", `{"subject":"long","notetext":"`+strings.Repeat("x", 90_000)+`","documentbody":"`+strings.Repeat("x", 300_000)+`"}`)
	d := r.next(t)
	if d.header.Get(webhook.HeaderSizeExceeded) == "" || !d.context.Reduced || d.context.PrimaryEntityName != "annotation" {
		t.Errorf("context = %+v, want the payload left out", d.context)
	}
}

func TestRefusedRegistrations(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	register(c, "http://127.0.0.1:1/", withKey, "Create", "contact", asynchronous, "")
	for name, test := range map[string]struct{ set, body, want string }{
		"authentication of another kind": {"serviceendpoints", `{"name":"x","url":"https://x","contract":8,"authtype":2}`, "0x80040203"},
		"no address":                     {"serviceendpoints", `{"name":"x","contract":8,"authtype":4}`, "0x80040200"},
		"asynchronous before the operation": {"sdkmessageprocessingsteps", `{"name":"x","rank":1,"mode":1,"stage":20,"sdkmessageid@odata.bind":"/sdkmessages(9ebdbb1b-ea3e-db11-86a7-000a3a5473e8)",
			"eventhandler_serviceendpoint@odata.bind":"/serviceendpoints(` + endpointID + `)"}`, "0x80040203"},
		"Target on Create":    {"sdkmessageprocessingstepimages", imageOf(`"imagetype":1,"messagepropertyname":"Target"`), "0x8004416b"},
		"pre image on Create": {"sdkmessageprocessingstepimages", imageOf(`"imagetype":0,"messagepropertyname":"Id"`), "0x80040203"},
		"Pascal case":         {"sdkmessageprocessingsteps", `{"name":"x","rank":1,"SdkMessageId@odata.bind":"/sdkmessages(9ebdbb1b-ea3e-db11-86a7-000a3a5473e8)"}`, "0x80048d19"},
	} {
		if status, _, b := c.send(http.MethodPost, test.set, test.body); status != http.StatusBadRequest || !strings.Contains(string(b), test.want) {
			t.Errorf("%s: %d %s, want 400 %s", name, status, b, test.want)
		}
	}
	if status, _, b := c.send(http.MethodDelete, "serviceendpoints("+endpointID+")", ""); status != http.StatusNoContent {
		t.Errorf("delete of an endpoint with a step: %d %s", status, b)
	}
	if status, _, b := c.send(http.MethodGet, "sdkmessageprocessingsteps("+stepID+")", ""); status != http.StatusNotFound {
		t.Errorf("the step of a deleted endpoint: %d %s, want 404", status, b)
	}
}

func imageOf(fields string) string {
	return `{"name":"i","entityalias":"i",` + fields + `,"sdkmessageprocessingstepid@odata.bind":"/sdkmessageprocessingsteps(` + stepID + `)"}`
}

// TestStopWaitsForDeliveries holds that Run does not end before what is on its way has arrived, nor long after its limit.
func TestStopWaitsForDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit   time.Duration
		arrives bool
	}{
		"within the limit": {await.Patience, true},
		"beyond it":        {20 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release, begun, arrived := make(chan struct{}), make(chan struct{}, 1), make(chan struct{}, 1)
			r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
				_, _ = io.Copy(io.Discard, request.Body)
				begun <- struct{}{}
				select {
				case <-release:
					arrived <- struct{}{}
				case <-request.Context().Done():
				}
			}))
			t.Cleanup(r.Close)
			cfg := config(t.TempDir())
			cfg.DrainTimeout = test.limit
			server, stop := serve(t, cfg)
			c := newClient(t, "http://"+server.Addr())
			register(c, r.URL, withKey, "Create", "contact", asynchronous, "")
			c.create("contacts", `{"lastname":"x"}`)
			<-begun
			if test.arrives {
				time.AfterFunc(30*time.Millisecond, func() { close(release) })
			}
			stop()
			if got := len(arrived) == 1; got != test.arrives {
				t.Errorf("arrived = %v, want %v", got, test.arrives)
			}
		})
	}
}
