package dataverse

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/botverse/botverse/internal/fresh"
)

// entraKey is what azidentity makes a credential of.
type entraKey struct {
	credential func(azcore.ClientOptions) (azcore.TokenCredential, error) // which sends by the options
	expires    time.Time                                                  // zero where nobody knows
	secrets    []string                                                   // that nobody may see
}

// entraSource signs in at Microsoft Entra ID, with a filled credential. One of azidentity remembers its token until five minutes
// before its end, and cannot be told to forget it: a new one is made for each token.
func entraSource(c Config, with Credential, client *http.Client) (tokenSource, time.Time, error) {
	key, err := newEntraKey(c.SignIn, with)
	if err != nil {
		return nil, time.Time{}, err
	}
	if _, err := key.credential(azcore.ClientOptions{}); err != nil {
		return nil, time.Time{}, errors.New(mask(err.Error(), key.secrets))
	}
	scope := c.SignIn.Scope
	if scope == "" {
		site, _, err := c.addresses()
		if err != nil {
			return nil, time.Time{}, err
		}
		scope = site.Scheme + "://" + site.Host + "/.default"
	}
	return func(ctx context.Context) (token, error) {
		sender := &watchedSender{client: client}
		credential, err := key.credential(entraOptions(c.SignIn, sender))
		if err != nil {
			return token{}, signInError(http.StatusOK, "the credential cannot be used", nil)
		}
		t, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return token{}, entraError(ctx, err, sender.lost, key.secrets)
		}
		return token{header: "Bearer " + t.Token, expires: t.ExpiresOn}, nil
	}, key.expires, nil
}

func entraOptions(s SignIn, sender policy.Transporter) azcore.ClientOptions {
	o := azcore.ClientOptions{
		Transport: sender,
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second},
	}
	if s.Authority != "" {
		o.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: s.Authority}
	}
	return o
}

// newEntraKey chooses by what the credential has, and reads the files of those that are no secret of one line.
func newEntraKey(s SignIn, with Credential) (entraKey, error) {
	// The public cloud knows nothing of other authorities, and asking it about them hangs where it cannot be reached.
	private := s.Authority != ""
	switch {
	case with.CertificateFile != "":
		return certificateKey(s, with, private)
	case with.TokenFile != "":
		return tokenKey(s, with.TokenFile, private)
	case with.ManagedIdentity:
		return entraKey{credential: func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
			m := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
			if s.ClientID != "" {
				m.ID = azidentity.ClientID(s.ClientID)
			}
			return azidentity.NewManagedIdentityCredential(m)
		}}, nil
	}
	secret := string(with.ClientSecret)
	return entraKey{expires: with.Expires.Time, secrets: []string{secret}, credential: func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
		return azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
	}}, checkSecretValue(with.ClientSecretFile, secret)
}

// tokenKey is of a workload identity: the federated token that the file holds.
func tokenKey(s SignIn, file string, private bool) (entraKey, error) {
	assertion, err := fresh.Line(file)
	return entraKey{secrets: []string{assertion}, credential: func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
		return azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, func(context.Context) (string, error) { return assertion, nil },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
	}}, err
}

func certificateKey(s SignIn, with Credential, private bool) (entraKey, error) {
	data, err := os.ReadFile(with.CertificateFile)
	if err != nil {
		return entraKey{}, err
	}
	certificates, key, err := azidentity.ParseCertificates(data, []byte(with.CertificatePassword))
	if err != nil {
		return entraKey{}, fmt.Errorf("%s: no certificate with its private key can be read from it, in PEM or PKCS #12: %s",
			with.CertificateFile, mask(err.Error(), []string{string(with.CertificatePassword)}))
	}
	return entraKey{expires: expiryOf(certificates, key), credential: func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
		return azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private, SendCertificateChain: true})
	}}, nil
}

// expiryOf is when the certificate of a key expires: a file may hold others of its chain too.
func expiryOf(certificates []*x509.Certificate, key crypto.PrivateKey) time.Time {
	signer, ok := key.(crypto.Signer)
	for _, c := range certificates {
		if public, can := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && can && public.Equal(signer.Public()) {
			return c.NotAfter
		}
	}
	return time.Time{}
}

// watchedSender remembers a request that got no answer: azidentity's errors keep only its text.
type watchedSender struct {
	client *http.Client
	lost   error
}

// Do implements policy.Transporter.
func (w *watchedSender) Do(r *http.Request) (*http.Response, error) {
	response, err := w.client.Do(r)
	w.lost = err
	return response, err
}

// entraError keeps what the endpoint says, and not azidentity's text, which has the whole answer.
func entraError(ctx context.Context, err, lost error, secrets []string) error {
	if ctx.Err() != nil {
		return signInError(0, "", ended(ctx))
	}
	if lost != nil {
		return signInError(0, "", withoutURL(lost))
	}
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) || failed.RawResponse == nil {
		return signInError(http.StatusOK, mask(err.Error(), secrets), nil)
	}
	var refusal struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if body, err := io.ReadAll(io.LimitReader(failed.RawResponse.Body, 1<<20)); err == nil {
		_ = json.Unmarshal(body, &refusal) // what is no JSON has no reason to give
	}
	return signInError(failed.RawResponse.StatusCode, errorText(refusal.Error, refusal.Description, secrets...), nil)
}
