package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// follower keeps a copy of an entity's records by change tracking, as a program does that synchronizes them with its own.
type follower struct {
	client
	next   string            // a link of the server's own
	titles map[string]string // by record ID
}

// follow reads one page of changes; with a deltaLink at its end it is a round.
func (f *follower) follow(t *testing.T) (round bool) {
	t.Helper()
	status, _, b := f.send(http.MethodGet, strings.TrimPrefix(f.next, f.base), "", "Prefer: odata.track-changes,odata.maxpagesize=7")
	var page struct {
		Value []map[string]any `json:"value"`
		Next  string           `json:"@odata.nextLink"`
		Delta string           `json:"@odata.deltaLink"`
	}
	if err := json.Unmarshal(b, &page); err != nil || status != http.StatusOK || (page.Next == "") == (page.Delta == "") {
		t.Fatalf("%s = %d %s", f.next, status, b)
	}
	for _, change := range page.Value {
		if change["reason"] == "deleted" {
			delete(f.titles, fmt.Sprint(change["id"]))
			continue
		}
		f.titles[fmt.Sprint(change["subjectid"])] = fmt.Sprint(change["title"])
	}
	f.next = page.Next + page.Delta
	return page.Delta != ""
}

// TestTrackedChangesMissNothing holds that who follows the changes of records has what the server has, whatever was written between
// and during the rounds.
func TestTrackedChangesMissNothing(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	f := &follower{client: c, next: "subjects?$select=title", titles: map[string]string{}}
	var wait sync.WaitGroup
	for writer := range 3 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 20 {
				id := c.create("subjects", fmt.Sprintf(`{"title":"%d-%d"}`, writer, i))
				switch i % 3 {
				case 1:
					c.send(http.MethodPatch, "subjects("+id+")", `{"title":"changed"}`)
				case 2:
					c.send(http.MethodDelete, "subjects("+id+")", "")
				}
			}
		}()
	}
	written := make(chan struct{})
	go func() { wait.Wait(); close(written) }()
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
			f.follow(t)
		}
	}
	for !f.follow(t) { // the round that had begun before the last write
	}
	for !f.follow(t) {
	}
	want := map[string]string{}
	for _, r := range c.list("subjects?$select=title") {
		want[fmt.Sprint(r["subjectid"])] = fmt.Sprint(r["title"])
	}
	if !maps.Equal(f.titles, want) || len(want) == 0 {
		t.Errorf("the follower has %d records, %v; the server has %d, %v", len(f.titles), f.titles, len(want), want)
	}
}

// TestDeletedRecordsAreToldAfterARestart holds that a delta link outlives the process.
func TestDeletedRecordsAreToldAfterARestart(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	server, stop := serve(t, cfg)
	c := newClient(t, "http://"+server.Addr())
	kept, gone := c.create("subjects", `{"title":"kept"}`), c.create("subjects", `{"title":"gone"}`)
	f := &follower{client: c, next: "subjects?$select=title", titles: map[string]string{}}
	f.follow(t)
	c.send(http.MethodDelete, "subjects("+gone+")", "")
	stop()
	old := c.base
	server, stop = serve(t, cfg)
	defer stop()
	f.client = newClient(t, "http://"+server.Addr())
	f.next = strings.TrimPrefix(f.next, old)
	f.follow(t)
	if len(f.titles) != 1 || f.titles[kept] != "kept" {
		t.Errorf("the follower has %v, want %q alone", f.titles, kept)
	}
}
