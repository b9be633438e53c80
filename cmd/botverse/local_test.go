package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// dataverseAlone runs `botverse dataverse` and returns its base URL and what ends it.
func dataverseAlone(t *testing.T, args ...string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, log := newWaitBuffer("/api/data/v9.2/"), &safeBuffer{}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"dataverse", "--addr=127.0.0.1:0"}, args...), out, log) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("dataverse ended with: %v\n%s", err, log)
		}
	}
	t.Cleanup(stop)
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("dataverse ended before it was ready: %v\n%s", err, log)
	}
	return address(t, out.String(), `local Dataverse +(http://[^/]+)/`), stop
}

// contacts is the status and the number of contacts that the Web API answers.
func contacts(t *testing.T, url string) (int, int) {
	t.Helper()
	response, err := http.Get(url + "/api/data/v9.2/contacts?$select=fullname")
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return response.StatusCode, 0
	}
	records, _ := readJSON(t, response)["value"].([]any)
	return response.StatusCode, len(records)
}

// The runtime signs in to whatever it is told of, and tells it nothing of itself unless it is asked to.
func TestServeOnALocalDataverseOfItsOwnProcess(t *testing.T) {
	t.Parallel()
	url, _ := dataverseAlone(t, "--in-memory", "--require-auth")
	if code, _ := contacts(t, url); code != http.StatusUnauthorized {
		t.Errorf("without a token: HTTP %d, want 401", code)
	}
	r := serveWith(t, "--environments", fmt.Sprintf(
		"{there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/contoso/oauth2/v2.0/token, client_id: c, client_secret: s}}}", url))
	if strings.Contains(r.welcome, "local Dataverse") {
		t.Errorf("a local Dataverse was started beside a configured environment:\n%s", r.welcome)
	}
	if code, answer := r.post(t, "find-record", `{"entity": "contact", "where": {"lastname": "nunez ibarra"}, "save": {"n": "fullname"}}`); answer["outcome"] != "MATCHED" {
		t.Errorf("find-record = HTTP %d %v, want MATCHED", code, answer)
	}
	if code, answer := r.post(t, "find-record", `{"entity": "serviceendpoint", "where": {"contract": 8}}`); answer["outcome"] != "NOT_MATCHED" {
		t.Errorf("a configured environment has a webhook that nobody asked for: HTTP %d %v", code, answer)
	}
}

func TestDataverseSeedsAndKeeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, stop := dataverseAlone(t, "--data-dir="+dir, "--seed=none")
	if code, n := contacts(t, url); code != http.StatusOK || n != 0 {
		t.Errorf("seed none: HTTP %d with %d contacts", code, n)
	}
	response, err := http.Post(url+"/api/data/v9.2/contacts", "application/json", strings.NewReader(`{"lastname":"Kept"}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	stop()
	url, stop = dataverseAlone(t, "--data-dir="+dir) // the seed counts for a new directory only
	if code, n := contacts(t, url); code != http.StatusOK || n != 1 {
		t.Errorf("after a restart: HTTP %d with %d contacts, want the one", code, n)
	}
	stop()
	url, _ = dataverseAlone(t, "--in-memory", "--data-dir="+dir)
	if _, n := contacts(t, url); n < 10 {
		t.Errorf("in memory: %d contacts, want the demo's", n)
	}
}
