package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/vacant"
)

// Who gives a client command the file that serve reads need not say where serve is.
func TestClientCommandsFindServeByItsSettings(t *testing.T) {
	t.Parallel()
	r := serve(t)
	file := filepath.Join(t.TempDir(), "botverse.yaml")
	_, port, _ := strings.Cut(r.grpc, ":")
	if err := os.WriteFile(file, []byte("grpc_addr: 0.0.0.0:"+port+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "8 agents", "presence", "list", "--config="+file)
	fails(t, "is `botverse serve` running", "presence", "list", "--config="+file, "--server="+vacant.Always)
}

// What others wrote does not steer the terminal, nor break a line.
func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	name := "Eve\n\x1b[31mroot\u202e" + strings.Repeat("e", 5000)
	var line, table strings.Builder
	event := &botversev1.PresenceEvent{AgentName: name, Presence: &botversev1.Presence{Name: "Busy\r"}}
	if err := textLine(&line, &botversev1.WatchPresenceResponse{Message: &botversev1.WatchPresenceResponse_Event{Event: event}}); err != nil {
		t.Fatal(err)
	}
	w := tableOf(&table)
	if err := w.agent(&botversev1.AgentPresence{AgentName: name}); err != nil {
		t.Fatal(err)
	}
	if err := w.end(nil); err != nil {
		t.Fatal(err)
	}
	for text, lines := range map[string]int{line.String(): 1, table.String(): 3} {
		if strings.ContainsAny(text, "\x1b\r\u202e") || strings.Count(text, "\n") != lines || !strings.Contains(text, "Eve  [31mroot") {
			t.Errorf("printed as %.200q; want %d lines that steer nothing", text, lines)
		}
	}
	for _, row := range strings.Split(table.String(), "\n") {
		if len(row) > 200 {
			t.Errorf("a row of the table has %d bytes", len(row))
		}
	}
}

func TestWebhookCommandsNameTheEnvironmentsThereAre(t *testing.T) {
	t.Parallel()
	fails(t, `no environment "contoso"; there is local`, "webhook", "verify", "--environment=contoso", "--data-dir="+t.TempDir())
}
