package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/botverse/botverse/access"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// authorization is the header, and the metadata, that a caller's token comes in.
const authorization = "authorization"

// gate lets a call in where its caller shows a token and has the role that the call takes.
type gate struct {
	guard *access.Guard          // nil lets everybody in: who can connect to loopback may call
	roles map[string]access.Role // by the full name of the contract's methods
}

func newGate(config *access.Config, log *slog.Logger) (gate, error) {
	g := gate{}
	if config == nil {
		return g, nil
	}
	var err error
	if g.guard, err = access.Open(*config, log); err != nil {
		return g, fmt.Errorf("auth: %w", err)
	}
	g.roles, err = contractRoles()
	return g, err
}

// contractRoles reads which role each method of the contract takes.
func contractRoles() (map[string]access.Role, error) {
	roles := map[string]access.Role{}
	for method := range contractMethods {
		named, _ := proto.GetExtension(method.Options(), botversev1.E_Role).(botversev1.Role)
		role := access.RoleOf(strings.ToLower(named.String()))
		if role == 0 {
			return nil, fmt.Errorf("the contract does not say which role may call %s", method.FullName())
		}
		roles[fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())] = role
	}
	return roles, nil
}

// authenticate finds out who calls. Where nobody is asked, it is the zero Caller.
func (g gate) authenticate(ctx context.Context, header []string) (access.Caller, error) {
	if g.guard == nil {
		return access.Caller{}, nil
	}
	return g.guard.Authenticate(ctx, header)
}

// need is the role that a call takes. What is not the contract's, as reflection, any caller may ask.
func (g gate) need(fullMethod string, req any) access.Role {
	need := max(g.roles[fullMethod], access.RoleViewer)
	if dry, ok := req.(interface{ GetValidateOnly() bool }); ok && dry.GetValidateOnly() {
		need = max(need, access.RoleBuilder) // what a dry run tells is the environment's metadata
	}
	return need
}

// admit lets a call of the chain in, and notes who makes it. Health is open: who asks for it is no caller.
func (g gate) admit(ctx context.Context, fullMethod string, req any) (context.Context, error) {
	if g.guard == nil || strings.HasPrefix(fullMethod, "/"+grpc_health_v1.Health_ServiceDesc.ServiceName+"/") {
		return ctx, nil
	}
	caller, err := g.authenticate(ctx, metadata.ValueFromIncomingContext(ctx, authorization))
	if err != nil {
		return ctx, err
	}
	return meet(ctx, caller), caller.MustHave(g.need(fullMethod, req))
}

func (g gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod, req)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.admit(ss.Context(), info.FullMethod, nil)
	if err != nil {
		return err
	}
	expires := callerOf(ctx).Expires
	if expires.IsZero() {
		return handler(srv, contextStream{ss, ctx})
	}
	ctx, stop := context.WithDeadlineCause(ctx, expires, access.ErrExpired)
	defer stop()
	return expired(ctx, handler(srv, contextStream{ss, ctx}))
}

// expired says of an error whether the end of the caller's token is behind it.
func expired(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), access.ErrExpired) && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", access.ErrExpired, err)
	}
	return err
}

// reach asks the issuer of tokens for its keys before the first caller comes.
func (g gate) reach(ctx context.Context, log *slog.Logger) {
	if g.guard == nil {
		return
	}
	if err := g.guard.Reach(ctx); err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "the issuer of tokens cannot be reached; its callers are not let in until it can", "error", err)
	}
}

type callerKey struct{}

// expect makes a context in which the stages behind it tell who calls, to those before it too.
func expect(ctx context.Context) (context.Context, *access.Caller) {
	caller := new(access.Caller)
	return context.WithValue(ctx, callerKey{}, caller), caller
}

// meet notes who calls.
func meet(ctx context.Context, caller access.Caller) context.Context {
	expected, ok := ctx.Value(callerKey{}).(*access.Caller)
	if !ok {
		ctx, expected = expect(ctx)
	}
	*expected = caller
	return ctx
}

// callerOf is who makes the call that ctx belongs to; the zero Caller where nobody asked.
func callerOf(ctx context.Context) access.Caller {
	caller, ok := ctx.Value(callerKey{}).(*access.Caller)
	if !ok {
		return access.Caller{}
	}
	return *caller
}
