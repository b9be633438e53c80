package dataverse

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// unknownLife is how long a token is kept whose endpoint does not say.
const unknownLife = 10 * time.Minute

// oauthSource signs in at any OAuth 2.0 token endpoint, with a filled credential.
func oauthSource(s SignIn, with Credential, client *http.Client) tokenSource {
	config := &clientcredentials.Config{
		ClientID:     s.ClientID,
		ClientSecret: string(with.ClientSecret),
		TokenURL:     s.TokenURL,
		// Without this the library tries HTTP Basic first, which costs a request and a failed sign-in in the log.
		AuthStyle:      oauth2.AuthStyleInParams,
		EndpointParams: url.Values{},
	}
	if s.Scope != "" {
		config.Scopes = []string{s.Scope}
	}
	if s.Resource != "" {
		config.EndpointParams.Set("resource", s.Resource)
	}
	if s.Username != "" {
		// AD FS' password grant of a confidential client wants a resource, which oauth2's own password grant cannot send.
		config.EndpointParams.Set("grant_type", "password")
		config.EndpointParams.Set("username", s.Username)
		config.EndpointParams.Set("password", string(with.Password))
	}
	return func(ctx context.Context) (token, error) {
		t, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		if err != nil {
			return token{}, oauthError(ctx, err, string(with.ClientSecret), string(with.Password), s.Username)
		}
		if t.Expiry.IsZero() {
			t.Expiry = time.Now().Add(unknownLife)
		}
		return token{header: "Bearer " + t.AccessToken, expires: t.Expiry}, nil
	}
}

// oauthError keeps what the endpoint says, and not the library's text, which has the whole body.
func oauthError(ctx context.Context, err error, secrets ...string) error {
	var refusal *oauth2.RetrieveError
	if errors.As(err, &refusal) {
		return signInError(refusal.Response.StatusCode, errorText(refusal.ErrorCode, refusal.ErrorDescription, secrets...), nil)
	}
	if ctx.Err() != nil {
		return signInError(0, "", ended(ctx))
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return signInError(0, "", failed.Err)
	}
	return signInError(http.StatusOK, errNoToken.Error(), nil)
}
