package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// client sends requests to a server's Web API.
type client struct {
	t    testing.TB
	base string
	http *http.Client
}

func newClient(t testing.TB, base string) client {
	return client{t, base + "/api/data/v9.2/", http.DefaultClient}
}

// send returns the status, the headers and the body of a reply. A header is "Name: value".
func (c client) send(method, path, body string, header ...string) (int, http.Header, []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, response.Header, b
}

// create makes a record and returns its ID.
func (c client) create(set, body string, header ...string) string {
	c.t.Helper()
	status, h, b := c.send(http.MethodPost, set, body, header...)
	if status != http.StatusNoContent {
		c.t.Fatalf("create in %s: %d %s", set, status, b)
	}
	address := h.Get("OData-EntityId")
	return strings.TrimSuffix(address[strings.LastIndexByte(address, '(')+1:], ")")
}

// list returns the records of a query.
func (c client) list(path string, header ...string) []map[string]any {
	c.t.Helper()
	status, _, b := c.send(http.MethodGet, path, "", header...)
	var page struct{ Value []map[string]any }
	if err := json.Unmarshal(b, &page); status != http.StatusOK || err != nil {
		c.t.Fatalf("GET %s: %d %s", path, status, b)
	}
	return page.Value
}

func config(dir string) local.Config {
	cfg := local.Default()
	cfg.Addr, cfg.DataDir, cfg.Seed = "127.0.0.1:0", dir, local.SeedNone
	return cfg
}

// serve runs a server on a data directory until the test, or stop, ends it.
func serve(t testing.TB, cfg local.Config) (server *local.Server, stop func()) {
	t.Helper()
	server, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := errors.Join(<-ended, server.Close()); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	}
	t.Cleanup(stop)
	return server, stop
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := serve(t, config(dir))
	if _, err := local.Open(t.Context(), config(dir)); !errors.Is(err, local.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open = %v, want ErrLocked that names %s", err, dir)
	}
	stop()
	serve(t, config(dir)) // once the first is gone, the directory is free
}

func TestRecordsAndTokensOutliveARestart(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	cfg.RequireAuth = true
	first, stop := serve(t, cfg)
	token := tokenOf(t, "http://"+first.Addr())
	c := newClient(t, "http://"+first.Addr())
	id := c.create("contacts", `{"lastname":"Stays"}`, "Authorization: Bearer "+token)
	_, before, _ := c.send(http.MethodGet, "contacts("+id+")", "", "Authorization: Bearer "+token)
	stop()

	second, _ := serve(t, cfg)
	c = newClient(t, "http://"+second.Addr())
	status, _, b := c.send(http.MethodGet, "contacts("+id+")?$select=fullname", "", "Authorization: Bearer "+token)
	if status != http.StatusOK || !bytes.Contains(b, []byte("Stays")) {
		t.Fatalf("after a restart: %d %s", status, b)
	}
	c.send(http.MethodPatch, "contacts("+id+")", `{"nickname":"x"}`, "Authorization: Bearer "+token)
	_, after, _ := c.send(http.MethodGet, "contacts("+id+")", "", "Authorization: Bearer "+token)
	if before.Get("ETag") >= after.Get("ETag") {
		t.Errorf("the version went from %s to %s over a restart, want one that grows", before.Get("ETag"), after.Get("ETag"))
	}
}

func tokenOf(t testing.TB, base string) string {
	t.Helper()
	return tokenFor(t, base, "x")
}

func tokenFor(t testing.TB, base, clientID string) string {
	t.Helper()
	response, err := http.Post(base+"/contoso/oauth2/v2.0/token", "application/x-www-form-urlencoded", strings.NewReader("grant_type=client_credentials&client_secret=y&client_id="+clientID))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// TestKillLosesNothingAcknowledged kills a process of its own that serves, and looks for all that it had said was made.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	if os.Getenv("SERVE_DIR") != "" {
		serveUntilKilled(t, os.Getenv("SERVE_DIR"))
		return
	}
	dir := t.TempDir()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillLosesNothingAcknowledged$", "-test.v")
	process.Env = append(os.Environ(), "SERVE_DIR="+dir)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	address := servedAddress(t, out)
	c := newClient(t, "http://"+address)
	for i := range 50 {
		c.create("contacts", fmt.Sprintf(`{"lastname":"Number %d"}`, i))
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // it was killed
	server, _ := serve(t, config(dir))
	if got := len(newClient(t, "http://"+server.Addr()).list("contacts?$select=lastname")); got != 50 {
		t.Errorf("%d records after kill -9, want the 50 that were acknowledged", got)
	}
}

// servedAddress reads the address that the process prints, among what the testing package does.
func servedAddress(t *testing.T, out io.Reader) string {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "serving "); ok {
			return address
		}
	}
	t.Fatal("the process ended before it served")
	return ""
}

func serveUntilKilled(t *testing.T, dir string) {
	server, _ := serve(t, config(dir))
	fmt.Printf("serving %s\n", server.Addr())
	<-t.Context().Done() // never: the process is killed
}

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	err := local.Config{Addr: "8090", Seed: "some"}.Validate()
	if err == nil {
		t.Fatal("a wrong Config is valid")
	}
	for _, want := range []string{`"8090"`, "data directory", `"some"`, "time-outs"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want it to name %s", err, want)
		}
	}
	open := local.Default()
	open.Addr, open.InMemory = "0.0.0.0:8090", true
	if err := open.Validate(); err == nil || !strings.Contains(err.Error(), "require_auth") {
		t.Errorf("Validate() of an open address without sign-in = %v, want a refusal", err)
	}
	open.RequireAuth = true
	if err := open.Validate(); err != nil {
		t.Errorf("Validate() of an open address with sign-in = %v", err)
	}
}

func TestPortInUseIsSaid(t *testing.T) {
	t.Parallel()
	first, _ := localtest.Start(t, local.Config{})
	cfg := config(t.TempDir())
	cfg.Addr = first.Addr()
	second, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := second.Listen(); err == nil || !strings.Contains(err.Error(), first.Addr()) {
		t.Errorf("Listen on a port in use = %v, want an error that names it", err)
	}
}

func TestOrganizationIDIsWhatWhoAmISays(t *testing.T) {
	t.Parallel()
	server, base := localtest.Start(t, local.Config{})
	_, _, b := newClient(t, base).send(http.MethodGet, "WhoAmI", "")
	if !bytes.Contains(b, []byte(server.OrganizationID())) || server.OrganizationID() == "" {
		t.Errorf("OrganizationID() = %q, WhoAmI = %s", server.OrganizationID(), b)
	}
}

func TestLongAddressesNeedABatch(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	query := "contacts?$filter=lastname eq '" + strings.Repeat("x", 40_000) + "'"
	if status, _, _ := c.send(http.MethodGet, query, ""); status != http.StatusRequestURITooLong {
		t.Errorf("a URL of 40,000 characters = %d, want 414", status)
	}
	part := "--b\r\nContent-Type: application/http\r\n\r\nGET " + strings.ReplaceAll(query, " ", "%20") + " HTTP/1.1\r\n\r\n\r\n--b--\r\n"
	if status, _, b := c.send(http.MethodPost, "$batch", part, "Content-Type: multipart/mixed; boundary=b"); status != http.StatusOK || !bytes.Contains(b, []byte("200 OK")) {
		t.Errorf("the same in a batch = %d %s", status, b)
	}
}

func TestTokensAreOfOneServer(t *testing.T) {
	t.Parallel()
	_, first := localtest.Start(t, local.Config{RequireAuth: true})
	_, second := localtest.Start(t, local.Config{RequireAuth: true})
	token := "Authorization: Bearer " + tokenOf(t, first)
	if status, _, _ := newClient(t, first).send(http.MethodGet, "WhoAmI", "", token); status != http.StatusOK {
		t.Errorf("its own server answers a token with %d", status)
	}
	if status, _, _ := newClient(t, second).send(http.MethodGet, "WhoAmI", "", token); status != http.StatusUnauthorized {
		t.Errorf("another server answers a token with %d, want 401", status)
	}
}

func TestWebPagesAreKeptAway(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	for name, test := range map[string]struct {
		host, origin string
		want         int
	}{
		"a program":                    {"", "", http.StatusNoContent},
		"by the name of this machine":  {"localhost:8090", "", http.StatusNoContent},
		"a page of another origin":     {"", "https://evil.example.com", http.StatusForbidden},
		"a page by a name of its own":  {"evil.example.com", "", http.StatusMisdirectedRequest},
		"a page that was served by us": {"", base, http.StatusNoContent},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/data/v9.2/contacts", strings.NewReader(`{"lastname":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		if test.origin != "" {
			request.Header.Set("Origin", test.origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", name, response.Status, test.want)
		}
	}
}

// TestApplicationCallsAsItsUser holds that a token makes its application's user the caller, and any other the first one.
func TestApplicationCallsAsItsUser(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	c := newClient(t, base)
	user := c.create("systemusers", `{"firstname":"Second","lastname":"Bot","applicationid":"ab000000-0000-4000-8000-0000000000aa","businessunitid@odata.bind":"/businessunits(bb000000-0000-4000-8000-000000000001)"}`)
	for clientID, want := range map[string]string{"AB000000-0000-4000-8000-0000000000AA": user, "unknown": "50000000-0000-4000-8000-000000000003"} {
		_, _, b := c.send(http.MethodGet, "WhoAmI", "", "Authorization: Bearer "+tokenFor(t, base, clientID))
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("WhoAmI of %s = %s, want %s", clientID, b, want)
		}
	}
}

func TestStopSaysNothingOfConnectionsWithoutARequest(t *testing.T) {
	t.Parallel()
	log := &bytes.Buffer{}
	cfg := config(t.TempDir())
	cfg.DrainTimeout = 2 * time.Second // less than the five for which Shutdown takes a new connection for a request
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	server, stop := serve(t, cfg)
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if status, _, b := newClient(t, "http://"+server.Addr()).send(http.MethodGet, "WhoAmI", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, b)
	} // and so the connection before it is accepted
	stop()
	if log.Len() > 0 {
		t.Errorf("the stop logged %s", log)
	}
}
