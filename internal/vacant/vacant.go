// Package vacant has addresses of this machine at which nobody listens, for tests.
package vacant

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// The ports are below those that a kernel gives to whoever asks for any, or connects (Linux begins at 32768): of those another test,
// or its connection, may have one as soon as it is free.
const (
	firstPort = 20_000
	ports     = 12_000
)

// begin is where this process begins: others begin elsewhere. given is how many addresses it gave out.
var (
	begin = rand.Uint32N(ports)
	given atomic.Uint32
)

// Address is one at which the caller can listen, and again after a restart: no other test is given it.
func Address(t testing.TB) string {
	t.Helper()
	for range ports {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+(begin+given.Add(1))%ports))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("every port is taken")
	return ""
}

// Always is an address at which nobody ever listens: its port is set aside for a service that is out of use (tcpmux, RFC 1078).
const Always = "127.0.0.1:1"
