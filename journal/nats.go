package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/botverse/botverse/internal/sleep"
)

// How the connection to NATS servers finds out that one is gone, and goes to the next.
const (
	dialTimeout   = 2 * time.Second
	reconnectWait = 250 * time.Millisecond
	pingInterval  = 5 * time.Second // two without an answer, and the server is left
	probeInterval = 2 * time.Second
)

// join connects to the servers, and waits until they can store.
func (j *Journal) join(ctx context.Context, config NATS) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := j.joinOnce(ctx, config)
		if err == nil || isFinal(err) {
			return err
		}
		j.log.logger.WarnContext(ctx, "the NATS servers cannot be used; trying again", "error", err)
		if !sleep.For(ctx, time.Second) {
			return err
		}
	}
}

// isFinal says whether trying again is of no use: the settings are wrong.
func isFinal(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, nats.ErrAuthorization)
}

func (j *Journal) joinOnce(ctx context.Context, config NATS) (err error) {
	if j.conn == nil {
		if j.conn, err = dial(config, j.log.logger); err != nil {
			return err
		}
	}
	if j.js, err = jetstream.New(j.conn); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err = j.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("JetStream does not answer: %w", err)
	}
	return nil
}

// dial connects, and stays connected to one of the servers or the other for ever. What is sent while none is there waits
// for the next, until its caller gives up; it may be stored even then, so that only what is safe to repeat may be sent.
func dial(config NATS, logger *slog.Logger) (*nats.Conn, error) {
	options := nats.GetDefaultOptions()
	options.Name = "botverse"
	options.Servers = config.addresses()
	options.MaxReconnect = -1
	options.ReconnectWait = reconnectWait
	options.Timeout = dialTimeout
	options.PingInterval = pingInterval
	options.Token = string(config.Token)
	options.DisconnectedErrCB = func(_ *nats.Conn, err error) {
		if err != nil {
			logger.Warn("the connection to NATS is lost; connecting again", "error", err)
		}
	}
	options.ReconnectedCB = func(c *nats.Conn) { logger.Info("connected to NATS again", "server", c.ConnectedServerName()) }
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { logger.Debug("NATS tells an error", "error", err) }
	for _, set := range config.files() {
		if err := set(&options); err != nil {
			return nil, err
		}
	}
	return options.Connect()
}

// files are the options that name files.
func (n NATS) files() (options []nats.Option) {
	if n.CredentialsFile != "" {
		// The client itself would tell only at the sign-in that the file is missing.
		options = append(options, mustRead(n.CredentialsFile), nats.UserCredentials(n.CredentialsFile))
	}
	if n.CAFile != "" {
		options = append(options, nats.RootCAs(n.CAFile))
	}
	if n.CertFile != "" {
		options = append(options, nats.ClientCert(n.CertFile, n.KeyFile))
	}
	return options
}

func mustRead(name string) nats.Option {
	return func(*nats.Options) error {
		_, err := os.ReadFile(name)
		return err
	}
}

// probe asks the servers now and then whether they can store: a connection alone does not say that, where too few of a
// cluster's servers are left.
func (j *Journal) probe(ctx context.Context) {
	for sleep.For(ctx, probeInterval) {
		asked, cancel := context.WithTimeout(ctx, 2*probeInterval)
		_, err := j.js.AccountInfo(asked)
		cancel()
		if ctx.Err() == nil {
			j.fault.Store(&err)
		}
	}
}

// outage says why the servers cannot be used; nil while they can.
func (j *Journal) outage() error {
	if status := j.conn.Status(); status != nats.CONNECTED {
		return fmt.Errorf("NATS cannot be reached: the connection is %s", status)
	}
	if err := *cmp.Or(j.fault.Load(), new(error)); err != nil {
		return fmt.Errorf("NATS does not answer: %w", err)
	}
	return nil
}
