package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/botverse/botverse/access"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// tokenOf is the token of the caller that the tests have of each role.
func tokenOf(role access.Role) string { return "a-token-of-" + role.String() + "-0123456789" }

// guarded is a server's settings with a caller of each role, called as the role.
func guarded() Config {
	config := loopback()
	config.Auth = &access.Config{Tokens: map[string]access.Token{}}
	for role := access.RoleViewer; role <= access.RoleAdmin; role++ {
		config.Auth.Tokens[role.String()] = access.Token{Role: role, Token: access.PlainToken(tokenOf(role))}
	}
	return config
}

// startGuarded runs a server that wants to know who calls, in front of a stub.
func startGuarded(t *testing.T, s stub) *running {
	t.Helper()
	return start(t, guarded(), Deps{}, &services{actions: s, metadata: s, presence: s})
}

// withToken is a context whose gRPC calls show a token.
func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, authorization, "Bearer "+token)
}

// A method that is added to the contract says who may call it, or nothing starts.
func TestEveryMethodHasARole(t *testing.T) {
	t.Parallel()
	roles, err := contractRoles()
	if err != nil {
		t.Fatal(err)
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("botverse.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				name := fmt.Sprintf("/%s/%s", service.FullName(), service.Methods().Get(j).Name())
				if roles[name] == 0 {
					t.Errorf("%s may be called by %v", name, roles[name])
				}
				delete(roles, name)
			}
		}
		return true
	})
	if len(roles) > 0 {
		t.Errorf("there are roles for %v, which are no methods", roles)
	}
}

// Each method, over gRPC and HTTP, by a caller of each role: the least role that it takes may call it, and the one below is told
// which role is missing.
func TestRolesByMethod(t *testing.T) {
	t.Parallel()
	nothing := func(*botversev1.WatchPresenceRequest, grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
		return presence.ErrClosed
	}
	r := startGuarded(t, stub{watch: nothing})
	for method := range contractMethods {
		for role := access.RoleViewer; role <= access.RoleAdmin; role++ {
			need := r.gate.need(fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), nil)
			for door, st := range map[string]*status.Status{
				"gRPC": callAs(t, r, method, tokenOf(role)), "HTTP": getAs(t, r, method, tokenOf(role)),
			} {
				d := detailOf(st)
				forbidden := st.Code() == codes.PermissionDenied && d.GetReason() == botversev1.ErrorDetail_CALLER_FORBIDDEN &&
					strings.EqualFold(d.GetRole().String(), need.String()) && strings.Contains(st.Message(), "the role "+need.String())
				if forbidden != (role < need) || st.Code() == codes.Unauthenticated {
					t.Errorf("%s: %s calls %s and is told %v; it takes %s", door, role, method.Name(), st, need)
				}
			}
		}
	}
}

// callAs makes a call with an empty request.
func callAs(t *testing.T, r *running, method protoreflect.MethodDescriptor, token string) *status.Status {
	t.Helper()
	name := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	ctx := withToken(t.Context(), token)
	if !method.IsStreamingServer() {
		return status.Convert(r.conn.Invoke(ctx, name, newMessage(t, method.Input()), newMessage(t, method.Output())))
	}
	stream, err := r.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, name)
	if err == nil {
		err = stream.SendMsg(newMessage(t, method.Input()))
	}
	if err == nil {
		err = stream.RecvMsg(newMessage(t, method.Output()))
	}
	return status.Convert(err)
}

func getAs(t *testing.T, r *running, method protoreflect.MethodDescriptor, token string) *status.Status {
	t.Helper()
	route := contractRoute(method, nil)
	address := r.base + strings.NewReplacer("{", "", "}", "").Replace(route.pattern)
	got := send(t, route.method, address, "{}", "Content-Type", "application/json", "Authorization", "Bearer "+token)
	return got.errorStatus(t)
}

// errorStatus is the error that an answer is; nil for none.
func (r reply) errorStatus(t *testing.T) *status.Status {
	t.Helper()
	if r.status == http.StatusOK {
		return nil
	}
	return statusIn(t, r.body)
}

// Who shows no token that holds is told what is wrong with it, over every door, before anything else is looked at. The log has
// neither the token nor what was sent.
func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	r := startGuarded(t, stub{})
	const stranger = "a-strangers-token-0123456789"
	for name, test := range map[string]struct {
		header    []string
		want      reason
		challenge string
	}{
		"missing":       {nil, botversev1.ErrorDetail_CALLER_UNAUTHENTICATED, `Bearer realm="botverse"`},
		"another kind":  {[]string{"Basic " + stranger}, botversev1.ErrorDetail_TOKEN_MALFORMED, `Bearer realm="botverse", error="invalid_token", error_description="TOKEN_MALFORMED"`},
		"no characters": {[]string{"Bearer"}, botversev1.ErrorDetail_TOKEN_MALFORMED, ""},
		"two tokens":    {[]string{"Bearer " + tokenOf(access.RoleAdmin), "Bearer " + stranger}, botversev1.ErrorDetail_TOKEN_MALFORMED, ""},
		"too long":      {[]string{"Bearer " + strings.Repeat("x", 17<<10)}, botversev1.ErrorDetail_TOKEN_MALFORMED, ""},
		"unknown":       {[]string{"Bearer " + stranger}, botversev1.ErrorDetail_TOKEN_REFUSED, ""},
		"almost":        {[]string{"Bearer " + tokenOf(access.RoleAdmin) + "0"}, botversev1.ErrorDetail_TOKEN_REFUSED, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			for _, value := range test.header {
				ctx = metadata.AppendToOutgoingContext(ctx, authorization, value)
			}
			_, unary := r.actions().CreateRecord(ctx, aContact())
			stream, err := r.presence().WatchPresence(ctx, &botversev1.WatchPresenceRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			for door, err := range map[string]error{"unary": unary, "stream": err} {
				if st := status.Convert(err); st.Code() != codes.Unauthenticated || detailOf(st).GetReason() != test.want {
					t.Errorf("%s: %v, want %v", door, st, test.want)
				}
			}
			for path, got := range map[string]reply{
				"action":  r.sendAs(t, http.MethodPost, "/v1/actions/create-record", `{"fields": broken}`, test.header),
				"list":    r.sendAs(t, http.MethodGet, "/v1/presence?nonsense=1", "", test.header),
				"lines":   r.sendAs(t, http.MethodGet, "/v1/presence:watch", "", test.header),
				"events":  r.sendAs(t, http.MethodGet, "/v1/presence:watch", "", test.header, "Accept", "text/event-stream"),
				"metrics": r.sendAs(t, http.MethodGet, "/metrics", "", test.header),
				"openapi": r.sendAs(t, http.MethodGet, "/openapi.yaml", "", test.header),
			} {
				challenge := got.header.Get("WWW-Authenticate")
				if got.status != http.StatusUnauthorized || got.detail(t).GetReason() != test.want ||
					test.challenge != "" && challenge != test.challenge || !strings.HasPrefix(challenge, "Bearer ") {
					t.Errorf("%s: %d %s, WWW-Authenticate %q; want 401 %v", path, got.status, got.body, challenge, test.want)
				}
			}
		})
	}
	t.Cleanup(func() {
		if log := r.log.String(); strings.Contains(log, stranger) || strings.Contains(log, tokenOf(access.RoleAdmin)) || !strings.Contains(log, "TOKEN_REFUSED") {
			t.Errorf("the log is to have the reasons and no token:\n%s", log)
		}
	})
}

// sendAs makes a request with the values of the header Authorization.
func (r *running) sendAs(t *testing.T, method, path, body string, authorization []string, headers ...string) reply {
	t.Helper()
	headers = append(headers, "Content-Type", "application/json")
	for _, value := range authorization {
		headers = append(headers, "Authorization", value)
	}
	return send(t, method, r.base+path, body, headers...)
}

// A call's line of the log tells who made it; health and the webhooks ask nobody.
func TestCallersAreLoggedAndHealthIsOpen(t *testing.T) {
	t.Parallel()
	config := guarded()
	r, _ := startWatched(t, config, nil)
	ctx := withToken(t.Context(), tokenOf(access.RoleCaller))
	if _, err := r.actions().CreateRecord(ctx, aContact()); err != nil {
		t.Fatal(err)
	}
	r.log.line(t, `"method":"botverse.v1.ActionService/CreateRecord"`, `"caller":"caller"`, `"code":"OK"`)
	post(t, r.base+"/v1/actions/create-record", "broken", "Authorization", "Bearer "+tokenOf(access.RoleBuilder))
	r.log.line(t, `"msg":"request refused"`, `"caller":"builder"`)
	post(t, r.base+"/v1/dead-letters:replay", `{"id":"1"}`, "Authorization", "bearer "+tokenOf(access.RoleViewer))
	r.log.line(t, "ReplayDeadLetter", `"caller":"viewer"`, "CALLER_FORBIDDEN")

	for _, address := range []string{r.base + "/healthz", r.base + "/readyz", r.hook + "/healthz"} {
		if got := send(t, http.MethodGet, address, ""); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", address, got.status, got.body)
		}
	}
	if _, err := grpc_health_v1.NewHealthClient(r.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Errorf("health over gRPC: %v", err)
	}
	r.deliver(t, 1, 1, presenceBusy)
	if err := reflects(t.Context(), r); status.Code(err) != codes.Unauthenticated {
		t.Errorf("reflection answers strangers: %v", err)
	}
	if err := reflects(withToken(t.Context(), tokenOf(access.RoleViewer)), r); err != nil {
		t.Errorf("reflection refuses a viewer: %v", err)
	}
	if got := send(t, http.MethodGet, r.base+"/metrics", "", "Authorization", "Bearer "+tokenOf(access.RoleViewer)); got.status != http.StatusOK {
		t.Errorf("metrics refuse a viewer: %d %s", got.status, got.body)
	}
}

// reflects asks the server for its services.
func reflects(ctx context.Context, r *running) error {
	stream, err := grpc_reflection_v1.NewServerReflectionClient(r.conn).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	defer stream.CloseSend()
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}); err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

// What a dry run tells is the environment's metadata, and takes the role for that.
func TestDryRunsTakeABuilder(t *testing.T) {
	t.Parallel()
	r := startGuarded(t, stub{})
	request := aContact()
	request.ValidateOnly = true
	_, err := r.actions().CreateRecord(withToken(t.Context(), tokenOf(access.RoleCaller)), request)
	if d := detailOf(status.Convert(err)); d.GetRole() != botversev1.Role_BUILDER {
		t.Errorf("a caller explains an action: %v", err)
	}
	got := post(t, r.base+"/v1/actions/create-record", `{"entity":"contact","fields":{"lastname":"x"},"validateOnly":true}`,
		"Authorization", "Bearer "+tokenOf(access.RoleCaller))
	if want := `Bearer realm="botverse", error="insufficient_scope", scope="builder"`; got.status != 403 || got.header.Get("WWW-Authenticate") != want {
		t.Errorf("HTTP: %d, WWW-Authenticate %q, want %q", got.status, got.header.Get("WWW-Authenticate"), want)
	}
	if _, err := r.actions().CreateRecord(withToken(t.Context(), tokenOf(access.RoleBuilder)), request); err != nil {
		t.Error(err)
	}
}

// A request ID is a caller's own: neither learns of the other's records by it, nor is in the other's way.
func TestRequestIDsAreACallersOwn(t *testing.T) {
	t.Parallel()
	r, _ := startWholeWith(t, guarded())
	create := func(role access.Role, lastName string) *botversev1.CreateRecordResponse {
		t.Helper()
		answer, err := r.actions().CreateRecord(withToken(t.Context(), tokenOf(role)), &botversev1.CreateRecordRequest{
			Entity: "contact", RequestId: "chat-1", OnDuplicate: botversev1.CreateRecordRequest_CREATE_DUPLICATE,
			Fields: &structpb.Struct{Fields: map[string]*structpb.Value{"lastname": structpb.NewStringValue(lastName)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	one, other, again := create(access.RoleCaller, "Okafor"), create(access.RoleAdmin, "Lindqvist"), create(access.RoleCaller, "Okafor")
	if one.GetRecord().GetId() == other.GetRecord().GetId() || other.GetOutcome() != botversev1.CreateRecordResponse_CREATED {
		t.Errorf("two callers with one request ID: %v and %v", one, other)
	}
	if again.GetOutcome() != botversev1.CreateRecordResponse_ALREADY_CREATED || again.GetRecord().GetId() != one.GetRecord().GetId() {
		t.Errorf("a repeat: %v, want %v", again, one)
	}
	// Nor is a change that another caller makes under the same ID one with other content.
	for role, firstName := range map[access.Role]string{access.RoleCaller: "Ngozi", access.RoleAdmin: "Astrid"} {
		_, err := r.actions().UpdateRecord(withToken(t.Context(), tokenOf(role)), &botversev1.UpdateRecordRequest{
			Entity: "contact", RecordId: one.GetRecord().GetId(), RequestId: "change-1",
			Fields: &structpb.Struct{Fields: map[string]*structpb.Value{"firstname": structpb.NewStringValue(firstName)}},
		})
		if err != nil {
			t.Errorf("%s changes a record: %v", role, err)
		}
	}
	// An action that was saved, over HTTP, repeats the same caller's request all the same.
	saved := func(role access.Role) reply {
		return post(t, r.base+"/v1/actions/create-contact:run", `{"requestId":"chat-2","variables":{"last_name":"Okonkwo","email":"o@example.com"}}`,
			"Authorization", "Bearer "+tokenOf(role))
	}
	if a, b, c := saved(access.RoleCaller), saved(access.RoleCaller), saved(access.RoleBuilder); !strings.Contains(a.body, "CREATED") ||
		!strings.Contains(b.body, "ALREADY_CREATED") || strings.Contains(c.body, "ALREADY_CREATED") || c.status != 200 {
		t.Errorf("a saved action: %s, then %s, and another caller's %s", a.body, b.body, c.body)
	}
}

// With callers who are known, other addresses than loopback are taken.
func TestOtherAddressesWhereCallersAreKnown(t *testing.T) {
	t.Parallel()
	config := guarded()
	config.HTTPAddr, config.GRPCAddr = "0.0.0.0:8080", ":9090"
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
	config.Auth = &access.Config{}
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "auth: nobody could call") {
		t.Errorf("an auth that names nobody: %v", err)
	}
}
