package local

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// signInFault is a refusal of the token endpoint, by the numbers and in the words of Entra ("Microsoft Entra authentication
// and authorization error codes").
type signInFault struct {
	status int
	reason string // of OAuth
	number int    // of AADSTS
	text   string
}

func (f *signInFault) Error() string { return fmt.Sprintf("AADSTS%d: %s", f.number, f.text) }

func missing(parameter string) *signInFault {
	return &signInFault{http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: '" + parameter + "'."}
}

// writeTo sends the refusal in the shape of Entra's.
func (f *signInFault) writeTo(w http.ResponseWriter, r *http.Request) {
	at, trace, correlation := time.Now().UTC().Format("2006-01-02 15:04:05Z"), newID(), r.Header.Get("client-request-id")
	if _, err := uuid.Parse(correlation); err != nil {
		correlation = newID()
	}
	writeJSON(w, f.status, map[string]any{
		"error":             f.reason,
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", f.Error(), trace, correlation, at),
		"error_codes":       []int{f.number},
		"timestamp":         at,
		"trace_id":          trace,
		"correlation_id":    correlation,
		"error_uri":         fmt.Sprintf("%s/error?code=%d", origin(r), f.number),
	})
}

// signIn is what a client sends to the token endpoint.
type signIn struct {
	grant, clientID, secret, assertion string
	username, password                 string
	tenant                             string
	audience                           string // what the token is to be for; "" where the client does not say
	scope                              string
	older                              bool // the endpoint before v2.0
}

func readSignIn(r *http.Request) signIn {
	form := r.PostForm
	in := signIn{
		grant: form.Get("grant_type"), clientID: form.Get("client_id"), secret: form.Get("client_secret"), assertion: form.Get("client_assertion"),
		username: form.Get("username"), password: form.Get("password"), scope: form.Get("scope"),
		older: !strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"),
	}
	if id, secret, ok := r.BasicAuth(); ok { // as OAuth allows
		in.clientID, in.secret = id, secret
	}
	in.tenant, _, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	in.audience = form.Get("resource")
	for _, scope := range strings.Fields(in.scope) { // among others, as openid and offline_access
		if end := strings.LastIndexByte(scope, '/'); end > 0 && strings.Contains(scope, "://") && in.audience == "" {
			in.audience = scope[:end]
		}
	}
	return in
}

// check refuses what Entra would refuse. A client that the configuration does not name may be any.
func (s *Server) check(in signIn) *signInFault {
	switch {
	case in.grant == "":
		return missing("grant_type")
	case in.grant != "client_credentials" && in.grant != "password":
		return &signInFault{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + in.grant + "'."}
	case in.clientID == "":
		return missing("client_id")
	case s.cfg.ClientID != "" && !strings.EqualFold(in.clientID, s.cfg.ClientID):
		return &signInFault{http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", in.clientID, in.tenant)}
	case in.grant == "password" && in.username == "":
		return missing("username")
	case in.grant == "password" && in.password == "":
		return missing("password")
	case in.grant == "client_credentials" && !in.older && in.scope != "" && !strings.Contains(in.scope, "/.default"):
		return &signInFault{http.StatusBadRequest, "invalid_scope", 1002012, fmt.Sprintf("The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", in.scope)}
	}
	return s.checkSecret(in)
}

func (s *Server) checkSecret(in signIn) *signInFault {
	secrets := *s.clientSecrets.Load()
	switch {
	case in.secret == "" && in.assertion == "" && in.grant == "client_credentials":
		return &signInFault{http.StatusUnauthorized, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."}
	case len(secrets) == 0:
		return nil
	case in.secret == "" && in.assertion != "":
		return &signInFault{http.StatusUnauthorized, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."}
	case in.secret == "":
		return &signInFault{http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	}
	switch secret := find(secrets, in.secret); {
	case secret == nil:
		return &signInFault{http.StatusUnauthorized, "invalid_client", 7000215, fmt.Sprintf("Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", in.clientID)}
	case !secret.Expires.IsZero() && !time.Now().Before(secret.Expires):
		return &signInFault{http.StatusUnauthorized, "invalid_client", 7000222, fmt.Sprintf("The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", in.clientID)}
	}
	return nil
}

// find is the secret of that value, nil where there is none.
func find(secrets []ClientSecret, value string) (found *ClientSecret) {
	for i := range secrets {
		if subtle.ConstantTimeCompare([]byte(value), []byte(secrets[i].Value)) == 1 {
			found = &secrets[i]
		}
	}
	return found
}

// SetClientSecrets changes the client's secrets, as its owner does in Entra. Tokens that were given stay good.
func (s *Server) SetClientSecrets(secrets ...ClientSecret) {
	secrets = slices.Clone(secrets)
	s.clientSecrets.Store(&secrets)
}

// serveToken is the token endpoint, in the shapes of Entra's (v2.0 and the older one) and of AD FS's.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		(&signInFault{http.StatusBadRequest, "invalid_request", 900144, "The request body could not be read."}).writeTo(w, r)
		return
	}
	in := readSignIn(r)
	if refused := s.check(in); refused != nil {
		refused.writeTo(w, r)
		return
	}
	if in.audience == "" {
		in.audience = origin(r)
	}
	now := time.Now()
	c := claims{
		Audience: in.audience, Issuer: origin(r) + "/" + in.tenant + "/", AppID: in.clientID, Tenant: in.tenant,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(s.cfg.TokenLifetime).Unix(),
	}
	token, err := s.tokens.issue(c)
	if err != nil {
		(&signInFault{http.StatusInternalServerError, "server_error", 90033, "A transient error has occurred. Please try again."}).writeTo(w, r)
		return
	}
	writeJSON(w, http.StatusOK, tokenReply(in, c, token))
}

// tokenReply is the answer that brings a token. Entra's older endpoint writes its numbers as strings.
func tokenReply(in signIn, c claims, token string) map[string]any {
	seconds := max(1, c.Expires-c.IssuedAt-1) // Entra says 3599 of an hour
	if !in.older || in.tenant == "adfs" {
		return map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	return map[string]any{
		"token_type": "Bearer", "expires_in": text(seconds), "ext_expires_in": text(seconds), "expires_on": text(c.Expires),
		"not_before": text(c.NotBefore), "resource": c.Audience, "access_token": token,
	}
}

// serveOpenID is the discovery document of a tenant.
func (s *Server) serveOpenID(w http.ResponseWriter, r *http.Request) {
	authority := origin(r) + "/" + r.PathValue("tenant")
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                authority + "/v2.0",
		"token_endpoint":                        authority + "/oauth2/v2.0/token",
		"authorization_endpoint":                authority + "/oauth2/v2.0/authorize",
		"jwks_uri":                              authority + "/discovery/v2.0/keys",
		"response_types_supported":              []string{"code", "token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"tenant_region_scope":                   nil,
	})
}

// serveKeys has no keys to show: nobody but the server itself can check its tokens.
func (s *Server) serveKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{}})
}

// serveAuthorize stands where a 401 sends people to sign in.
func (s *Server) serveAuthorize(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "Nobody signs in here in a browser. Ask the token endpoint, with the grant client_credentials or password.", http.StatusBadRequest)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}

// origin is the scheme and host that the client reached us by.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
