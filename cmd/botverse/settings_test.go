package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/journal"
)

// serveFrom is the serve command that arguments, environment and file make.
func serveFrom(t *testing.T, args ...string) *serveCommand {
	t.Helper()
	parsed, err := parse(append([]string{"serve"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	command, ok := parsed.(*serveCommand)
	if !ok {
		t.Fatalf("the arguments %q make %T", args, parsed)
	}
	return command
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "botverse.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A flag stands above the environment, the environment above the file, the file above the default.
func TestSettingsPrecedence(t *testing.T) {
	file := configFile(t, `
http_addr: 127.0.0.1:1001
grpc_addr: 127.0.0.1:1002
webhook_addr: 127.0.0.1:1003
log_level: warn
`)
	t.Setenv("BOTVERSE_GRPC_ADDR", "127.0.0.1:2002")
	t.Setenv("BOTVERSE_WEBHOOK_ADDR", "127.0.0.1:2003")
	t.Setenv("BOTVERSE_DATA_DIR", "/var/lib/from-the-environment")
	c := serveFrom(t, "--config="+file, "--webhook-addr=127.0.0.1:3003")
	for what, test := range map[string]struct{ got, want string }{
		"the file's":                        {c.HTTPAddr, "127.0.0.1:1001"},
		"the environment's, not the file's": {c.GRPCAddr, "127.0.0.1:2002"},
		"the flag's, not the others'":       {c.WebhookAddr, "127.0.0.1:3003"},
		"the environment's":                 {c.DataDir, "/var/lib/from-the-environment"},
		"the default":                       {c.LocalAddr, "127.0.0.1:8090"},
		"the embedded struct's":             {c.LogLevel, "warn"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", what, test.got, test.want)
		}
	}
	t.Setenv("BOTVERSE_CONFIG", file)
	if c := serveFrom(t); c.HTTPAddr != "127.0.0.1:1001" {
		t.Errorf("http_addr = %s, want that of the file that BOTVERSE_CONFIG names", c.HTTPAddr)
	}
}

func TestSettingsWithoutAny(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/xdg")
	t.Setenv("BOTVERSE_VERSION", "1.2.3") // as container images have it: no setting, and no question for the version
	c := serveFrom(t)
	if got, want := []string{c.HTTPAddr, c.GRPCAddr, c.WebhookAddr, c.LocalAddr, c.DataDir},
		[]string{"127.0.0.1:8080", "127.0.0.1:9090", "127.0.0.1:8081", "127.0.0.1:8090", "/xdg/botverse"}; !cmp.Equal(got, want) {
		t.Errorf("defaults are %v, want %v", got, want)
	}
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/home/ada")
	if got := serveFrom(t).DataDir; got != "/home/ada/.local/share/botverse" {
		t.Errorf("data_dir = %s", got)
	}
}

// Environments come as a mapping in the file or as YAML in a variable, with defaults for what they leave out and secrets
// from the environment.
func TestServersOfTheJournalAreRead(t *testing.T) {
	t.Setenv("NATS_TOKEN", "hush")
	c := serveFrom(t, "--config="+configFile(t, "nats: {url: \"nats://one:4222,nats://two:4222\", token: \"${NATS_TOKEN}\", ca_file: ca.pem}\n"))
	want := journal.NATS{URL: "nats://one:4222,nats://two:4222", Token: "hush", CAFile: "ca.pem"}
	if got := c.journalConfig(slog.Default()); got.NATS != want || !got.Shared() {
		t.Errorf("the journal has the servers %+v, want those of the file", got.NATS)
	}
	if err := c.validate(); err != nil {
		t.Error(err)
	}
	c = serveFrom(t, "--config="+configFile(t, "nats: {url: \"https://one\", replicas: 9}\n"))
	if err := c.validate(); err == nil || !strings.Contains(err.Error(), "nats: url:") || !strings.Contains(err.Error(), "replicas:") {
		t.Errorf("validate = %v, want both faults", err)
	}
}

func TestEnvironmentsAreRead(t *testing.T) {
	t.Setenv("CONTOSO_SECRET", "s3cret: #1")
	const text = `{contoso: {url: "https://contoso.crm4.dynamics.com", timeout: 7s, app_id: 11111111-1111-4111-8111-111111111111,
		sign_in: {kind: entra, tenant_id: 22222222-2222-4222-8222-222222222222, client_id: 33333333-3333-4333-8333-333333333333, client_secret: "${CONTOSO_SECRET}"}}}`
	want := dataverse.Default()
	want.URL, want.Timeout, want.AppID = "https://contoso.crm4.dynamics.com", 7*time.Second, "11111111-1111-4111-8111-111111111111"
	want.SignIn.Kind, want.SignIn.ClientSecret = "entra", "s3cret: #1"
	want.SignIn.TenantID, want.SignIn.ClientID = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"

	fromFile := serveFrom(t, "--config="+configFile(t, "environments: "+text+"\nallowed_hosts: [bots.example.com, other.example.com]\n"))
	t.Setenv("BOTVERSE_ENVIRONMENTS", text)
	for name, c := range map[string]*serveCommand{"file": fromFile, "variable": serveFrom(t)} {
		if diff := cmp.Diff(environments{"contoso": want}, c.Environments); diff != "" {
			t.Errorf("environments from the %s (-want +got):\n%s", name, diff)
		}
		if err := c.validate(); err != nil || c.DefaultEnvironment != "contoso" {
			t.Errorf("%s: default_environment = %q (%v), want the only one", name, c.DefaultEnvironment, err)
		}
	}
	if !cmp.Equal(fromFile.AllowedHosts, []string{"bots.example.com", "other.example.com"}) {
		t.Errorf("allowed_hosts = %q", fromFile.AllowedHosts)
	}
}

// What stands in a variable may hold secrets, and so an error names the variable alone.
func TestErrorsDoNotShowVariables(t *testing.T) {
	t.Setenv("BOTVERSE_AUTH", "{tokens: {a: {role: boss, token: planted-token-0123456789}}}")
	_, err := say(t, "serve", "--data-dir="+t.TempDir())
	if err == nil || strings.Contains(err.Error(), "planted") || !strings.Contains(err.Error(), `no role "boss"`) || !strings.HasSuffix(err.Error(), "(from the variable BOTVERSE_AUTH)") {
		t.Errorf("the error is %v", err)
	}
}

// The value is not told: it may be a secret.
func TestSettingsOfAnotherShapeAreNamed(t *testing.T) {
	t.Parallel()
	signIn := "contoso: {url: https://contoso.crm4.dynamics.com, sign_in: {managed_identity: true}"
	for setting, want := range map[string]string{
		"environments: {" + signIn + ", allow: {contact: find}}}":     "environments.contoso: contact is a text, and must be a list",
		"environments: {" + signIn + ", allow: [contact]}}":           "environments.contoso: allow is a list, ",
		"environments: {" + signIn + ", timeout: [30s]}}":             "timeout is a list, and must be a duration, as 30s",
		"environments: {contoso: {sign_in: planted}}":                 "sign_in is a text, ",
		"auth: {tokens: {a: {role: viewer, sha256: planted}}}":        "auth: sha256 is a text, and must be a list",
		"auth: {tokens: {a: {role: viewer, token: [planted]}}}":       "auth: token is a list, and must be a text",
		"auth: {tokens: {a: {role: viewer, sha256: [{planted: 1}]}}}": "auth: sha256 is a mapping, and must be a text",
	} {
		_, err := say(t, "serve", "--config="+configFile(t, setting), "--data-dir="+t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) || exitStatus(err) != 2 || strings.Contains(err.Error(), "unmarshal") || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v, want %q", setting, err, want)
		}
	}
}
