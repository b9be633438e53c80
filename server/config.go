package server

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/botverse/botverse/access"
	"github.com/botverse/botverse/internal/machine"
)

// Config says where the server listens and what it takes.
type Config struct {
	GRPCAddr    string `yaml:"grpc_addr"`    // host:port of gRPC; port 0 takes a free one
	HTTPAddr    string `yaml:"http_addr"`    // host:port of REST
	WebhookAddr string `yaml:"webhook_addr"` // host:port where Dataverse delivers; nothing else is served there, so that it may be exposed

	// TLSCertFile and TLSKeyFile are the certificate, PEM, with which gRPC and REST speak TLS; they are read again when they
	// change. Without them it is plain text.
	TLSCertFile string `yaml:"tls_cert_file"`
	TLSKeyFile  string `yaml:"tls_key_file"`
	// Auth says whose calls are taken, over gRPC and REST; nil takes everybody's.
	Auth *access.Config `yaml:"auth"`
	// InsecureNoAuth allows gRPC and REST on other addresses than loopback though callers are not authenticated.
	InsecureNoAuth bool `yaml:"insecure_no_auth"`
	// AllowedHosts are the host names that REST answers to beside loopback's and the one it listens on, without a port.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// MaxBody bounds a request, in bytes: a REST body, a gRPC message, a webhook delivery.
	MaxBody int `yaml:"max_body"`
}

// Default is a server on loopback.
func Default() Config {
	return Config{
		GRPCAddr:    "127.0.0.1:9090",
		HTTPAddr:    "127.0.0.1:8080",
		WebhookAddr: "127.0.0.1:8081",
		// Dataverse cuts a delivery to 256 KB (Use webhooks, "Webhook limits"); a flow's variables may be larger.
		MaxBody: 4 << 20,
	}
}

// Validate names all that is wrong with the settings.
func (c Config) Validate() error {
	return errors.Join(
		c.checkPrivate("grpc_addr", c.GRPCAddr),
		c.checkPrivate("http_addr", c.HTTPAddr),
		checkAddr("webhook_addr", c.WebhookAddr),
		c.checkHosts(),
		c.checkMaxBody(),
		c.checkTLS(),
		c.checkAuth(),
	)
}

// checkPrivate refuses an address that others can reach, for a listener where everybody is let in.
func (c Config) checkPrivate(key, addr string) error {
	if err := checkAddr(key, addr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(addr)
	if c.Auth != nil || c.InsecureNoAuth || machine.IsLoopback(host) {
		return nil
	}
	return fmt.Errorf("%s %q can be reached from other machines, and callers are not authenticated: say under auth who may call, listen on loopback, as 127.0.0.1, or set insecure_no_auth", key, addr)
}

func (c Config) checkAuth() error {
	if c.Auth == nil {
		return nil
	}
	if err := c.Auth.Validate(); err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	return nil
}

func (c Config) checkHosts() error {
	var faults []error
	for _, host := range c.AllowedHosts {
		if host == "" || strings.ContainsAny(host, "/ ") || hostOf(host) != strings.Trim(strings.ToLower(host), "[]") {
			faults = append(faults, fmt.Errorf("allowed_hosts has %q, which is not a host name without port, as bots.example.com", host))
		}
	}
	return errors.Join(faults...)
}

func (c Config) checkMaxBody() error {
	if c.MaxBody < 1<<10 {
		return fmt.Errorf("max_body %d is below 1024 bytes", c.MaxBody)
	}
	return nil
}

func checkAddr(key, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s %q is not host:port, as 127.0.0.1:8080", key, addr)
	}
	return nil
}

// hostOf is a Host header's name or address in lower case, without port and brackets.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
