// Package journal keeps what must not be lost: streams and key-value buckets in NATS JetStream. NATS runs inside the
// process, without a port, and its files lie in a directory that one process at a time may have; or it is a cluster of
// servers that many processes share.
package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Config is where the journal lies and how safe it is.
type Config struct {
	Dir      string       `yaml:"dir"`       // where the files lie; made where it is missing
	Sync     bool         `yaml:"sync"`      // a write is acknowledged once it is on the disk, not once it is in the file system
	MaxBytes int64        `yaml:"max_bytes"` // bounds the files of all streams together
	NATS     NATS         `yaml:"nats"`      // servers in place of the one inside, which the three above are for
	Logger   *slog.Logger `yaml:"-"`         // takes NATS's own log, at debug; nil is slog.Default
}

// NATS is the servers of a journal that several processes share. The zero value is the one inside this process.
type NATS struct {
	URL             Secret `yaml:"url"`              // one or several, by commas, as nats://one:4222,nats://two:4222; the client finds the others
	CredentialsFile string `yaml:"credentials_file"` // a user's JWT and seed, as nsc writes them
	Token           Secret `yaml:"token"`            // where the servers want one
	TokenFile       string `yaml:"token_file"`       // the same, from a file that holds nothing else
	CAFile          string `yaml:"ca_file"`          // who signed the servers' certificates, where the system does not know
	CertFile        string `yaml:"cert_file"`        // our own certificate, where the servers want one
	KeyFile         string `yaml:"key_file"`         // and its private key
	Replicas        int    `yaml:"replicas"`         // on how many servers each stream lies; 0 is 3
}

// defaultReplicas is the least number that goes on when one server is gone.
const defaultReplicas = 3

// Secret is a text that is never printed: a token, or an address that may have a password in it.
type Secret string

const hidden = "[secret]"

// String hides the text.
func (Secret) String() string { return hidden }

// GoString hides the text.
func (Secret) GoString() string { return hidden }

// MarshalText hides the text.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the text.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Default returns the settings that stand where nothing else is said. Dir is left to the caller.
func Default() Config {
	return Config{Sync: true, MaxBytes: 8 << 30}
}

// Shared says whether the journal is one that other processes may be on.
func (c Config) Shared() bool { return c.NATS.URL != "" }

// Validate names all that is wrong.
func (c Config) Validate() error {
	if c.Shared() {
		return c.NATS.Validate()
	}
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("dir: a directory for the journal is needed"))
	}
	if c.MaxBytes < 64<<20 {
		faults = append(faults, errors.New("max_bytes: at least 67108864 (64 MiB) is needed"))
	}
	return errors.Join(append(faults, c.NATS.Validate())...)
}

// Validate names all that is wrong.
func (n NATS) Validate() error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if n.URL == "" && n != (NATS{}) {
		refuse("url: the address of a NATS server is needed, as nats://one.example.com:4222")
	}
	for _, address := range n.addresses() {
		u, err := url.Parse(address)
		if err != nil {
			refuse("url: one of the addresses cannot be read; give them as nats://one.example.com:4222, with commas between")
		} else if u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			refuse("url: %q is no address of a NATS server; give one as nats://one.example.com:4222", u.Redacted())
		}
	}
	if n.Token != "" && n.TokenFile != "" {
		refuse("token: there is a token_file too; give one of them")
	}
	if n.CredentialsFile != "" && (n.Token != "" || n.TokenFile != "") {
		refuse("token: there is a credentials_file too; only one of them can sign in")
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		refuse("cert_file: a certificate and its private key (key_file) belong together")
	}
	if n.Replicas < 0 || n.Replicas > 5 {
		refuse("replicas: %d is out of range; 1 to 5", n.Replicas)
	}
	return errors.Join(faults...)
}

// addresses are those of the servers.
func (n NATS) addresses() []string {
	if n.URL == "" {
		return nil
	}
	addresses := strings.Split(string(n.URL), ",")
	for i, address := range addresses {
		addresses[i] = strings.TrimSpace(address)
	}
	return addresses
}
