package server

import (
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/access/accesstest"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// Over gRPC and HTTP alike callers show tokens of an issuer, whose keys change under way.
func TestTokensOfAnIssuerOverBothDoors(t *testing.T) {
	t.Parallel()
	issuer := accesstest.NewIssuer(t)
	config := loopback()
	config.Auth = &access.Config{OIDC: access.OIDC{Issuer: issuer.URL, Audience: accesstest.Audience, RolesClaim: "groups", Roles: map[string]access.Role{"bots": access.RoleCaller}}}
	s := stub{}
	r := start(t, config, Deps{}, &services{actions: s, metadata: s, presence: s})
	claims := func(name string, value any) map[string]any {
		return map[string]any{"groups": []string{"bots"}, name: value}
	}
	for range 2 {
		for name, test := range map[string]struct {
			token  string
			code   codes.Code
			http   int
			reason reason
		}{
			"good":          {issuer.Token(t, "bot-7", claims("scope", "x")), codes.OK, 200, 0},
			"expired":       {issuer.Token(t, "bot-7", claims("exp", time.Now().Add(-time.Hour).Unix())), codes.Unauthenticated, 401, botversev1.ErrorDetail_TOKEN_EXPIRED},
			"not yet valid": {issuer.Token(t, "bot-7", claims("nbf", time.Now().Add(time.Hour).Unix())), codes.Unauthenticated, 401, botversev1.ErrorDetail_TOKEN_REFUSED},
			"for another":   {issuer.Token(t, "bot-7", claims("aud", "another")), codes.Unauthenticated, 401, botversev1.ErrorDetail_TOKEN_WRONG_AUDIENCE},
			"no role":       {issuer.Token(t, "bot-7", nil), codes.PermissionDenied, 403, botversev1.ErrorDetail_CALLER_FORBIDDEN},
		} {
			_, err := r.actions().CreateRecord(withToken(t.Context(), test.token), aContact())
			if st := status.Convert(err); st.Code() != test.code || detailOf(st).GetReason() != test.reason {
				t.Errorf("%s over gRPC: %v", name, st)
			}
			got := post(t, r.base+"/v1/actions/create-record", createContact, "Authorization", "Bearer "+test.token)
			if got.status != test.http || detailOf(got.errorStatus(t)).GetReason() != test.reason {
				t.Errorf("%s over HTTP: %d %s", name, got.status, got.body)
			}
		}
		issuer.Rotate(t)
	}
	r.log.line(t, `"caller":"oidc:bot-7"`, `"code":"OK"`)
	r.log.line(t, "CALLER_FORBIDDEN", "this takes the role caller; oidc:bot-7 has none")
}

// A server starts without its issuer, and lets nobody in until that answers.
func TestIssuerThatComesLater(t *testing.T) {
	t.Parallel()
	issuer := accesstest.NewIssuer(t)
	issuer.Fail(true)
	config := loopback()
	config.Auth = &access.Config{OIDC: access.OIDC{Issuer: issuer.URL, Audience: accesstest.Audience}}
	s := stub{}
	r := start(t, config, Deps{}, &services{actions: s, metadata: s, presence: s})
	r.log.line(t, "the issuer of tokens cannot be reached", "503")
	entities := func() reply {
		return send(t, http.MethodGet, r.base+"/v1/entities", "", "Authorization", "Bearer "+issuer.Token(t, "x", map[string]any{"roles": "admin"}))
	}
	if got := entities(); got.status != 503 || got.detail(t).GetReason() != botversev1.ErrorDetail_ISSUER_UNAVAILABLE || !got.detail(t).GetRetryable() {
		t.Errorf("without it: %d %s", got.status, got.body)
	}
	issuer.Fail(false)
	if got := entities(); got.status != 200 {
		t.Errorf("once it answers: %d %s", got.status, got.body)
	}
}
