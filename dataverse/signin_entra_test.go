package dataverse

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	tenantID = "22222222-2222-4222-8222-222222222222"
	clientID = "11111111-1111-4111-8111-111111111111"
)

// authority is a stand-in for Microsoft Entra ID and, at any other path, for Dataverse, over TLS: azidentity insists on it.
type authority struct {
	*httptest.Server
	refuse bool // secrets

	mu    sync.Mutex
	forms []url.Values
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+tenantID+"/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 200, fmt.Sprintf(`{"token_endpoint":"%[1]s/%[2]s/oauth2/v2.0/token","authorization_endpoint":"%[1]s/%[2]s/oauth2/v2.0/authorize","issuer":"%[1]s/%[2]s/v2.0"}`, a.URL, tenantID))
	})
	mux.HandleFunc("POST /"+tenantID+"/oauth2/v2.0/token", a.token)
	mux.HandleFunc("GET /api/data/v9.2/contacts", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+plantedToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answerJSON(w, 200, `{"value":[]}`)
	})
	a.Server = httptest.NewTLSServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	a.mu.Lock()
	a.forms = append(a.forms, r.PostForm)
	a.mu.Unlock()
	if a.refuse && r.PostForm.Has("client_secret") {
		answerJSON(w, 401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: `+r.PostForm.Get("client_secret")+`","error_codes":[7000215]}`)
		return
	}
	answerJSON(w, 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":%q}`, plantedToken))
}

func (a *authority) client(t *testing.T, sign SignIn) (*Client, error) {
	t.Helper()
	sign.Kind, sign.Authority = Entra, a.URL
	config := Default()
	config.URL, config.SignIn = a.URL, sign
	es, err := NewEnvironments(map[string]Config{"test": config}, "", a.Client().Transport)
	if err != nil {
		return nil, err
	}
	return es.Client(t.Context(), "")
}

func TestEntraSignsInWith(t *testing.T) {
	t.Parallel()
	assertion := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(assertion, []byte("federated-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		sign SignIn
		want map[string]string
	}{
		{"a client secret", SignIn{Credential: Credential{ClientSecret: plantedSecret}}, map[string]string{"client_secret": plantedSecret}},
		{"a certificate", SignIn{Credential: Credential{CertificateFile: certificate(t)}}, map[string]string{"client_assertion": "ey*", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
		{"a workload identity", SignIn{Credential: Credential{TokenFile: assertion}}, map[string]string{"client_assertion": "federated-token"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			c.sign.TenantID, c.sign.ClientID = tenantID, clientID
			client, err := a.client(t, c.sign)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := read(t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
			if len(a.forms) != 1 {
				t.Fatalf("%d token requests were made for three calls, want 1", len(a.forms))
			}
			c.want["grant_type"], c.want["client_id"] = "client_credentials", clientID
			for name, want := range c.want {
				got := a.forms[0].Get(name)
				if prefix, ok := strings.CutSuffix(want, "*"); ok && strings.HasPrefix(got, prefix) {
					continue
				}
				if got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if scope := a.forms[0].Get("scope"); !strings.Contains(scope, a.URL+"/.default") {
				t.Errorf("the scope is %q, want the environment's URL and /.default in it", scope)
			}
		})
	}
}

// certificate is the path of a PEM file with a certificate and its key.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bot"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	path := filepath.Join(t.TempDir(), "bot.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEntraSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.refuse = true
	client, err := a.client(t, SignIn{TenantID: tenantID, ClientID: clientID, Credential: Credential{ClientSecret: plantedSecret}})
	if err != nil {
		t.Fatal(err)
	}
	err = read(t.Context(), client)
	if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "AADSTS7000215") || len(leaks(shown(t, err))) > 0 {
		t.Errorf("the error is %v, want ErrSignIn with the reason and no secret", err)
	}
}

func TestEntraThatCannotBeReachedIsAnOutage(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	client, err := a.client(t, SignIn{TenantID: tenantID, ClientID: clientID, Credential: Credential{ClientSecret: plantedSecret}})
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	if err := read(t.Context(), client); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("the error is %v, want ErrUnavailable, and why", err)
	}
}

func TestEntraRefusesWhatCannotSignIn(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{broken, filepath.Join(t.TempDir(), "absent.pem")} {
		_, err := a.client(t, SignIn{TenantID: tenantID, ClientID: clientID, Credential: Credential{CertificateFile: path, CertificatePassword: plantedPassword}})
		if err == nil || !strings.Contains(err.Error(), "certificate_file") || !strings.Contains(err.Error(), path) || len(leaks(err.Error())) > 0 {
			t.Errorf("NewEnvironments with %s: %v, want an error about certificate_file", path, err)
		}
	}
}

func TestManagedIdentityAsksThePlatform(t *testing.T) {
	t.Parallel()
	s := &script{t: t}
	var resource, identity string
	s.token = func(_ int, r *http.Request) (*http.Response, error) {
		resource, identity = r.URL.Query().Get("resource"), r.URL.Query().Get("client_id")
		response := reply(200, `{"token_type":"Bearer","expires_in":"3599","resource":"r","access_token":"a"}`)
		response.Request = r
		return response, nil
	}
	s.answer = func(int, *http.Request) (*http.Response, error) { return reply(200, `{"value":[]}`), nil }
	config := Default()
	url := "https://" + strings.ToLower(rand.Text()) + ".example" // the library remembers tokens for as long as the process lives
	config.URL, config.SignIn = url, SignIn{Kind: Entra, Credential: Credential{ManagedIdentity: true}, ClientID: clientID}
	if err := read(t.Context(), s.clientOf(config)); err != nil {
		t.Fatal(err)
	}
	if resource != url || identity != clientID {
		t.Errorf("a token was asked for with resource %q and client_id %q", resource, identity)
	}
}

// A certificate's file is followed: its end is known, and half a file takes the place of nothing.
func TestChangedCertificateIsTaken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	path := certificate(t)
	client, err := a.client(t, SignIn{TenantID: tenantID, ClientID: clientID, Credential: Credential{ClientSecret: plantedSecret}, Next: Credential{CertificateFile: path}})
	if err != nil {
		t.Fatal(err)
	}
	a.refuse = true // secrets
	if err := read(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	state := client.sign.states()[1]
	if left := time.Until(state.Expires); state.Name != "sign_in.next.certificate_file" || !state.InUse || left < 50*time.Minute || left > time.Hour {
		t.Errorf("the certificate's state is %+v, want its end within the hour, and in use", state)
	}
	other, err := os.ReadFile(certificate(t))
	if err != nil {
		t.Fatal(err)
	}
	renew := func(text []byte) string {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.sign.tokens.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		return x5c(t, a.forms[len(a.forms)-1].Get("client_assertion"))
	}
	block, _ := pem.Decode(other)
	want := base64.StdEncoding.EncodeToString(block.Bytes)
	if got := renew(other); got != want {
		t.Error("the token was not asked for with the new certificate")
	}
	if got, fault := renew(other[:len(other)-50]), client.sign.states()[1].Fault; got != want || fault == nil || !strings.Contains(fault.Error(), path) {
		t.Errorf("half a file is at fault for %v, and took the certificate's place: %v", fault, got != want)
	}
}

// x5c is the certificate in an assertion's header.
func x5c(t *testing.T, assertion string) string {
	t.Helper()
	head, _, _ := strings.Cut(assertion, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var header struct {
		X5C []string `json:"x5c"`
	}
	if err := json.Unmarshal(text, &header); err != nil || len(header.X5C) != 1 {
		t.Fatalf("the assertion's header is %s, %v; want one certificate", text, err)
	}
	return header.X5C[0]
}
