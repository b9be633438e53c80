package dataverse

import (
	"context"
	"time"
)

// CredentialState tells of one of an environment's credentials.
type CredentialState struct {
	Environment string
	Name        string    // its setting, as sign_in.client_secret or sign_in.next.certificate_file
	Expires     time.Time // zero where nobody knows
	InUse       bool      // whether it gave the last token
	Refusals    int64     // how often the token endpoint did not take it
	Fault       error     // why its files cannot be used as they are now; nil where they can, or where it has none
}

// Credentials tells of the credentials of all environments, by name.
func (es *Environments) Credentials() []CredentialState {
	var all []CredentialState
	for _, name := range es.Names() {
		all = append(all, es.clients[name].sign.states()...)
	}
	return all
}

func (i *identity) states() []CredentialState {
	i.mu.Lock()
	worked := i.worked
	i.mu.Unlock()
	var states []CredentialState
	for _, c := range i.credentials {
		states = append(states, CredentialState{
			Environment: i.environment, Name: c.name, Expires: c.proof.Last().expires,
			InUse: worked != nil && worked.of == c, Refusals: c.refusals.Load(), Fault: c.proof.Fault(),
		})
	}
	return states
}

// TriedCredential is a credential and what came of asking for a token with it alone.
type TriedCredential struct {
	CredentialState
	Err error // an *Error; nil where there was a token
}

// TryCredentials asks for a token with each of the environment's credentials. What is in use stays so.
func (c *Client) TryCredentials(ctx context.Context) []TriedCredential {
	tried := make([]TriedCredential, 0, len(c.sign.credentials))
	for n, state := range c.sign.states() {
		_, err := c.sign.credentials[n].proof.Last().source(ctx)
		tried = append(tried, TriedCredential{state, err})
	}
	return tried
}
