package dataverse

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/botverse/botverse/dataverse/code"
)

// maxTries bounds how often a call is sent.
const maxTries = 4

// maxWait bounds a wait where the caller has no deadline that would.
const maxWait = time.Minute

// pause says whether a call that failed may be sent again, and after how long.
func pause(q call, failed *Error, try int) (time.Duration, bool) {
	if try >= maxTries {
		return 0, false
	}
	if errors.Is(failed, ErrThrottled) {
		// Refused before anything was done, so any call may be repeated. 429 carries Retry-After in seconds, and without it the
		// waits double (Web API, "Service protection API limits").
		return orElse(failed.RetryAfter, jitter(time.Second<<(try-1))), true
	}
	if !q.read || !errors.Is(failed, ErrUnavailable) {
		return 0, false
	}
	switch failed.Status {
	case 0, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return orElse(failed.RetryAfter, jitter(100*time.Millisecond<<(try-1))), true
	case http.StatusInternalServerError:
		// A deadlock may have gone by the next time; a query that took too long will again.
		return jitter(500 * time.Millisecond), try == 1 && failed.Code != code.SQLTimeout
	}
	return 0, false
}

// asksToWait reports whether a refusal is one that Dataverse names the time for, or should.
func asksToWait(failed *Error) bool {
	return failed.RetryAfter > 0 || errors.Is(failed, ErrThrottled)
}

// patiently gets something that is fetched for several callers, and again where Dataverse asked them to wait and this one has
// the time.
func patiently[T any](ctx context.Context, c *Client, get func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		value, err := get()
		var failed *Error
		if err == nil || c.shared || !errors.As(err, &failed) || !asksToWait(failed) {
			return value, err
		}
		wait, again := pause(call{read: true}, failed, try)
		if !again || !sleep(ctx, wait) {
			return value, err
		}
	}
}

func orElse(asked, ours time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	return ours
}

// jitter keeps callers that failed together from coming back together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// sleep waits, and reports whether it did: not where there would be no time left after it, which is told at once.
func sleep(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	if ok && time.Until(deadline) <= wait || !ok && wait > maxWait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads a Retry-After header: seconds, or a date as HTTP writes it. It is 0 where there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
