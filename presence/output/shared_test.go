package output

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/journal/journaltest"
)

// TestOneProcessAtATimeHandsOn: of several on one journal each output is at work in one, and goes on in another when that
// ends: no event is lost or out of order, and no row is doubled. An event that was on its way may be sent again.
func TestOneProcessAtATimeHandsOn(t *testing.T) {
	t.Parallel()
	servers := journaltest.Start(t, 1)
	receiver, dir := startReceiver(t), t.TempDir()
	outputs := map[string]Config{
		"daily": {Kind: CSV, Dir: dir, From: "start"}, "topic": {Kind: CloudEvents, URL: receiver.URL, From: "start"},
	}
	on := journal.Config{NATS: servers.NATS()}
	processes := []*rig{startRigOn(t, on, outputs), startRigOn(t, on, outputs)}
	var want []string
	for turn := range 4 {
		for range 10 {
			want = append(want, processes[len(want)%2].change(len(want)))
		}
		await.Until(t, "all events are handed on", func() bool { return len(slices.Compact(receiver.ids())) >= len(want) })
		processes[turn%2].stop()
		processes[turn%2] = startRigOn(t, on, outputs)
	}
	await.Until(t, "the files have all", func() bool { return len(idsSoFar(dir)) >= len(want) })
	for name, got := range map[string][]string{"the files": idsSoFar(dir), "the receiver": slices.Compact(receiver.ids())} {
		if !slices.Equal(got, want) {
			t.Errorf("%s have %d events, want %d in order:\n%s", name, len(got), len(want), cmp.Diff(want, got))
		}
	}
}
