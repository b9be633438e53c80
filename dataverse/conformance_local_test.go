package dataverse_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/code"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
)

// start is a local Dataverse of the test's own, and a client of it.
func start(t *testing.T) (*local.Server, *dataverse.Client) {
	t.Helper()
	server, url := localtest.Start(t, local.Config{Seed: local.SeedDemo, RequireAuth: true})
	es, err := dataverse.NewEnvironments(map[string]dataverse.Config{"local": localConfig(url)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := es.Client(t.Context(), "local")
	if err != nil {
		t.Fatal(err)
	}
	return server, c
}

func TestDuplicatesAreDetectedAndFound(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	fields := dataverse.Fields{"lastname": "Lovelace", "emailaddress1": "ada@analytical.example"}
	detect := dataverse.CreateOptions{DetectDuplicates: true}
	id, err := c.CreateRecord(t.Context(), contact(), fields, detect)
	if err != nil {
		t.Fatal(err)
	}
	var e *dataverse.Error
	if _, err := c.CreateRecord(t.Context(), contact(), fields, detect); !errors.As(err, &e) || e.Code != code.DuplicateRecordsFound {
		t.Errorf("a duplicate gets %v, want DuplicateRecordsFound", err)
	}
	if _, err := c.CreateRecord(t.Context(), contact(), fields, dataverse.CreateOptions{}); err != nil {
		t.Errorf("a duplicate that may be gets %v", err)
	}
	rules, err := c.DuplicateRules(t.Context(), "contact")
	if err != nil || !rules.InForce || len(rules.Rules) == 0 || len(rules.Rules[0].Conditions) == 0 || rules.Rules[0].BaseEntity != "contact" {
		t.Errorf("DuplicateRules = %+v, %v", rules, err)
	}
	found, err := c.RetrieveDuplicates(t.Context(), contact(), dataverse.Fields{"emailaddress1": "ADA@analytical.example"}, contact())
	if err != nil || len(found) != 2 || found[0].ID() != id && found[1].ID() != id {
		t.Errorf("RetrieveDuplicates = %v, %v; want both", found, err)
	}
}

func TestLostAnswerOfACommittedCreate(t *testing.T) {
	t.Parallel()
	server, c := start(t)
	id := dataverse.ID(uuid.NewString())
	server.SetFaults([]local.Fault{{Method: "POST", Path: "/contacts", Times: 1, DropAfterCommit: true}})
	_, err := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"contactid": string(id), "lastname": "Lost"}, dataverse.CreateOptions{})
	if !errors.Is(err, dataverse.ErrInDoubt) {
		t.Errorf("the error is %v, want ErrInDoubt", err)
	}
	if _, err := c.GetRecord(t.Context(), contact(), id, &odata.Query{Select: []string{"lastname"}}); err != nil {
		t.Errorf("the record is not there: %v", err)
	}
}

func TestThrottledCallsWaitAndOutagesOfReadsPass(t *testing.T) {
	t.Parallel()
	server, c := start(t)
	server.SetFaults([]local.Fault{
		{Method: "POST", Path: "/contacts", Times: 1, Status: 429, RetryAfter: 1},
		{Method: "GET", Path: "/contacts", Times: 2, Status: 503},
		{Method: "GET", Path: "/accounts", Times: 1, DropBefore: true},
	})
	began := time.Now()
	if _, err := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"lastname": "Patient"}, dataverse.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("Retry-After of a second was waited for %v", took)
	}
	for _, e := range []*schema.Entity{contact(), account()} {
		if _, err := c.ListRecords(t.Context(), e, &odata.Query{Select: []string{e.PrimaryName}}); err != nil {
			t.Error(err)
		}
	}
	server.SetFaults([]local.Fault{{Method: "POST", Path: "/contacts", Status: 429, RetryAfter: 600}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // which nothing but waiting could use up
	defer cancel()
	var e *dataverse.Error
	_, err := c.CreateRecord(ctx, contact(), dataverse.Fields{"lastname": "Impatient"}, dataverse.CreateOptions{})
	if !errors.Is(err, dataverse.ErrThrottled) || !errors.As(err, &e) || e.RetryAfter != 600*time.Second || ctx.Err() != nil {
		t.Errorf("the error is %v, want ErrThrottled at once", err)
	}
}

// counted counts the writes that a client sends.
type counted struct {
	next   http.RoundTripper
	mu     sync.Mutex
	writes []string
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !dataverse.IsRead(r) {
		c.mu.Lock()
		c.writes = append(c.writes, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
	}
	return c.next.RoundTrip(r)
}

func (c *counted) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := c.writes
	c.writes = nil
	return writes
}

// TestRegisterWebhook registers twice, changes what can be changed, and has a record posted.
func TestRegisterWebhook(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	keys := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { keys <- r.URL.Query().Get("code") }))
	t.Cleanup(receiver.Close)
	writes := &counted{}
	c = c.Via(func(next http.RoundTripper) http.RoundTripper { writes.next = next; return writes })
	hook := dataverse.Webhook{
		Name: "presence", URL: receiver.URL + "/webhooks/dataverse/presence", Key: "first-key", Message: "Create", Entity: "contact",
		ImageAlias: "ContactImage", Fields: []string{"firstname", "lastname"},
	}
	reordered, rekeyed, moved, wider := hook, hook, hook, hook
	reordered.Fields = []string{"lastname", "firstname"}
	rekeyed.Key, moved.Key, wider.Key = "second-key", "second-key", "second-key"
	moved.URL, wider.URL = receiver.URL+"/webhooks/dataverse/other", receiver.URL+"/webhooks/dataverse/other"
	wider.Fields = nil
	for _, step := range []struct {
		name string
		hook dataverse.Webhook
		want int // writes
	}{
		{"the first time", hook, 3}, {"the second time", hook, 0}, {"fields in another order", reordered, 0},
		{"another key", rekeyed, 1}, {"that again", rekeyed, 0}, {"another URL", moved, 1}, {"another image", wider, 1}, {"and again", wider, 0},
	} {
		if _, err := c.RegisterWebhook(t.Context(), step.hook); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := writes.take(); len(got) != step.want {
			t.Errorf("%s: the writes are %v, want %d", step.name, got, step.want)
		}
	}
	if _, err := c.CreateRecord(t.Context(), contact(), dataverse.Fields{"lastname": "Seen"}, dataverse.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if key := <-keys; key != "second-key" {
		t.Errorf("the webhook came with the key %q", key)
	}
}

func TestRegisterWebhookEnablesADisabledStep(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	hook := dataverse.Webhook{Name: "w", URL: "http://127.0.0.1/w", Key: "k", Message: "Update", Entity: "contact", ImageAlias: "i"}
	if _, err := c.RegisterWebhook(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	steps := &schema.Entity{LogicalName: "sdkmessageprocessingstep", EntitySetName: "sdkmessageprocessingsteps", PrimaryID: "sdkmessageprocessingstepid"}
	query := &odata.Query{Select: []string{"statecode", "mode", "stage"}, Filter: equals("name", "w: Update of contact")}
	page, err := c.ListRecords(t.Context(), steps, query)
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("the steps are %v, %v", page, err)
	}
	if err := c.UpdateRecord(t.Context(), steps, page.Records[0].ID(), dataverse.Fields{"statecode": 1, "statuscode": 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RegisterWebhook(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	page, err = c.ListRecords(t.Context(), steps, query)
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("the steps are %v, %v", page, err)
	}
	if state, _ := page.Records[0].Value("statecode"); state != json.Number("0") {
		t.Errorf("the step's state is %v, want enabled", state)
	}
}

func TestRegisterWebhookRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	good := dataverse.Webhook{Name: "w", URL: "http://127.0.0.1/w", Key: "k", Message: "Create", Entity: "contact"}
	absent, bad := good, dataverse.Webhook{Message: "Assign", Entity: "Contact"}
	absent.Entity = "msdyn_nothing"
	for want, hook := range map[string]dataverse.Webhook{"solution": absent, "no name": bad, "no key": bad, `"Assign"`: bad, `"Contact"`: bad, "URL is missing": bad} {
		if _, err := c.RegisterWebhook(t.Context(), hook); !errors.Is(err, dataverse.ErrRefused) || !contains(err, want) {
			t.Errorf("RegisterWebhook(%+v) = %v, want ErrRefused with %q", hook, err, want)
		}
	}
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }
