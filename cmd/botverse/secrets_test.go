package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/internal/await"
)

// planted is in each secret of these tests.
const planted = "Pl4nted"

// shownSecret is a planted secret, or what tokens begin with.
var shownSecret = regexp.MustCompile(planted + `|eyJ(hbGciOi|0eXAiO)`)

// secretFile writes a file with a secret, as a change comes in practice: another file takes its place.
func secretFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// underLoad calls an action from several bots at once until the function that it returns is called, which says how many calls
// there were. Each call must succeed.
func (r *running) underLoad(t *testing.T, ask string) (stop func() int64) {
	t.Helper()
	var calls atomic.Int64
	var bots sync.WaitGroup
	done := make(chan struct{})
	begun := make(chan struct{}, 4)
	for range cap(begun) {
		pace := time.Tick(5 * time.Millisecond)
		bots.Go(func() {
			for first := true; ; first = false {
				if status, answer := r.post(t, "find-record", ask); status != http.StatusOK || answer["outcome"] != "MATCHED" {
					t.Errorf("an action failed: HTTP %d %v", status, answer)
				}
				calls.Add(1)
				if first {
					begun <- struct{}{}
				}
				select {
				case <-done:
					return
				case <-pace:
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	return func() int64 {
		close(done)
		bots.Wait()
		return calls.Load()
	}
}

// A rotation as it is in practice, under load: no action fails, each step is told once, and no secret is shown anywhere.
func TestSecretsRotateUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, next, password := filepath.Join(dir, "first"), filepath.Join(dir, "next"), filepath.Join(dir, "password")
	secretFile(t, first, planted+"-1\n")
	secretFile(t, next, planted+"-next\n")
	secretFile(t, password, planted+"-password\n")
	known := func(values ...string) (secrets []local.ClientSecret) {
		for _, value := range values {
			secrets = append(secrets, local.ClientSecret{Value: planted + value})
		}
		return secrets
	}
	entra, url := localtest.Start(t, local.Config{
		Seed: local.SeedDemo, RequireAuth: true, ClientID: "bot", ClientSecrets: known("-1"), TokenLifetime: 2 * time.Second, // renewed all the time
	})
	topic := filepath.Join(dir, "topic")
	secretFile(t, topic, planted+"-topic")
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Aeg-Sas-Key"); got != planted+"-topic" {
			t.Errorf("an event came with the key %q", got)
		}
		if err := os.WriteFile(topic, nil, 0o600); err != nil { // the next event comes with the same key, though its file is broken
			t.Error(err)
		}
	}))
	defer receiver.Close()
	c := startCollector(t)
	r := serveWith(t, "--presence", fmt.Sprintf("{outputs: {topic: {kind: cloudevents, from: start, url: %q, header_files: {aeg-sas-key: %q}}}}", receiver.URL, topic),
		"--otlp-endpoint="+c.addr, "--log-level=debug", "--default-environment=there", "--environments", fmt.Sprintf(
			`{there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/contoso/oauth2/v2.0/token, client_id: bot, scope: %[1]s/.default,
			client_secret_file: %q, expires: %s, next: {client_secret_file: %q}}},
		  adfs: {url: %[1]q, sign_in: {kind: oauth, token_url: %[1]s/adfs/oauth2/token, client_id: bot, client_secret: Pl4nted-1, username: ada, password_file: %[5]q}}}`,
			url, first, time.Now().Add(100*time.Hour).Format(time.RFC3339), next, password))
	const ask = `{"entity": "contact", "where": {"lastname": "Quintero"}, "save": {"n": "fullname"}}`
	if status, answer := r.post(t, "find-record", strings.Replace(ask, "{", `{"environment": "adfs", `, 1)); answer["outcome"] != "MATCHED" {
		t.Errorf("by a password: HTTP %d %v", status, answer)
	}
	await.Until(t, "the key's file is told to be broken", func() bool { return strings.Contains(r.metrics(t), `botverse_file_fault{file="`+topic+`"} 1`) })
	stop := r.underLoad(t, ask)

	entra.SetClientSecrets(known("-1", "-2")...) // a new one is made; then the file is changed, and the old one deleted
	secretFile(t, first, planted+"-2\n")
	r.awaitLog(t, "signed in with a changed credential")
	entra.SetClientSecrets(append(known("-next"), local.ClientSecret{Value: planted + "-2", Expires: time.Now()})...)
	r.awaitLog(t, "AADSTS7000222")
	secretFile(t, first, "")
	r.awaitLog(t, "file cannot be used")
	if calls := stop(); calls < 20 {
		t.Errorf("there were %d calls", calls)
	}

	metrics := r.metrics(t)
	for _, want := range []string{
		`botverse_credential_fault{credential="sign_in.client_secret",environment="there"} 1`,
		`botverse_credential_in_use{credential="sign_in.client_secret",environment="there"} 0`,
		`botverse_credential_in_use{credential="sign_in.next.client_secret",environment="there"} 1`,
		`botverse_credential_refusals_total{credential="sign_in.client_secret",environment="there"} 1`,
		`botverse_credential_expiry_seconds{credential="sign_in.client_secret",environment="there"} 3`, // 360,000 s and less
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics does not have %s", want)
		}
	}
	entra.SetClientSecrets(known("-unheard-of")...)
	var refused string // tokens that were given are good for a while
	for status := 0; status != http.StatusServiceUnavailable && status != http.StatusInternalServerError; {
		var answer map[string]any
		status, answer = r.post(t, "find-record", ask)
		refused = fmt.Sprint(status, answer)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	for text, times := range map[string]int{"signed in with a changed credential": 1, "is refused; another one": 1, "file cannot be used": 1, "in 4 days": 1} {
		if got := strings.Count(log, text); got != times {
			t.Errorf("the log says %q %d times, want %d:\n%s", text, got, times, regexp.MustCompile("(?m)^.*credential.*$").FindAllString(log, -1))
		}
	}
	var spans strings.Builder
	for _, s := range c.spans {
		spans.WriteString(s.text)
	}
	for where, text := range map[string]string{"the log": log, "/metrics": metrics, "an error": refused, "the welcome": r.welcome, "a span": spans.String()} {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		if at := shownSecret.FindStringIndex(text); at != nil {
			t.Errorf("%s shows a secret: …%s…", where, text[max(0, at[0]-200):min(len(text), at[1]+200)])
		}
	}
}
