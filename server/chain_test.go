package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

func TestChainHasBothKindsInOrder(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	var names []string
	for _, s := range r.chain() {
		names = append(names, s.name)
		if s.unary == nil || s.stream == nil {
			t.Errorf("stage %s lacks one kind of call", s.name)
		}
	}
	want := []string{"call ID", "log", "metrics", "status", "recover", "authenticate", "deadline", "validate"}
	if !slices.Equal(names, want) {
		t.Errorf("stages are %q, want %q", names, want)
	}
}

func aContact() *botversev1.CreateRecordRequest {
	return &botversev1.CreateRecordRequest{Entity: "contact", Fields: &structpb.Struct{Fields: map[string]*structpb.Value{
		"lastname": structpb.NewStringValue("Okafor")}}}
}

func TestCallIDIsTheCallersOrANewOne(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	for _, test := range []struct {
		given string
		kept  bool
	}{{"bot-7/turn-3", true}, {"", false}, {"with space", false}, {"ünicode", false}, {strings.Repeat("x", 129), false}} {
		ctx := t.Context()
		if test.given != "" && test.given != "ünicode" {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", test.given)
			var header metadata.MD
			if _, err := r.actions().CreateRecord(ctx, aContact(), grpc.Header(&header)); err != nil {
				t.Fatal(err)
			}
			if got := header.Get("x-request-id"); len(got) != 1 || got[0] == "" || (got[0] == test.given) != test.kept {
				t.Errorf("gRPC: call ID %q for the given %q, want it kept: %v", got, test.given, test.kept)
			}
		}
		got := post(t, r.base+"/v1/actions/create-record", createContact, "X-Request-Id", test.given).header.Get("X-Request-Id")
		if got == "" || (got == test.given) != test.kept {
			t.Errorf("HTTP: call ID %q for the given %q, want it kept: %v", got, test.given, test.kept)
		}
		r.log.line(t, `"call_id":"`+got+`"`, `"code":"OK"`)
	}
}

func TestPanicIsLoggedAndAnsweredAsInternal(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{create: func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		panic("the secret of the handler")
	}})
	got := post(t, r.base+"/v1/actions/create-record", createContact, "X-Request-Id", "panic-1")
	d := got.detail(t)
	if got.status != 500 || d.GetReason() != botversev1.ErrorDetail_INTERNAL || d.GetCallId() != "panic-1" {
		t.Errorf("got %d %v, want 500 INTERNAL with the call ID", got.status, d)
	}
	if strings.Contains(got.body, "secret") {
		t.Errorf("the caller sees the panic: %s", got.body)
	}
	line := r.log.line(t, `"level":"ERROR"`, "the secret of the handler", `"call_id":"panic-1"`)
	if !strings.Contains(line, "chain_test.go") {
		t.Errorf("the log has no stack of the panic: %s", line)
	}
}

func TestUnforeseenErrorStaysInside(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{create: func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		return nil, errors.New("open /etc/shadow: permission denied")
	}})
	_, err := r.actions().CreateRecord(t.Context(), aContact())
	if st := status.Convert(err); st.Code() != codes.Internal || strings.Contains(st.String(), "shadow") {
		t.Errorf("got %v, want INTERNAL without the cause", st)
	}
	r.log.line(t, "/etc/shadow", `"reason":"INTERNAL"`)
}

func TestStatusOfAHandlerDoesNotPassUnmapped(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{create: func(context.Context, *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		return nil, status.Error(codes.AlreadyExists, "another library's text")
	}})
	_, err := r.actions().CreateRecord(t.Context(), aContact())
	if st := status.Convert(err); st.Code() != codes.Internal || strings.Contains(st.Message(), "library") {
		t.Errorf("got %v, want INTERNAL", st)
	}
}

func TestDeadlineIsTheCallersElseTwentySeconds(t *testing.T) {
	t.Parallel()
	left := make(chan time.Duration, 1)
	r := startStub(t, stub{create: func(ctx context.Context, _ *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		deadline, _ := ctx.Deadline()
		left <- time.Until(deadline)
		return &botversev1.CreateRecordResponse{}, nil
	}})
	within := func(what string, low, high time.Duration) {
		t.Helper()
		if got := <-left; got < low || got > high {
			t.Errorf("%s: %v are left, want %v to %v", what, got, low, high)
		}
	}
	post(t, r.base+"/v1/actions/create-record", createContact)
	within("none given", 10*time.Second, 20*time.Second)
	post(t, r.base+"/v1/actions/create-record", createContact, "Grpc-Timeout", "90S")
	within("90 s over HTTP", 60*time.Second, 90*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if _, err := r.actions().CreateRecord(ctx, aContact()); err != nil {
		t.Fatal(err)
	}
	within("40 s over gRPC", 21*time.Second, 40*time.Second)
}

func TestTimeThatRanOutIsTold(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{create: func(ctx context.Context, _ *botversev1.CreateRecordRequest) (*botversev1.CreateRecordResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	got := post(t, r.base+"/v1/actions/create-record", createContact, "Grpc-Timeout", "50m")
	if d := got.detail(t); got.status != 504 || d.GetReason() != botversev1.ErrorDetail_DEADLINE || !d.GetRetryable() {
		t.Errorf("got %d %v, want 504 DEADLINE", got.status, d)
	}
}

func TestViolationsComeAllAtOnceAndOverBothDoors(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	req := &botversev1.CreateRecordRequest{Entity: "no entity!", RequestId: strings.Repeat("k", 201)}
	_, err := r.actions().CreateRecord(t.Context(), req)
	overGRPC := detailIn(t, status.Convert(err).Proto().GetDetails())
	overHTTP := post(t, r.base+"/v1/actions/create-record", `{"entity":"no entity!","requestId":"`+strings.Repeat("k", 201)+`"}`)
	if overHTTP.status != 400 {
		t.Errorf("status %d, want 400: %s", overHTTP.status, overHTTP.body)
	}
	for door, d := range map[string]*botversev1.ErrorDetail{"gRPC": overGRPC, "HTTP": overHTTP.detail(t)} {
		var fields []string
		for _, f := range d.GetFaults() {
			fields = append(fields, f.GetField())
		}
		slices.Sort(fields)
		if want := []string{"entity", "fields", "request_id"}; !slices.Equal(fields, want) || d.GetReason() != botversev1.ErrorDetail_INVALID_REQUEST {
			t.Errorf("%s: %v faults at %q, want INVALID_REQUEST at %q", door, d.GetReason(), fields, want)
		}
	}
	if message := status.Convert(err).Message(); !strings.Contains(message, `"no entity!"`) || strings.Contains(message, "regex") {
		t.Errorf("message %q does not say what was given and what would be right", message)
	}
}

func TestPatternsAreToldInWords(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	got := post(t, r.base+"/v1/actions/find-record", `{"entity":"a b","where":{"x":1},"orderBy":["createdon",""],"save":{"a b":"x"},"onMultiple":7}`)
	if strings.Contains(got.body, "regex") || len(got.detail(t).GetFaults()) != 4 {
		t.Errorf("got %s, want four faults in words", got.body)
	}
	for _, want := range []string{"order_by[1]: is missing: it must have a value", "on_multiple: is none of its values: FIRST, AMBIGUOUS"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("got %s, want %s", got.body, want)
		}
	}
}

func TestStreamRequestsAreValidated(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{watch: func(*botversev1.WatchPresenceRequest, grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
		t.Error("the handler was reached")
		return nil
	}})
	long := strings.Repeat("c", 513)
	stream, err := r.presence().WatchPresence(t.Context(), &botversev1.WatchPresenceRequest{After: long})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("gRPC: got %v, want INVALID_ARGUMENT", err)
	}
	if got := send(t, "GET", r.base+"/v1/presence:watch?after="+long, ""); got.status != 400 {
		t.Errorf("HTTP: status %d, want 400", got.status)
	}
}

func TestWhatGRPCCannotDecodeIsAnsweredByUs(t *testing.T) {
	t.Parallel()
	config := loopback()
	config.MaxBody = 1 << 10
	r := start(t, config, Deps{}, &services{actions: stub{}, metadata: stub{}, presence: stub{}})
	large := aContact()
	large.Fields.Fields["description"] = structpb.NewStringValue(strings.Repeat("x", 2<<10))
	_, err := r.actions().CreateRecord(t.Context(), large)
	if d := detailIn(t, status.Convert(err).Proto().GetDetails()); d.GetReason() != botversev1.ErrorDetail_REQUEST_TOO_LARGE {
		t.Errorf("too large: got %v", d)
	}
	var resp botversev1.CreateRecordResponse
	err = r.conn.Invoke(t.Context(), botversev1.ActionService_CreateRecord_FullMethodName, structpb.NewStringValue("not it"), &resp)
	if st := status.Convert(err); st.Code() != codes.InvalidArgument {
		t.Errorf("another message: got %v, want INVALID_ARGUMENT", st)
	}
	err = r.conn.Invoke(t.Context(), "/botverse.v1.ActionService/DeleteEverything", aContact(), &resp)
	st := status.Convert(err)
	if d := detailIn(t, st.Proto().GetDetails()); st.Code() != codes.Unimplemented || d.GetReason() != botversev1.ErrorDetail_UNKNOWN_ROUTE {
		t.Errorf("unknown method: got %v %v", st, d)
	}
}

func TestLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	r := startStub(t, stub{})
	post(t, r.base+"/v1/actions/create-record", `{"entity":"contact","fields":{"lastname":"Okafor-Lovelace"},"environment":"`+strings.Repeat("Quimby", 30)+`"}`)
	post(t, r.base+"/v1/actions/create-record", `{"entity":"contact","fields":{"lastname":"Okafor-Lovelace"},"onDuplicate":"Quimby"}`)
	r.log.line(t, "environment INVALID_REQUEST")
	r.log.line(t, "onDuplicate MALFORMED_REQUEST")
	if log := r.log.String(); strings.Contains(log, "Lovelace") || strings.Contains(log, "Quimby") {
		t.Errorf("the log holds a value of the request:\n%s", log)
	}
}
