// Package journaltest runs NATS servers for tests, whose journal several processes share.
package journaltest

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/botverse/botverse/internal/await"
	"github.com/botverse/botverse/internal/vacant"
	"github.com/botverse/botverse/journal"
)

// Cluster is some NATS servers on this machine that keep streams together. Its methods are for one goroutine.
type Cluster struct {
	t       testing.TB
	options []*server.Options
	servers []*server.Server // nil where it is stopped
}

// Start starts a cluster, with its files in directories of the test's own. It ends with the test.
func Start(t testing.TB, servers int) *Cluster {
	t.Helper()
	c := &Cluster{t: t, options: make([]*server.Options, servers), servers: make([]*server.Server, servers)}
	var routes []*url.URL
	for range servers {
		routes = append(routes, &url.URL{Scheme: "nats", Host: vacant.Address(t)})
	}
	for n := range servers {
		c.options[n] = &server.Options{
			ServerName: fmt.Sprintf("node-%d", n+1), Host: "127.0.0.1", Port: portOf(vacant.Address(t)), NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: filepath.Join(t.TempDir(), "nats"), JetStreamMaxStore: 16 << 30, JetStreamMaxMemory: 64 << 20,
			MaxPayload: 8 << 20, DisableJetStreamBanner: true,
		}
		if servers > 1 {
			c.options[n].Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: portOf(routes[n].Host)}
			c.options[n].Routes = routes
		}
		c.Restart(n)
	}
	t.Cleanup(func() {
		for n := range c.servers {
			c.Stop(n)
		}
	})
	c.AwaitReady()
	return c
}

// portOf is the port of an address.
func portOf(address string) int {
	return int(netip.MustParseAddrPort(address).Port())
}

// NATS is how to reach the cluster.
func (c *Cluster) NATS() journal.NATS {
	var addresses []string
	for _, o := range c.options {
		addresses = append(addresses, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return journal.NATS{URL: journal.Secret(strings.Join(addresses, ",")), Replicas: len(c.options)}
}

// SetToken sets the token that servers want from their next start on.
func (c *Cluster) SetToken(token string) {
	for _, o := range c.options {
		o.Authorization = token
	}
}

// Stop stops a server and waits for its end. It says good-bye to nobody but its files.
func (c *Cluster) Stop(n int) {
	if c.servers[n] != nil {
		c.servers[n].Shutdown()
		c.servers[n].WaitForShutdown()
		c.servers[n] = nil
	}
}

// Restart starts a server that is stopped, on the files that it left.
func (c *Cluster) Restart(n int) {
	c.t.Helper()
	s, err := server.NewServer(c.options[n].Clone())
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	c.servers[n] = s
}

// AwaitReady waits until the cluster has a leader and all servers that run are up to date with it.
func (c *Cluster) AwaitReady() {
	c.t.Helper()
	await.Until(c.t, "the NATS servers are ready", c.ready)
}

func (c *Cluster) ready() bool {
	if len(c.servers) == 1 {
		return c.servers[0].ReadyForConnections(time.Millisecond)
	}
	leaders, peers := 0, 0
	for _, s := range c.servers {
		if s == nil {
			continue
		}
		peers++
		if !s.ReadyForConnections(time.Millisecond) || !s.JetStreamIsCurrent() {
			return false
		}
		if s.JetStreamIsLeader() {
			leaders++
			if len(s.JetStreamClusterPeers()) < len(c.servers) && peers == len(c.servers) {
				return false
			}
		}
	}
	return leaders == 1
}

// Leader is the server that leads a stream; -1 while none does.
func (c *Cluster) Leader(stream string) int {
	for n, s := range c.servers {
		if s != nil && s.JetStreamIsStreamLeader("$G", stream) {
			return n
		}
	}
	return -1
}
