package dataverse

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Config is how to reach an environment.
type Config struct {
	URL     string        `yaml:"url"`     // as https://contoso.crm4.dynamics.com; a path to the Web API, as /api/data/v9.1, may follow
	AppID   string        `yaml:"app_id"`  // the model-driven app that record URLs open in; may be empty
	Timeout time.Duration `yaml:"timeout"` // bounds one try; the caller's deadline bounds them all
	SignIn  SignIn        `yaml:"sign_in"`
	Allow   Allow         `yaml:"allow"` // what actions may do with which entities; nil for all that the application user may
}

// The kinds of SignIn.
const (
	Entra = "entra" // Microsoft Entra ID: a client secret, a certificate, a workload identity or a managed identity
	OAuth = "oauth" // any OAuth 2.0 token endpoint: the local Dataverse, AD FS
)

// SignIn is who to be. Kind entra takes TenantID, ClientID and a Credential that is a client secret, a certificate, a federated
// token or a managed identity. Kind oauth takes TokenURL, ClientID and a client secret, and with Username it signs in by AD FS'
// password grant.
type SignIn struct {
	Kind     string `yaml:"kind"`
	ClientID string `yaml:"client_id"`
	Scope    string `yaml:"scope"` // entra: the environment's URL and "/.default" where empty; oauth: sent where not empty

	TenantID  string `yaml:"tenant_id"`
	Authority string `yaml:"authority"` // of another cloud than the public one, as https://login.microsoftonline.us

	TokenURL string `yaml:"token_url"`
	Resource string `yaml:"resource"` // AD FS: the identifier of the relying party
	Username string `yaml:"username"`

	Credential `yaml:",inline"`
	// Next stands in where the token endpoint refuses the first, so that one can take the other's place. Of kind oauth
	// it takes over what it does not have itself: a password, or the client's secret.
	Next Credential `yaml:"next"`
}

// Default is a Config that needs a URL and a SignIn's names and secrets.
func Default() Config {
	return Config{Timeout: 30 * time.Second, SignIn: SignIn{Kind: Entra}}
}

// Validate names all that is wrong with the Config, nil where nothing is.
func (c Config) Validate() error {
	var errs []error
	if err := checkURL("url", c.URL); err != nil {
		errs = append(errs, err)
	}
	if c.AppID != "" {
		if _, err := ParseID(c.AppID); err != nil {
			errs = append(errs, fmt.Errorf("app_id: %w", err))
		}
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout is %v; it must be above zero, as 30s", c.Timeout))
	}
	errs = append(errs, c.Allow.validate()...)
	return errors.Join(append(errs, c.SignIn.validate(c.URL)...)...)
}

func (s SignIn) validate(environmentURL string) []error {
	switch s.Kind {
	case Entra:
		return s.validateEntra(environmentURL)
	case OAuth:
		return s.validateOAuth()
	case "":
		return []error{errors.New("sign_in.kind is missing; give entra or oauth")}
	}
	return []error{fmt.Errorf("sign_in.kind is %q; it must be entra or oauth", s.Kind)}
}

func (s SignIn) validateEntra(environmentURL string) []error {
	var errs []error
	if strings.HasPrefix(strings.ToLower(environmentURL), "http://") {
		errs = append(errs, errors.New("url is http; with sign_in.kind entra it must be https, for the token would be readable on the way"))
	}
	managed := true
	for name, c := range s.named() {
		errs = append(errs, c.validateEntra(name)...)
		managed = managed && c.ManagedIdentity
	}
	if !managed {
		errs = append(errs, missing("tenant_id", s.TenantID), missing("client_id", s.ClientID))
	}
	if s.Authority != "" {
		if err := checkURL("sign_in.authority", s.Authority); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (s SignIn) validateOAuth() []error {
	errs := []error{missing("client_id", s.ClientID)}
	for name, c := range s.named() {
		errs = append(errs, c.validateOAuth(name, s.Username)...)
	}
	return append(errs, checkURL("sign_in.token_url", s.TokenURL))
}

func missing(name, value string) error {
	if value != "" {
		return nil
	}
	return fmt.Errorf("sign_in.%s is missing", name)
}

// checkURL does not repeat the URL: one with a password in it would end up in a log.
func checkURL(name, text string) error {
	if text == "" {
		return fmt.Errorf("%s is missing", name)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return fmt.Errorf("%s is no URL; give one as https://contoso.crm4.dynamics.com", name)
	case u.User != nil:
		return fmt.Errorf("%s has a user name in it; put credentials into sign_in", name)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s has a query or a fragment; give it without", name)
	}
	return nil
}

// webAPI is the path of the Web API below an environment's URL. Requests are those of v9.2.
var webAPI = regexp.MustCompile(`/api/data/v[0-9.]+$`)

// addresses splits a configured URL into where people look at the environment and where its Web API is.
func (c Config) addresses() (site, api *url.URL, err error) {
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil {
		return nil, nil, err
	}
	site, api = new(*u), new(*u)
	if at := webAPI.FindStringIndex(u.Path); at != nil {
		site.Path = u.Path[:at[0]]
	} else {
		api.Path = u.Path + "/api/data/v9.2"
	}
	return site, api, nil
}
