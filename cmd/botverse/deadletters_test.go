package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/presence"
)

func TestDeadLettersAreListedShownAndReplayed(t *testing.T) {
	t.Parallel()
	r := serve(t)
	must(t, "no dead letters", "presence", "dead-letters", "list", "--server="+r.grpc)
	must(t, "no dead letters", "presence", "dead-letters", "replay", "--all", "--server="+r.grpc)
	held, err := openKeyring(r.dir, nil).held(presence.AgentStatus, localName)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+r.webhook+webhookPath(presence.AgentStatus)+"?code="+held.current, "application/json", strings.NewReader(`{"MessageName":"Assign"}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	out, err := say(t, "presence", "dead-letters", "list", "--server="+r.grpc)
	if err != nil || !strings.Contains(out, "agent-status  Assign of ") {
		t.Fatalf("list prints %q, %v", out, err)
	}
	id, _, _ := strings.Cut(out, " ")
	must(t, `{"MessageName":"Assign"}`, "presence", "dead-letters", "show", id, "--server="+r.grpc)
	if out := fails(t, "not all", "presence", "dead-letters", "replay", id, "--server="+r.grpc); !strings.Contains(out, "still dead: Assign") {
		t.Errorf("replay prints %q", out)
	}
	if out := fails(t, "not all", "presence", "dead-letters", "replay", "--all", "--server="+r.grpc); !strings.HasPrefix(out, id+"  still dead: Assign") {
		t.Errorf("replay --all prints %q", out)
	}
	fails(t, "or --all", "presence", "dead-letters", "replay", "--server="+r.grpc)
	fails(t, `no dead letter "99"`, "presence", "dead-letters", "replay", "99", "--server="+r.grpc)
	fails(t, "is `botverse serve` running", "presence", "dead-letters", "list", "--server="+vacant.Always)
}
