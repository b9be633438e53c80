// Package machine tells this machine's own addresses from those that others can reach.
package machine

import "net/netip"

// IsLoopback reports whether a host names this machine's loopback: localhost, or an address of it, without a port.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
