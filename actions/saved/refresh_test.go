package saved

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/dataverse"
)

// shelf is a library of a directory, with no environment to check anything against.
type shelf struct {
	*Library
	t   *testing.T
	dir string
	log *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newShelf(t *testing.T, dir string) shelf {
	t.Helper()
	environments, err := dataverse.NewEnvironments(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	l, err := Open(Config{Dir: dir, Runtime: actions.New(environments), Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return shelf{l, t, dir, log}
}

func (s shelf) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s shelf) description(name string) string {
	s.t.Helper()
	a, err := s.Action(name)
	if err != nil || a.Definition == nil {
		return ""
	}
	return a.Definition.Description
}

func definitionOf(name, description string) string {
	return "name: " + name + "\ndescription: " + description + "\nfindRecord: {entity: contact, where: {lastname: x}}\n"
}

// A file that is written in place is followed, also where neither its size nor its time tells.
func TestChangesAreFollowed(t *testing.T) {
	t.Parallel()
	s := newShelf(t, t.TempDir())
	path := filepath.Join(s.dir, "a.yaml")
	when := time.Now()
	for _, text := range []string{"one", "two", "six"} {
		s.write("a.yaml", definitionOf("a", text))
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		s.Refresh(t.Context())
		if got := s.description("a"); got != text {
			t.Errorf("description = %q, want %q", got, text)
		}
	}
}

// What else lies in the directory is passed over: tests, editors' files, directories.
func TestOtherFilesArePassedOver(t *testing.T) {
	t.Parallel()
	s := newShelf(t, t.TempDir())
	for _, file := range []string{"a.test.yaml", ".b.yaml", "#c.yaml", "d.yaml~", "e.txt", ".f.yaml.swp"} {
		s.write(file, "name: [")
	}
	if err := os.Mkdir(filepath.Join(s.dir, "g.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("h.yaml", definitionOf("h", "x"))
	before := len(s.Actions())
	s.Refresh(t.Context())
	if got := len(s.Actions()) - before; got != 1 || s.description("h") != "x" {
		t.Errorf("%d saved actions of the directory, want 1", got)
	}
}

// A file with faults is told once in the log, and each time it is asked for.
func TestFaultIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s := newShelf(t, t.TempDir())
	s.write("a.yaml", definitionOf("a", "one"))
	s.Refresh(t.Context())
	s.write("a.yaml", definitionOf("b", "two!"))
	for range 3 {
		s.Refresh(t.Context())
	}
	if n := strings.Count(s.log.String(), "the definition before it stays in force"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, s.log)
	}
	if a, err := s.Action("a"); err != nil || a.Fault == nil || a.Definition.Description != "one" {
		t.Errorf("action = %+v, %v", a, err)
	}
	s.write("Bad_Name.yaml", definitionOf("a", "one"))
	s.Refresh(t.Context())
	if a, err := s.Action("Bad_Name"); err != nil || a.Availability != Unavailable || !strings.Contains(a.Reason, "small letters") {
		t.Errorf("a file whose name is none: %+v, %v", a, err)
	}
}

// A directory that cannot be read for a while takes nothing away.
func TestUnreadableDirectoryKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	s := newShelf(t, t.TempDir())
	s.write("a.yaml", definitionOf("a", "one"))
	s.Refresh(t.Context())
	s.config.Dir = filepath.Join(s.dir, "a.yaml") // no directory
	for range 3 {
		s.Refresh(t.Context())
	}
	if s.description("a") != "one" {
		t.Error("the saved action is gone")
	}
	if n := strings.Count(s.log.String(), "cannot be read"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, s.log)
	}
}

// Run follows the directory while others use the library, and ends with its context.
func TestRunFollowsTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		for _, text := range []string{"one", "two"} {
			s.write("a.yaml", definitionOf("a", text))
			time.Sleep(2 * pollPause) // of the bubble's time
			synctest.Wait()
			if got := s.description("a"); got != text {
				t.Errorf("description = %q, want %q", got, text)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// Any number of callers meet a definition that is whole, whichever, while its file changes.
func TestReadersMeetWholeDefinitions(t *testing.T) {
	t.Parallel()
	s := newShelf(t, t.TempDir())
	s.write("a.yaml", definitionOf("a", "one"))
	s.Refresh(t.Context())
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				a, err := s.Action("a")
				if err != nil || a.Definition == nil || !strings.Contains(a.Definition.Text, "description: "+a.Definition.Description) {
					t.Errorf("action = %+v, %v", a, err)
					return
				}
				_, _ = s.RunAction(t.Context(), "a", Call{}) // there is no environment to run it in
				s.Actions()
			}
		})
	}
	for i := range 50 {
		s.write("a.yaml", definitionOf("a", strings.Repeat("x", 1+i%7)))
		s.Refresh(t.Context())
	}
	close(done)
	readers.Wait()
}
