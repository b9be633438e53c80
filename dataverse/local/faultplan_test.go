package local_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// control sends a request to a path below /local/.
func control(t *testing.T, base, method, path, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

func TestPlanIsShownWithItsCounts(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{AllowControl: true})
	c := newClient(t, base)
	if status, answer := control(t, base, http.MethodPost, "/local/faults", `[{"method":"get","path":"/contacts","skip":1,"times":1,"status":403,"code":"0x80040220","message":"No."},{"path":"/accounts","delay":"1ms"}]`); status != http.StatusNoContent {
		t.Fatalf("POST = %d %s", status, answer)
	}
	var got []int
	for range 3 {
		status, _, b := c.send(http.MethodGet, "contacts", "")
		got = append(got, status)
		if status == http.StatusForbidden && string(b) != `{"error":{"code":"0x80040220","message":"No."}}` {
			t.Errorf("the refusal is %s", b)
		}
	}
	if want := []int{200, 403, 200}; !slices.Equal(got, want) {
		t.Errorf("answers = %v, want %v", got, want)
	}
	_, shown := control(t, base, http.MethodGet, "/local/faults", "")
	var plan []map[string]any
	if err := json.Unmarshal([]byte(shown), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan) != 2 || plan[0]["met"] != 3.0 || plan[0]["struck"] != 1.0 || plan[1]["delay"] != "1ms" || plan[1]["met"] != 0.0 {
		t.Errorf("the plan is shown as %s, want the first fault met thrice and struck once", shown)
	}
	if status, answer := control(t, base, http.MethodPost, "/local/faults", shown); status != http.StatusNoContent {
		t.Errorf("what is shown is refused: %d %s", status, answer)
	}
	if status, _ := control(t, base, http.MethodDelete, "/local/faults", ""); status != http.StatusNoContent {
		t.Errorf("DELETE = %d, want 204", status)
	}
	if _, shown := control(t, base, http.MethodGet, "/local/faults", ""); strings.TrimSpace(shown) != "[]" {
		t.Errorf("after DELETE the plan is %s, want none", shown)
	}
}

func TestShareOfRequestsIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{AllowControl: true})
	c := newClient(t, base)
	run := func(seed string) (struck []int) {
		if status, answer := control(t, base, http.MethodPost, "/local/faults", `[{"path":"WhoAmI","status":503,"share":0.25,"seed":`+seed+`}]`); status != http.StatusNoContent {
			t.Fatal(answer)
		}
		for i := range 200 {
			if status, _, _ := c.send(http.MethodGet, "WhoAmI", ""); status == http.StatusServiceUnavailable {
				struck = append(struck, i)
			}
		}
		return struck
	}
	first, again, other := run("7"), run("7"), run("8")
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Errorf("seed 7 struck %v, then %v, and seed 8 %v; want the first two alike and the third not", first, again, other)
	}
	if len(first) < 30 || len(first) > 70 {
		t.Errorf("%d of 200 requests were struck, want about 50", len(first))
	}
}

func TestExpiredTokenFault(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	server.SetFaults([]local.Fault{{Times: 1, ExpiredToken: true}})
	c := newClient(t, base)
	status, h, b := c.send(http.MethodGet, "WhoAmI", "")
	want := "Bearer error=invalid_token, error_description=Error during token validation!, authorization_uri=" + base + "/common/oauth2/authorize, resource_id=" + base
	if status != http.StatusUnauthorized || h.Get("WWW-Authenticate") != want || string(b) != "HTTP Error 401 - Unauthorized: Access is denied" {
		t.Errorf("answer = %d %q %s, want 401 %q", status, h.Get("WWW-Authenticate"), b, want)
	}
	if status, _, _ := c.send(http.MethodGet, "WhoAmI", ""); status != http.StatusOK {
		t.Errorf("the next answer = %d, want 200", status)
	}
}

// TestStaleAnswers reads rules as a client reads metadata: by themselves and in a $batch.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := openInBubble(t, local.Config{})
		server.SetFaults([]local.Fault{{Stale: time.Minute}})
		batches := 0
		counts := func(header ...string) (alone, inBatch int) {
			batches++
			boundary := strings.Repeat("b", batches) // another each time, as clients choose it
			batch := "--" + boundary + "\r\nContent-Type: application/http\r\n\r\nGET subjects?$select=title HTTP/1.1\r\n\r\n\r\n--" + boundary + "--\r\n"
			_, _, b := c.send(http.MethodPost, "$batch", batch, append(header, "Content-Type: multipart/mixed; boundary="+boundary)...)
			return len(c.list("subjects?$select=title", header...)), strings.Count(string(b), `"title"`)
		}
		expect := func(when string, want int, header ...string) {
			t.Helper()
			if alone, inBatch := counts(header...); alone != want || inBatch != want {
				t.Errorf("%s: %d subjects, and %d in a batch; want %d", when, alone, inBatch, want)
			}
		}
		expect("at first", 0)
		c.create("subjects", `{"title":"New"}`)
		time.Sleep(59 * time.Second)
		expect("within the time", 0)
		expect("for who wants the newest", 1, "Consistency: Strong")
		time.Sleep(time.Second)
		expect("after it", 1)
		server.SetFaults(nil)
		c.create("subjects", `{"title":"Newer"}`)
		expect("without the fault", 2)
	})
}

func TestPlanFromAFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plan.yaml": "# two of them\n- path: WhoAmI\n  status: 503\n  retryAfter: 2\n- {path: /contacts, delay: 1ms}\n",
		"plan.json": "[\n\t{\"path\": \"WhoAmI\", \"status\": 503, \"retryAfter\": 2},\n\t{\"path\": \"/contacts\", \"delay\": \"1ms\"}\n]\n",
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		server, base := localtest.Start(t, local.Config{Faults: file, AllowControl: true})
		if status, h, _ := newClient(t, base).send(http.MethodGet, "WhoAmI", ""); status != http.StatusServiceUnavailable || h.Get("Retry-After") != "2" {
			t.Errorf("%s: answer = %d after %s, want 503 after 2", name, status, h.Get("Retry-After"))
		}
		if got := server.Faults(); len(got) != 2 || got[1].Delay != time.Millisecond || got[0].Struck != 1 {
			t.Errorf("%s: the plan is %+v", name, got)
		}
		server.SetFaults(nil)
		if status, answer := control(t, base, http.MethodPost, "/local/reset", ""); status != http.StatusNoContent || len(server.Faults()) != 2 || server.Faults()[0].Met != 0 {
			t.Errorf("%s: after a reset (%d %s) the plan is %+v, want the file's, unused", name, status, answer, server.Faults())
		}
		if err := os.WriteFile(file, []byte("- {}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, answer := control(t, base, http.MethodPost, "/local/reset", ""); status != http.StatusBadRequest || !strings.Contains(answer, "it does nothing") {
			t.Errorf("%s: a reset to a plan that went wrong = %d %s, want 400 that says why", name, status, answer)
		}
	}
}

// TestWrongPlansAreRefused holds that a plan with a mistake changes nothing, and that the answer says what is wrong.
func TestWrongPlansAreRefused(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{AllowControl: true})
	server.SetFaults([]local.Fault{{Path: "/stays", Status: 503}})
	for body, want := range map[string]string{
		``:                                   "a list of faults",
		`{"status":503}`:                     "a list of faults",
		`[1]`:                                "a list of faults",
		`null`:                               "a list of faults",
		`{{`:                                 "neither JSON nor YAML",
		`[{"status":503},{"stauts":503}]`:    `fault 2: "stauts" is unknown; did you mean "status"?`,
		`[{}]`:                               "it does nothing",
		`[{"status":"busy"}]`:                "status cannot be a string",
		`[{"status":99}]`:                    "status is 99",
		`[{"status":204}]`:                   "from 300 to 599",
		`[{"status":503,"dropBefore":true}]`: "only one of",
		`[{"status":503,"share":1.5}]`:       "share is 1.5",
		`[{"status":503,"skip":-1}]`:         "below zero",
		`[{"status":503,"method":"FETCH"}]`:  `"FETCH"`,
		`[{"status":503,"code":"nonsense"}]`: `"nonsense"`,
		`[{"delay":"1s","retryAfter":3}]`:    "need a status",
		`[{"webhook":"thrice"}]`:             `webhook "thrice" is none of delayed, twice, late, dropped, oversize`,
		`[{"webhook":"twice","path":"/contacts"}]`: "chosen by step and entity",
		`[{"entity":"contact","status":503}]`:      "give webhook",
		`[{"webhook":"delayed"}]`:                  "needs a delay",
		`[{"webhook":"twice","status":503}]`:       "only one of",
		`[{"delay":5}]`:                            `5 is no duration: write it as "1.5s"`,
		`[{"delay":"soon"}]`:                       `"soon" is no duration`,
		`[{"status":503,"seed":-1}]`:               "seed cannot be",
		`[{"status":1e99}]`:                        "status cannot be",
		strings.Repeat("[", 20_000):                "neither JSON nor YAML",
		`[{"path":"` + strings.Repeat("x", 2<<20):  "too long",
	} {
		status, answer := control(t, base, http.MethodPost, "/local/faults", body)
		if status != http.StatusBadRequest || !strings.Contains(answer, want) {
			t.Errorf("%.60s = %d %s, want 400 with %q", body, status, answer, want)
		}
	}
	if got := server.Faults(); len(got) != 1 || got[0].Path != "/stays" {
		t.Errorf("after wrong plans the plan is %+v, want the one that was", got)
	}
}

func TestControlIsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	for _, path := range []string{"/local/faults", "/local/reset", "/local/snapshot", "/local/restore", "/local/nowhere", "/local"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			if status, answer := control(t, base, method, path, ""); status != http.StatusForbidden || !strings.Contains(answer, "--allow-control") {
				t.Errorf("%s %s = %d %s, want 403 that names --allow-control", method, path, status, answer)
			}
		}
	}
	if status, answer := control(t, base, http.MethodGet, "/local/v2.0/.well-known/openid-configuration", ""); status != http.StatusOK {
		t.Errorf("the tenant that is called local = %d %s, want it served", status, answer)
	}
	_, base = localtest.Start(t, local.Config{AllowControl: true})
	if status, answer := control(t, base, http.MethodPost, "/local/nowhere", ""); status != http.StatusNotFound || !strings.Contains(answer, "POST /local/reset") {
		t.Errorf("an unknown path = %d %s, want 404 that names those there are", status, answer)
	}
}

// TestControlNeedsTheSameSignIn holds that a server that wants tokens gives no snapshot of its records without one.
func TestControlNeedsTheSameSignIn(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{AllowControl: true, RequireAuth: true})
	for _, path := range []string{"/local/snapshot", "/local/faults"} {
		if status, _ := control(t, base, http.MethodGet, path, ""); status != http.StatusUnauthorized {
			t.Errorf("GET %s without a token = %d, want 401", path, status)
		}
	}
}
