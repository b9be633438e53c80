package main

import (
	"strings"
	"testing"
)

// An operator sees what came and what became of it.
func TestPresenceDeliveries(t *testing.T) {
	t.Parallel()
	r := serve(t)
	deliveries := func(args ...string) (string, error) {
		out := &safeBuffer{}
		err := run(t.Context(), append([]string{"presence", "deliveries", "--server", r.grpc}, args...), out, &safeBuffer{})
		return out.String(), err
	}
	if text, err := deliveries(); err != nil || !strings.Contains(text, "nothing was delivered") {
		t.Errorf("before anything came: %q, %v", text, err)
	}
	setPresence(t, r, agent, "Busy")
	var text string
	for !strings.Contains(text, "  agent-status  event ") { // the webhook is on its way
		var err error
		if text, err = deliveries("--source=agent-status", "--limit=1"); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(text, "delay ") || strings.Contains(text, "Aoife") {
		t.Errorf("a delivery is printed as %q", text)
	}
	if _, err := deliveries("--source=agent-stats"); err == nil || !strings.Contains(err.Error(), `no webhook source "agent-stats" is configured; there are agent-status`) {
		t.Errorf("an unknown source: %v", err)
	}
}
