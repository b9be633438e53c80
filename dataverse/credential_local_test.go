package dataverse_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// tenant stands before a local Dataverse and notes what tokens are asked for with.
type tenant struct {
	next  http.Handler
	asked chan struct{} // has something when a token was asked for

	mu      sync.Mutex
	secrets []string
}

func newTenant(server *local.Server) *tenant {
	return &tenant{next: server.Handler(), asked: make(chan struct{}, 1)}
}

// ServeHTTP implements http.Handler.
func (o *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.next.ServeHTTP(w, r)
	if !strings.HasSuffix(r.URL.Path, "/token") {
		return
	}
	o.mu.Lock()
	o.secrets = append(o.secrets, r.PostForm.Get("client_secret")+r.PostForm.Get("client_assertion"))
	o.mu.Unlock()
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// seen are the secrets that tokens were asked for with, in order.
func (o *tenant) seen() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.secrets)
}

// await waits for a token to be asked for with a secret.
func (o *tenant) await(secret string) {
	for !slices.Contains(o.seen(), secret) {
		<-o.asked
	}
}

// notes is a log that a test reads.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

// with are the lines that have a text.
func (n *notes) with(text string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	for line := range strings.Lines(n.b.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// replaceFile writes a file as a change comes in practice: another one takes its place.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// office is an environment in a bubble, whose token endpoint knows the client's secrets.
type office struct {
	t      *testing.T
	server *local.Server
	tenant *tenant
	all    *dataverse.Environments
	client *dataverse.Client
	log    *notes
	stop   func()
}

// openOffice opens one with tokens for an hour and starts to follow its files.
func openOffice(t *testing.T, credential, next dataverse.Credential, secrets ...local.ClientSecret) *office {
	t.Helper()
	const url = "http://127.0.0.1:8090"
	o := &office{t: t, log: &notes{}}
	o.server = localtest.Open(t, local.Config{RequireAuth: true, ClientID: "bot", ClientSecrets: secrets})
	o.tenant = newTenant(o.server)
	config := dataverse.Default()
	config.URL = url
	config.SignIn = dataverse.SignIn{Kind: dataverse.OAuth, ClientID: "bot", TokenURL: url + "/contoso/oauth2/v2.0/token", Credential: credential, Next: next}
	var err error
	if o.all, err = dataverse.NewEnvironments(map[string]dataverse.Config{"contoso": config}, "", localtest.InProcess(o.tenant)); err != nil {
		t.Fatal(err)
	}
	o.all.Log(slog.New(slog.NewTextHandler(o.log, nil)))
	if o.client, err = o.all.Client(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.all.Run(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	return o
}

// use makes calls from several callers at once, each five minutes, for as long as d.
func (o *office) use(d time.Duration) {
	o.t.Helper()
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() {
			for end := time.Now().Add(d); !time.Now().After(end); time.Sleep(5 * time.Minute) {
				if _, err := o.client.ListRecords(o.t.Context(), contact(), nil); err != nil {
					o.t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	callers.Wait()
}

// wantLog holds the log to what it says, each text on as many lines, and to no secret.
func (o *office) wantLog(want map[string]int) {
	o.t.Helper()
	for text, times := range want {
		if got := o.log.with(text); len(got) != times {
			o.t.Errorf("the log says %q %d times, want %d:\n%s", text, len(got), times, o.log.with(""))
		}
	}
	if shown := o.log.with("Pl4nted"); shown != nil {
		o.t.Errorf("the log shows a secret: %s", shown)
	}
}

// A secret that expires is followed by the next one: no call fails, one warning says so.
func TestSecondSecretStandsIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		credential, next dataverse.Credential
		cause            string
	}{
		"the first expires":          {dataverse.Credential{ClientSecret: "Pl4nted-old"}, dataverse.Credential{ClientSecret: "Pl4nted-new"}, "AADSTS7000222"},
		"the first was never right":  {dataverse.Credential{ClientSecret: "Pl4nted-typo"}, dataverse.Credential{ClientSecret: "Pl4nted-new"}, "AADSTS7000215"},
		"the first is the newer one": {dataverse.Credential{ClientSecret: "Pl4nted-new"}, dataverse.Credential{ClientSecret: "Pl4nted-old"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := openOffice(t, c.credential, c.next,
					local.ClientSecret{Value: "Pl4nted-old", Expires: time.Now().Add(90 * time.Minute)}, local.ClientSecret{Value: "Pl4nted-new"})
				defer o.stop()
				o.use(6 * time.Hour)
				warnings := 1
				if c.cause == "" {
					warnings = 0
				}
				o.wantLog(map[string]int{"is refused; another": warnings, "level=WARN": warnings})
				if warnings == 1 {
					o.wantLog(map[string]int{"refused=sign_in.client_secret used=sign_in.next.client_secret": 1, c.cause: 1})
				}
				states := o.all.Credentials()
				if len(states) != 2 || states[0].Refusals != int64(warnings) || states[0].InUse != (warnings == 0) || states[1].InUse != (warnings == 1) {
					t.Errorf("the credentials are %+v, want one refusal at most, and the one that works in use", states)
				}
			})
		})
	}
}

// A file's new secret is used within a second, tried at once, and takes the old one's place only once it works.
func TestChangedSecretNeedsNoRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "secret")
		replaceFile(t, path, "Pl4nted-1\n")
		o := openOffice(t, dataverse.Credential{ClientSecretFile: path}, dataverse.Credential{}, local.ClientSecret{Value: "Pl4nted-1"})
		defer o.stop()
		o.use(time.Minute)

		replaceFile(t, path, "") // broken: nothing is tried
		o.use(2 * time.Hour)
		o.wantLog(map[string]int{"file cannot be used": 1, "is empty": 1})
		if fault := o.all.Credentials()[0].Fault; fault == nil {
			t.Error("the credential has no fault, though its file is empty")
		}

		replaceFile(t, path, "Pl4nted-2\n") // too early: Entra does not know it yet
		o.use(2 * time.Hour)
		o.wantLog(map[string]int{"is refused; another": 1, "what its file held before": 1, "changed credential": 0})

		o.server.SetClientSecrets(local.ClientSecret{Value: "Pl4nted-1"}, local.ClientSecret{Value: "Pl4nted-2"})
		o.use(2 * time.Hour)
		o.wantLog(map[string]int{"signed in with a changed credential": 1})

		o.server.SetClientSecrets(local.ClientSecret{Value: "Pl4nted-2"}, local.ClientSecret{Value: "Pl4nted-3"})
		replaceFile(t, path, "Pl4nted-3\n")
		time.Sleep(time.Second) // no call is needed for it to be tried
		synctest.Wait()
		if seen := o.tenant.seen(); seen[len(seen)-1] != "Pl4nted-3" {
			t.Errorf("a second after the change the last token was asked for with %q", seen[len(seen)-1])
		}
		o.use(2 * time.Hour)
		o.wantLog(map[string]int{"signed in with a changed credential": 2, "level=WARN": 2})
		if states := o.all.Credentials(); states[0].Fault != nil || !states[0].InUse {
			t.Errorf("in the end the credential is %+v", states[0])
		}
	})
}

// Where nobody is let in the error tells it of both, and an outage of the token endpoint tries nothing else.
func TestBothSecretsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, dataverse.Credential{ClientSecret: "Pl4nted-old"}, dataverse.Credential{ClientSecret: "Pl4nted-typo"},
			local.ClientSecret{Value: "Pl4nted-old", Expires: time.Now()})
		defer o.stop()
		_, err := o.client.ListRecords(t.Context(), contact(), nil)
		if !errors.Is(err, dataverse.ErrSignIn) || !strings.Contains(err.Error(), "AADSTS7000222") ||
			!strings.Contains(err.Error(), "sign_in.next.client_secret is refused too: invalid_client: AADSTS7000215") || strings.Contains(err.Error(), "Pl4nted") {
			t.Errorf("the error is %v, want what was said of both secrets, and neither of them", err)
		}
		o.server.SetFaults([]local.Fault{{Path: "/token", Status: http.StatusServiceUnavailable}})
		before := len(o.tenant.seen())
		if _, err := o.client.ListRecords(t.Context(), contact(), nil); !errors.Is(err, dataverse.ErrUnavailable) {
			t.Errorf("the error is %v, want ErrUnavailable", err)
		}
		if tried := len(o.tenant.seen()) - before; tried > 1 {
			t.Errorf("%d tokens were asked for while the endpoint was down, want one", tried)
		}
	})
}

// What expires is told each day from 30 days before, and that it has expired.
func TestExpiryIsWarnedOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		ends := func(in time.Duration) dataverse.Date { return dataverse.Date{Time: time.Now().Add(in)} }
		o := openOffice(t, dataverse.Credential{ClientSecret: "Pl4nted-old", Expires: ends(30*day + time.Hour)},
			dataverse.Credential{ClientSecret: "Pl4nted-new", Expires: ends(30*day + 26*time.Hour)})
		defer o.stop()
		for _, want := range []struct {
			after time.Duration
			told  map[string]int // how often by then
		}{
			{59 * time.Minute, map[string]int{"level=WARN": 0}},
			{time.Minute, map[string]int{"level=WARN": 1, "expires on 2000-01-31, in 30 days": 1, "credential=sign_in.client_secret ": 1, "environment=contoso": 1}},
			{23 * time.Hour, map[string]int{"level=WARN": 1}},
			{time.Hour, map[string]int{"in 29 days": 1}},
			{time.Hour, map[string]int{"expires on 2000-02-01, in 30 days": 1, "credential=sign_in.next.client_secret": 1, "level=WARN": 3}},
		} {
			time.Sleep(want.after)
			synctest.Wait()
			o.wantLog(want.told)
		}
	})
}

// The date may stand in a file too, and change with the secret's. A file with no date takes the place of nothing.
func TestExpiryChangesWithTheSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		secret, expires := filepath.Join(dir, "secret"), filepath.Join(dir, "expires")
		replaceFile(t, secret, "Pl4nted-1\n")
		replaceFile(t, expires, "2000-01-20\n")
		o := openOffice(t, dataverse.Credential{ClientSecretFile: secret, ExpiresFile: expires}, dataverse.Credential{})
		defer o.stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		o.wantLog(map[string]int{"expires on 2000-01-20, in 19 days": 1})
		replaceFile(t, secret, "Pl4nted-2\n")
		replaceFile(t, expires, "2000-06-01T12:00:00Z\n")
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		replaceFile(t, expires, "Pl4nted-3")
		time.Sleep(time.Hour)
		synctest.Wait()
		want := time.Date(2000, 6, 1, 12, 0, 0, 0, time.UTC)
		if state := o.all.Credentials()[0]; !state.Expires.Equal(want) || state.Fault == nil {
			t.Errorf("the credential is %+v, want it to expire on %v, and its file at fault", state, want)
		}
		o.wantLog(map[string]int{"expires on": 1, "file cannot be used": 1, "holds no date": 1})
	})
}

func TestExpiryText(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 4, 1, 12, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		30*24*time.Hour + time.Minute: "expires on 2027-05-01, in 30 days",
		48 * time.Hour:                "expires on 2027-04-03, in 2 days",
		47 * time.Hour:                "expires on 2027-04-03, in 47 hours",
		0:                             "expired on 2027-04-01",
		-24 * time.Hour:               "expired on 2027-03-31",
	} {
		if got := dataverse.ExpiryText(now.Add(left), now); got != want {
			t.Errorf("ExpiryText %v before = %q, want %q", left, got, want)
		}
	}
}

// Entra's library takes new secrets, federated tokens and certificates from files without a restart, and a secret may be followed
// by a certificate.
func TestEntraFollowsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		replaceFile(t, filepath.Join(dir, name), text)
		return filepath.Join(dir, name)
	}
	for name, c := range map[string]struct {
		credential dataverse.Credential
		path       string
		second     string // what the file holds then
	}{
		"a client secret":     {dataverse.Credential{ClientSecretFile: file("secret", "Pl4nted-1")}, "secret", "Pl4nted-2"},
		"a workload identity": {dataverse.Credential{TokenFile: file("token", "Pl4nted-1")}, "token", "Pl4nted-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(localtest.Open(t, local.Config{RequireAuth: true}))
			server := httptest.NewTLSServer(tenant)
			defer server.Close()
			config := dataverse.Default()
			config.URL = server.URL
			config.SignIn = dataverse.SignIn{Kind: dataverse.Entra, Authority: server.URL, TenantID: "contoso", ClientID: "bot", Credential: c.credential}
			all, err := dataverse.NewEnvironments(map[string]dataverse.Config{"contoso": config}, "", server.Client().Transport)
			if err != nil {
				t.Fatal(err)
			}
			client, err := all.Client(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.ListRecords(t.Context(), contact(), nil); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- all.Run(ctx) }()
			replaceFile(t, filepath.Join(dir, c.path), c.second)
			tenant.await(c.second)
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if _, err := client.ListRecords(t.Context(), contact(), nil); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{"Pl4nted-1", "Pl4nted-2"}, tenant.seen()); diff != "" {
				t.Errorf("tokens were asked for with (-want +got):\n%s", diff)
			}
		})
	}
}
