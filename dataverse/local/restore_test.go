package local_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// lastNames lists the contacts that are there.
func (c client) lastNames() string {
	c.t.Helper()
	var names []string
	for _, r := range c.list("contacts?$select=lastname&$orderby=lastname") {
		names = append(names, r["lastname"].(string))
	}
	return strings.Join(names, " ")
}

func TestResetGoesBackToTheSeed(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{Seed: local.SeedDemo, AllowControl: true, Limits: local.Limits{On: true, Requests: 50}})
	c := newClient(t, base)
	before := c.list("contacts?$orderby=contactid")
	_, h, _ := c.send(http.MethodGet, "contacts("+before[0]["contactid"].(string)+")", "")
	tag := h.Get("ETag")
	c.create("contacts", `{"lastname":"New"}`)
	c.send(http.MethodPatch, "contacts("+before[1]["contactid"].(string)+")", `{"lastname":"Changed"}`)
	c.send(http.MethodPatch, "organizations(0e000000-0000-4000-8000-000000000001)", `{"isduplicatedetectionenabled":false}`)
	server.SetFaults([]local.Fault{{Path: "/accounts", Status: 503}})
	if status, answer := control(t, base, http.MethodPost, "/local/reset", ""); status != http.StatusNoContent {
		t.Fatalf("POST /local/reset = %d %s", status, answer)
	}
	_, h, _ = c.send(http.MethodGet, "contacts?$orderby=contactid", "")
	if got := h.Get("x-ms-ratelimit-burst-remaining-xrm-requests"); got != "49" {
		t.Errorf("after a reset %s of 50 requests are left to the first one, want 49", got)
	}
	after := c.list("contacts?$orderby=contactid")
	if len(after) != len(before) || after[1]["lastname"] != before[1]["lastname"] {
		t.Errorf("after a reset there are %d contacts, the second %v; want %d, %v", len(after), after[1]["lastname"], len(before), before[1]["lastname"])
	}
	c.list("accounts") // no fault is left
	status, _, b := c.send(http.MethodPost, "contacts", `{"lastname":"Quintero","emailaddress1":"marisol.quintero@alderfinch.example.com"}`, "MSCRM.SuppressDuplicateDetection: false")
	if status != http.StatusPreconditionFailed {
		t.Errorf("a duplicate after the reset = %d %s, want the organisation's switches as they were", status, b)
	}
	c.send(http.MethodPatch, "contacts("+before[0]["contactid"].(string)+")", `{"lastname":"Again"}`)
	if _, h, _ = c.send(http.MethodGet, "contacts("+before[0]["contactid"].(string)+")", ""); h.Get("ETag") <= tag {
		t.Errorf("a version after the reset is %s, one before it was %s: want one that never was", h.Get("ETag"), tag)
	}
}

func TestSnapshotAndRestore(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{AllowControl: true})
	c := newClient(t, base)
	c.create("contacts", `{"lastname":"Kept"}`)
	_, snapshot := control(t, base, http.MethodGet, "/local/snapshot", "")
	c.create("contacts", `{"lastname":"Lost"}`)
	if status, answer := control(t, base, http.MethodPost, "/local/restore", snapshot); status != http.StatusNoContent {
		t.Fatalf("POST /local/restore = %d %s", status, answer)
	}
	if got := c.lastNames(); got != "Kept" {
		t.Errorf("contacts after the restore = %s, want Kept", got)
	}
	c.create("contacts", `{"lastname":"After"}`)
	if got := c.lastNames(); got != "After Kept" {
		t.Errorf("contacts after a create = %s, want After Kept", got)
	}
	// The file is one of another server's too, whose tokens stay good.
	_, other := localtest.Start(t, local.Config{AllowControl: true, RequireAuth: true, Seed: local.SeedDemo})
	token := "Authorization: Bearer " + tokenOf(t, other)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, other+"/local/restore", strings.NewReader(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", strings.TrimPrefix(token, "Authorization: "))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if status, _, b := newClient(t, other).send(http.MethodGet, "contacts?$select=lastname", "", token); response.StatusCode != http.StatusNoContent || status != http.StatusOK || !bytes.Contains(b, []byte("Kept")) {
		t.Errorf("another server: restore %s, then %d %s", response.Status, status, b)
	}
}

func TestRestoreOutlivesARestart(t *testing.T) {
	t.Parallel()
	first, base := localtest.Start(t, local.Config{})
	newClient(t, base).create("contacts", `{"lastname":"Kept"}`)
	var snapshot bytes.Buffer
	if err := first.Snapshot(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	cfg := config(t.TempDir())
	server, stop := serve(t, cfg)
	newClient(t, "http://"+server.Addr()).create("contacts", `{"lastname":"Replaced"}`)
	if err := server.Restore(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	stop()
	server, _ = serve(t, cfg)
	if got := newClient(t, "http://"+server.Addr()).lastNames(); got != "Kept" {
		t.Errorf("contacts after a restart = %s, want Kept", got)
	}
}

// TestSnapshotHasNoKey looks for the key of tokens in the whole file, in deleted parts too.
func TestSnapshotHasNoKey(t *testing.T) {
	t.Parallel()
	server, _ := localtest.Start(t, local.Config{})
	var snapshot bytes.Buffer
	if err := server.Snapshot(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	if key := local.TokenKey(server); bytes.Contains(snapshot.Bytes(), []byte(key)) {
		t.Error("the key of tokens is in the snapshot")
	}
}

// TestWhatIsNoSnapshotIsRefused holds that it changes nothing, and that the answer says what is wrong.
func TestWhatIsNoSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{AllowControl: true})
	c := newClient(t, base)
	c.create("contacts", `{"lastname":"Stays"}`)
	var good bytes.Buffer
	if err := server.Snapshot(t.Context(), &good); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good.Bytes())
	for i := 20_000; i < 60_000; i++ {
		damaged[i] ^= 0x55
	}
	for name, test := range map[string]struct{ body, want string }{
		"nothing":        {"", "it is no SQLite file"},
		"text":           {strings.Repeat("x", 5000), "it is no SQLite file"},
		"a head alone":   {good.String()[:100], "this is no snapshot"},
		"half a file":    {good.String()[:good.Len()/2], "this is no snapshot"},
		"a damaged file": {string(damaged), "this is no snapshot"},
		"other tables":   {alter(t, good.Bytes(), "CREATE TABLE more (x)"), "tables are not those of this version"},
		"a trigger":      {alter(t, good.Bytes(), "CREATE TRIGGER evil AFTER INSERT ON contact BEGIN DELETE FROM contact; END"), "tables are not those of this version"},
		"another format": {alter(t, good.Bytes(), "PRAGMA user_version = 99"), "format 99"},
		"nobody":         {alter(t, good.Bytes(), "DELETE FROM systemuser"), "no user"},
	} {
		status, answer := control(t, base, http.MethodPost, "/local/restore", test.body)
		if status != http.StatusBadRequest || !strings.Contains(answer, test.want) {
			t.Errorf("%s: %d %s, want 400 with %q", name, status, answer, test.want)
		}
	}
	if got := c.lastNames(); got != "Stays" {
		t.Errorf("contacts after wrong snapshots = %s, want Stays", got)
	}
}

// TestOlderSnapshotGetsNewFields takes a snapshot that was made before an entity had a field.
func TestOlderSnapshotGetsNewFields(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	var snapshot bytes.Buffer
	if err := server.Snapshot(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	if err := server.Restore(t.Context(), strings.NewReader(alter(t, snapshot.Bytes(), "ALTER TABLE contact DROP COLUMN nickname"))); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, base)
	c.create("contacts", `{"lastname":"x","nickname":"new"}`)
	if got := c.list("contacts?$select=nickname")[0]["nickname"]; got != "new" {
		t.Errorf("nickname = %v, want new", got)
	}
}

// alter is a snapshot after a statement.
func alter(t *testing.T, snapshot []byte, statement string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "altered.db")
	if err := os.WriteFile(path, snapshot, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"PRAGMA journal_mode = DELETE", statement} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	altered, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(altered)
}

// TestNobodySeesHalfAReset reads and writes while the records are replaced again and again.
func TestNobodySeesHalfAReset(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	c := newClient(t, base)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if got := len(c.list("accounts?$select=name")); got != 12 {
					t.Errorf("%d accounts, want the 12 of the seed", got)
				}
				c.create("contacts", `{"lastname":"x"}`)
			}
		})
	}
	for range 4 {
		if err := server.Reset(t.Context()); err != nil {
			t.Error(err)
		}
		if err := server.Snapshot(t.Context(), io.Discard); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wait.Wait()
}

// TestRestoreForgetsTheWebhooksOfWhatItReplaces holds webhooks back: what was queued before the snapshot goes out once, what
// was queued after it never.
func TestRestoreForgetsTheWebhooksOfWhatItReplaces(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{HoldWebhooks: true})
	c, r := newClient(t, base), newReceiver(t)
	register(c, r.URL+"/hook", withKey, "Create", "contact", asynchronous, "")
	kept := c.create("contacts", `{"lastname":"Kept"}`)
	var snapshot bytes.Buffer
	if err := server.Snapshot(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	c.create("contacts", `{"lastname":"Replaced"}`)
	if err := server.Restore(t.Context(), &snapshot); err != nil {
		t.Fatal(err)
	}
	server.ReleaseWebhooks()
	local.WaitForWebhooks(t.Context(), server)
	if got := r.next(t).context.PrimaryEntityID; got != kept || r.count.Load() != 1 {
		t.Errorf("%d deliveries, the first of %s; want one, of %s", r.count.Load(), got, kept)
	}
}
