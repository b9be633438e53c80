package local_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// TestFullDiskIsSaid holds that a write which the disk has no room for is answered as one that SQL Server could not do, that
// nothing stays of it, that what is there is still read, and that all is well when there is room again.
func TestFullDiskIsSaid(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	id := c.create("accounts", `{"name":"before"}`)
	if err := local.LimitPages(t.Context(), server, 1); err != nil {
		t.Fatal(err)
	}
	large := `{"name":"large","description":"` + strings.Repeat("x", 2000) + `"}`
	status, body := http.StatusNoContent, []byte(nil)
	made := 0
	for ; status == http.StatusNoContent && made < 1000; made++ { // pages that the file has already are filled first
		status, _, body = c.send(http.MethodPost, "accounts", large)
	}
	if status != http.StatusInternalServerError || !strings.Contains(string(body), `"code":"0x80044150"`) || !strings.Contains(string(body), "disk") {
		t.Fatalf("a full disk is answered %d %s", status, body)
	}
	if seen := len(c.list("accounts?$select=name&$filter=name eq 'large'")); seen != made-1 {
		t.Errorf("%d large accounts are there, want the %d that were answered", seen, made-1)
	}
	if status, _, body := c.send(http.MethodGet, "accounts("+id+")?$select=name", ""); status != http.StatusOK {
		t.Errorf("a read is answered %d %s", status, body)
	}
	if err := local.LimitPages(t.Context(), server, 1<<30); err != nil {
		t.Fatal(err)
	}
	c.create("accounts", large)
}
