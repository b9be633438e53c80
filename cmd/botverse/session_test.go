package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/access/accesstest"
)

const (
	viewerToken = "the-token-of-a-board-0123"
	adminToken  = "the-token-of-an-admin-0123"
)

// guarded is the flag of a serve that asks who calls.
const guarded = "--auth={tokens: {board: {role: viewer, token: " + viewerToken + "}, ops: {role: admin, token: " + adminToken + "}}}"

// fileWith is a file with a text.
func fileWith(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Each command that calls serve shows its token, and says in a sentence what is wrong where it has none that holds.
func TestClientCommandsShowTheirToken(t *testing.T) {
	t.Parallel()
	r := serve(t, guarded)
	commands := map[string][]string{
		"list":         {"presence", "list"},
		"watch":        {"presence", "watch"},
		"deliveries":   {"presence", "deliveries"},
		"dead letters": {"presence", "dead-letters", "list"},
		"show":         {"presence", "dead-letters", "show", "1"},
		"replay":       {"presence", "dead-letters", "replay", "--all"},
		"backfill":     {"presence", "backfill"},
		"run":          {"action", "run", "find-contact-by-email", "--var=email=x@example.com"},
		"explain":      {"action", "explain", "find-contact-by-email", "--var=email=x@example.com"},
	}
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := append(command, "--server="+r.grpc)
			for what, test := range map[string]struct {
				flag   string
				says   string
				status int
			}{
				"no token":      {"--format=", "wants to know who calls: give a token by --token-file", 2},
				"no such file":  {"--token-file=" + filepath.Join(t.TempDir(), "none"), "token_file: open ", 2},
				"an empty file": {"--token-file=" + fileWith(t, "\n"), "must have one token", 2},
				"a wrong token": {"--token=another-token-0123456789", "does not take the token: its log says why, under the call ID ", 1},
				"a wrong file":  {"--token-file=" + fileWith(t, "another-token-0123456789\n"), "does not take the token in /", 1},
			} {
				args := append(command[:len(command):len(command)], test.flag)
				if what == "no token" {
					args = command
				}
				_, err := say(t, args...)
				if err == nil || !strings.Contains(err.Error(), test.says) || exitStatus(err) != test.status || strings.Contains(err.Error(), "another-token") {
					t.Errorf("%s: %v (status %d), want %q and status %d", what, err, exitStatus(err), test.says, test.status)
				}
			}
		})
	}
	for _, name := range []string{"list", "deliveries", "dead letters"} {
		if _, err := say(t, append(commands[name], "--server="+r.grpc, "--token="+viewerToken)...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, "NOT_MATCHED", append(commands["run"], "--server="+r.grpc, "--token-file="+fileWith(t, adminToken+"\n"))...)
	for _, name := range []string{"backfill", "replay", "explain", "show"} {
		says := "this takes the role admin; board has viewer"
		if name == "replay" { // there is nothing to replay
			continue
		}
		if name == "explain" {
			says = "this takes the role builder"
		}
		if _, err := say(t, append(commands[name], "--server="+r.grpc, "--token="+viewerToken)...); err == nil || !strings.Contains(err.Error(), says) || exitStatus(err) != 1 {
			t.Errorf("%s: %v, want %q and status 1", name, err, says)
		}
	}
}

// A token comes by flag, environment or settings file as every setting does; from two places at once it is refused.
func TestTokenIsASetting(t *testing.T) {
	r := serve(t, guarded)
	settings := configFile(t, "grpc_addr: "+r.grpc+"\ntoken_file: "+fileWith(t, viewerToken)+"\n")
	must(t, "8 agents", "presence", "list", "--config="+settings)
	t.Setenv("BOTVERSE_TOKEN", viewerToken)
	must(t, "8 agents", "presence", "list", "--server="+r.grpc)
	fails(t, "give only one of them", "presence", "list", "--config="+settings)
}

// Commands reach a serve that speaks TLS: by its settings they know its certificate, elsewhere by authorities. Then a token may
// go to another machine.
func TestClientCommandsSpeakTLS(t *testing.T) {
	t.Parallel()
	certificate := accesstest.NewCertificate(t, "bots.example.com")
	r := serve(t, guarded, "--tls-cert-file="+certificate.CertFile, "--tls-key-file="+certificate.KeyFile)
	_, port, _ := strings.Cut(r.grpc, ":")
	settings := configFile(t, fmt.Sprintf("grpc_addr: 0.0.0.0:%s\ntls_cert_file: %s\ntls_key_file: %s\ntoken: %s\n",
		port, certificate.CertFile, certificate.KeyFile, viewerToken))
	must(t, "8 agents", "presence", "list", "--config="+settings)
	certificate.Renew(t, "bots.example.com")
	must(t, "8 agents", "presence", "list", "--config="+settings)
	other := accesstest.NewCertificate(t, "bots.example.com")
	fails(t, "another certificate than the one in "+other.CertFile, "presence", "list", "--config="+settings, "--tls-cert-file="+other.CertFile)

	server := []string{"presence", "list", "--token=" + viewerToken, "--server=https://" + r.grpc}
	fails(t, "a certificate that does not hold", server...)
	fails(t, "IP SANs", append(server, "--ca-file="+certificate.CertFile)...) // whose name is another
	certificate.Renew(t, "127.0.0.1")
	fails(t, "an authority that is not known here: --ca-file", server...)
	must(t, "8 agents", append(server, "--ca-file="+certificate.CertFile)...)
	fails(t, "no certificate in PEM", append(server, "--ca-file="+certificate.KeyFile)...)
	fails(t, "--server https://"+r.grpc, "presence", "list", "--token="+viewerToken, "--server="+r.grpc) // in plain text
	fails(t, "--server https://"+r.grpc, "action", "run", "create-lead", "--token="+viewerToken, "--server="+r.grpc)
	plain := serve(t)
	fails(t, "speaks no TLS: give "+plain.grpc, "presence", "list", "--server=https://"+plain.grpc)
}

// A token that others could read on its way is not sent.
func TestTokenIsNotSentInPlainText(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"10.1.2.3:9090", "bots.example.com:9090", "127.0.0.1.example.com:9090"} {
		_, err := say(t, "presence", "list", "--server="+server, "--token="+viewerToken)
		if err == nil || !strings.Contains(err.Error(), "not sent to another machine in plain text") || exitStatus(err) != 2 {
			t.Errorf("%s: %v", server, err)
		}
	}
}

// What the settings say of an issuer is what its tokens are held to.
func TestServeTakesTokensOfItsIssuer(t *testing.T) {
	t.Parallel()
	issuer := accesstest.NewIssuer(t)
	r := serve(t, fmt.Sprintf("--auth={oidc: {issuer: %q, audience: %q, roles_claim: realm_access.roles, roles: {supervisors: viewer}}}", issuer.URL, accesstest.Audience))
	list := func(roles ...string) []string {
		token := issuer.Token(t, "ada", map[string]any{"realm_access": map[string]any{"roles": roles}})
		return []string{"presence", "list", "--server=" + r.grpc, "--token=" + token}
	}
	must(t, "8 agents", list("offline_access", "supervisors")...)
	fails(t, "this takes the role viewer; oidc:ada has none", list("viewer")...)
	issuer.Rotate(t)
	must(t, "8 agents", list("supervisors")...)
}
