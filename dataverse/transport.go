package dataverse

import (
	"net/http"
	"time"
)

// NewTransport is a transport for many calls at once to few hosts. It keeps no cookies: with the affinity cookie all calls
// would land on one of Dataverse's servers and meet its limits (Web API, "Service protection API limits").
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 1024
	t.MaxIdleConnsPerHost = 256
	// A connection that died without a word is found by a ping, not by every request on it timing out.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return t
}
