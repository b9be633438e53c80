package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/botverse/botverse/internal/fresh"
	"github.com/botverse/botverse/internal/machine"
)

// certificate is the server's, as its files are now; nil where it speaks plain text.
type certificate = fresh.Files[*tls.Certificate]

func openCertificate(config Config, log *slog.Logger) (*certificate, error) {
	if config.TLSCertFile == "" {
		return nil, nil
	}
	c, err := fresh.Open(log, func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(config.TLSCertFile, config.TLSKeyFile)
		return &pair, err
	}, config.TLSCertFile, config.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls_cert_file and tls_key_file: %w", err)
	}
	return c, nil
}

// secured has a listener speak TLS where there is a certificate. gRPC's own credentials would ask it of the gateway's connection
// in memory too.
func (s *Server) secured(l net.Listener, protocols []string) net.Listener {
	if s.certificate == nil || protocols == nil {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.certificate.Get(), nil
		},
	})
}

func (c Config) checkTLS() error {
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls_cert_file and tls_key_file belong together: a certificate and its private key")
	}
	return nil
}

// warnOfPlainText tells of tokens that can be read on their way.
func (s *Server) warnOfPlainText() {
	if s.config.Auth == nil || s.certificate != nil {
		return
	}
	for _, addr := range []string{s.config.GRPCAddr, s.config.HTTPAddr} {
		if host, _, _ := net.SplitHostPort(addr); !machine.IsLoopback(host) {
			s.log.Warn("callers' tokens come in plain text from other machines, unless something in front of this speaks TLS: set tls_cert_file and tls_key_file", "addr", addr)
		}
	}
}
