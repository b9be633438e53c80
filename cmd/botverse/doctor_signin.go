package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse"
)

// tokenCode is the code of an error of Microsoft Entra ID.
var tokenCode = regexp.MustCompile(`AADSTS[0-9]+`)

// signInAdvices says what to do about the errors of Microsoft Entra ID ("Microsoft Entra authentication and authorization
// error codes") that an application meets.
var signInAdvices = map[string]string{
	"AADSTS7000222": "the client secret has expired: make a new one under Certificates & secrets of the app registration, and set client_secret to its value",
	"AADSTS7000215": "the client secret is wrong: client_secret must be the secret's value, not its ID",
	"AADSTS700016":  "the tenant has no such application: correct client_id, or tenant_id",
	"AADSTS90002":   "there is no such tenant: correct tenant_id, or authority for another cloud than the public one",
	"AADSTS900023":  "tenant_id is no tenant's ID or domain: correct it",
	"AADSTS700027":  "the certificate is not one of the application's: upload it under Certificates & secrets of the app registration",
	"AADSTS7000112": "the application is disabled: enable it under Enterprise applications",
	"AADSTS500011":  "the tenant knows no Dataverse at this url: correct the environment's url, or tenant_id",
	"AADSTS53003":   "Conditional Access keeps the application out: except it, or sign in from where it is let in",
	"AADSTS50126":   "the user name or the password is wrong",
	"AADSTS50076":   "the user must use a second factor: sign in as an application, by client_secret or a certificate",
	"AADSTS700024":  "a clock is wrong: the certificate's assertion is not valid yet, or no longer; set this machine's clock",
	"AADSTS70021":   "no federated credential fits the token: compare issuer and subject under Certificates & secrets of the app registration",
	"AADSTS700211":  "no federated credential has the token's issuer: correct it under Certificates & secrets of the app registration",
	"AADSTS700212":  "no federated credential has the token's audience: correct it under Certificates & secrets of the app registration",
	"AADSTS700213":  "no federated credential has the token's subject: correct it under Certificates & secrets of the app registration",
	"AADSTS65001":   "nobody has consented to the application: an administrator must grant it",
	"AADSTS50034":   "the tenant has no such user: correct username",
	"AADSTS50057":   "the user is disabled: enable it",
	"AADSTS50055":   "the user's password has expired: set a new one",
	"AADSTS1000502": "the certificate has expired: upload a new one",
}

// signInAdvice says what to do about an error of the first call.
func (e *examination) signInAdvice(err error) string {
	if advice := signInAdvices[tokenCode.FindString(err.Error())]; advice != "" {
		return advice
	}
	switch {
	case errors.Is(err, dataverse.ErrSignIn):
		return "compare sign_in of the environment with the app registration: tenant_id, client_id and the credential"
	case errors.Is(err, dataverse.ErrForbidden):
		return "add the application under Application users of the environment in the Power Platform admin centre, with a security role"
	case errors.Is(err, dataverse.ErrUnavailable) && e.local():
		return "start `botverse serve`, whose local Dataverse is meant where no environment is configured"
	case errors.Is(err, dataverse.ErrUnavailable):
		return "look whether this machine reaches the address, and correct it where it is wrong: url, or of the token endpoint authority or token_url"
	}
	return "look the error up in Dataverse's documentation"
}

// credentials asks for a token with each credential alone: the one that is not in use would be found wrong only when it is
// needed.
func (e *examination) credentials(ctx context.Context) {
	if e.local() {
		return
	}
	now := time.Now()
	for _, c := range e.client.TryCredentials(ctx) {
		switch {
		case c.Err != nil:
			e.report.warn(e.name, c.Name, c.Err.Error(), e.signInAdvice(c.Err))
		case c.Expires.IsZero() && strings.HasSuffix(c.Name, "client_secret"):
			e.report.ok(e.name, c.Name, "it gets a token; nothing says when it expires, so that nobody is warned: `expires` beside it would")
		case c.Expires.IsZero():
			e.report.ok(e.name, c.Name, "it gets a token")
		case c.Expires.Sub(now) <= dataverse.ExpiryNotice:
			e.report.warn(e.name, c.Name, "it gets a token, and "+dataverse.ExpiryText(c.Expires, now),
				"make a new one in the app registration, and put it in its place, or beside it as sign_in.next")
		default:
			e.report.ok(e.name, c.Name, "it gets a token, and "+dataverse.ExpiryText(c.Expires, now))
		}
	}
}
