package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
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
		if j.conn, err = dial(config, j.credentials, j.log.logger); err != nil {
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
func dial(config NATS, with credentials, logger *slog.Logger) (*nats.Conn, error) {
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
	var refused atomic.Bool // and told
	options.ReconnectedCB = func(c *nats.Conn) {
		refused.Store(false)
		logger.Info("connected to NATS again", "server", c.ConnectedServerName())
	}
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrAuthorization) && !refused.Swap(true) {
			logger.Warn("NATS refuses what we sign in with; trying again, also with what its file holds then", "error", err)
			return
		}
		logger.Debug("NATS tells an error", "error", err)
	}
	// The client gives a server up that refuses it twice; but a new token may be known there before it is here, or after.
	options.IgnoreAuthErrorAbort = true
	if config.CAFile != "" {
		if err := nats.RootCAs(config.CAFile)(&options); err != nil {
			return nil, err
		}
	}
	if err := with.setOn(&options); err != nil {
		return nil, err
	}
	return options.Connect()
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
