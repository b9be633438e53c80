package dataverse

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func oauthConfig(url string) Config {
	c := Default()
	c.URL = url
	c.SignIn = SignIn{Kind: OAuth, ClientID: "bot", Credential: Credential{ClientSecret: "s"}, TokenURL: "http://127.0.0.1:8090/t/oauth2/v2.0/token"}
	return c
}

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   []string // nil for a good one
	}{
		{"oauth", func(*Config) {}, nil},
		{"AD FS without a secret", func(c *Config) {
			c.SignIn = SignIn{Kind: OAuth, ClientID: "bot", TokenURL: "https://adfs.example/adfs/oauth2/token", Username: "u", Credential: Credential{Password: "p"}}
		}, nil},
		{"entra", func(c *Config) {
			c.URL = "https://contoso.crm4.dynamics.com/"
			c.SignIn = SignIn{Kind: Entra, TenantID: "t", ClientID: "c", Credential: Credential{ClientSecret: "s"}}
		}, nil},
		{"a system's managed identity", func(c *Config) {
			c.URL, c.SignIn = "https://contoso.crm4.dynamics.com", SignIn{Kind: Entra, Credential: Credential{ManagedIdentity: true}}
		}, nil},
		{"nothing", func(c *Config) { *c = Config{} }, []string{"url is missing", "timeout", "sign_in.kind is missing"}},
		{"entra over http with everything", func(c *Config) {
			c.SignIn = SignIn{Kind: Entra, Credential: Credential{ClientSecret: "s", TokenFile: "f"}}
		}, []string{"must be https", "2 of client_secret", "tenant_id is missing", "client_id is missing"}},
		{"entra with the ID of a secret", func(c *Config) {
			c.URL = "https://contoso.crm4.dynamics.com"
			c.SignIn = SignIn{Kind: Entra, TenantID: "t", ClientID: "c", Credential: Credential{ClientSecret: "0f0f0f0f-1111-4222-8333-444444444444"}}
		}, []string{"client_secret is a GUID", "value"}},
		{"entra with files and a second credential", func(c *Config) {
			c.URL = "https://contoso.crm4.dynamics.com"
			c.SignIn = SignIn{Kind: Entra, TenantID: "t", ClientID: "c", Credential: Credential{ClientSecretFile: "f", Expires: Date{time.Now()}}, Next: Credential{CertificateFile: "f"}}
		}, nil},
		{"a second secret, with the first one's password", func(c *Config) {
			c.SignIn.Username, c.SignIn.PasswordFile, c.SignIn.Next = "u", "f", Credential{ClientSecretFile: "f"}
		}, nil},
		{"secrets in two places", func(c *Config) {
			c.SignIn.ClientSecretFile, c.SignIn.Next = "f", Credential{Password: plantedPassword, PasswordFile: "f", Expires: Date{time.Now()}, ExpiresFile: "f"}
		}, []string{"sign_in.next has expires and expires_file; give one", "sign_in has client_secret and client_secret_file; give one", "sign_in.next has password and password_file", "sign_in.next has only one of username"}},
		{"a second credential that is none", func(c *Config) {
			c.URL = "https://contoso.crm4.dynamics.com"
			c.SignIn = SignIn{Kind: Entra, TenantID: "t", ClientID: "c", Credential: Credential{CertificateFile: "f", Expires: Date{time.Now()}}, Next: Credential{CertificatePassword: plantedPassword}}
		}, []string{"sign_in.expires is for a client_secret", "sign_in.next has 0 of client_secret"}},
		{"oauth without anything", func(c *Config) { c.SignIn = SignIn{Kind: OAuth, Username: "u"} },
			[]string{"client_id is missing", "only one of username and password", "token_url is missing"}},
		{"an unknown kind", func(c *Config) { c.SignIn.Kind = "ntlm" }, []string{`"ntlm"`, "entra or oauth"}},
		{"no URL", func(c *Config) { c.URL = "contoso.crm4.dynamics.com" }, []string{"url is no URL", "https://contoso"}},
		{"a URL with a password", func(c *Config) { c.URL = "https://u:" + plantedPassword + "@contoso.example" }, []string{"user name"}},
		{"a URL with a query", func(c *Config) { c.URL = "https://contoso.example/?x=1" }, []string{"query"}},
		{"an app that is none", func(c *Config) { c.AppID = "sales hub" }, []string{"app_id", "GUID"}},
	} {
		config := oauthConfig("http://127.0.0.1:8090")
		c.change(&config)
		err := config.Validate()
		if c.want == nil && err != nil || c.want != nil && err == nil {
			t.Errorf("%s: Validate = %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Validate = %v, which does not say %q", c.name, err, want)
			}
		}
		if err != nil && len(leaks(err.Error())) > 0 {
			t.Errorf("%s: Validate shows a secret: %v", c.name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string][2]string{
		"https://contoso.crm4.dynamics.com":                {"https://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com/api/data/v9.2/"},
		"https://contoso.crm4.dynamics.com/":               {"https://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com/api/data/v9.2/"},
		"https://contoso.crm4.dynamics.com/api/data/v9.2/": {"https://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com/api/data/v9.2/"},
		"https://crm.contoso.example/Org":                  {"https://crm.contoso.example/Org", "https://crm.contoso.example/Org/api/data/v9.2/"},
		"https://crm.contoso.example/Org/api/data/v9.1":    {"https://crm.contoso.example/Org", "https://crm.contoso.example/Org/api/data/v9.1/"},
		"http://127.0.0.1:8090":                            {"http://127.0.0.1:8090", "http://127.0.0.1:8090/api/data/v9.2/"},
	} {
		c, err := newClient("test", oauthConfig(given), &script{t: t})
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if c.URL() != want[0] || c.root != want[1] {
			t.Errorf("%s gives %s and %s, want %s and %s", given, c.URL(), c.root, want[0], want[1])
		}
	}
}

func TestRecordURL(t *testing.T) {
	t.Parallel()
	config := oauthConfig("https://contoso.crm4.dynamics.com/api/data/v9.2")
	plain, err := newClient("test", config, &script{t: t})
	if err != nil {
		t.Fatal(err)
	}
	config.AppID = "33333333-3333-4333-8333-333333333333"
	app, err := newClient("test", config, &script{t: t})
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range map[*Client]string{
		plain: "https://contoso.crm4.dynamics.com/main.aspx?etn=contact&id=" + string(adaID) + "&pagetype=entityrecord",
		app:   "https://contoso.crm4.dynamics.com/main.aspx?appid=33333333-3333-4333-8333-333333333333&etn=contact&id=" + string(adaID) + "&pagetype=entityrecord",
	} {
		if got := c.RecordURL("contact", adaID); got != want {
			t.Errorf("RecordURL = %s, want %s", got, want)
		}
	}
}

func TestEnvironmentsByName(t *testing.T) {
	t.Parallel()
	es, err := NewEnvironments(map[string]Config{"prod": oauthConfig("https://a.example"), "dev": oauthConfig("https://b.example")}, "dev", &script{t: t})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "dev", "dev": "dev", "prod": "prod"} {
		if c, err := es.Client(t.Context(), name); err != nil || c.Name() != want {
			t.Errorf("Client(%q) = %v, %v; want %s", name, c, err, want)
		}
	}
	_, err = es.Client(t.Context(), "test")
	if !errors.Is(err, ErrUnknownEnvironment) || !strings.Contains(err.Error(), "dev, prod") || !strings.Contains(err.Error(), `"test"`) {
		t.Errorf("an unknown name is %v", err)
	}
	if got := strings.Join(es.Names(), " "); got != "dev prod" || es.Default() != "dev" {
		t.Errorf("Names = %s, Default = %s", got, es.Default())
	}
}

// TestEnvironmentsShareNothing: neither the sign-in nor what is remembered of one is used for another.
func TestEnvironmentsShareNothing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tokens, asked := map[string]string{}, map[string]int{}
	s := &script{t: t, answer: func(_ int, r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		tokens[r.URL.Host] = r.Header.Get("Authorization")
		asked[r.URL.Host]++
		return reply(200, `{"value":[{"LogicalName":"of_`+strings.TrimSuffix(r.URL.Host, ".example")+`"}]}`), nil
	}}
	es, err := NewEnvironments(map[string]Config{"prod": oauthConfig("https://a.example"), "dev": oauthConfig("https://b.example")}, "dev", s)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"prod": "of_a", "dev": "of_b"} {
		c, err := es.Client(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if all, err := c.Entities(t.Context()); err != nil || len(all) != 1 || all[0].LogicalName != want {
				t.Errorf("%s has %v, %v; want %s", name, all, err, want)
			}
		}
	}
	if s.tokens != 2 || tokens["a.example"] == tokens["b.example"] || asked["a.example"] != 1 || asked["b.example"] != 1 {
		t.Errorf("%d tokens, %d and %d requests; want a token and a request of each environment's own", s.tokens, asked["a.example"], asked["b.example"])
	}
}

func TestEnvironmentsNameAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := NewEnvironments(map[string]Config{"a": {}, "b": oauthConfig("x")}, "c", nil)
	for _, want := range []string{"environment a: url is missing", "environment b: url is no URL", `unknown environment "c"`, "known are a, b"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewEnvironments = %v, which does not say %q", err, want)
		}
	}
	es, err := NewEnvironments(map[string]Config{"only": oauthConfig("https://a.example")}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := es.Client(t.Context(), ""); err != nil || c.Name() != "only" {
		t.Errorf("the only environment is not the default: %v, %v", c, err)
	}
	es, err = NewEnvironments(map[string]Config{"a": oauthConfig("https://a.example"), "b": oauthConfig("https://b.example")}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := es.Client(t.Context(), ""); !errors.Is(err, ErrUnknownEnvironment) {
		t.Errorf("of two environments without a default, \"\" is %v", err)
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{string(adaID), "{0C4A3A1E-53A3-4A55-9A4A-3D1A50F7C111}", " 0C4A3A1E-53A3-4A55-9A4A-3D1A50F7C111 "} {
		if id, err := ParseID(text); err != nil || id != adaID {
			t.Errorf("ParseID(%q) = %q, %v", text, id, err)
		}
	}
	for _, text := range []string{"", "ada", "0c4a3a1e53a34a559a4a3d1a50f7c111", "0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c11g", "{0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c111", "0c4a3a1e-53a3-4a55-9a4a-3d1a50f7c1111", "0c4a3a1e_53a3_4a55_9a4a_3d1a50f7c111"} {
		if id, err := ParseID(text); err == nil {
			t.Errorf("ParseID(%q) = %q, want an error", text, id)
		}
	}
}
