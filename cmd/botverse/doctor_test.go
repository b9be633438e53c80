package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/internal/vacant"
)

// rights stands before a local Dataverse and tells privileges, which that keeps none of: all that are asked for by name, but
// that the application user lacks some.
type rights struct {
	next  http.Handler
	lacks []string
	ids   map[string]string // of privileges, by name
}

func (f *rights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/privileges"):
		var named []map[string]string
		for _, term := range strings.Split(r.URL.Query().Get("$filter"), " or ") {
			_, name, _ := strings.Cut(term, " eq ")
			name = strings.Trim(name, "'()")
			f.ids[name] = uuid.NewSHA1(uuid.Nil, []byte(name)).String()
			named = append(named, map[string]string{"privilegeid": f.ids[name], "name": name})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"value": named})
	case strings.HasSuffix(r.URL.Path, "RetrieveUserPrivileges()"):
		var held []map[string]string
		for name, id := range f.ids {
			if !slices.Contains(f.lacks, name) {
				held = append(held, map[string]string{"PrivilegeId": strings.ToUpper(id), "Depth": "Global"})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"RolePrivileges": held})
	default:
		f.next.ServeHTTP(w, r)
	}
}

// startRights runs a Dataverse with privileges and returns its URL.
func startRights(t *testing.T, lacks ...string) string {
	t.Helper()
	_, behind := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&rights{next: httputil.NewSingleHostReverseProxy(target), lacks: lacks, ids: map[string]string{}})
	t.Cleanup(s.Close)
	return s.URL
}

// doctor examines an environment at a URL.
func doctor(t *testing.T, at string, more ...string) (string, error) {
	t.Helper()
	return say(t, append([]string{
		"doctor", "--data-dir=" + t.TempDir(), "--webhook={public_url: 'http://127.0.0.1:1'}", "--environments", fmt.Sprintf(
			"{there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/local/oauth2/v2.0/token, client_id: botverse, client_secret: local, scope: %[1]s/.default}}}", at),
	}, more...)...)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("the report has no %q; it is\n%s", line, text)
		}
	}
}

func TestDoctorNamesMissingPrivileges(t *testing.T) {
	t.Parallel()
	text, err := doctor(t, startRights(t, "prvCreateServiceEndpoint", "prvReadmsdyn_agentstatushistory", "prvAppendToContact"), "--entity=contact")
	if err == nil || exitStatus(err) != 1 {
		t.Errorf("doctor ended with %v, want status 1", err)
	}
	wantLines(t, text,
		"ok       there: sign-in: ", "ok       there: application user: ",
		"failed   there: registering webhooks: missing: prvCreateServiceEndpoint\n         -> give the application user a security role",
		"failed   there: reading presence: missing: prvReadmsdyn_agentstatushistory\n",
		"failed   there: reading and writing contact: missing: prvAppendToContact\n",
		"ok       there: contact: it can be read", "ok       there: duplicate detection: it is on",
		"warning  there: webhook agent-status: it is not registered", "webhook register --environment there",
	)
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	t.Parallel()
	text, err := doctor(t, startRights(t), "--format=json")
	if err != nil {
		t.Errorf("doctor ended with %v:\n%s", err, text)
	}
	checks := map[string]string{}
	for line := range strings.Lines(text) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.Result == "failed" || f.Result == "warning" && f.Advice == "" {
			t.Errorf("%s: %v", line, err)
		}
		checks[f.Check] = f.Result
	}
	for check, want := range map[string]string{"settings": "ok", "sign-in": "ok", "registering webhooks": "ok", "reading presence": "ok", "webhook agent-status": "warning"} {
		if checks[check] != want {
			t.Errorf("%s is %q, want %q", check, checks[check], want)
		}
	}
}

// Of the local Dataverse that serve runs everything is well, registrations too, until one is changed.
func TestDoctorOfTheLocalDataverse(t *testing.T) {
	t.Parallel()
	r := serve(t)
	args := []string{"doctor", "--local-addr=" + r.local, "--webhook-addr=" + r.webhook, "--data-dir=" + r.dir}
	must(t, "ok       local: webhook agent-status: it is registered as it should be", args...)
	out := fails(t, "not all is well", append(slices.Clone(args), "--webhook-addr=127.0.0.1:1")...)
	wantLines(t, out, "failed   local: webhook agent-status: ", "webhook verify --fix")
	fails(t, "did you mean \"local\"", append(slices.Clone(args), "--environment=locale")...)
	out = fails(t, "not all is well", append(slices.Clone(args), "--entity=contakt")...)
	wantLines(t, out, "failed   local: contakt: ")
	out = fails(t, "not all is well", "doctor", "--local-addr="+vacant.Always, "--data-dir="+t.TempDir())
	wantLines(t, out, "failed   local: sign-in: ", "botverse serve")
}

// Known errors of the token endpoint have a cause and a way out.
func TestDoctorKnowsWhySignInFails(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"AADSTS7000222": "has expired: make a new one", "AADSTS7000215": "not its ID", "AADSTS700016": "correct client_id", "AADSTS1": "compare sign_in",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"%s: The provided client secret keys for app 'x' are no good."}`, code)
		}))
		t.Cleanup(s.Close)
		text, err := doctor(t, s.URL)
		if err == nil || exitStatus(err) != 1 || strings.Contains(text, "application user") {
			t.Errorf("%s: doctor ended with %v, want status 1 and no further check:\n%s", code, err, text)
		}
		wantLines(t, text, "failed   there: sign-in: ", code, want)
	}
	away := httptest.NewServer(nil)
	away.Close()
	text, err := doctor(t, away.URL)
	if err == nil {
		t.Errorf("doctor is content though nobody answers:\n%s", text)
	}
	wantLines(t, text, "the token endpoint gave no answer", "authority or token_url")
}

// Each credential is tried by itself, and what expires soon is told.
func TestDoctorTriesEachCredential(t *testing.T) {
	t.Parallel()
	_, at := localtest.Start(t, local.Config{Seed: local.SeedDemo, ClientSecrets: []local.ClientSecret{
		{Value: planted + "-good"}, {Value: planted + "-old", Expires: time.Now()}}})
	day := func(days int) string { return time.Now().AddDate(0, 0, days).Add(2 * time.Hour).Format(time.RFC3339) }
	for _, c := range []struct{ first, next, want string }{
		{"-good}", "-old}", "warning  there: sign_in.next.client_secret: sign in: sign-in failed: invalid_client: AADSTS7000222"},
		{"-good}", "-old}", "         -> the client secret has expired: make a new one"},
		{"-good}", "-old}", "ok       there: sign_in.client_secret: it gets a token; nothing says when it expires"},
		{"-old}", "-good}", "warning  there: sign_in.client_secret: sign in: sign-in failed: invalid_client: AADSTS7000222"},
		{"-good, expires: '" + day(30) + "'}", "-good, expires: '" + day(29) + "'}", "ok       there: sign_in.client_secret: it gets a token, and expires on "},
		{"-good, expires: '" + day(30) + "'}", "-good, expires: '" + day(29) + "'}", "warning  there: sign_in.next.client_secret: it gets a token, and expires on "},
	} {
		signIn := fmt.Sprintf("{kind: oauth, token_url: %s/local/oauth2/v2.0/token, client_id: botverse, next: {client_secret: %s%s, client_secret: %[2]s%[4]s",
			at, planted, c.next, c.first)
		text, err := say(t, "doctor", "--data-dir="+t.TempDir(), "--webhook={public_url: 'http://127.0.0.1:1'}", "--environments",
			fmt.Sprintf("{there: {url: %q, sign_in: %s}}", at, signIn))
		if strings.Contains(text, planted) {
			t.Errorf("doctor shows a secret (%v):\n%s", err, text)
		}
		wantLines(t, text, c.want, "ok       there: sign-in: ")
	}
}

func TestDoctorNamesWrongSettings(t *testing.T) {
	t.Parallel()
	out := fails(t, "not all is well", "doctor", "--data-dir="+t.TempDir(), "--default-environment=nowhere")
	wantLines(t, out, "failed   settings: default_environment is \"nowhere\"")
}
