package main

import (
	"cmp"
	"errors"
	"net"
	"net/netip"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// presenceServer is where serve is asked: the journal is its own.
type presenceServer struct {
	Server   string `help:"The gRPC address of botverse serve, with https:// before it where it speaks TLS; without it grpc_addr, which serve listens on." placeholder:"ADDR"`
	GRPCAddr string `name:"grpc-addr" default:"${grpc_addr}" hidden:""`
	CertFile string `name:"tls-cert-file" hidden:""`
	session  `embed:""`
}

// addr is where to connect to: whoever reads serve's configuration file need not be told.
func (c presenceServer) addr() string { return cmp.Or(c.Server, dialled(c.GRPCAddr)) }

// dialled is the address at which this machine reaches what listens on addr, which may be all of its addresses.
func dialled(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// dial connects; nothing is sent yet.
func (c presenceServer) dial(options ...grpc.DialOption) (*grpc.ClientConn, error) {
	if c.Server == "" && c.CertFile != "" {
		return c.connect(c.addr(), onlyThis(c.CertFile), options...)
	}
	return c.session.dial(c.addr(), options...)
}

// call connects, and tells errors in a sentence.
func (c presenceServer) call(do func(botversev1.PresenceServiceClient) error) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.plain(do(botversev1.NewPresenceServiceClient(conn)))
}

// plain tells an error of the server in a sentence.
func (c presenceServer) plain(err error) error {
	st, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	return cmp.Or(c.notLetIn(c.addr(), err), notReached(c.addr(), err), errors.New(st.Message()))
}
