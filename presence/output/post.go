package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/botverse/botverse/internal/sleep"
	"github.com/botverse/botverse/presence"
)

// The policy of deliveries: an event that does not get through so often, or for so long, is set aside, and the next one is
// sent. The figures are those of the topic in Dynamics 365's realtime export sample.
const (
	maxAttempts  = 10
	maxAge       = 30 * time.Minute
	attemptTime  = 30 * time.Second // of one attempt
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
)

// poster posts each event, one after the other, so that they arrive in order.
type poster struct {
	config  Config
	headers headers
	client  *http.Client
	encode  func(*presence.Event) ([]byte, error)
	logger  *slog.Logger
	agreed  *handshake        // nil where none is asked for
	began   time.Time         // events do not age while nobody could send them
	done    presence.Position // of the last event that was sent or set aside
}

func newPoster(config Config, deps Deps, logger *slog.Logger) (*poster, error) {
	own, err := openHeaders(config, logger)
	if err != nil {
		return nil, err
	}
	p := &poster{
		config: config, headers: own, encode: deps.Encode, logger: logger,
		client: &http.Client{
			Transport: deps.Transport, Timeout: attemptTime,
			// A receiver that moved is to be told to us, not to be followed with our headers.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if config.Handshake {
		p.agreed = &handshake{config: config, headers: own, client: p.client}
	}
	return p, nil
}

// begin implements sink.
func (p *poster) begin(context.Context, *presence.Tap) error {
	p.began = time.Now()
	return nil
}

// put implements sink.
func (p *poster) put(ctx context.Context, tap *presence.Tap, batch []presence.Tapped) error {
	for _, t := range batch {
		if t.Position.Incarnation == p.done.Incarnation && t.Position.Place <= p.done.Place {
			continue // done by an attempt that failed after that
		}
		if err := p.agree(ctx); err != nil {
			return err
		}
		err := p.deliver(ctx, t.Event)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.logger.ErrorContext(ctx, "an event is set aside", "event", t.Event.ID, "error", err)
			if err := tap.SetAside(ctx, err.Error(), t.Event); err != nil {
				return err
			}
		}
		p.done = t.Position
		if err := tap.Commit(ctx, t.Position); err != nil {
			return err
		}
	}
	return nil
}

// agree sees to it that the receiver has agreed to be sent events, where it is to be asked.
func (p *poster) agree(ctx context.Context) error {
	if p.agreed == nil {
		return nil
	}
	fresh, err := p.agreed.agree(ctx)
	if fresh {
		p.began = time.Now()
		p.logger.InfoContext(ctx, "the receiver agrees to be sent events", "interval", p.agreed.interval)
	}
	return err
}

// final is an error that no further attempt would change.
type final struct{ error }

// deliver sends an event as often as the policy has it. Its error says why it did not get through.
func (p *poster) deliver(ctx context.Context, e *presence.Event) error {
	deadline := later(e.ReceiveTime, p.began).Add(maxAge)
	for attempt := 1; ; attempt++ {
		pause, err := p.post(ctx, e)
		var end final
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case errors.As(err, &end):
			return fmt.Errorf("refused for good: %w", end.error)
		case attempt >= maxAttempts:
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		pause = max(pause, backoff(attempt))
		if time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("given up after %d attempts in %v: %w", attempt, maxAge, err)
		}
		p.logger.DebugContext(ctx, "an event is sent again", "event", e.ID, "attempt", attempt, "in", pause, "error", err)
		if !sleep.For(ctx, pause) {
			return ctx.Err()
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// backoff doubles, with jitter, so that receivers which were down are not met by all at once.
func backoff(attempt int) time.Duration {
	d := min(firstBackoff<<(attempt-1), maxBackoff)
	return d/2 + rand.N(d/2)
}

// once makes one attempt, for who tries a dead letter again.
func (p *poster) once(ctx context.Context, e *presence.Event) error {
	if p.agreed != nil {
		if _, err := p.agreed.agree(ctx); err != nil {
			return err
		}
	}
	_, err := p.post(ctx, e)
	var end final
	if errors.As(err, &end) {
		return end.error
	}
	return err
}

// post makes one attempt. It returns how long the receiver asks to wait, where it does.
func (p *poster) post(ctx context.Context, e *presence.Event) (pause time.Duration, err error) {
	request, err := p.request(ctx, e)
	if err != nil {
		return 0, final{err}
	}
	if p.agreed != nil {
		if err := p.agreed.pace(ctx); err != nil {
			return 0, err
		}
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, withoutAddress(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return 0, nil
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return 0, final{fmt.Errorf("the receiver answers HTTP %d", code)}
	default:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return time.Duration(max(seconds, 0)) * time.Second, fmt.Errorf("the receiver answers HTTP %d", code)
	}
}

func (p *poster) request(ctx context.Context, e *presence.Event) (*http.Request, error) {
	data, err := p.encode(e)
	if err != nil {
		return nil, err
	}
	event, err := cloudEvent(e, data)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.URL, nil)
	if err != nil {
		return nil, errors.New("the receiver's address is none")
	}
	p.headers.setOn(request)
	if p.agreed != nil {
		request.Header.Set(requestOrigin, p.config.Origin)
	}
	mode := binding.WithForceStructured(ctx)
	if p.config.Mode == Binary {
		mode = binding.WithForceBinary(ctx)
	}
	return request, cehttp.WriteRequest(mode, binding.ToMessage(&event), request)
}
