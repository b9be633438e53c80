package dataverse

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// planted are secrets that no error, log or trace may show.
const (
	plantedSecret   = "Pl4nted-client-secret"
	plantedPassword = "Pl4nted-password"
	plantedKey      = "Pl4nted-webhook-key"
	plantedToken    = "Pl4nted-access-token"
)

// site is a stand-in for Dataverse on a loopback port: what it is asked goes to handle, but for tokens, which it gives out.
type site struct {
	*httptest.Server
	tokens   func(http.ResponseWriter, *http.Request) // the token endpoint; nil gives a token for an hour
	mu       sync.Mutex
	received []received
}

// received is a request as it came.
type received struct {
	method, uri string
	header      http.Header
	body        string
}

func newSite(t testing.TB, handle http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			s.giveToken(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request's body: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.received = append(s.received, received{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		s.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) giveToken(w http.ResponseWriter, r *http.Request) {
	if s.tokens != nil {
		s.tokens(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token_type":"Bearer","access_token":%q,"expires_in":3599}`, plantedToken)
}

func (s *site) requests() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *site) config() Config {
	c := Default()
	c.URL = s.URL
	c.Timeout = 5 * time.Second
	c.SignIn = SignIn{Kind: OAuth, ClientID: "11111111-1111-4111-8111-111111111111", Credential: Credential{ClientSecret: plantedSecret}, TokenURL: s.URL + "/token"}
	return c
}

// client is a client of the site, with connections of its own.
func (s *site) client(t testing.TB) *Client {
	t.Helper()
	return s.clientOf(t, s.config())
}

func (s *site) clientOf(t testing.TB, config Config) *Client {
	t.Helper()
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	es, err := NewEnvironments(map[string]Config{"test": config}, "", transport)
	if err != nil {
		t.Fatal(err)
	}
	c, err := es.Client(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answerJSON answers with a status and a body.
func answerJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.Header().Set("OData-Version", "4.0")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// refuse answers with an error of Dataverse.
func refuse(w http.ResponseWriter, status int, code, message string) {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	answerJSON(w, status, string(body))
}

// exchange is a request that must come and the reply to it, from a file in testdata.
type exchange struct{ request, reply string }

func exchanges(t *testing.T, name string) []exchange {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "requests", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, reply := archive.Files[i], archive.Files[i+1]
		if request.Name != "request" || reply.Name != "reply" {
			t.Fatalf("%s: files %d and %d are %s and %s, want request and reply", name, i, i+1, request.Name, reply.Name)
		}
		all = append(all, exchange{string(request.Data), string(reply.Data)})
	}
	return all
}

// replay is a client of a site that expects the exchanges of a file, in their order, and nothing else.
func replay(t *testing.T, name string) *Client {
	t.Helper()
	all := exchanges(t, name)
	var s *site
	var mu sync.Mutex
	next := 0
	s = newSite(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if next >= len(all) {
			t.Errorf("an unexpected request: %s %s", r.Method, r.RequestURI)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		x := all[next]
		next++
		came := s.requests()
		check(t, s.URL, x.request, came[len(came)-1])
		send(t, w, strings.ReplaceAll(x.reply, "BASE", s.URL))
	})
	t.Cleanup(func() {
		if next != len(all) {
			t.Errorf("%d requests came, want %d", next, len(all))
		}
	})
	return s.client(t)
}

var boundary = regexp.MustCompile(`batch_[0-9a-f-]{36}`)

// check compares what came with what is written: the first line, the headers that are named (one named with "-" in front must
// be absent), and the body, JSON by what it says.
func check(t *testing.T, base, want string, got received) {
	t.Helper()
	head, body, _ := strings.Cut(want, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if first := got.method + " " + got.uri; first != lines[0] {
		t.Errorf("the request is\n  %s\nwant\n  %s", first, lines[0])
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if absent, ok := strings.CutPrefix(name, "-"); ok {
			if v := got.header.Values(absent); len(v) > 0 {
				t.Errorf("header %s is %q, want none", absent, v)
			}
			continue
		}
		if v := boundary.ReplaceAllString(got.header.Get(name), "BOUNDARY"); v != value {
			t.Errorf("header %s is %q, want %q", name, v, value)
		}
	}
	if id := got.header.Get("x-ms-client-request-id"); !isGUID(id) {
		t.Errorf("x-ms-client-request-id is %q, want a GUID", id)
	}
	checkBody(t, strings.ReplaceAll(body, "BASE", base), got.body)
}

func checkBody(t *testing.T, want, got string) {
	t.Helper()
	want = strings.TrimSpace(want)
	if strings.HasPrefix(want, "{") {
		var w, g any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatalf("the written body: %v", err)
		}
		if err := json.Unmarshal([]byte(got), &g); err != nil {
			t.Errorf("the body is no JSON: %v: %q", err, got)
		}
		if diff := cmp.Diff(w, g); diff != "" {
			t.Errorf("the body differs (-want +got):\n%s", diff)
		}
		return
	}
	if bare := strings.ReplaceAll(got, "\r\n", ""); strings.Contains(bare, "\n") && strings.Contains(got, "--batch_") {
		t.Errorf("a line of the $batch does not end in CRLF: %q", got)
	}
	got = boundary.ReplaceAllString(strings.TrimSpace(strings.ReplaceAll(got, "\r\n", "\n")), "BOUNDARY")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the body differs (-want +got):\n%s", diff)
	}
}

// send writes a reply as it is in the file: a status line, headers, a blank line, a body.
func send(t *testing.T, w http.ResponseWriter, reply string) {
	t.Helper()
	reader := bufio.NewReader(strings.NewReader(reply))
	first, err := reader.ReadString('\n')
	if err != nil {
		t.Fatalf("the written reply: %v", err)
	}
	var status int
	if _, err := fmt.Sscanf(first, "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("the written reply begins with %q: %v", first, err)
	}
	header, err := textproto.NewReader(reader).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("the written reply: %v", err)
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	body, _ := io.ReadAll(reader)
	if strings.HasPrefix(header.Get("Content-Type"), "multipart/") {
		body = bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
