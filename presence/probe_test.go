package presence

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestProbeIsNoDelivery(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	if receipt, err := r.Receive(t.Context(), AgentStatus, Probe("n"), nil); err != nil || receipt != (Receipt{Probe: "n"}) {
		t.Errorf("Receive(probe) = %+v, %v", receipt, err)
	}
	for _, body := range []string{`{"botverseProbe":""}`, `{"botverseProbe":{}}`, `{"botverseProbe":"` + strings.Repeat("n", maxProbe) + `"}`, `{"other":"botverseProbe"}`} {
		if receipt, err := r.Receive(t.Context(), AgentStatus, []byte(body), nil); err != nil || receipt.Probe != "" || receipt.DeadLettered == "" {
			t.Errorf("Receive(%s) = %+v, %v; want it set aside like any other", body, receipt, err)
		}
	}
}

// Keys that are kept elsewhere may change while presence runs; keys of the settings stand in their place.
func TestKeptKeysAreAskedAtEachDelivery(t *testing.T) {
	t.Parallel()
	var kept atomic.Pointer[[]Key]
	kept.Store(&[]Key{"old"})
	c := settings()
	c.KeptKeys = func(string) []Key { return *kept.Load() }
	bare := c.Sources[AgentStatus]
	bare.Keys = nil
	c.Sources["bare"] = bare
	r := openRig(t, t.TempDir(), c, nil)
	accepted := func(source string) []string {
		return slices.DeleteFunc([]string{"old", "new", string(testKey), ""}, func(key string) bool { return !r.Authenticate(source, key) })
	}
	if got := accepted("bare"); !slices.Equal(got, []string{"old"}) {
		t.Errorf("accepted %q, want old", got)
	}
	kept.Store(&[]Key{"new", "old"})
	if got := accepted("bare"); !slices.Equal(got, []string{"old", "new"}) {
		t.Errorf("during the change accepted %q, want both", got)
	}
	kept.Store(&[]Key{"new"})
	if got := accepted("bare"); !slices.Equal(got, []string{"new"}) {
		t.Errorf("after the change accepted %q, want new", got)
	}
	if got := accepted(AgentStatus); !slices.Equal(got, []string{string(testKey)}) {
		t.Errorf("a source with keys of its own accepts %q", got)
	}
	if got := accepted("none"); len(got) > 0 {
		t.Errorf("a source that does not exist accepts %q", got)
	}
}
