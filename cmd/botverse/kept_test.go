package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal/journaltest"
	"github.com/botverse/botverse/presence"
)

// onServers are the flags of what shares a journal on NATS servers.
func onServers(servers *journaltest.Cluster) string {
	nats := servers.NATS()
	return fmt.Sprintf("--nats={url: %q, replicas: %d}", string(nats.URL), nats.Replicas)
}

// TestMachinesOnOneJournalAreOneInstallation: what one registers, all take, and commands on any machine see it.
func TestMachinesOnOneJournalAreOneInstallation(t *testing.T) {
	t.Parallel()
	servers := journaltest.Start(t, 1)
	_, url := localtest.Start(t, local.Config{Seed: local.SeedNone})
	before, other := t.TempDir(), t.TempDir()
	args := func(dir, command string, more ...string) []string {
		return append([]string{"webhook", command, "--local-addr=" + strings.TrimPrefix(url, "http://"), "--data-dir=" + dir}, more...)
	}
	// A machine that was alone comes first: its registrations go on.
	must(t, "service endpoint was missing", args(before, "register")...)
	alone, err := openKeyring(before, nil).held(presence.AgentStatus, localName)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "nothing was changed", args(before, "register", onServers(servers))...)
	must(t, "nothing was changed", args(other, "register", onServers(servers))...)

	environment := fmt.Sprintf("--environments={local: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/token, client_id: c, client_secret: s}}}", url)
	machines := []*running{serveWith(t, environment, onServers(servers)), serveWith(t, environment, onServers(servers))}
	answers := func(key string) []int {
		t.Helper()
		var statuses []int
		for _, machine := range machines {
			response, err := http.Post("http://"+machine.webhook+webhookPath(presence.AgentStatus)+"?code="+key, "application/json", strings.NewReader(string(presence.Probe("x"))))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			statuses = append(statuses, response.StatusCode)
		}
		return statuses
	}
	if got := answers(alone.current); !slices.Equal(got, []int{200, 200}) {
		t.Errorf("the key from before gets %v, want that each machine takes it", got)
	}
	must(t, "key was", args(other, "register", "--rotate", onServers(servers))...)
	if got := answers(alone.current); !slices.Equal(got, []int{200, 200}) {
		t.Errorf("the old key gets %v while it is changed", got)
	}
	must(t, "the old key is refused from now on", args(before, "register", "--drop-old-key", onServers(servers))...)
	await.Until(t, "the old key is refused everywhere", func() bool { return slices.Equal(answers(alone.current), []int{401, 401}) })
	must(t, "no longer registered", args(other, "remove", onServers(servers))...)
	must(t, "was not registered", args(before, "remove", onServers(servers))...)
}
