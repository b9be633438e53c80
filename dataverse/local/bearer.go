package local

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// challenge refuses a request that is not signed in, and says where tokens are to be had. Its words are Dataverse's own, which
// are no JSON; an HRESULT is not among them.
type challenge struct {
	origin  string // of this server
	invalid bool   // there was a token, and it is not good
}

func (c *challenge) Error() string { return "the request is not authenticated" }

// reply says the same of every bad token, whatever is wrong with it: who holds one needs a new one in any case.
func (c *challenge) reply() reply {
	why := ""
	if c.invalid {
		why = "error=invalid_token, error_description=Error during token validation!, "
	}
	answer := newReply(http.StatusUnauthorized)
	answer.text("HTTP Error 401 - Unauthorized: Access is denied")
	answer.header.Set("WWW-Authenticate", fmt.Sprintf("Bearer %sauthorization_uri=%s/common/oauth2/authorize, resource_id=%[2]s", why, c.origin))
	return answer
}

// authenticate checks the token of a request. Without RequireAuth any token will do, and none.
func (s *Server) authenticate(r *http.Request) (claims, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	token = strings.TrimSpace(token)
	c, err := s.tokens.check(token, time.Now())
	if s.cfg.RequireAuth && (err != nil || !s.isFor(c.Audience, r)) {
		return claims{}, &challenge{origin: origin(r), invalid: token != ""}
	}
	return c, nil
}

// isFor reports whether a token for an audience is one for this server: as the request reached it, by another name of this
// machine, or as the configuration calls it.
func (s *Server) isFor(audience string, r *http.Request) bool {
	if s.cfg.Audience != "" && strings.TrimSuffix(audience, "/") == strings.TrimSuffix(s.cfg.Audience, "/") {
		return true
	}
	u, err := url.Parse(audience)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || isLoopback(u.Host) && isLoopback(r.Host) // a port may be another after a restart
}

func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	return strings.EqualFold(host, "localhost") || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}
