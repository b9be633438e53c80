package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botverse/botverse/internal/await"
)

// Serve reads the definitions of its directory, and takes a changed one without a restart.
func TestServeFollowsSavedActions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(source string) {
		t.Helper()
		text := "name: who\nfindRecord:\n  entity: systemuser\n  where: {domainname: dana.ruiz@harborlights.example.com}\n  save: {who: " + source + "}\n"
		if err := os.WriteFile(filepath.Join(dir, "who.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("firstname")
	r := serve(t, "--actions-dir="+dir)
	if code, answer := r.post(t, "who:run", "{}"); code != 200 || at(answer, "variables", "who") != "Dana" {
		t.Fatalf("HTTP %d %v", code, answer)
	}
	write("lastname")
	await.Until(t, "the changed definition is in force", func() bool {
		_, answer := r.post(t, "who:run", "{}")
		return at(answer, "variables", "who") == "Ruiz-Okafor"
	})
}

func TestActionsDirMustBeThere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, says := range map[string]string{file: "must be the directory", file + "s": "no such file"} {
		c := &serveCommand{ActionsDir: dir}
		if err := c.checkActionsDir(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "actions_dir") {
			t.Errorf("%s: error = %v, want it to say %q", dir, err, says)
		}
	}
}
