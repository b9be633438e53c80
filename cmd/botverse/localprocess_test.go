package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// localProgram is a `botverse dataverse` in a process of its own, and the service root of its Web API.
func localProgram(t *testing.T, args ...string) (process *exec.Cmd, root string) {
	t.Helper()
	process = program(t, append([]string{"dataverse", "--addr=127.0.0.1:0"}, args...)...)
	var log bytes.Buffer
	process.Stderr = &log
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "local Dataverse  "); ok {
			return process, address
		}
	}
	_ = process.Wait()
	t.Fatalf("it ended before it served: %s", log.String())
	return nil, ""
}

// end kills a process and waits until it is gone.
func end(t *testing.T, process *exec.Cmd) {
	t.Helper()
	if err := process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = process.Wait() // it was killed
}

// ask sends a request to the Web API and reads the answer's list, where it has one.
func ask(ctx context.Context, method, url, body string) (status int, list []map[string]any, err error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.ReplaceAll(url, " ", "%20"), strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, err
	}
	var page struct{ Value []map[string]any }
	if response.StatusCode == http.StatusOK {
		err = json.Unmarshal(b, &page)
	}
	return response.StatusCode, page.Value, err
}

// TestSIGKILLLosesNothingAndHalvesNothing kills the local Dataverse in the middle of creates by several clients at once, each of
// an account with a contact and two tasks. What was answered must be there afterwards, and of what was not, all or nothing.
func TestSIGKILLLosesNothingAndHalvesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	process, root := localProgram(t, "--data-dir="+dir, "--seed=none")
	const clients, enough = 8, 60
	var (
		answered sync.Map
		count    atomic.Int64
		killed   = make(chan struct{})
		wait     sync.WaitGroup
	)
	for client := range clients {
		wait.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d", client, i)
				status, _, err := ask(t.Context(), http.MethodPost, root+"accounts", `{"name":"`+name+`","primarycontactid":{"lastname":"`+name+`"},"Account_Tasks":[{"subject":"a"},{"subject":"b"}]}`)
				if err != nil {
					return // the process is gone
				}
				if status != http.StatusNoContent {
					t.Errorf("create of %s = %d", name, status)
					return
				}
				answered.Store(name, true)
				if count.Add(1) == enough {
					close(killed)
				}
			}
		})
	}
	<-killed
	end(t, process)
	wait.Wait()

	process, root = localProgram(t, "--data-dir="+dir)
	defer end(t, process)
	_, accounts, err := ask(t.Context(), http.MethodGet, root+"accounts?$select=name&$expand=primarycontactid($select=lastname),Account_Tasks($select=subject)", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range accounts {
		answered.Delete(account["name"])
		if contact := at(account, "primarycontactid", "lastname"); contact != account["name"] || at(account, "Account_Tasks", 1) == nil || at(account, "Account_Tasks", 2) != nil {
			t.Errorf("after SIGKILL there is a part of %v: contact %v, tasks %v", account["name"], contact, account["Account_Tasks"])
		}
	}
	answered.Range(func(name, _ any) bool {
		t.Errorf("%v was answered, and is gone after SIGKILL", name)
		return true
	})
	for set, each := range map[string]int{"contacts": 1, "tasks": 2} {
		if _, list, err := ask(t.Context(), http.MethodGet, root+set, ""); err != nil || len(list) != each*len(accounts) {
			t.Errorf("%d %s beside %d accounts, %v: some were written without their account", len(list), set, len(accounts), err)
		}
	}
}

func TestSecondLocalDataverseOnADirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	process, _ := localProgram(t, "--data-dir="+dir)
	defer end(t, process)
	second := program(t, "dataverse", "--addr=127.0.0.1:0", "--data-dir="+dir)
	said, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "another process runs a local Dataverse on "+dir) || strings.Count(string(said), "\n") != 1 {
		t.Errorf("a second process on one directory: %v, %s; want one sentence that says so", err, said)
	}
}

// TestLocalDataverseIsSteeredByFlags starts it with limits, a fault plan, a seed and a client of one's own.
func TestLocalDataverseIsSteeredByFlags(t *testing.T) {
	t.Parallel()
	plan := textFile(t, "plan.yaml", "- {path: /accounts, status: 503, retryAfter: 2}\n")
	seed := textFile(t, "seed.json", `{"contacts": [{"lastname": "Own"}]}`)
	process, root := localProgram(t, "--in-memory", "--seed="+seed, "--faults="+plan, "--allow-control", "--limits", "--limit-requests=2", "--limit-window=1m",
		"--client-secret=right,one", "--client-secret=right", "--expired-secret=old", "--token-lifetime=2m")
	defer end(t, process)
	_, contacts, err := ask(t.Context(), http.MethodGet, root+"contacts?$select=lastname", "")
	if err != nil || len(contacts) != 1 || contacts[0]["lastname"] != "Own" {
		t.Errorf("contacts = %v, %v; want the one of the seed", contacts, err)
	}
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		if status, _, err := ask(t.Context(), http.MethodGet, root+"accounts", ""); err != nil || status != want {
			t.Errorf("accounts = %d, %v; want %d", status, err, want)
		}
	}
	base := strings.TrimSuffix(root, "/api/data/v9.2/")
	if status, _, err := ask(t.Context(), http.MethodPost, base+"/local/reset", ""); err != nil || status != http.StatusNoContent {
		t.Errorf("reset = %d, %v", status, err)
	}
	for secret, want := range map[string]string{"right": `"expires_in":119`, "right,one": `"expires_in":119`, "old": "AADSTS7000222", "wrong": "AADSTS7000215"} {
		response, err := http.Post(base+"/contoso/oauth2/v2.0/token", "application/x-www-form-urlencoded", strings.NewReader("grant_type=client_credentials&client_id=x&client_secret="+secret))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("the answer to the secret %q is %s, %v; want %s", secret, b, err, want)
		}
	}
}

// textFile is a file of the test's own.
func textFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWrongSettingsOfTheLocalDataverse holds that each ends the start with a sentence that says what is wrong.
func TestWrongSettingsOfTheLocalDataverse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flag   string
		status int
		says   string
	}{
		"no such seed":      {"--seed=/nowhere/seed.json", 2, "nor a file"},
		"a mistaken seed":   {"--seed=" + textFile(t, "seed.json", "{\n\"contacts\": [{\"lastnam\": 1}]}"), 1, `line 2: contact has no "lastnam"; did you mean "lastname"?`},
		"no such plan":      {"--faults=/nowhere/plan.yaml", 2, "/nowhere/plan.yaml"},
		"a mistaken plan":   {"--faults=" + textFile(t, "plan.yaml", "- {stauts: 503}"), 2, `"stauts" is unknown; did you mean "status"?`},
		"limits of nothing": {"--limit-requests=0", 2, "above zero"},
		"a short life":      {"--token-lifetime=1ms", 2, "at least 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, "dataverse", "--in-memory", "--addr=127.0.0.1:0", "--limits", c.flag)
			said, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.status || !strings.Contains(string(said), c.says) || strings.Contains(string(said), "goroutine ") {
				t.Errorf("it ended with %v and said %q, want status %d and a sentence with %q", err, said, c.status, c.says)
			}
		})
	}
}
