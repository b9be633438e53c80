package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/presence"
)

// say runs a command and returns what it printed.
func say(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out := &safeBuffer{}
	err := run(t.Context(), args, out, &safeBuffer{})
	return out.String(), err
}

// must runs a command that is to succeed and to say something.
func must(t *testing.T, want string, args ...string) string {
	t.Helper()
	out, err := say(t, args...)
	if err != nil || !strings.Contains(out, want) {
		t.Fatalf("botverse %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
	}
	return out
}

// fails runs a command that is to fail with a sentence.
func fails(t *testing.T, want string, args ...string) string {
	t.Helper()
	out, err := say(t, args...)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("botverse %s: %v\n%s\nwant an error with %q", strings.Join(args, " "), err, out, want)
	}
	return out
}

// webhookArgs are the arguments of a webhook command about a running serve.
func (r *running) webhookArgs(command string, more ...string) []string {
	return append([]string{"webhook", command, "--local-addr=" + r.local, "--webhook-addr=" + r.webhook, "--data-dir=" + r.dir}, more...)
}

func client(t *testing.T, url string) *dataverse.Client {
	t.Helper()
	all, err := dataverse.NewEnvironments(map[string]dataverse.Config{"it": localEnvironment(url)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := all.Client(t.Context(), "it")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRegisteringTwiceChangesNothingAndVerifyNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	r := serve(t)
	must(t, "nothing was changed", r.webhookArgs("register")...) // serve did it already
	must(t, "as it should be", r.webhookArgs("verify")...)

	c := client(t, "http://"+r.local)
	images := &schema.Entity{LogicalName: "sdkmessageprocessingstepimage", EntitySetName: "sdkmessageprocessingstepimages", PrimaryID: "sdkmessageprocessingstepimageid"}
	page, err := c.ListRecords(t.Context(), images, &odata.Query{Select: []string{images.PrimaryID}})
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("the images are %v, %v; want one", page.Records, err)
	}
	// One column is dropped.
	err = c.UpdateRecord(t.Context(), images, page.Records[0].ID(), dataverse.Fields{"attributes": "createdon,msdyn_agentid,msdyn_availablecapacity,msdyn_isagentloggedin,msdyn_starttime"})
	if err != nil {
		t.Fatal(err)
	}
	if out := fails(t, "--fix", r.webhookArgs("verify")...); !strings.Contains(out, "image's fields") || !strings.Contains(out, "msdyn_presenceid") {
		t.Errorf("verify says %s, want the image's fields", out)
	}
	must(t, "mended: image's fields", r.webhookArgs("verify", "--fix")...)
	must(t, "as it should be", r.webhookArgs("verify")...)

	must(t, "Create of msdyn_agentstatushistory", r.webhookArgs("list")...)
	must(t, "knows the key of agent-status", r.webhookArgs("test")...)
	must(t, "no longer registered", r.webhookArgs("remove")...)
	must(t, "was not registered", r.webhookArgs("remove")...)
	must(t, "nothing is registered", r.webhookArgs("list")...)
	fails(t, "run `botverse webhook register`", r.webhookArgs("test")...)
	must(t, "service endpoint was missing", r.webhookArgs("register")...)
	must(t, "knows the key", r.webhookArgs("test")...)
}

// While keys change, each delivery that shows either key arrives.
func TestKeysRotateWithoutLoss(t *testing.T) {
	t.Parallel()
	r := serve(t)
	ring := openKeyring(r.dir, nil)
	held := func() heldKeys {
		t.Helper()
		keys, err := ring.held(presence.AgentStatus, localName)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	answers := func(key string) int {
		t.Helper()
		response, err := http.Post("http://"+r.webhook+webhookPath(presence.AgentStatus)+"?code="+key, "application/json", strings.NewReader(string(presence.Probe("x"))))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	before := held()
	must(t, "key was", r.webhookArgs("register", "--rotate")...)
	during := held()
	if during.previous != before.current || during.current == before.current || during.current == "" {
		t.Fatalf("rotated from %+v to %+v", before, during)
	}
	for _, key := range []string{during.current, during.previous} {
		if status := answers(key); status != http.StatusOK {
			t.Errorf("one of two live keys gets %d", status)
		}
	}
	// The whole way still works: Dataverse shows the new key.
	must(t, "knows the key", r.webhookArgs("test")...)
	setPresence(t, r, agent, "Busy")

	must(t, "the old key is refused from now on", r.webhookArgs("register", "--drop-old-key")...)
	must(t, "there was no old key", r.webhookArgs("register", "--drop-old-key")...)
	if status := answers(before.current); status != http.StatusUnauthorized {
		t.Errorf("the dropped key gets %d, want 401", status)
	}
	if status := answers(during.current); status != http.StatusOK {
		t.Errorf("the remaining key gets %d", status)
	}
}

// A key that could not be registered must not push out the one that Dataverse shows.
func TestRotatingAgainAfterAFailureForgetsNoKeyInForce(t *testing.T) {
	t.Parallel()
	server, url := localtest.Start(t, local.Config{Seed: local.SeedNone})
	dir := t.TempDir()
	args := func(command string, more ...string) []string {
		return append([]string{"webhook", command, "--local-addr=" + strings.TrimPrefix(url, "http://"), "--data-dir=" + dir}, more...)
	}
	must(t, "is registered", args("register")...)
	ring := openKeyring(dir, nil)
	inForce, err := ring.held(presence.AgentStatus, localName)
	if err != nil {
		t.Fatal(err)
	}
	server.SetFaults([]local.Fault{{Method: "PATCH", Path: "/serviceendpoints", Status: 403, Times: 2}})
	fails(t, "System Customizer", args("register", "--rotate")...)
	fails(t, "System Customizer", args("register", "--rotate")...)
	held, err := ring.held(presence.AgentStatus, localName)
	if err != nil || held.previous != inForce.current {
		t.Errorf("after two failures the keys are %+v, want %s still among them", held, "the one in force")
	}
	must(t, "key was", args("register")...)
	must(t, "nothing was changed", args("register")...)
}

// Two installations in one environment do not touch each other's registrations.
func TestInstallationsDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	_, url := localtest.Start(t, local.Config{Seed: local.SeedNone})
	args := func(dir, command string, more ...string) []string {
		return append([]string{"webhook", command, "--local-addr=" + strings.TrimPrefix(url, "http://"), "--data-dir=" + dir}, more...)
	}
	one, two := t.TempDir(), t.TempDir()
	must(t, "is registered", args(one, "register")...)
	must(t, "service endpoint was missing", args(two, "register")...)
	must(t, "no longer", args(one, "remove")...)
	must(t, "nothing is registered", args(one, "list")...)
	must(t, "agent-status", args(two, "list")...)
	must(t, "agent-status", args(one, "list", "--all")...)
	a, err := installationID(one)
	b, err2 := installationID(two)
	if again, _ := installationID(one); err != nil || err2 != nil || a == b || a != again {
		t.Errorf("the installations are %q, %q and again %q (%v, %v)", a, b, again, err, err2)
	}
}

func TestARealEnvironmentNeedsAnAddressThatItCanReach(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "botverse.yaml")
	text := "environments: {prod: {url: https://contoso.crm4.dynamics.com, sign_in: {kind: entra, tenant_id: t, client_id: c, client_secret: s}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"":                               "webhook.public_url",
		"https://bots.example.com:8443":  "port 443",
		"http://bots.example.com:8081":   "port 443",
		"https://127.0.0.1":              "own",
		"ftp://bots.example.com":         "port 443",
		"https://localhost/webhooks/any": "own",
	} {
		fails(t, want, "webhook", "register", "--config="+file, "--data-dir="+t.TempDir(), "--url="+url)
	}
	fails(t, "agent-status", "webhook", "register", "--config="+file, "--source=agent-stats")
	fails(t, "register_at_start needs public_url", "webhook", "list", "--config="+file, "--webhook={register_at_start: true}")
	fails(t, `unknown key "register_at_stat"`, "webhook", "list", "--config="+file, "--webhook={register_at_stat: true}")
	c := place{Environments: environments{"prod": {URL: "https://contoso.crm4.dynamics.com"}}}
	for url, want := range map[string]string{
		"https://bots.example.com":                      "https://bots.example.com/webhooks/dataverse/s",
		"https://bots.example.com:443":                  "https://bots.example.com:443/webhooks/dataverse/s",
		"http://bots.example.com/x/":                    "http://bots.example.com/x/webhooks/dataverse/s",
		"https://bots.example.com/webhooks/dataverse/s": "https://bots.example.com/webhooks/dataverse/s",
	} {
		if got, err := c.deliveryURL(url, "prod", "s"); got != want || err != nil {
			t.Errorf("deliveryURL(%s) = %s, %v; want %s", url, got, err, want)
		}
	}
}

// Serve registers in configured environments where it is told to, and only there.
func TestServeRegistersInAnEnvironmentOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings string
		want     int
	}{"not asked": {"{public_url: 'http://127.0.0.1:1'}", 0}, "asked": {"{public_url: 'http://127.0.0.1:1', register_at_start: true}", 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url := localtest.Start(t, local.Config{Seed: local.SeedNone})
			r := serveWith(t, "--webhook", c.settings, "--environments", fmt.Sprintf(
				"{there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/local/oauth2/v2.0/token, client_id: botverse, client_secret: local, scope: %[1]s/.default}}}", url))
			there := client(t, url)
			await.Until(t, "what is to be registered is", func() bool {
				list, err := there.ListWebhooks(t.Context(), endpointPrefix)
				if err != nil {
					t.Fatal(err)
				}
				return len(list) == c.want
			})
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if list, err := there.ListWebhooks(t.Context(), endpointPrefix); len(list) != c.want || err != nil {
				t.Errorf("registered %v, %v; want %d", list, err, c.want)
			}
		})
	}
}

// What is at the other end is told apart.
func TestProbeSaysWhatAnswers(t *testing.T) {
	t.Parallel()
	for want, handler := range map[string]http.HandlerFunc{
		"does not know the key": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"source is not known":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"something else":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
	} {
		server := httptest.NewServer(handler)
		err := probe(t.Context(), dataverse.Webhook{URL: server.URL, Key: "the-secret-key"})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("probe = %v, want %q", err, want)
		}
	}
	err := probe(t.Context(), dataverse.Webhook{URL: "http://" + vacant.Always, Key: "the-secret-key"})
	if err == nil || !strings.Contains(err.Error(), "nothing answers") || strings.Contains(err.Error(), "the-secret-key") {
		t.Errorf("probe = %v", err)
	}
}
