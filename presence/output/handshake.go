package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/botverse/botverse/internal/sleep"
)

// The headers of the handshake (CloudEvents, "HTTP 1.1 Web Hooks for Event Delivery", "Abuse Protection").
const (
	requestOrigin = "WebHook-Request-Origin"
	requestRate   = "WebHook-Request-Rate"
	allowedOrigin = "WebHook-Allowed-Origin"
	allowedRate   = "WebHook-Allowed-Rate"
)

// grantValid is how long a receiver's agreement is relied on before it is asked again.
const grantValid = 24 * time.Hour

// handshake asks a receiver whether it agrees to be sent events, and how many, before the first one is. No address is
// offered where it could agree later by itself: that had to be reached from outside. It is asked again in place of that.
type handshake struct {
	config  Config
	headers headers
	client  *http.Client

	mu       sync.Mutex
	until    time.Time     // of the agreement; zero where there is none
	interval time.Duration // between two requests; 0 is no limit
	next     time.Time     // when the next request may be sent
}

// agree returns once there is an agreement, and whether it is a new one. Its error says why there is none.
func (h *handshake) agree(ctx context.Context) (fresh bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return false, nil
	}
	h.until = time.Time{}
	response, err := h.ask(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the receiver whether it takes events: %w", withoutAddress(err))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	// Its status says nothing: many answer OPTIONS who know of no handshake.
	origin := strings.TrimSpace(response.Header.Get(allowedOrigin))
	switch {
	case origin == "":
		return false, fmt.Errorf("the receiver has not agreed to be sent events: it answers OPTIONS with HTTP %d and without %s", response.StatusCode, allowedOrigin)
	case origin != "*" && !strings.EqualFold(origin, h.config.Origin):
		return false, fmt.Errorf("the receiver agrees to be sent events by %q, and not by %q", origin, h.config.Origin)
	}
	if h.interval, err = h.intervalOf(response.Header.Get(allowedRate)); err != nil {
		return false, err
	}
	h.until = time.Now().Add(grantValid)
	return true, nil
}

func (h *handshake) ask(ctx context.Context) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, h.config.URL, nil)
	if err != nil {
		return nil, errors.New("the receiver's address is none")
	}
	h.headers.setOn(request)
	request.Header.Set(requestOrigin, h.config.Origin)
	if h.config.Rate > 0 {
		request.Header.Set(requestRate, strconv.Itoa(h.config.Rate))
	}
	return h.client.Do(request)
}

// intervalOf is the time between two requests at a rate per minute. One that nobody limits is the one that was asked for.
func (h *handshake) intervalOf(rate string) (time.Duration, error) {
	perMinute := h.config.Rate
	if rate = strings.TrimSpace(rate); rate != "" && rate != "*" {
		n, err := strconv.Atoi(rate)
		if err != nil || n < 1 {
			return 0, fmt.Errorf("the receiver's %s is %q, which is neither a number above zero nor *", allowedRate, rate)
		}
		perMinute = n
	}
	if perMinute == 0 {
		return 0, nil
	}
	return time.Minute / time.Duration(perMinute), nil
}

// pace waits until another request keeps to the rate.
func (h *handshake) pace(ctx context.Context) error {
	h.mu.Lock()
	now := time.Now()
	at := later(h.next, now)
	h.next = at.Add(h.interval)
	h.mu.Unlock()
	if at.After(now) && !sleep.For(ctx, at.Sub(now)) {
		return ctx.Err()
	}
	return nil
}

// withoutAddress is an error of a request without the URL, which may have a key.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
