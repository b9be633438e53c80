package local_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botverse/botverse/dataverse/local"
	"github.com/botverse/botverse/dataverse/local/localtest"
)

// askToken posts a form to a token endpoint.
func askToken(t *testing.T, c *http.Client, endpoint string, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	response, err := c.PostForm(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("%s: %s", response.Status, b)
	}
	return response.StatusCode, answer
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := openInBubble(t, local.Config{RequireAuth: true, TokenLifetime: 10 * time.Minute})
		_, answer := askToken(t, c.http, bubbleURL+"/contoso/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "scope": {bubbleURL + "/.default"},
		})
		if answer["expires_in"] != 599.0 {
			t.Errorf("expires_in = %v, want 599 of 10 minutes", answer["expires_in"])
		}
		token := "Authorization: Bearer " + answer["access_token"].(string)
		time.Sleep(599 * time.Second)
		if status, _, _ := c.send(http.MethodGet, "WhoAmI", "", token); status != http.StatusOK {
			t.Errorf("just before its end a token is answered with %d, want 200", status)
		}
		time.Sleep(time.Second)
		status, h, _ := c.send(http.MethodGet, "WhoAmI", "", token)
		if status != http.StatusUnauthorized || !strings.Contains(h.Get("WWW-Authenticate"), "error=invalid_token") {
			t.Errorf("after its end a token is answered with %d %q, want 401 and error=invalid_token", status, h.Get("WWW-Authenticate"))
		}
	})
}

// TestAudiences holds which tokens a server takes: those for the address it is reached by, or for the configured one.
func TestAudiences(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{RequireAuth: true, Audience: "https://contoso.crm4.dynamics.com"})
	for scope, want := range map[string]int{
		base + "/.default": http.StatusOK,
		strings.Replace(base, "127.0.0.1", "localhost", 1) + "/.default": http.StatusOK,
		"openid offline_access profile " + base + "/.default":            http.StatusOK,
		base + "//.default":                             http.StatusOK,
		"https://contoso.crm4.dynamics.com/.default":    http.StatusOK,
		"https://contoso.crm4.dynamics.com//.default":   http.StatusOK,
		"https://fabrikam.crm4.dynamics.com/.default":   http.StatusUnauthorized,
		"https://graph.microsoft.com/.default":          http.StatusUnauthorized,
		"00000007-0000-0000-c000-000000000000/.default": http.StatusOK, // no address: the server's own
	} {
		_, answer := askToken(t, http.DefaultClient, base+"/contoso/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "scope": {scope},
		})
		token, _ := answer["access_token"].(string)
		if got, _, _ := newClient(t, base).send(http.MethodGet, "WhoAmI", "", "Authorization: Bearer "+token); got != want {
			t.Errorf("a token with the scope %s is answered with %d, want %d", scope, got, want)
		}
	}
}

// TestOlderEndpointWritesStrings holds the shape of Entra's endpoint before v2.0, and of AD FS's.
func TestOlderEndpointWritesStrings(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{})
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "resource": {base}}
	_, answer := askToken(t, http.DefaultClient, base+"/contoso/oauth2/token", form)
	if answer["expires_in"] != "3599" || answer["resource"] != base || answer["expires_on"] == nil || answer["not_before"] == nil {
		t.Errorf("Entra's older answer = %v, want its numbers as strings and the resource", answer)
	}
	if _, answer = askToken(t, http.DefaultClient, base+"/adfs/oauth2/token", form); answer["expires_in"] != 3599.0 {
		t.Errorf("AD FS' answer = %v, want expires_in as a number", answer)
	}
}

// TestDiscoveryLeadsToTheTokenEndpoint goes the way of a client that knows nothing but the environment's address.
func TestDiscoveryLeadsToTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{RequireAuth: true})
	_, h, _ := newClient(t, base).send(http.MethodGet, "", "")
	challenge := h.Get("WWW-Authenticate")
	_, rest, _ := strings.Cut(challenge, "authorization_uri=")
	authority, rest, found := strings.Cut(rest, "/oauth2/authorize, resource_id=")
	if !found || strings.Contains(challenge, "error") {
		t.Fatalf("WWW-Authenticate = %q, want authorization_uri, resource_id and no error", challenge)
	}
	response, err := http.Get(authority + "/v2.0/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var document struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	_, answer := askToken(t, http.DefaultClient, document.TokenEndpoint, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"y"}, "scope": {rest + "/.default"},
	})
	token, _ := answer["access_token"].(string)
	if status, _, _ := newClient(t, base).send(http.MethodGet, "WhoAmI", "", "Authorization: Bearer "+token); status != http.StatusOK {
		t.Errorf("the token that was found is answered with %d, want 200", status)
	}
}

// TestTokenEndpointTakesAnything holds that no input is a fault of the server's own.
func TestTokenEndpointTakesAnything(t *testing.T) {
	t.Parallel()
	_, base := localtest.Start(t, local.Config{ClientID: "x", ClientSecrets: []local.ClientSecret{{Value: "y"}}})
	for _, body := range []string{"", "%zz", "grant_type=%00", "grant_type=client_credentials&client_id=x&scope=%2F%2F%2F", strings.Repeat("x", 2<<20), "{}"} {
		response, err := http.Post(base+"/contoso/oauth2/v2.0/token", "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode < 400 || response.StatusCode >= 500 {
			t.Errorf("%.40q is answered with %s, want a refusal", body, response.Status)
		}
	}
}
