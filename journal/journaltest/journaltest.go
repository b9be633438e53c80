package journaltest

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/botverse/botverse/journal"
)

// Open opens a journal in a directory, and closes it when the test ends. It does not wait for the disk: what reaches the file system
// survives the end of a process, which is all that tests try.
func Open(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(context.Background(), settings(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func settings(dir string) journal.Config {
	c := journal.Default()
	c.Dir, c.Sync, c.Logger = dir, false, slog.New(slog.DiscardHandler)
	return c
}

// Main runs the tests of a package that opens journals in synctest bubbles, and finds what they leave running. NATS has one clock for
// all file stores of a process, a goroutine that is started with the first and waits on a channel of the package: started within a
// bubble, it would stop the bubble's time. So a stream is kept open around the tests.
func Main(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

type tests struct{ *testing.M }

// Run implements goleak.TestingM.
func (m tests) Run() (status int) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	j, err := journal.Open(context.Background(), settings(dir))
	if err != nil {
		panic(err)
	}
	defer func() { _ = j.Close() }()
	if _, err := j.Stream(context.Background(), jetstream.StreamConfig{Name: "OPEN"}); err != nil {
		panic(err)
	}
	return m.M.Run()
}
