package dataverse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// progress sees how far a write got, so that one that never left can be told from one that may have been done.
type progress struct{ asked, connected atomic.Bool }

// watch makes the transport report on requests of the context.
func (p *progress) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	})
}

// maybe reports whether the request may have been sent, given what it ended in. A transport that does not report is given
// the benefit of the doubt only where the error says that there was no connection.
func (p *progress) maybe(err error) bool {
	switch {
	case p == nil, notConnected(err):
		return false
	case p.connected.Load():
		return true
	}
	return !p.asked.Load()
}

// notConnected reports whether an error is of making a connection.
func notConnected(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var host x509.HostnameError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") ||
		errors.As(err, &dns) || errors.As(err, &certificate) || errors.As(err, &host)
}

// withoutURL takes the URL off an error of net/http: it has the values of the query in it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
