package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// program is botverse in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func TestSIGTERMEndsServeWithStatus0(t *testing.T) {
	t.Parallel()
	cmd := program(t, append([]string{"serve"}, onAnyPort(t.TempDir())...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "botverse is ready") {
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve ended with %v, want status 0", err)
	}
}

// Wrong input ends with status 2, what the world does with 1; both with one sentence and no stack trace.
func TestWrongStartsAreOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "botverse.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	notADirectory := file("")
	shared := t.TempDir()
	serveWith(t, "--data-dir="+shared)

	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"port in use":             {[]string{"serve", "--http-addr=" + taken.Addr().String()}, 1, taken.Addr().String()},
		"locked data directory":   {[]string{"serve", "--data-dir=" + shared}, 1, shared},
		"unusable data directory": {[]string{"serve", "--data-dir=" + notADirectory}, 1, notADirectory},
		"unknown flag":            {[]string{"serve", "--htp-addr=x"}, 2, "htp-addr"},
		"unknown key":             {[]string{"serve", "--config=" + file("htp_addr: 127.0.0.1:1\n")}, 2, "http_addr"},
		"not YAML":                {[]string{"serve", "--config=" + file("\t{")}, 2, "not YAML"},
		"bad address":             {[]string{"serve", "--grpc-addr=nowhere"}, 2, "nowhere"},
		"bad seed":                {[]string{"dataverse", "--in-memory", "--addr=127.0.0.1:0", "--seed=dmeo"}, 2, "demo"},
		"unknown command":         {[]string{"sevre"}, 2, "serve"},
		"unknown environment":     {[]string{"serve", "--default-environment=prod"}, 2, "prod"},
		"unknown environment key": {[]string{"serve", "--config=" + file("environments: {a: {ulr: https://a.crm.dynamics.com}}\n")}, 2, "ulr"},
		"secret not set":          {[]string{"serve", "--config=" + file("environments: {a: {url: \"${BOTVERSE_TEST_UNSET}\"}}\n")}, 2, "BOTVERSE_TEST_UNSET"},
		"exposed without sign-in": {[]string{"serve", "--http-addr=0.0.0.0:0"}, 2, "insecure_no_auth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if args[0] == "serve" {
				args = append(append([]string{"serve"}, onAnyPort(t.TempDir())...), args[1:]...)
			}
			cmd := program(t, args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.status {
				t.Errorf("ended with %v, want status %d", err, c.status)
			}
			last := lastLine(stderr.String())
			if !strings.HasPrefix(last, "botverse: ") || !strings.Contains(last, c.says) || strings.Contains(stderr.String(), "goroutine ") {
				t.Errorf("it says %q, want a sentence with %q", stderr.String(), c.says)
			}
		})
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
