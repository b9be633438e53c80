package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// TestGatewayRefuses holds all that is refused before the chain to one body, with reason, call ID and log.
func TestGatewayRefuses(t *testing.T) {
	t.Parallel()
	config := loopback()
	config.MaxBody = 1 << 10
	r := start(t, config, Deps{}, &services{actions: stub{}, metadata: stub{}, presence: stub{}})
	const create, json = "/v1/actions/create-record", "application/json"
	for _, test := range []struct {
		what, method, path, body string
		headers                  []string
		status                   int
		reason                   reason
		tells                    string // in the message
	}{
		{"unknown member", "POST", create, `{"entty":"contact"}`, []string{"Content-Type", json}, 400, malformed, "did you mean entity?"},
		{"unknown nested", "POST", create, `{"entity":"contact","fields":{},"save":{"a":1}}`, []string{"Content-Type", json}, 400, malformed, "save.a: must be a text, and is a number"},
		{"not JSON", "POST", create, "{\n \"entity\": contact}", []string{"Content-Type", json}, 400, malformed, "line 2, column 12"},
		{"no body", "POST", create, "", []string{"Content-Type", json}, 400, malformed, "empty"},
		{"not an object", "POST", create, `[1]`, []string{"Content-Type", json}, 400, malformed, "the body must be an object, and is a list"},
		{"not UTF-8", "POST", create, "{\"entity\":\n\"a\xff\"}", []string{"Content-Type", json}, 400, malformed, "not UTF-8: line 2, column 3"},
		{"half a character", "POST", create, `{"entity":"a","fields":{"a":"\ud83d\ude00\\ud83d","b":"\ud83d"}}`, []string{"Content-Type", json}, 400, malformed, "line 1, column 56"},
		{"the other half", "POST", create, `{"entity":"\ude00\ud83d"}`, []string{"Content-Type", json}, 400, malformed, "half a character"},
		{"enum of no number", "POST", create, `{"entity":"a","onDuplicate":99999999999}`, []string{"Content-Type", json}, 400, malformed, "onDuplicate"},
		{"twice", "POST", create, `{"entity":"a","entity":"b"}`, []string{"Content-Type", json}, 400, malformed, "more than once"},
		{"enum", "POST", create, `{"onDuplicate":"DO_NOT"}`, []string{"Content-Type", json}, 400, malformed, `\"DO_NOT\" is none of its values: DO_NOT_CREATE, CREATE_DUPLICATE`},
		{"inexact", "POST", create, `{"entity":"contact","fields":{"n":12345678901234567890}}`, []string{"Content-Type", json}, 400, malformed, "fields.n"},
		{"something behind", "POST", create, `{} {}`, []string{"Content-Type", json}, 400, malformed, "after top-level value"},
		{"unknown parameter", "GET", "/v1/entities?pagesize=3", "", nil, 400, malformed, "did you mean pageSize?"},
		{"parameter of the path", "GET", "/v1/entities/contact?entity=account", "", nil, 400, malformed, "entity"},
		{"no number", "GET", "/v1/entities?pageSize=many", "", nil, 400, malformed, "whole number"},
		{"parameter twice", "GET", "/v1/entities?pageSize=1&page_size=2", "", nil, 400, malformed, "more than once"},
		{"query of a POST", "POST", create + "?entity=contact", createContact, []string{"Content-Type", json}, 400, malformed, "no such query parameter"},
		{"bad query", "GET", "/v1/entities?a=%zz", "", nil, 400, malformed, "not well-formed"},
		{"bad timeout", "POST", create, createContact, []string{"Content-Type", json, "Grpc-Timeout", "soon"}, 400, malformed, "Grpc-Timeout"},
		{"route", "POST", "/v1/actions/create-recrd", createContact, []string{"Content-Type", json}, 404, botversev1.ErrorDetail_UNKNOWN_ROUTE, "/v1/actions/create-record"},
		{"slash", "GET", "/v1/entities/", "", nil, 404, botversev1.ErrorDetail_UNKNOWN_ROUTE, "/v1/entities"},
		{"method", "GET", create, "", nil, 405, botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "takes POST, not GET"},
		{"method of health", "POST", "/healthz", "", nil, 405, botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "takes GET"},
		{"override", "POST", "/v1/entities", "", []string{"X-HTTP-Method-Override", "GET"}, 405, botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "takes GET"},
		{"form", "POST", "/v1/entities", "", []string{"Content-Type", "application/x-www-form-urlencoded"}, 405, botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "takes GET"},
		{"preflight", "OPTIONS", create, "", []string{"Origin", "https://evil.example"}, 405, botversev1.ErrorDetail_METHOD_NOT_ALLOWED, "takes POST"},
		{"plain text", "POST", create, createContact, []string{"Content-Type", "text/plain"}, 415, botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE, "application/json"},
		{"no type", "POST", create, createContact, nil, 415, botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE, "application/json"},
		{"charset", "POST", create, createContact, []string{"Content-Type", json + "; charset=latin1"}, 415, botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE, "UTF-8"},
		{"compressed", "POST", create, createContact, []string{"Content-Type", json, "Content-Encoding", "gzip"}, 415, botversev1.ErrorDetail_UNSUPPORTED_MEDIA_TYPE, "not compressed"},
		{"too large", "POST", create, `{"entity":"` + strings.Repeat("x", 1<<10) + `"}`, []string{"Content-Type", json}, 413, botversev1.ErrorDetail_REQUEST_TOO_LARGE, "1024"},
		{"too many values", "POST", create, `{"entity":"contact","fields":{"a":[` + strings.Repeat("1,", 400) + `1]}}`, []string{"Content-Type", json}, 413, botversev1.ErrorDetail_REQUEST_TOO_LARGE, "values"},
		{"host", "POST", create, createContact, []string{"Content-Type", json, "Host", "evil.example"}, 403, botversev1.ErrorDetail_UNKNOWN_HOST, "allowed_hosts"},
		{"host and route", "GET", "/", "", []string{"Host", "evil.example:8080"}, 403, botversev1.ErrorDetail_UNKNOWN_HOST, "allowed_hosts"},
	} {
		id := "refused-" + strings.ReplaceAll(test.what, " ", "-")
		got := send(t, test.method, r.base+test.path, test.body, append([]string{"X-Request-Id", id}, test.headers...)...)
		if got.status != test.status {
			t.Errorf("%s: status %d, want %d; %s", test.what, got.status, test.status, got.body)
			continue
		}
		d := got.detail(t)
		if d.GetReason() != test.reason || d.GetCallId() != id || got.header.Get("X-Request-Id") != id {
			t.Errorf("%s: detail %v with the header %q, want %v under %s", test.what, d, got.header.Get("X-Request-Id"), test.reason, id)
		}
		if !strings.Contains(got.body, test.tells) {
			t.Errorf("%s: %s does not tell %q", test.what, got.body, test.tells)
		}
		if test.status == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s: no Allow header", test.what)
		}
		r.log.line(t, id, test.reason.String())
	}
}

func TestAllFaultsOfABodyComeAtOnce(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	d := post(t, r.base+"/v1/actions/find-record", `{"entty":"a","where":7,"orderBy":"x","maxCandidates":"many","onMultiple":"LAST","validateOnly":"no"}`).detail(t)
	fields := map[string]bool{}
	for _, f := range d.GetFaults() {
		fields[f.GetField()] = true
	}
	for _, want := range []string{"entty", "where", "orderBy", "maxCandidates", "onMultiple", "validateOnly"} {
		if !fields[want] {
			t.Errorf("no fault at %s in %v", want, d.GetFaults())
		}
	}
}

func TestBodyNestedTooDeepIsTold(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	for levels, want := range map[int]int{maxJSONDepth - 2: 200, maxJSONDepth - 1: 400} { // beside the body and its variables
		body := `{"entity":"contact","fields":{"lastname":"x"},"variables":{"a":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}}`
		got := post(t, r.base+"/v1/actions/create-record", body)
		if got.status != want || want == 400 && !strings.Contains(got.body, "nested too deep") {
			t.Errorf("%d levels: %d %s, want %d", levels, got.status, got.body, want)
		}
	}
}

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	config := loopback()
	config.AllowedHosts = []string{"bots.example.com"}
	r := start(t, config, Deps{}, &services{actions: stub{}, metadata: stub{}, presence: stub{}})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1": 200, "127.8.8.8:1": 200, "[::1]:8080": 200, "bots.example.com": 200, "bots.example.com:443": 200,
		"example.com": 403, "localhost.example.com": 403, "10.0.0.1": 403,
	} {
		if got := send(t, "GET", r.base+"/v1/entities", "", "Host", host); got.status != want {
			t.Errorf("Host %s: status %d, want %d", host, got.status, want)
		}
		if got := send(t, "GET", r.base+"/healthz", "", "Host", host); got.status != 200 {
			t.Errorf("Host %s: health answers %d", host, got.status)
		}
	}
}

func TestJSONOfAnswers(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	got := post(t, r.base+"/v1/actions/find-record", `{"entity":"contact","where":{"lastname":"Okafor"}}`)
	body := strings.ReplaceAll(got.body, " ", "")
	if body != `{"outcome":"NOT_MATCHED","matchCount":0}` || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s as %s", body, got.header.Get("Content-Type"))
	}
	for key := range got.header {
		if strings.HasPrefix(key, "Grpc-") {
			t.Errorf("the answer has the header %s", key)
		}
	}
}

func TestIdempotencyKeyIsTheRequestID(t *testing.T) {
	t.Parallel()
	ids := make(chan string, 1)
	r := startStub(t, stub{create: func(ctx context.Context, req *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		if len(md.Get(idempotencyKey)) > 0 {
			t.Error("the key came as metadata too")
		}
		ids <- req.GetRequestId()
		return &botversev1.CreateRecordResponse{}, nil
	}})
	for _, test := range []struct{ header, body, want string }{
		{"k-1", createContact, "k-1"},
		{`"k-2"`, createContact, "k-2"},
		{"k-3", `{"entity":"contact","fields":{},"requestId":"k-3"}`, "k-3"},
		{"", `{"entity":"contact","fields":{},"requestId":"k-4"}`, "k-4"},
	} {
		if got := post(t, r.base+"/v1/actions/create-record", test.body, "Idempotency-Key", test.header); got.status != 200 {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
		if got := <-ids; got != test.want {
			t.Errorf("header %s, body %s: request_id %q, want %q", test.header, test.body, got, test.want)
		}
	}
	got := post(t, r.base+"/v1/actions/create-record", `{"entity":"contact","fields":{},"requestId":"one"}`, "Idempotency-Key", "other")
	if d := got.detail(t); got.status != 400 || d.GetFaults()[0].GetField() != "request_id" {
		t.Errorf("conflict: got %d %v", got.status, d)
	}
	if got := post(t, r.base+"/v1/actions/find-record", `{"entity":"contact","where":{"a":"b"}}`, "Idempotency-Key", "k-5"); got.status != 200 {
		t.Errorf("a read with a key: status %d", got.status)
	}
}

func TestHeadersDoNotBecomeMetadata(t *testing.T) {
	t.Parallel()
	seen := make(chan metadata.MD, 1)
	r := startStub(t, stub{create: func(ctx context.Context, _ *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		seen <- md
		return &botversev1.CreateRecordResponse{}, nil
	}})
	post(t, r.base+"/v1/actions/create-record", createContact,
		"Grpc-Metadata-X-Request-Id", "forged", "Grpc-Metadata-Caller", "admin", "Grpcgateway-Caller", "admin", "Cookie", "a=b")
	md := <-seen
	for _, key := range []string{"caller", "grpcgateway-caller", "cookie", "grpcgateway-cookie"} {
		if got := md.Get(key); len(got) > 0 {
			t.Errorf("metadata has %s %q", key, got)
		}
	}
	if got := md.Get("x-request-id"); len(got) != 1 || got[0] == "forged" {
		t.Errorf("call IDs are %q", got)
	}
}

func TestTraceReachesTheHandler(t *testing.T) {
	t.Parallel()
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	traces := make(chan string, 1)
	r := startStub(t, stub{create: func(ctx context.Context, _ *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		traces <- trace.SpanContextFromContext(ctx).TraceID().String()
		return &botversev1.CreateRecordResponse{}, nil
	}})
	post(t, r.base+"/v1/actions/create-record", createContact, "Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	if got := <-traces; got != traceID {
		t.Errorf("HTTP: trace %s, want %s", got, traceID)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	if _, err := r.actions().CreateRecord(ctx, aContact()); err != nil {
		t.Fatal(err)
	}
	if got := <-traces; got != traceID {
		t.Errorf("gRPC: trace %s, want %s", got, traceID)
	}
	r.log.line(t, `"trace_id":"`+traceID+`"`)
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	post(t, r.base+"/v1/actions/create-record", createContact)
	r.log.line(t, "CreateRecord", "OK")
	for path, tells := range map[string]string{
		"/openapi.yaml": "/v1/actions/create-record",
		"/metrics":      `botverse_call_duration_seconds_count{code="OK",method="/botverse.v1.ActionService/CreateRecord"}`,
		"/healthz":      "ok",
		"/readyz":       "ready",
	} {
		if got := send(t, http.MethodGet, r.base+path, ""); got.status != 200 || !strings.Contains(got.body, tells) {
			t.Errorf("%s: status %d, without %q", path, got.status, tells)
		}
	}
}
