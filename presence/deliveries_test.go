package presence

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/webhook"
)

// What becomes of each delivery is remembered, and nothing of whom it is about.
func TestLastDeliveriesAreRemembered(t *testing.T) {
	t.Parallel()
	config := settings()
	source := config.Sources[AgentStatus]
	source.Where = map[string]OneOf{"msdyn_isagentloggedin": {"true"}}
	config.Sources[AgentStatus] = source
	r := startRig(t, t.TempDir(), config, nil)
	deliver := func(body []byte) {
		t.Helper()
		_, err := r.Receive(t.Context(), AgentStatus, body, http.Header{webhook.HeaderCorrelationID: {"the-correlation"}})
		if err != nil && !errors.Is(err, ErrNotJSON) && !errors.Is(err, ErrNotStored) {
			t.Fatal(err)
		}
	}
	good := body(t, change{row: 1, agent: 1, presence: busy}.context())
	deliver(good)
	deliver(good)
	signedOut := change{row: 2, agent: 1, presence: busy}.context()
	signedOut.PostEntityImages[1].Entity.Attributes[4].Value = false
	deliver(body(t, signedOut))
	other := change{row: 3, agent: 1, presence: busy}.context()
	other.MessageName = "Delete"
	deliver(body(t, other))
	deliver([]byte("<xml/>"))
	deliver(Probe("a-nonce")) // is none
	if _, err := r.Receive(t.Context(), "nobody", good, nil); !errors.Is(err, ErrUnknownSource) {
		t.Fatal(err)
	}
	r.stop()
	deliver(body(t, change{row: 4, agent: 1, presence: busy}.context())) // the journal is closed

	want := []struct {
		became Became
		reason string
	}{
		{BecameNotStored, "stored"}, {BecameRefused, "JSON"}, {BecameDeadLetter, "Delete of msdyn_agentstatushistory came"},
		{BecameFiltered, "msdyn_isagentloggedin"}, {BecameDuplicate, ""}, {BecameEvent, ""},
	}
	got := r.Deliveries("", 100)
	if len(got) != len(want) {
		t.Fatalf("deliveries %+v, want %d", got, len(want))
	}
	for i, d := range got {
		if d.Became != want[i].became || !strings.Contains(d.Reason, want[i].reason) || d.Source != AgentStatus || d.CorrelationID != "the-correlation" || d.Time.IsZero() {
			t.Errorf("delivery %d is %+v, want %+v", i, d, want[i])
		}
		if hasEvent := d.Became == BecameEvent || d.Became == BecameDuplicate; (d.EventID != "") != hasEvent || (d.Delay != nil) != hasEvent || strings.Contains(d.Reason, "Agent 1") {
			t.Errorf("delivery %d is %+v", i, d)
		}
	}
	if last := r.Deliveries(AgentStatus, 2); !slices.EqualFunc(last, got[:2], func(a, b Delivery) bool { return a.Became == b.Became }) {
		t.Errorf("the last two of the source are %+v", last)
	}
	if none := r.Deliveries("accepted-work", 2); len(none) != 0 {
		t.Errorf("another source has %+v", none)
	}
}

// However many there are, the last hundred of a source are kept, and a busy source takes no place of another one.
func TestDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	var p Presence
	begin := time.Now()
	p.deliveries.note(Delivery{Source: "quiet", EventID: "quiet", Time: begin})
	for n := range 1000 {
		p.deliveries.note(Delivery{Source: "busy", Time: begin.Add(time.Duration(n+1) * time.Second)})
	}
	all := p.Deliveries("", 1000)
	if len(all) != keptDeliveries+1 || all[keptDeliveries].EventID != "quiet" || !all[0].Time.Equal(begin.Add(1000*time.Second)) {
		t.Errorf("%d deliveries are kept, want %d and the one of the quiet source, the newest first", len(all), keptDeliveries)
	}
	if n := len(p.deliveries.last["busy"]); n >= 2*keptDeliveries {
		t.Errorf("%d deliveries are held", n)
	}
}
