package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// session is how a client command shows serve who calls.
type session struct {
	Token     dataverse.Secret `placeholder:"TOKEN" help:"The token of calls to serve. Better --token-file, or the variable: other users see the flags of a process."`
	TokenFile string           `placeholder:"FILE" help:"Read the token of calls to serve from this file, anew for each call."`
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

// dial connects to serve; nothing is sent yet.
func (s session) dial(server string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	if token != "" {
		if !isLoopback(server) {
			return nil, usagef("--server %s: a token is not sent to another machine in plain text", server)
		}
		options = append(options, grpc.WithPerRPCCredentials(s))
	}
	conn, err := grpc.NewClient(server, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return nil, usagef("--server %s: %w", server, err)
	}
	return conn, nil
}

// isLoopback reports whether an address with a port is of this machine only.
func isLoopback(server string) bool {
	host, _, err := net.SplitHostPort(server)
	return err == nil && onLoopback("//"+net.JoinHostPort(host, "0"))
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
	switch {
	case st.Code() != codes.Unauthenticated:
		return nil
	case reasonOf(st) == botversev1.ErrorDetail_CALLER_UNAUTHENTICATED.String():
		return usagef("the server at %s wants to know who calls: give a token by --token-file, --token or BOTVERSE_TOKEN", server)
	case s.TokenFile != "":
		return fmt.Errorf("the server at %s does not take the token in %s: %s", server, s.TokenFile, st.Message())
	}
	return fmt.Errorf("the server at %s does not take the token: %s", server, st.Message())
}
