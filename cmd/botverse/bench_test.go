//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// concurrentCalls is how many calls are under way at once in the action benchmarks.
const concurrentCalls = 64

// BenchmarkFindRecord runs FindRecord over gRPC beside a bare relay that forwards the very request that FindRecord sends to
// Dataverse: the same method, address and headers, to the same local Dataverse.
func BenchmarkFindRecord(b *testing.B) {
	r := serve(b, "--log-level=error")
	client := botversev1.NewActionServiceClient(r.dial(b))
	ask := &botversev1.FindRecordRequest{}
	if err := protojson.Unmarshal([]byte(`{"entity": "contact", "where": {"emailaddress1": "{{mail}}"},
		"variables": {"mail": "`+demoMail(b, r)+`"}, "save": {"name": "fullname", "phone": "telephone1"}}`), ask); err != nil {
		b.Fatal(err)
	}
	planned := validated(b, client, ask)

	b.Run("botverse", func(b *testing.B) {
		inParallel(b, func(ctx context.Context) error {
			answer, err := client.FindRecord(ctx, ask)
			if err == nil && answer.GetOutcome() != botversev1.FindRecordResponse_MATCHED {
				err = fmt.Errorf("outcome %v", answer.GetOutcome())
			}
			return err
		})
	})
	b.Run("relay", func(b *testing.B) {
		forward := startRelay(b, planned)
		inParallel(b, func(ctx context.Context) error {
			answer, err := forward(ctx, nil)
			if err == nil && !bytes.Contains(answer, []byte("fullname")) {
				err = fmt.Errorf("answer %s", answer)
			}
			return err
		})
	})
}

// BenchmarkCreateRecord runs CreateRecord with duplicate detection beside the relay.
func BenchmarkCreateRecord(b *testing.B) {
	r := serve(b, "--log-level=error")
	client := botversev1.NewActionServiceClient(r.dial(b))
	ask := func() *botversev1.CreateRecordRequest {
		return &botversev1.CreateRecordRequest{
			Entity: "contact",
			Fields: fields(b, map[string]any{
				"firstname": "{{v.first}}", "lastname": "{{v.last}}", "emailaddress1": "{{v.mail}}", "telephone1": "+1 603 555 0100",
				"preferredcontactmethodcode": "Email",
			}),
			Variables: fields(b, map[string]any{"v": map[string]any{"first": "Ada", "last": "Lovelace", "mail": uuid.NewString() + "@example.com"}}),
			Save:      map[string]string{"id": "@id"},
		}
	}
	plan := ask()
	plan.ValidateOnly = true
	answer, err := client.CreateRecord(b.Context(), plan)
	if err != nil {
		b.Fatal(err)
	}
	planned := write(b, answer.GetRequests())

	b.Run("botverse", func(b *testing.B) {
		inParallel(b, func(ctx context.Context) error {
			answer, err := client.CreateRecord(ctx, ask())
			if err == nil && answer.GetOutcome() != botversev1.CreateRecordResponse_CREATED {
				err = fmt.Errorf("outcome %v", answer.GetOutcome())
			}
			return err
		})
	})
	b.Run("relay", func(b *testing.B) {
		forward := startRelay(b, planned)
		inParallel(b, func(ctx context.Context) error {
			body := planned.GetBody().AsMap()
			body["contactid"] = uuid.NewString()
			body["emailaddress1"] = uuid.NewString() + "@example.com"
			text, err := fields(b, body).MarshalJSON()
			if err != nil {
				return err
			}
			_, err = forward(ctx, text)
			return err
		})
	})
}

func fields(b *testing.B, m map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(m)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func demoMail(b *testing.B, r *running) string {
	_, answer := r.post(b, "find-record", `{"entity":"contact","where":{"lastname":"Raghunathan"},"save":{"mail":"emailaddress1"}}`)
	mail, _ := at(answer, "variables", "mail").(string)
	if mail == "" {
		b.Fatalf("no address: %v", answer)
	}
	return mail
}

func validated(b *testing.B, client botversev1.ActionServiceClient, ask *botversev1.FindRecordRequest) *botversev1.PlannedRequest {
	ask.ValidateOnly = true
	defer func() { ask.ValidateOnly = false }()
	answer, err := client.FindRecord(b.Context(), ask)
	if err != nil {
		b.Fatal(err)
	}
	if len(answer.GetRequests()) != 1 {
		b.Fatalf("FindRecord plans %v, want one request", answer.GetRequests())
	}
	return answer.GetRequests()[0]
}

func write(b *testing.B, planned []*botversev1.PlannedRequest) *botversev1.PlannedRequest {
	for _, p := range planned {
		if p.GetMethod() == http.MethodPost {
			return p
		}
	}
	b.Fatalf("no POST is planned: %v", planned)
	return nil
}

// inParallel makes calls side by side. cpu-µs/call is what the whole process works for a call: unlike the calls a second, it
// does not depend on who else uses the machine.
func inParallel(b *testing.B, call func(context.Context) error) {
	b.SetParallelism(concurrentCalls / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(b.Context()); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/call")
}

// processorTime is how long the process has used processors.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// startRelay is the bare counterpart: a gRPC server whose one method forwards the body it gets over HTTP and answers with
// what comes back. It returns a client's call of it.
func startRelay(b *testing.B, planned *botversev1.PlannedRequest) func(context.Context, []byte) ([]byte, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = concurrentCalls
	relay := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := &wrapperspb.BytesValue{}
		if err := decode(in); err != nil {
			return nil, err
		}
		out, err := forward(ctx, transport, planned, in.GetValue())
		return wrapperspb.Bytes(out), err
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "relay", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Forward", Handler: relay}},
	}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(l)
	b.Cleanup(server.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return func(ctx context.Context, body []byte) ([]byte, error) {
		out := &wrapperspb.BytesValue{}
		err := conn.Invoke(ctx, "/relay/Forward", wrapperspb.Bytes(body), out)
		return out.GetValue(), err
	}
}

func forward(ctx context.Context, transport *http.Transport, planned *botversev1.PlannedRequest, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, planned.GetMethod(), planned.GetUrl(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range planned.GetHeaders() {
		q.Header.Set(name, value)
	}
	response, err := transport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	out, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("HTTP %d: %s", response.StatusCode, out)
	}
	return out, err
}
