package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// session is how a client command shows serve who calls.
type session struct {
	Token     dataverse.Secret `placeholder:"TOKEN" help:"The token of calls to serve. Better --token-file, or the variable: other users see the flags of a process."`
	TokenFile string           `placeholder:"FILE" help:"Read the token of calls to serve from this file, anew for each call."`
	CAFile    string           `name:"ca-file" placeholder:"FILE" help:"Trust these authorities, beside the system's, to sign the certificate of a server that is given as https://."`
}

// token is the one of now; "" where there is none.
func (s session) token() (string, error) {
	if s.TokenFile == "" {
		return string(s.Token), nil
	}
	if s.Token != "" {
		return "", usagef("there are a token and a token_file: give only one of them")
	}
	text, err := os.ReadFile(s.TokenFile)
	if err != nil {
		return "", usagef("token_file: %w", err)
	}
	token := string(bytes.TrimSpace(text))
	if token == "" || strings.ContainsAny(token, "\r\n \t") {
		return "", usagef("token_file: %s must have one token, and nothing else", s.TokenFile)
	}
	return token, nil
}

// dial connects to serve, over TLS where the address begins with https://; nothing is sent yet.
func (s session) dial(server string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	addr, secure := strings.CutPrefix(server, "https://")
	if !secure {
		return s.connect(strings.TrimPrefix(server, "http://"), nil, options...)
	}
	trusted, err := withAuthorities(s.CAFile)
	if err != nil {
		return nil, err
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "443")
	}
	return s.connect(addr, trusted, options...)
}

// connect connects over TLS, or in plain text where there is no config.
func (s session) connect(addr string, config *tls.Config, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	over := insecure.NewCredentials()
	if config != nil {
		over = credentials.NewTLS(config)
	}
	if token != "" {
		if config == nil && !onLoopback("//"+addr) {
			return nil, usagef("--server %s: a token is not sent to another machine in plain text; where it speaks TLS, give https://%[1]s", addr)
		}
		options = append(options, grpc.WithPerRPCCredentials(s))
	}
	conn, err := grpc.NewClient(addr, append(options, grpc.WithTransportCredentials(over))...)
	if err != nil {
		return nil, usagef("--server %s: %w", addr, err)
	}
	return conn, nil
}

// withAuthorities trusts the system's authorities, and those in a file; "" for none.
func withAuthorities(file string) (*tls.Config, error) {
	if file == "" {
		return &tls.Config{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // the file's are what was asked for
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, usagef("ca_file: %s has no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}

// onlyThis trusts the certificate in a file and no other, whatever name it is for: whoever reads the settings of serve knows whom to
// expect. The file is read at each connection, as serve reads it.
func onlyThis(file string) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection asks for more than authorities do
		VerifyConnection: func(state tls.ConnectionState) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if block, _ := pem.Decode(text); block == nil || !bytes.Equal(block.Bytes, state.PeerCertificates[0].Raw) {
				return fmt.Errorf("the server shows another certificate than the one in %s", file)
			}
			return nil
		},
	}
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (s session) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := s.token()
	return map[string]string{"authorization": "Bearer " + token}, err
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: dial has seen to it.
func (s session) RequireTransportSecurity() bool { return false }

// notLetIn tells of a call that serve did not take from its caller; nil for any other error.
func (s session) notLetIn(server string, err error) error {
	st := status.Convert(err)
	if st.Code() != codes.Unauthenticated {
		return nil
	}
	detail, given := detailOf(st), ""
	if s.TokenFile != "" {
		given = " in " + s.TokenFile
	}
	switch detail.GetReason() {
	case botversev1.ErrorDetail_CALLER_UNAUTHENTICATED:
		return usagef("the server at %s wants to know who calls: give a token by --token-file, --token or BOTVERSE_TOKEN", server)
	case botversev1.ErrorDetail_TOKEN_REFUSED:
		return fmt.Errorf("the server at %s does not take the token%s: its log says why, under the call ID %s", server, given, detail.GetCallId())
	}
	return fmt.Errorf("the server at %s does not take the token%s: %s", server, given, st.Message())
}

// notReached tells of a call that came to no serve; nil for any other error. What gRPC says of TLS it says in words alone.
func notReached(server string, err error) error {
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || detailOf(st) != nil {
		return nil
	}
	plain := strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	switch why := st.Message(); {
	case strings.Contains(why, "signed by unknown authority"):
		return fmt.Errorf("the server at %s shows a certificate of an authority that is not known here: --ca-file names its file (%s)", server, why)
	case strings.Contains(why, "tls: failed to verify certificate"):
		return fmt.Errorf("the server at %s shows a certificate that does not hold: %s", server, why)
	case strings.Contains(why, "does not look like a TLS handshake"):
		return fmt.Errorf("the server at %s speaks no TLS: give %s (%s)", server, plain, why)
	case strings.Contains(why, "error reading server preface"):
		return fmt.Errorf("what answers at %s is no botverse in plain text; where it speaks TLS, give --server https://%s (%s)", server, plain, why)
	default:
		return fmt.Errorf("no botverse answers at %s: is `botverse serve` running there? (%s)", server, why)
	}
}
