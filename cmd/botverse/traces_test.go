package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/await"
)

// span is a span as it arrives at the collector.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	text                                string // all of it
}

// collector is an OpenTelemetry collector that keeps what it gets.
type collector struct {
	addr  string
	mu    sync.Mutex
	spans []span
}

// startCollector takes the messages from the registry: the exporter has linked them in.
func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.addr = l.Addr().String()
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		request, err := newMessage("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest")
		if err != nil {
			return err
		}
		answer, err := newMessage("opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse")
		if err != nil {
			return err
		}
		if err := stream.RecvMsg(request); err != nil {
			return err
		}
		if err := c.keep(request); err != nil {
			return err
		}
		return stream.SendMsg(answer)
	}))
	go func() { _ = server.Serve(l) }() // ends with Stop
	t.Cleanup(server.Stop)
	return c
}

func newMessage(name protoreflect.FullName) (protoreflect.ProtoMessage, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}

func (c *collector) keep(request protoreflect.ProtoMessage) error {
	text, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	var batch struct {
		ResourceSpans []struct {
			ScopeSpans []struct{ Spans []json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &batch); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range batch.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, raw := range scope.Spans {
				s := span{text: string(raw)}
				if err := json.Unmarshal(raw, &s); err != nil {
					return err
				}
				c.spans = append(c.spans, s)
			}
		}
	}
	return nil
}

// named returns the spans of that name.
func (c *collector) named(name string) []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s span) bool { return s.Name != name })
}

// serveTraced starts serve and a collector, and waits until the first spans have come. Of those that are still to be sent at the end,
// which has a second for that, none then waits for a connection.
func serveTraced(t *testing.T, args ...string) (*collector, *running) {
	t.Helper()
	c := startCollector(t)
	r := serve(t, append(args, "--otlp-endpoint="+c.addr)...)
	await.Until(t, "the first spans have come", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.spans) > 0
	})
	return c, r
}

// One trace leads from the caller over both doors to the requests to Dataverse, and holds nothing that the visitor said.
func TestOneTraceJoinsCallAndDataverse(t *testing.T) {
	t.Parallel()
	c, r := serveTraced(t)
	// An entity that no built-in saved action is about: the metadata of those is read at the start.
	const ask = `{"entity": "account", "where": {"address1_city": "{{ name }}"}, "variables": {"name": "Secretive"}, "save": {"n": "name"}}`
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.http+"/v1/actions/find-record", strings.NewReader(ask))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	readJSON(t, response)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-fedcba9876543210fedcba9876543210-0123456789abcdef-01")
	if _, err := botversev1.NewActionServiceClient(r.dial(t)).FindRecord(ctx, request(t, &botversev1.FindRecordRequest{}, ask)); err != nil {
		t.Fatal(err)
	}
	events := watchHTTP(t.Context(), t, r, "application/json", "")
	setPresence(t, r, agent, "Busy") // a webhook with its key
	for come := false; !come; {      // what is on its way when the end comes waits for the next start
		if !events.Scan() {
			t.Fatalf("the stream ended without the change: %v", events.Err())
		}
		come = strings.Contains(events.Text(), `"event"`) && strings.Contains(events.Text(), "BUSY")
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	// over checks that each of the names is a span below the one before; the trace is in base64, as protobuf's JSON has it.
	over := func(trace string, names ...string) {
		t.Helper()
		parent := ""
		for _, name := range names {
			found := false
			for _, s := range c.named(name) {
				if s.TraceID == trace && (parent == "" || s.ParentSpanID == parent) {
					found, parent = true, s.SpanID
					break
				}
			}
			if !found {
				t.Errorf("trace %s has no span %q below the one before in %q", trace, name, names)
			}
		}
	}
	over("ASNFZ4mrze8BI0VniavN7w==", "POST /v1/actions/find-record", "botverse.v1.ActionService/FindRecord", "GET accounts")
	over("ASNFZ4mrze8BI0VniavN7w==", "POST /v1/actions/find-record", "botverse.v1.ActionService/FindRecord", "POST $batch")
	over("/ty6mHZUMhD+3LqYdlQyEA==", "botverse.v1.ActionService/FindRecord", "GET accounts")
	if len(c.named("POST /webhooks/dataverse/{source}")) == 0 || len(c.named("POST serviceendpoints")) == 0 {
		t.Error("the webhook, or what Dataverse was told at the start, has no span")
	}
	for _, s := range c.spans {
		for _, secret := range []string{"Secretive", "address1_city", "http://", "https://", "code=", "O'Rourke", r.local} {
			if strings.Contains(s.text, secret) {
				t.Errorf("a span shows %q: %s", secret, s.text)
			}
		}
	}
}

// The trace of a delivery goes on in the log, in the event that is made of it, and at the output that takes it.
func TestOneTraceJoinsWebhookJournalAndOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, r := serveTraced(t, "--presence={outputs: {daily: {kind: csv, dir: '"+dir+"'}}}")
	setPresence(t, r, agent, "Busy")
	await.Until(t, "the change has passed the webhook, the reader and the output", func() bool {
		days, err := filepath.Glob(filepath.Join(dir, "daily-*.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(days, func(day string) bool {
			text, err := os.ReadFile(day)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(string(text), ",BUSY,f523f628-c07a-e811-8162-000d3aa11f50,Available,")
		})
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	below := func(name, trace, parent string) span {
		t.Helper()
		for _, s := range c.named(name) {
			if s.TraceID == trace && s.ParentSpanID == parent {
				return s
			}
		}
		t.Fatalf("there is no span %q below %s in the trace %s", name, parent, trace)
		return span{}
	}
	arrived := c.named("POST /webhooks/dataverse/{source}")
	if len(arrived) == 0 {
		t.Fatal("the webhook has no span")
	}
	s := arrived[len(arrived)-1]
	for _, name := range []string{"presence.store", "presence.apply", "presence.output"} {
		s = below(name, s.TraceID, s.SpanID)
	}
	if !strings.Contains(s.text, "daily") {
		t.Errorf("the output's span does not name it: %s", s.text)
	}
}
