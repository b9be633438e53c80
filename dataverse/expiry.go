package dataverse

import (
	"context"
	"fmt"
	"time"
)

const (
	// ExpiryNotice is how long before a credential expires its end is warned of.
	ExpiryNotice = 30 * 24 * time.Hour
	// warnPause is how often.
	warnPause = 24 * time.Hour
)

// expiryWarning is what was warned of last. One goroutine uses it.
type expiryWarning struct{ of, at time.Time }

// warn warns of credentials that expire soon, each once a day.
func (i *identity) warn(ctx context.Context) {
	now := time.Now()
	for _, c := range i.credentials {
		expires := c.proof.Last().expires
		if expires.IsZero() || expires.Sub(now) > ExpiryNotice || c.warning.of.Equal(expires) && now.Sub(c.warning.at) < warnPause {
			continue
		}
		c.warning = expiryWarning{expires, now}
		i.log.WarnContext(ctx, "a credential "+ExpiryText(expires, now)+"; put a new one in its place, or beside it as sign_in.next",
			"environment", i.environment, "credential", c.name, "expires", expires.UTC().Format(time.RFC3339))
	}
}

// ExpiryText says when a credential expires, as "expires on 2027-05-01, in 12 days".
func ExpiryText(expires, now time.Time) string {
	day, left := expires.UTC().Format(time.DateOnly), expires.Sub(now)
	switch {
	case left <= 0:
		return "expired on " + day
	case left < 48*time.Hour:
		return fmt.Sprintf("expires on %s, in %d hours", day, int(left.Hours()))
	}
	return fmt.Sprintf("expires on %s, in %d days", day, int(left.Hours()/24))
}
