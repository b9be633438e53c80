package dataverse

import (
	"context"
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
)

// credentialMaker makes a credential that sends by the given options.
type credentialMaker func(azcore.ClientOptions) (azcore.TokenCredential, error)

// entraSource signs in at Microsoft Entra ID. A credential of azidentity remembers its token until five minutes before its end,
// and cannot be told to forget it: a new credential is made for each token.
func entraSource(c Config, client *http.Client) (tokenSource, error) {
	newCredential, err := entraCredential(c.SignIn)
	if err != nil {
		return nil, err
	}
	if _, err := newCredential(azcore.ClientOptions{}); err != nil {
		return nil, fmt.Errorf("sign_in: %w", err)
	}
	scope := c.SignIn.Scope
	if scope == "" {
		site, _, err := c.addresses()
		if err != nil {
			return nil, err
		}
		scope = site.Scheme + "://" + site.Host + "/.default"
	}
	return func(ctx context.Context) (token, error) {
		sender := &watchedSender{client: client}
		credential, err := newCredential(entraOptions(c.SignIn, sender))
		if err != nil {
			return token{}, signInError(http.StatusOK, "the credential cannot be used", nil)
		}
		t, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return token{}, entraError(ctx, err, sender.lost, c.SignIn)
		}
		return token{header: "Bearer " + t.Token, expires: t.ExpiresOn}, nil
	}, nil
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

// entraCredential chooses by what the SignIn has. A certificate is read once, now.
func entraCredential(s SignIn) (credentialMaker, error) {
	// The public cloud knows nothing of other authorities, and asking it about them hangs where it cannot be reached.
	private := s.Authority != ""
	switch {
	case s.CertificateFile != "":
		return certificateCredential(s, private)
	case s.TokenFile != "":
		return func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
			return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
				ClientOptions: o, ClientID: s.ClientID, TenantID: s.TenantID, TokenFilePath: s.TokenFile, DisableInstanceDiscovery: private,
			})
		}, nil
	case s.ManagedIdentity:
		return func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
			m := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
			if s.ClientID != "" {
				m.ID = azidentity.ClientID(s.ClientID)
			}
			return azidentity.NewManagedIdentityCredential(m)
		}, nil
	}
	return func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
		return azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, string(s.ClientSecret),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
	}, nil
}

func certificateCredential(s SignIn, private bool) (credentialMaker, error) {
	data, err := os.ReadFile(s.CertificateFile)
	if err != nil {
		return nil, fmt.Errorf("sign_in.certificate_file: %w", err)
	}
	certificates, key, err := azidentity.ParseCertificates(data, []byte(s.CertificatePassword))
	if err != nil {
		return nil, fmt.Errorf("sign_in.certificate_file %s: no certificate with its private key can be read from it, in PEM or PKCS #12: %s",
			s.CertificateFile, mask(err.Error(), []string{string(s.CertificatePassword)}))
	}
	return func(o azcore.ClientOptions) (azcore.TokenCredential, error) {
		return azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private, SendCertificateChain: true})
	}, nil
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
func entraError(ctx context.Context, err, lost error, s SignIn) error {
	if ctx.Err() != nil {
		return signInError(0, "", ended(ctx))
	}
	if lost != nil {
		return signInError(0, "", withoutURL(lost))
	}
	secrets := []string{string(s.ClientSecret)}
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
