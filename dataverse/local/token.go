package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// tokenLife is how long a token is good for, as Entra's.
const tokenLife = time.Hour

// tokens issues and checks the bearer tokens of the local Dataverse: signed JWTs, as Entra's, but by a key of its own that
// lives with the records, so that a token outlives a restart.
type tokens struct{ key []byte }

// claims is what a token says.
type claims struct {
	Audience string `json:"aud"`
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	AppID    string `json:"appid"`
	Tenant   string `json:"tid"`
}

func (t tokens) issue(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := encode64([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + encode64(payload)
	return signed + "." + encode64(t.sign(signed)), nil
}

func (t tokens) sign(text string) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// errToken says nothing about what is wrong with a token: who holds a wrong one must get a new one in any case.
var errToken = errors.New("the token is not of this server or has expired")

// check returns what a token of ours says while it is good.
func (t tokens) check(token string, now time.Time) (claims, error) {
	var c claims
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return c, errToken
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil || !hmac.Equal(signature, t.sign(token[:end])) {
		return c, errToken
	}
	_, payload, _ := strings.Cut(token[:end], ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(text, &c) != nil || now.Unix() >= c.Expires {
		return claims{}, errToken
	}
	return c, nil
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// serveToken is the token endpoint, in the shapes of Entra's (v2.0 and the older one) and of AD FS's.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		refuseToken(w, http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body could not be read.")
		return
	}
	clientID, clientSecret := clientOf(r)
	switch grant := r.PostForm.Get("grant_type"); {
	case grant == "":
		refuseToken(w, http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'grant_type'.")
		return
	case grant != "client_credentials" && grant != "password":
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type '"+grant+"'.")
		return
	case clientID == "":
		refuseToken(w, http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'client_id'.")
		return
	case s.cfg.ClientID != "" && clientID != s.cfg.ClientID:
		refuseToken(w, http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application with identifier '"+clientID+"' was not found in the directory.")
		return
	case s.cfg.ClientSecret != "" && subtle.ConstantTimeCompare([]byte(clientSecret), []byte(s.cfg.ClientSecret)) != 1:
		refuseToken(w, http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
		return
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	now := time.Now()
	token, err := s.tokens.issue(claims{
		Audience: origin(r), Issuer: origin(r) + "/" + tenant + "/", IssuedAt: now.Unix(), Expires: now.Add(tokenLife).Unix(), AppID: clientID, Tenant: tenant,
	})
	if err != nil {
		refuseToken(w, http.StatusInternalServerError, "server_error", "the token could not be made")
		return
	}
	seconds := int(tokenLife.Seconds()) - 1
	writeJSON(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token})
}

// clientOf takes the client's ID and secret from the form, or from Basic authentication as OAuth allows.
func clientOf(r *http.Request) (id, secret string) {
	if id, secret, ok := r.BasicAuth(); ok {
		return id, secret
	}
	return r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
}

func refuseToken(w http.ResponseWriter, status int, reason, description string) {
	writeJSON(w, status, map[string]any{"error": reason, "error_description": description})
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
