package output

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/botverse/botverse/presence"
)

// A key in a file of its own is sent as the file has it, in the handshake too; a broken file takes the place of none.
func TestHeadersFollowTheirFiles(t *testing.T) {
	t.Parallel()
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.Header.Get("Aeg-Sas-Key")+" "+r.Header.Get("X-Own"))
		w.Header().Set(allowedOrigin, "*")
	}))
	defer receiver.Close()
	path := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Pl4nted-1\n")
	var log bytes.Buffer
	p := openPoster(t, Config{URL: receiver.URL, Handshake: true, Origin: "bots.example.com",
		Headers: map[string]presence.Key{"X-Own": "mine"}, HeaderFiles: map[string]string{"aeg-sas-key": path}},
		Deps{Encode: encode}, slog.New(slog.NewTextHandler(&log, nil)))
	defer p.client.CloseIdleConnections()
	outputs := &Outputs{runners: []*runner{{sink: p}}}
	for _, step := range []struct {
		text   string
		faulty []string
	}{
		{"Pl4nted-1\n", nil},
		{"Pl4nted-2\n", nil},
		{"", []string{path}},
		{"two\nlines\n", []string{path}},
		{"Pl4nted-third\n", nil},
	} {
		write(step.text)
		if err := p.once(t.Context(), anEvent()); err != nil {
			t.Error(err)
		}
		if faulty := outputs.FaultyFiles(); !slices.Equal(faulty, step.faulty) {
			t.Errorf("after %q the faulty files are %q, want %q", step.text, faulty, step.faulty)
		}
	}
	want := []string{"OPTIONS Pl4nted-1 mine", "POST Pl4nted-1 mine", "POST Pl4nted-2 mine", "POST Pl4nted-2 mine", "POST Pl4nted-2 mine", "POST Pl4nted-third mine"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the receiver got (-want +got):\n%s", diff)
	}
	if told := log.String(); strings.Contains(told, "Pl4nted") || strings.Count(told, "cannot be used") != 2 {
		t.Errorf("the log says %s; want both faults, and no key", told)
	}
}

func TestHeaderFilesAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "absent")
	config := Config{Kind: CloudEvents, URL: "https://example.com", HeaderFiles: map[string]string{"aeg-sas-key": path}}
	if _, err := newPoster(config, Deps{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "header_files.aeg-sas-key: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file gives %v", err)
	}
	config.Headers = map[string]presence.Key{"aeg-sas-key": "Pl4nted"}
	if err := Validate(map[string]Config{"topic": config}); err == nil || !strings.Contains(err.Error(), "outputs.topic.header_files: aeg-sas-key is among headers too") {
		t.Errorf("a header in two places gives %v", err)
	}
}
