package server

import (
	"strings"
	"testing"

	"github.com/botverse/botverse/presence"
)

// A probe is answered only to who knows the key, with what it brought; it is no delivery.
func TestProbeIsAnsweredAndStoresNothing(t *testing.T) {
	t.Parallel()
	r, p := startWatched(t, loopback(), nil)
	probe := string(presence.Probe("a-nonce"))
	if got := post(t, r.hook+agentStatusPath+"?code="+webhookKey, probe); got.status != 200 || got.body != probe {
		t.Errorf("the probe gets %d %s, want 200 and itself", got.status, got.body)
	}
	if got := post(t, r.hook+agentStatusPath+"?code=wrong", probe); got.status != 401 || strings.Contains(got.body, "a-nonce") {
		t.Errorf("without the key it gets %d %s, want 401", got.status, got.body)
	}
	if letters, err := p.DeadLetters(t.Context(), 1); len(letters) > 0 || err != nil {
		t.Errorf("the probe was stored: %v, %v", letters, err)
	}
}
