package actions

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/dataverse/odata"
)

const someID = "7d1c1a4e-0f4e-4c9b-9c53-0d6b1f0a2b11"

// world is a runtime, a local Dataverse with the demo data that it acts on, and what went over the wire between them.
type world struct {
	*Runtime
	server *local.Server
	wire   *wire
}

// newWorld starts a world of the test's own.
func newWorld(t testing.TB) world {
	t.Helper()
	return newWorldOf(t, local.SeedDemo)
}

// newWorldWith starts a world that has these records alone, by entity set.
func newWorldWith(t testing.TB, records map[string][]map[string]any) world {
	t.Helper()
	text, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "records.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return newWorldOf(t, file)
}

func newWorldOf(t testing.TB, seed string) world {
	t.Helper()
	server, url := localtest.Start(t, local.Config{Seed: seed})
	transport := dataverse.NewTransport()
	t.Cleanup(transport.CloseIdleConnections) // an http.Server waits five seconds for connections that nothing came over
	return worldAround(t, server, url, transport)
}

// newWorldInBubble starts a world for a synctest bubble: what is asked of its local Dataverse goes over no network.
func newWorldInBubble(t testing.TB) world {
	t.Helper()
	server := localtest.Open(t, local.Config{Seed: local.SeedDemo})
	return worldAround(t, server, "http://127.0.0.1:8090", localtest.InProcess(server.Handler()))
}

func worldAround(t testing.TB, server *local.Server, url string, transport http.RoundTripper) world {
	t.Helper()
	w := &wire{next: transport}
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"demo": {
		URL: url, Timeout: time.Minute,
		SignIn: dataverse.SignIn{Kind: dataverse.OAuth, ClientID: "bot", Credential: dataverse.Credential{ClientSecret: "s3cret"}, TokenURL: url + "/tenant/oauth2/v2.0/token"},
	}}, "demo", w)
	if err != nil {
		t.Fatal(err)
	}
	return world{Runtime: New(environments), server: server, wire: w}
}

// client is the client that the runtime acts by.
func (w world) client(t testing.TB) *dataverse.Client {
	t.Helper()
	c, err := w.Environments.Client(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wire is a transport that remembers the requests to the Web API.
type wire struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string // "POST /contacts"
	// before is called before a request is sent; nil for nothing.
	before func(request string)
	// answers answer in place of the server, each once, by "POST /contacts".
	answers map[string]*http.Response
}

// answer has the next such request answered with a status, a header and a body, and not sent.
func (w *wire) answer(request string, status int, header http.Header, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	w.answers = map[string]*http.Response{request: {StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}}
}

// hook has a function called before each request is sent, with "POST /contacts"; nil ends it. The function may send
// requests of its own, for which it is called too.
func (w *wire) hook(before func(request string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = before
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, path, ok := strings.Cut(r.URL.Path, "/api/data/v9.2"); ok {
		if answer := w.note(r.Method + " " + path); answer != nil {
			answer.Request = r
			return answer, nil
		}
		w.mu.Lock()
		before := w.before
		w.mu.Unlock()
		if before != nil {
			before(r.Method + " " + path)
		}
	}
	return w.next.RoundTrip(r)
}

// note remembers a request, and returns the answer that was prepared for it.
func (w *wire) note(request string) *http.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, request)
	answer := w.answers[request]
	delete(w.answers, request)
	return answer
}

// take returns the requests since the last take.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}

// AllAtOnce runs tests that share something and do not disturb one another.
func AllAtOnce[T any](t *testing.T, shared T, tests map[string]func(*testing.T, T)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shared)
		})
	}
}

// disturbance is a test that counts requests, or makes the environment misbehave.
type disturbance struct {
	name string
	test func(*testing.T, world)
}

// inTurn runs tests one after the other, each in a world that does what it should and has remembered no request.
func (w world) inTurn(t *testing.T, tests []disturbance) {
	for _, d := range tests {
		t.Run(d.name, func(t *testing.T) {
			w.server.SetFaults(nil)
			w.wire.hook(nil)
			w.wire.take()
			d.test(t, w)
		})
	}
}

// count is how many records of an entity have a value in a field.
func (w world) count(t *testing.T, entity, field, value string) int {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), entity)
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.client(t).ListRecords(t.Context(), e, &odata.Query{
		Select: []string{e.PrimaryID}, Filter: &odata.Compare{Path: odata.Path{field}, Op: odata.Eq, Value: odata.String(value)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Records)
}

// read reads a record with everything that it has.
func (w world) read(t *testing.T, r *Record) dataverse.Record {
	t.Helper()
	e, err := w.client(t).Entity(t.Context(), r.Entity)
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.client(t).GetRecord(t.Context(), e, dataverse.ID(r.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func warningCodes(result Result) []WarningCode {
	var codes []WarningCode
	for _, w := range result.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}
