package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/journal/journaltest"
)

// TestSoak is the short form of the soak test: one serve on a journal of its own, killed and started again while agents
// change presence and subscribers come and go.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := newSoak(t, soakPlan{duration: 3 * time.Second, serves: 1, subscribers: 4, seed: rand.Uint64()})
	s.run()
}

// soakPlan is what a soak test does.
type soakPlan struct {
	duration    time.Duration
	serves      int
	subscribers int
	servers     *journaltest.Cluster // nil for a journal in the data directory
	seed        uint64               // of all that is random, so that a run can be repeated as far as time allows
}

// soak is a soak test: agents change presence in a local Dataverse, the real way, while what stands between it and the
// subscribers is killed and started again. In the end each subscriber has had each change, once, in the same order.
type soak struct {
	soakPlan
	t           *testing.T
	dir         string // of the logs
	desk        desk
	agents      []dataverse.ID
	presences   []dataverse.ID
	before      map[string]bool // rows of history that were there
	serves      []*soakServe
	stops       int // how often a NATS server was stopped
	subscribers []*soakSubscriber
	outputs     *soakOutputs

	mu    sync.Mutex
	truth map[string]string // by agent, the presence that was set last
	rows  int               // how many changes were made
}

// newSoak starts everything and registers the webhook.
func newSoak(t *testing.T, plan soakPlan) *soak {
	t.Helper()
	t.Logf("seed %d", plan.seed)
	_, url := localtest.Start(t, local.Config{Seed: local.SeedDemo, Limits: local.Limits{Requests: 1 << 30, ExecutionTime: 24 * time.Hour, Concurrent: 1000}})
	s := &soak{soakPlan: plan, t: t, dir: t.TempDir(), truth: map[string]string{}, before: map[string]bool{}}
	s.openDesk(url)
	s.outputs = newSoakOutputs(t, s.random(500))
	balancer := httptest.NewServer(http.HandlerFunc(s.balance))
	t.Cleanup(balancer.Close)
	for n := range plan.serves {
		s.serves = append(s.serves, s.newServe(n, url))
	}
	for _, serve := range s.serves {
		serve.start()
	}
	must(t, "is registered", append([]string{"webhook", "register", "--url=" + balancer.URL}, s.serves[0].place...)...)
	s.await("the machines", await.Patience, func() string { // so that all subscribers begin behind the first states
		for _, serve := range s.serves {
			if answer, err := http.Get("http://" + serve.http + "/readyz"); err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
				return serve.name + " is not ready"
			}
		}
		return ""
	})
	for n := range plan.subscribers {
		s.subscribers = append(s.subscribers, newSoakSubscriber(s, n))
	}
	return s
}

// openDesk finds the agents and presences, and the rows that are there.
func (s *soak) openDesk(url string) {
	s.t.Helper()
	all, err := dataverse.NewEnvironments(map[string]dataverse.Config{localName: localEnvironment(url)}, localName, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := all.Client(s.t.Context(), localName)
	if err != nil {
		s.t.Fatal(err)
	}
	s.desk = desk{client}
	for entity, ids := range map[string]*[]dataverse.ID{"systemuser": &s.agents, "msdyn_presence": &s.presences} {
		records, err := s.desk.list(s.t.Context(), entity, nil, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range records {
			*ids = append(*ids, r.ID())
		}
	}
	s.hire()
	for _, id := range s.history() {
		s.before[id] = true
	}
}

// hire makes more agents.
func (s *soak) hire() {
	s.t.Helper()
	user, err := s.desk.client.Entity(s.t.Context(), "systemuser")
	if err != nil {
		s.t.Fatal(err)
	}
	for n := range 40 {
		id, err := s.desk.client.CreateRecord(s.t.Context(), user, dataverse.Fields{
			"firstname": "Agent", "lastname": fmt.Sprint(n + 1), "domainname": fmt.Sprintf("agent%d@soak.example.com", n+1),
			"internalemailaddress":                       fmt.Sprintf("agent%d@soak.example.com", n+1),
			bind(user, "businessunitid", "businessunit"): "/businessunits(bb000000-0000-4000-8000-000000000001)",
		}, dataverse.CreateOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		s.agents = append(s.agents, id)
	}
}

// history is the rows that Dataverse has.
func (s *soak) history() (ids []string) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	history, err := s.desk.client.Entity(ctx, "msdyn_agentstatushistory")
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := s.desk.client.ListRecords(ctx, history, &odata.Query{Select: []string{history.PrimaryID}})
	for err == nil {
		for _, r := range page.Records {
			ids = append(ids, string(r.ID()))
		}
		if page.NextLink == "" {
			return ids
		}
		page, err = s.desk.client.NextPage(ctx, history, page)
	}
	s.t.Fatal(err)
	return nil
}

// balance is what stands between Dataverse and several machines: it tries one after the other. Now and then it sends twice.
func (s *soak) balance(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	first, twice := rand.IntN(len(s.serves)), rand.IntN(20) == 0
	for n := range s.serves {
		at := s.serves[(first+n)%len(s.serves)]
		status, answer, err := post("http://"+at.webhook+r.URL.RequestURI(), body, r.Header)
		if err != nil || status >= 500 {
			continue
		}
		if twice {
			twice = false
			continue
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer) // Dataverse does not wait for it
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

func post(url string, body []byte, header http.Header) (status int, answer []byte, err error) {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header = header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// soakServe is a `botverse serve` in a process of its own, which is killed and started again at the same addresses.
type soakServe struct {
	s                   *soak
	name                string
	http, grpc, webhook string
	place               []string // the flags that commands beside it take too
	args                []string
	cmd                 *exec.Cmd
	ended               <-chan struct{} // closed when it has
	ends                int             // how often it was ended
	log                 *os.File
}

func (s *soak) newServe(n int, dataverse string) *soakServe {
	s.t.Helper()
	serve := &soakServe{s: s, name: fmt.Sprintf("serve-%d", n+1), http: vacant.Address(s.t), grpc: vacant.Address(s.t), webhook: vacant.Address(s.t)}
	serve.place = []string{
		"--data-dir=" + filepath.Join(s.dir, serve.name),
		fmt.Sprintf("--environments={there: {url: %q, sign_in: {kind: oauth, token_url: %[1]s/local/oauth2/v2.0/token, "+
			"client_id: botverse, client_secret: local, scope: %[1]s/.default}}}", dataverse),
		"--presence={heartbeat: 1s, backfill: {interval: 10s}, " + s.outputs.setting() + "}",
	}
	if s.servers != nil {
		serve.place = append(serve.place, onServers(s.servers))
	}
	serve.args = append([]string{
		"serve", "--http-addr=" + serve.http, "--grpc-addr=" + serve.grpc, "--webhook-addr=" + serve.webhook, "--log-level=debug",
	}, serve.place...)
	log, err := os.Create(filepath.Join(s.dir, serve.name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	serve.log = log
	s.t.Cleanup(func() {
		serve.end(syscall.SIGKILL)
		log.Close()
	})
	return serve
}

// start starts the process and waits until it says that it is ready.
func (e *soakServe) start() {
	ready := newWaitBuffer("botverse is ready")
	cmd := exec.Command(os.Args[0], e.args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = ready, e.log
	if err := cmd.Start(); err != nil {
		e.s.t.Error(err)
		return
	}
	ended := make(chan struct{})
	e.cmd, e.ended = cmd, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its state is looked at
	}()
	select {
	case <-ready.seen:
	case <-ended:
		e.s.t.Errorf("%s did not start: %s; its log ends with\n%s", e.name, cmd.ProcessState, e.tail())
	case <-time.After(await.Patience):
		e.s.t.Errorf("%s is not ready after %v; its log ends with\n%s", e.name, await.Patience, e.tail())
	}
}

// tail is the end of the log.
func (e *soakServe) tail() string {
	text, _ := os.ReadFile(e.log.Name())
	return string(text[max(0, len(text)-4000):])
}

// end ends the process, and waits until it has ended.
func (e *soakServe) end(signal syscall.Signal) {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Signal(signal) // it may have ended by itself, which its state says
	<-e.ended
	if signal == syscall.SIGTERM && !e.cmd.ProcessState.Success() {
		e.s.t.Errorf("%s ended with %v; its log ends with\n%s", e.name, e.cmd.ProcessState, e.tail())
	}
	e.cmd = nil
}

// run lets agents change presence, ends and starts what can be, and then looks at what the subscribers have.
func (s *soak) run() {
	ctx, stop := context.WithTimeout(s.t.Context(), s.duration)
	defer stop()
	watching, done := context.WithCancel(context.WithoutCancel(ctx))
	var watchers, chaos sync.WaitGroup
	defer watchers.Wait()
	defer done()
	for n, subscriber := range s.subscribers {
		watchers.Go(func() { subscriber.run(watching, s.random(100+n)) })
	}
	s.await("the first snapshots", await.Patience, func() string {
		for _, subscriber := range s.subscribers {
			if subscriber.at() == "" {
				return subscriber.name + " has no cursor"
			}
		}
		return ""
	})
	for n, serve := range s.serves {
		chaos.Go(func() { serve.disturb(ctx, s.random(200+n)) })
	}
	if s.servers != nil {
		chaos.Go(func() { s.disturbServers(ctx, s.random(300)) })
	}
	chaos.Go(func() { s.change(ctx, s.random(400)) })
	chaos.Wait()
	s.check()
}

// random is a source of its own for each part, so that the seed decides what each of them does.
func (s *soak) random(part int) *rand.Rand { return rand.New(rand.NewPCG(s.seed, uint64(part))) }

// between is a random time.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// disturb ends the process, by force or asking it, and starts it again, until ctx ends. It runs in the end.
func (e *soakServe) disturb(ctx context.Context, r *rand.Rand) {
	for sleep.For(ctx, between(r, 300*time.Millisecond, 2*time.Second*time.Duration(len(e.s.serves)))) {
		signal := syscall.SIGKILL
		if r.IntN(3) == 0 {
			signal = syscall.SIGTERM
		}
		e.end(signal)
		e.ends++
		sleep.For(ctx, between(r, 0, time.Second))
		e.start()
	}
}

// disturbServers stops NATS servers and starts them again, until ctx ends. All run in the end.
func (s *soak) disturbServers(ctx context.Context, r *rand.Rand) {
	for sleep.For(ctx, between(r, time.Second, 15*time.Second)) {
		stopped := r.Perm(3)[:1]
		if r.IntN(5) == 0 {
			stopped = r.Perm(3)[:2] // too few are left: nothing can be stored
		}
		for _, n := range stopped {
			s.servers.Stop(n)
			s.stops++
		}
		sleep.For(ctx, between(r, 0, 10*time.Second))
		for _, n := range stopped {
			s.servers.Restart(n)
		}
		if r.IntN(2) == 0 {
			s.servers.AwaitReady()
		}
	}
	s.servers.AwaitReady()
}

// change lets agents change presence until ctx ends, some of them several times within a second, which is all that Dataverse's
// times tell.
func (s *soak) change(ctx context.Context, r *rand.Rand) {
	for sleep.For(ctx, between(r, 0, 60*time.Millisecond)) {
		agent := s.agents[r.IntN(len(s.agents))]
		if r.IntN(3) == 0 {
			agent = s.agents[r.IntN(3)]
		}
		presence := s.presences[r.IntN(len(s.presences))]
		if err := s.desk.set(context.WithoutCancel(ctx), agent, presence, time.Now()); err != nil {
			s.t.Errorf("set a presence: %v", err)
			return
		}
		s.mu.Lock()
		s.truth[string(agent)] = string(presence)
		s.rows++
		s.mu.Unlock()
	}
}

// await waits until what is missing is nothing.
func (s *soak) await(what string, patience time.Duration, missing func() string) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		still := missing()
		if still == "" {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: after %v %s (seed %d)", what, patience, still, s.seed)
		}
	}
}

// check waits until each subscriber has had each row, and looks at what it has had.
func (s *soak) check() {
	s.t.Helper()
	var rows []string
	for _, id := range s.history() {
		if !s.before[id] {
			rows = append(rows, id)
		}
	}
	if len(rows) != s.rows || len(rows) == 0 {
		s.t.Errorf("Dataverse has %d new rows, want the %d that were written", len(rows), s.rows)
	}
	s.await("all rows at all subscribers", await.Patience, func() string {
		for _, subscriber := range s.subscribers {
			if missing := subscriber.missing(rows); len(missing) > 0 {
				return fmt.Sprintf("%s misses %d of %d rows, as %s", subscriber.name, len(missing), len(rows), missing[0])
			}
		}
		return ""
	})
	// Where deliveries of one second came in another order, the comparison with the present states puts it right.
	s.await("the states at all subscribers", 3*time.Minute, func() string {
		for _, subscriber := range s.subscribers {
			if wrong := subscriber.wrong(s.truth); wrong != "" {
				return wrong
			}
		}
		return ""
	})
	for _, subscriber := range s.subscribers {
		subscriber.check(rows)
	}
	s.outputs.check(s, s.subscribers[0].order())
	reconnects := 0
	for _, subscriber := range s.subscribers {
		reconnects += subscriber.sessions
		if subscriber.fresh {
			continue
		}
		if diff := firstDifference(s.subscribers[0].order(), subscriber.order()); diff != "" {
			s.t.Errorf("%s and %s had the events in another order: %s", s.subscribers[0].name, subscriber.name, diff)
		}
	}
	ends := 0
	for _, serve := range s.serves {
		s.checkList(serve)
		ends += serve.ends
	}
	late := 0
	for _, e := range s.subscribers[0].events {
		if e.GetLate() {
			late++
		}
	}
	s.t.Logf("%d changes, %d events, %d of them late, %d subscribers in %d sessions, %d ends of serve, %d of NATS servers (seed %d)",
		len(rows), len(s.subscribers[0].events), late, len(s.subscribers), reconnects, ends, s.stops, s.seed)
	if ends == 0 {
		s.t.Error("nothing was ended: the test shows nothing")
	}
}

// checkList compares what a process lists with what was set.
func (s *soak) checkList(serve *soakServe) {
	s.t.Helper()
	r := &running{http: serve.http}
	listed := map[string]string{}
	for token := ""; ; {
		status, answer := r.get(s.t, "/v1/presence?pageSize=500&pageToken="+token)
		if status != http.StatusOK {
			s.t.Errorf("%s lists with status %d", serve.name, status)
			return
		}
		agents, _ := at(answer, "agents").([]any)
		for _, agent := range agents {
			listed[fmt.Sprint(at(agent, "agentId"))] = fmt.Sprint(at(agent, "presence", "id"))
		}
		if token, _ = at(answer, "nextPageToken").(string); token == "" {
			break
		}
	}
	for agent, presence := range s.truth {
		if listed[agent] != presence {
			s.t.Errorf("%s says that %s is %s, want %s", serve.name, agent, listed[agent], presence)
		}
	}
}

// firstDifference says where two lists part.
func firstDifference(a, b []string) string {
	for n := range min(len(a), len(b)) {
		if a[n] != b[n] {
			return fmt.Sprintf("the %dth is %s and %s", n+1, a[n], b[n])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d and %d events", len(a), len(b))
	}
	return ""
}

// isRefused says whether nobody listens there at the moment, or has gone while it answered.
func isRefused(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "connection re")
}
