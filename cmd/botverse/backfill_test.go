package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/presence"
)

// centre is a contact centre: a local Dataverse beside serve, which registers its webhooks there.
type centre struct {
	name      string
	server    *local.Server
	url       string
	client    *dataverse.Client
	agents    []dataverse.ID
	presences []dataverse.ID
}

func openCentre(t *testing.T, name string) *centre {
	t.Helper()
	demo, err := os.ReadFile("../../dataverse/local/seed/demo.json")
	if err != nil {
		t.Fatal(err)
	}
	seed := filepath.Join(t.TempDir(), "seed.json") // an organisation of its own
	demo = bytes.ReplaceAll(demo, []byte("0e000000-0000-4000-8000-000000000001"), []byte(uuid.NewString()))
	if err := os.WriteFile(seed, demo, 0o600); err != nil {
		t.Fatal(err)
	}
	server, url := localtest.Start(t, local.Config{Seed: seed})
	c := &centre{name: name, server: server, url: url, client: client(t, url)}
	for _, row := range c.list(t, "msdyn_agentstatus", "_msdyn_agentid_value") {
		id, _ := row.Value("_msdyn_agentid_value")
		c.agents = append(c.agents, dataverse.ID(fmt.Sprint(id)))
	}
	for _, row := range c.list(t, "msdyn_presence") {
		c.presences = append(c.presences, row.ID())
	}
	if len(c.agents) < 2 || len(c.presences) < 5 {
		t.Fatalf("the demo has %d agents and %d presences", len(c.agents), len(c.presences))
	}
	return c
}

func (c *centre) list(t *testing.T, entity string, selected ...string) []dataverse.Record {
	t.Helper()
	records, err := desk{c.client}.list(t.Context(), entity, selected, nil)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// change creates a row of history, as the contact centre does, and returns its ID.
func (c *centre) change(t *testing.T, n int, at time.Time) string {
	t.Helper()
	history, err := c.client.Entity(t.Context(), "msdyn_agentstatushistory")
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.client.CreateRecord(t.Context(), history, dataverse.Fields{
		bind(history, "msdyn_agentid", "systemuser"):        "/systemusers(" + string(c.agents[n%2]) + ")",
		bind(history, "msdyn_presenceid", "msdyn_presence"): "/msdyn_presences(" + string(c.presences[n%5]) + ")",
		"msdyn_starttime": at.UTC().Format(time.RFC3339), "msdyn_isagentloggedin": true, "msdyn_availablecapacity": n,
	}, dataverse.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c.name + " " + string(id)
}

// configured are the arguments by which serve reaches the centres, keeps its data, and writes files.
func configured(t *testing.T, files string, centres ...*centre) []string {
	t.Helper()
	var environments []string
	for _, c := range centres {
		environments = append(environments, fmt.Sprintf(
			"%s: {url: %q, sign_in: {kind: oauth, token_url: %[2]s/local/oauth2/v2.0/token, client_id: c, client_secret: s}}", c.name, c.url))
	}
	webhook := vacant.Address(t)
	return []string{
		"--environments={" + strings.Join(environments, ", ") + "}", "--default-environment=" + centres[0].name,
		"--data-dir=" + t.TempDir(), "--webhook-addr=" + webhook,
		fmt.Sprintf("--presence={backfill: {page_size: 7}, outputs: {daily: {kind: csv, dir: %q}}}", files),
	}
}

// register has the centres post to serve.
func register(t *testing.T, args []string, centres ...*centre) {
	t.Helper()
	for _, c := range centres {
		if out, err := say(t, append([]string{"webhook", "register", "--environment=" + c.name}, args...)...); err != nil {
			t.Fatalf("register in %s: %v\n%s", c.name, err, out)
		}
	}
}

// follower is a subscriber who comes back with its cursor.
type follower struct {
	cursor string
	events []*botversev1.PresenceEvent
}

// follow reads events until there are so many.
func (f *follower) follow(t *testing.T, r *running, events int) {
	t.Helper()
	stream, err := botversev1.NewPresenceServiceClient(r.dial(t)).WatchPresence(await.Context(t), &botversev1.WatchPresenceRequest{After: f.cursor})
	if err != nil {
		t.Fatal(err)
	}
	for len(f.events) < events || f.cursor == "" {
		m, err := stream.Recv()
		if err != nil {
			t.Fatalf("after %d events of %d: %v", len(f.events), events, err)
		}
		f.cursor = m.GetCursor()
		if e := m.GetEvent(); e != nil && e.GetRecordId() != "" {
			f.events = append(f.events, e)
		}
	}
}

// ids are the events' records, each with the name of its centre.
func (f *follower) ids(organizations map[string]string) []string {
	var ids []string
	for _, e := range f.events {
		ids = append(ids, organizations[e.GetOrganizationId()]+" "+e.GetRecordId())
	}
	return ids
}

// organizations are the centres' names by the ID of their organisation.
func organizations(t *testing.T, centres ...*centre) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, c := range centres {
		o, err := c.client.Organization(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names[string(o.ID)] = c.name
	}
	return names
}

// Serve is down while two contact centres change presence. When it is back, reading is disturbed in every way; subscribers, files
// and states have each change once all the same.
func TestOutageIsFilledFromTheTables(t *testing.T) {
	t.Parallel()
	one, two, files := openCentre(t, "one"), openCentre(t, "two"), t.TempDir()
	args := configured(t, files, one, two)
	r := serveWith(t, args...)
	register(t, args, one, two)
	subscriber := &follower{}
	subscriber.follow(t, r, 0)
	began := time.Now().Truncate(time.Second)
	var want []string
	for n := range 4 {
		want = append(want, []*centre{one, two}[n%2].change(t, n/2, began.Add(time.Duration(n)*time.Second)))
	}
	subscriber.follow(t, r, len(want))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	late := map[string]bool{}
	for n := range 100 { // of each
		for _, c := range []*centre{one, two} {
			at := began.Add(time.Duration(n+10) * time.Second)
			if n%10 == 9 {
				at = began.Add(-time.Hour)
			}
			id := c.change(t, n, at)
			late[id] = n%10 == 9
			want = append(want, id)
		}
	}
	history := "msdyn_agentstatushistories"
	one.server.SetFaults([]local.Fault{
		{Path: history, Skip: 2, Times: 5, Status: 503}, {Path: history, Skip: 4, Times: 1, Status: 429, RetryAfter: 1}, {Path: history, Skip: 6, Times: 2, DropBefore: true},
		{Path: history, Skip: 7, Times: 1, DropAfterCommit: true},
	})
	again := serveWith(t, args...)
	subscriber.follow(t, again, len(want))
	names := organizations(t, one, two)
	got := subscriber.ids(names)
	for _, c := range []*centre{one, two} { // each in the order of its creation
		ofCentre := func(id string) bool { return !strings.HasPrefix(id, c.name) }
		if g, w := slices.DeleteFunc(slices.Clone(got), ofCentre), slices.DeleteFunc(slices.Clone(want), ofCentre); !sameSet(g, w) {
			t.Errorf("the subscriber has %d changes of %s, want each of %d once", len(g), c.name, len(w))
		}
	}
	for i, e := range subscriber.events {
		if e.GetLate() != late[got[i]] {
			t.Errorf("event %d, started at %v: late = %v, want %v", i, e.GetStartTime().AsTime(), e.GetLate(), late[got[i]])
		}
	}
	for _, f := range one.server.Faults() {
		if f.Struck == 0 {
			t.Errorf("the fault %+v never struck", f)
		}
	}
	must(t, "0 of them new", "presence", "backfill", "--server="+again.grpc, "--since=1h", "--environment=two", "--source=agent-status")
	await.Until(t, "the files", func() bool { return len(csvChanges(t, files, names)) >= len(want) })
	if got := csvChanges(t, files, names); !sameSet(got, want) {
		t.Errorf("the files have %d rows, want each of %d changes once", len(got), len(want))
	}
	checkStates(t, again, began.Add(107*time.Second), []*centre{one, two}, names)
}

// checkStates wants both agents of each centre in the presence of their last change that is not late.
func checkStates(t *testing.T, r *running, newest time.Time, centres []*centre, names map[string]string) {
	t.Helper()
	list, err := botversev1.NewPresenceServiceClient(r.dial(t)).ListPresence(t.Context(), &botversev1.ListPresenceRequest{PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range centres {
		for parity, n := range []int{98, 97} { // 99 is late
			index := slices.IndexFunc(list.GetAgents(), func(a *botversev1.AgentPresence) bool {
				return names[a.GetOrganizationId()] == c.name && a.GetAgentId() == string(c.agents[parity])
			})
			if index < 0 {
				t.Errorf("%s: agent %d has no state", c.name, parity)
				continue
			}
			a := list.GetAgents()[index]
			if a.GetPresence().GetId() != string(c.presences[n%5]) || a.GetStartTime().AsTime().Sub(newest).Abs() > 2*time.Second || a.GetCapacity() != int32(n) {
				t.Errorf("%s: agent %d is %v, want change %d", c.name, parity, a, n)
			}
		}
	}
}

func sameSet(got, want []string) bool {
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// csvChanges are the records of which an output's files tell, each with the name of its centre.
func csvChanges(t *testing.T, dir string, names map[string]string) (changes []string) {
	t.Helper()
	for _, row := range csvRows(t, dir, "organization_id", "record_id") {
		changes = append(changes, names[row[0]]+" "+row[1])
	}
	return changes
}

// Serve is killed while it reads what it missed, more than once; each change is there once all the same.
func TestBackfillThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	c, files := openCentre(t, "one"), t.TempDir()
	args := configured(t, files, c)
	r := serveWith(t, args...)
	register(t, args, c)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var want []string
	began := time.Now()
	for n := range 60 {
		want = append(want, c.change(t, n, began.Add(time.Duration(n)*time.Second)))
	}
	for kill := range 3 {
		c.server.SetFaults([]local.Fault{{Path: "msdyn_agentstatushistories", Delay: 20 * time.Millisecond}})
		process := program(t, append(append([]string{"serve"}, "--http-addr=127.0.0.1:0", "--grpc-addr=127.0.0.1:0"), args...)...)
		log := &safeBuffer{} // the process may still write when the test has failed
		process.Stderr = log
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("serve %d:\n%s", kill, log)
			}
		})
		await.Until(t, "the reading", func() bool { return c.server.Faults()[0].Met > 1 })
		end(t, process)
	}
	c.server.SetFaults(nil)
	again := serveWith(t, args...)
	must(t, "one  agent-status  since", "presence", "backfill", "--server="+again.grpc)
	names := organizations(t, c)
	await.Until(t, "the files", func() bool { return len(csvChanges(t, files, names)) >= len(want) })
	if got := csvChanges(t, files, names); !sameSet(got, want) {
		t.Errorf("the files have %d rows, want each of %d changes once", len(got), len(want))
	}
}

// Changes are made while serve reads: the webhook and the table tell of the same ones, in either order.
func TestDeliveriesGoOnWhileTablesAreRead(t *testing.T) {
	t.Parallel()
	c, files := openCentre(t, "one"), t.TempDir()
	args := configured(t, files, c)
	r := serveWith(t, args...)
	register(t, args, c)
	subscriber := &follower{}
	subscriber.follow(t, r, 0)
	c.server.SetFaults([]local.Fault{{Webhook: local.WebhookTwice, Share: 0.3}, {Webhook: local.WebhookDropped, Share: 0.3, Seed: 1}, {Webhook: local.WebhookDelayed, Delay: 5 * time.Millisecond, Share: 0.5}})
	var reading sync.WaitGroup
	reading.Go(func() {
		for range 10 {
			if _, err := say(t, "presence", "backfill", "--server="+r.grpc); err != nil {
				t.Error(err)
			}
		}
	})
	var want []string
	began := time.Now()
	for n := range 60 {
		want = append(want, c.change(t, n, began.Add(time.Duration(n)*time.Second)))
	}
	reading.Wait()
	must(t, "of them new", "presence", "backfill", "--server="+r.grpc)
	subscriber.follow(t, r, len(want))
	if got := subscriber.ids(organizations(t, c)); !sameSet(got, want) {
		t.Errorf("the subscriber has %d changes, want each of %d once", len(got), len(want))
	}
	must(t, "0 of them new", "presence", "backfill", "--server="+r.grpc, "--since=1h")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if got := csvChanges(t, files, organizations(t, c)); !sameSet(got, want) && len(got) > len(want) {
		t.Errorf("the files have %d rows, want no more than %d changes", len(got), len(want))
	}
}

func TestBackfillIsAskedForOverEveryDoor(t *testing.T) {
	t.Parallel()
	r := serve(t)
	setPresence(t, r, agent, "Busy")
	ask := func(body string) (int, map[string]any) {
		response, err := http.Post("http://"+r.http+"/v1/presence:backfill", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, readJSON(t, response)
	}
	code, answer := ask(`{"since": "` + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + `"}`)
	if code != http.StatusOK || answer["done"] != true || at(answer, "sources", 0, "source") != "agent-status" || at(answer, "sources", 0, "environment") != localName ||
		at(answer, "sources", 0, "rows") == nil {
		t.Errorf("over HTTP: %d %v", code, answer)
	}
	for body, want := range map[string]string{
		`{"source": "agent-stats"}`:    "agent-stats",
		`{"environment": "elsewhere"}`: "elsewhere",
		`{"sinc": "x"}`:                "since",
	} {
		if code, answer := ask(body); code < 400 || code > 404 || !strings.Contains(fmt.Sprint(answer), want) {
			t.Errorf("%s: %d %v, want a refusal that names %s", body, code, answer, want)
		}
	}
	text := r.metrics(t)
	for _, metric := range []string{"rows_total", "merged_total", "doubles_total", "failures_total", "mark_age_seconds"} {
		if !strings.Contains(text, "botverse_backfill_"+metric+`{environment="local",source="agent-status"}`) {
			t.Errorf("/metrics does not have %s", metric)
		}
	}
	if _, err := say(t, "presence", "backfill", "--server="+r.grpc, "--since=yesterday"); exitStatus(err) != 2 || !strings.Contains(err.Error(), "24h") {
		t.Errorf("--since=yesterday: %v, want wrong input and what would be right", err)
	}
}

// A page of a size begins where the one before it ended, also where many records were created at once.
func TestReaderReadsInPages(t *testing.T) {
	t.Parallel()
	c := openCentre(t, "one")
	var want []string
	for n := range 12 {
		want = append(want, strings.TrimPrefix(c.change(t, n, time.Now()), "one "))
	}
	all, err := dataverse.NewEnvironments(map[string]dataverse.Config{"one": localEnvironment(c.url)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	reader := presenceReader{all}
	organization, err := reader.Organization(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	history := c.list(t, "msdyn_agentstatushistory")
	q := presence.CreatedQuery{
		OrganizationID: organization.ID, Entity: "msdyn_agentstatushistory", Fields: []string{"msdyn_agentid"},
		Since: time.Now().Add(-time.Hour), Size: 5,
	}
	var got []string
	for pages := 1; ; pages++ {
		page, err := reader.ListCreated(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range page.Records {
			got = append(got, record.ID)
			if record.Values["createdon"] == nil || record.Values["msdyn_agentid"] == nil || record.Formatted["msdyn_agentid"] == "" {
				t.Fatalf("a record is %+v", record)
			}
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
		if len(page.Records) != q.Size || pages > len(history) {
			t.Fatalf("page %d has %d records, want %d", pages, len(page.Records), q.Size)
		}
	}
	if len(got) != len(history) || !sameSet(got[len(got)-len(want):], want) {
		t.Errorf("read %v, want all %d and the new ones last: %v", got, len(history), want)
	}
	q = presence.CreatedQuery{OrganizationID: organization.ID, Entity: "no_such_entity", Size: 5}
	if _, err := reader.ListCreated(t.Context(), q); !errors.Is(err, presence.ErrNoHistory) {
		t.Errorf("of an entity that is not there: %v, want ErrNoHistory", err)
	}
}
