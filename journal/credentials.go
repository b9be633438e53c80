package journal

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/botverse/botverse/internal/fresh"
)

// credentials are the files that we sign in to servers with. Each connection is made with what they hold then.
type credentials struct {
	token       *fresh.Files[string] // each nil where it is not configured
	user        *fresh.Files[natsUser]
	certificate *fresh.Files[tls.Certificate]
}

// natsUser is what a credentials file holds.
type natsUser struct {
	jwt string
	key nkeys.KeyPair
}

// openCredentials reads the files, so that one that is missing or broken is told at the start.
func openCredentials(n NATS, logger *slog.Logger) (c credentials, err error) {
	if n.TokenFile != "" {
		c.token, err = fresh.Open(logger, func() (string, error) { return fresh.Line(n.TokenFile) }, n.TokenFile)
		if err != nil {
			return credentials{}, fmt.Errorf("nats.token_file: %w", err)
		}
	}
	if n.CredentialsFile != "" {
		c.user, err = fresh.Open(logger, func() (natsUser, error) { return readUser(n.CredentialsFile) }, n.CredentialsFile)
		if err != nil {
			return credentials{}, fmt.Errorf("nats.credentials_file: %w", err)
		}
	}
	if n.CertFile != "" {
		read := func() (tls.Certificate, error) { return tls.LoadX509KeyPair(n.CertFile, n.KeyFile) }
		if c.certificate, err = fresh.Open(logger, read, n.CertFile, n.KeyFile); err != nil {
			return credentials{}, fmt.Errorf("nats.cert_file: %w", err)
		}
	}
	return c, nil
}

func readUser(name string) (natsUser, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return natsUser{}, err
	}
	jwt, err1 := nkeys.ParseDecoratedJWT(text)
	key, err2 := nkeys.ParseDecoratedNKey(text)
	if err1 != nil || err2 != nil { // their texts may have what the file holds
		return natsUser{}, fmt.Errorf("%s has no user's JWT and seed; it must be as nsc writes it", name)
	}
	return natsUser{jwt, key}, nil
}

func (c credentials) setOn(o *nats.Options) error {
	if c.token != nil {
		o.TokenHandler = c.token.Get
	}
	if c.user != nil {
		o.UserJWT = func() (string, error) { return c.user.Get().jwt, nil }
		o.SignatureCB = func(nonce []byte) ([]byte, error) { return c.user.Get().key.Sign(nonce) }
	}
	if c.certificate != nil {
		o.TLSCertCB = func() (tls.Certificate, error) { return c.certificate.Get(), nil }
		return nats.Secure()(o)
	}
	return nil
}

func (c credentials) faulty() (files []string) {
	if c.token != nil {
		files = append(files, c.token.Faulty()...)
	}
	if c.user != nil {
		files = append(files, c.user.Faulty()...)
	}
	if c.certificate != nil {
		files = append(files, c.certificate.Faulty()...)
	}
	return files
}

// FaultyFiles are the files that could not be used when a connection was made last; what they held before was.
func (j *Journal) FaultyFiles() []string { return j.credentials.faulty() }
