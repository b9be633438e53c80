package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/ledger"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
	"github.com/botverse/botverse/journal/journaltest"
)

var update = flag.Bool("update", false, "rewrite the replies in testdata/api")

// TestAPI plays each file of testdata/api over gRPC, and again over HTTP, each door with a local Dataverse of its own that
// its files share: a file finds what it created and the demo data, and must not look for what others create. A file is a
// comment and then, one after the other, requests under their method's name and the replies that they get: a code, and
// the response or the error as JSON.
func TestAPI(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/api/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	playAll := func(call caller, rewrite bool) func(*testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			r, dataverseURL := startWhole(t)
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
					t.Parallel()
					play(t, file, r, dataverseURL, call, rewrite)
				})
			}
		}
	}
	t.Run("gRPC", playAll(overGRPC, *update))
	if !*update { // else the files are being rewritten
		t.Run("HTTP", playAll(overHTTP, false))
	}
}

// caller is the door of a case: it makes one call and returns the code's name and the answer as JSON.
type caller func(t *testing.T, r *running, method protoreflect.MethodDescriptor, request []byte) (code string, answer []byte)

func play(t *testing.T, file string, r *running, dataverseURL string, call caller, rewrite bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(data)
	names := newPlaceholders(dataverseURL)
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, reply := archive.Files[i], &archive.Files[i+1]
		code, answer := call(t, r, methodNamed(t, request.Name), names.fill(request.Data))
		got := code + "\n" + names.hide(canonicalJSON(t, answer))
		if rewrite {
			reply.Data = []byte(got)
		} else if diff := cmp.Diff(string(reply.Data), got); diff != "" {
			t.Errorf("%s, call %d, %s (-want +got):\n%s", file, i/2+1, request.Name, diff)
		}
	}
	if rewrite {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startWhole runs a server on a runtime whose environment is a local Dataverse with demo data; "limited" is the same one, in which
// actions may do little.
func startWhole(t *testing.T) (*running, string) {
	t.Helper()
	return startWholeWith(t, loopback())
}

// startWholeWith is startWhole with settings of the test's own, also for how the environment is reached.
func startWholeWith(t *testing.T, settings Config, change ...func(*dataverse.Config)) (*running, string) {
	t.Helper()
	_, base := localtest.Start(t, local.Config{Seed: local.SeedDemo})
	config := dataverse.Default()
	config.URL = base
	config.SignIn = dataverse.SignIn{Kind: "oauth", TokenURL: base + "/local/oauth2/v2.0/token", ClientID: "botverse", Credential: dataverse.Credential{ClientSecret: "local"}, Scope: base + "/.default"}
	for _, f := range change {
		f(&config)
	}
	limited := config
	limited.Allow = dataverse.Allow{"contact": {dataverse.Find, dataverse.Create}, "incident": {dataverse.Create}, "account": {dataverse.Find}}
	environments, err := dataverse.NewEnvironments(map[string]dataverse.Config{"local": config, "limited": limited}, "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime := actions.New(environments)
	runtime.Ledger = openLedger(t)
	return start(t, settings, Deps{Runtime: runtime}, &services{
		actions: actionService{runtime: runtime, saved: openSaved(t, runtime, "")}, metadata: metadataService{runtime: runtime}, presence: stub{},
	}), base
}

// openLedger opens a ledger of request IDs in a journal of the test's own.
func openLedger(t *testing.T) actions.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), journaltest.Open(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func methodNamed(t *testing.T, name string) protoreflect.MethodDescriptor {
	t.Helper()
	for _, service := range []string{"ActionService", "MetadataService", "PresenceService"} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("botverse.v1." + service))
		if err != nil {
			t.Fatal(err)
		}
		if m := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(name)); m != nil {
			return m
		}
	}
	t.Fatalf("no method is called %s", name)
	return nil
}

func newMessage(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return messageType.New().Interface()
}

func overGRPC(t *testing.T, r *running, method protoreflect.MethodDescriptor, request []byte) (string, []byte) {
	t.Helper()
	req, resp := newMessage(t, method.Input()), newMessage(t, method.Output())
	if err := protojson.Unmarshal(request, req); err != nil {
		t.Fatalf("the case's request: %v", err)
	}
	answer := resp
	err := r.conn.Invoke(t.Context(), fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), req, resp)
	if err != nil {
		answer = status.Convert(err).Proto()
	}
	data, marshalErr := protojson.Marshal(answer)
	if marshalErr != nil {
		t.Fatal(marshalErr)
	}
	return fmt.Sprintf("%v %d", status.Code(err), httpStatusOf(err)), data
}

func httpStatusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return httpStatus(status.Convert(err))
}

func overHTTP(t *testing.T, r *running, method protoreflect.MethodDescriptor, request []byte) (string, []byte) {
	t.Helper()
	route := contractRoute(method, nil)
	var got reply
	if route.body {
		path, _, _ := strings.Cut(addressOf(t, route, request), "?")
		got = post(t, r.base+path, string(request))
	} else {
		got = send(t, http.MethodGet, r.base+addressOf(t, route, request), "")
	}
	var failed struct{ Code uint32 }
	if got.status != http.StatusOK {
		if err := json.Unmarshal([]byte(got.body), &failed); err != nil {
			t.Fatalf("status %d, body %q: %v", got.status, got.body, err)
		}
	}
	return fmt.Sprintf("%v %d", codes.Code(failed.Code), got.status), []byte(got.body)
}

// addressOf puts a request's members into the path and the query of a route.
func addressOf(t *testing.T, route *route, request []byte) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(request, &members); err != nil {
		t.Fatalf("the case's request: %v", err)
	}
	path, query := route.pattern, url.Values{}
	for name, value := range members {
		if text := fmt.Sprint(value); route.hasParameter(protoreflect.Name(name)) {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(text))
		} else {
			query.Set(name, text)
		}
	}
	return path + "?" + query.Encode()
}

// canonicalJSON is JSON in one form: members sorted, indented, without the call's ID.
func canonicalJSON(t *testing.T, data []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	dropCallID(value)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func dropCallID(value any) {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "callId")
		for _, member := range v {
			dropCallID(member)
		}
	case []any:
		for _, element := range v {
			dropCallID(element)
		}
	}
}

// placeholders stand in a file for what differs from run to run: the local Dataverse's address, and IDs, which are
// numbered as they come.
type placeholders struct {
	base  string
	names map[string]string // by value
}

func newPlaceholders(base string) *placeholders {
	return &placeholders{base: base, names: map[string]string{}}
}

var (
	guid        = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	placeholder = regexp.MustCompile(`\$ID[0-9]+`)
)

func (p *placeholders) hide(text string) string {
	text = strings.ReplaceAll(text, p.base, "$DATAVERSE")
	return guid.ReplaceAllStringFunc(text, func(id string) string {
		if p.names[id] == "" {
			p.names[id] = fmt.Sprintf("$ID%d", len(p.names)+1)
		}
		return p.names[id]
	})
}

func (p *placeholders) fill(data []byte) []byte {
	return placeholder.ReplaceAllFunc(data, func(name []byte) []byte {
		for id, known := range p.names {
			if known == string(name) {
				return []byte(id)
			}
		}
		return name
	})
}
