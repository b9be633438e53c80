package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func TestListDeliveries(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), withConsults)
	r.deliver(t, 1, 1, presenceBusy)
	r.deliver(t, 1, 1, presenceBusy)
	if got := post(t, r.hook+consultPath+"?code="+webhookKey, consult(t, "4b000000-0000-4000-8000-000000000002", 192350004), "X-Ms-Correlation-Request-Id", "the-correlation"); got.status != http.StatusNoContent {
		t.Fatal(got)
	}
	list, err := r.presence().ListDeliveries(t.Context(), &botversev1.ListDeliveriesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var became []string
	for _, d := range list.GetDeliveries() {
		became = append(became, d.GetSource()+" "+d.GetBecame().String()+" "+d.GetReason()+d.GetCorrelationId())
	}
	if got, want := strings.Join(became, ", "), "consult FILTERED msdyn_modethe-correlation, agent-status DUPLICATE , agent-status EVENT "; got != want {
		t.Errorf("deliveries %q, want %q", got, want)
	}
	if d := list.GetDeliveries()[2]; d.GetEventId() == "" || d.GetDelay() == nil || time.Since(d.GetTime().AsTime()) > time.Minute {
		t.Errorf("the event's delivery is %v", d)
	}
	got := send(t, "GET", r.base+"/v1/deliveries?source=agent-status&pageSize=1", "")
	if got.status != http.StatusOK || !strings.Contains(got.body, "DUPLICATE") || strings.Contains(got.body, "FILTERED") {
		t.Errorf("over HTTP: %d %s", got.status, got.body)
	}
	if got := send(t, "GET", r.base+"/v1/deliveries?source=agent-stats", ""); got.status != http.StatusBadRequest {
		t.Errorf("of an unknown source: %d %s, want 400", got.status, got.body)
	}
}

// An event that came before it happened is counted by itself: a histogram of it would say nothing. Repeats count nowhere.
func TestDelayIsMeasured(t *testing.T) {
	t.Parallel()
	r, _ := startWatched(t, loopback(), nil)
	r.deliver(t, 1, 1, presenceBusy)
	r.deliver(t, 1, 1, presenceBusy)
	ahead := strings.ReplaceAll(string(delivery(t, 2, 1, presenceReady)), "1767261602000", "4102444800000") // 2100
	if got := post(t, r.hook+agentStatusPath+"?code="+webhookKey, ahead); got.status != http.StatusNoContent {
		t.Fatal(got)
	}
	got := send(t, "GET", r.base+"/metrics", "").body
	for _, want := range []string{
		`botverse_presence_delay_seconds_count{source="agent-status"} 1`,
		`botverse_presence_delay_seconds_bucket{source="agent-status",le="7200"} 0`,
		`botverse_presence_delay_negative_total{source="agent-status"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

func TestWhatOutputsLoseIsCounted(t *testing.T) {
	t.Parallel()
	r, p := startWatched(t, loopback(), nil)
	tap, err := p.OpenTap(t.Context(), "daily", true)
	if err != nil {
		t.Fatal(err)
	}
	tap.Close()
	if got := send(t, "GET", r.base+"/metrics", "").body; !strings.Contains(got, `botverse_output_lost_total{output="daily"} 0`) {
		t.Errorf("the metrics have no count of what the output lost:\n%s", got)
	}
}
