package local_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestMain fills the records that all Servers are copies of while time is true, for their createdon is of the first to open:
// a test in a bubble of synctest would give all others records of the year 2000. It holds that whatever a Server starts ends with it.
func TestMain(m *testing.M) {
	if err := openOnce(local.SeedNone, local.SeedDemo); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func openOnce(seeds ...string) error {
	for _, seed := range seeds {
		server, err := local.Open(context.Background(), localtest.Complete(local.Config{Seed: seed}))
		if err != nil {
			return err
		}
		if err := server.Close(); err != nil {
			return err
		}
	}
	return nil
}
