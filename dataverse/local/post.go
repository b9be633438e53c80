package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/botverse/botverse/dataverse/webhook"
)

// deliveryFault is why a webhook was not delivered. It says nothing of the address, which may hold the key.
type deliveryFault struct {
	text     string
	status   int // 0 where no answer came
	retries  int
	canceled bool // it was not tried
}

// post delivers an event: it tries once more where the receiver, or what stands before it, is busy; no other answer earns
// another try ("Use webhooks", retries).
func (d *deliveries) post(ctx context.Context, to endpoint, e event) *deliveryFault {
	var failed *deliveryFault
	for try := range 2 {
		failed = d.try(ctx, to, e)
		if failed == nil {
			return nil
		}
		failed.retries = try
		if !slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, failed.status) {
			break
		}
	}
	return failed
}

// encodeContext is the body of a delivery; one that is too large goes without what makes it so.
func encodeContext(c *webhook.Context) (string, error) {
	b, err := webhook.Encode(c)
	if err == nil && len(b) > webhook.MaxSize {
		c.Reduced = true
		b, err = webhook.Encode(c)
	}
	return string(b), err
}

func (d *deliveries) try(ctx context.Context, to endpoint, e event) *deliveryFault {
	ctx, cancel := context.WithTimeout(ctx, d.s.cfg.WebhookTimeout)
	defer cancel()
	request, err := to.request(ctx, e.body)
	if err != nil {
		return &deliveryFault{text: "the address of the webhook is not a URL"}
	}
	request.Header.Set(webhook.HeaderOrganization, d.s.Addr())
	request.Header.Set(webhook.HeaderEntityName, e.context.PrimaryEntityName)
	request.Header.Set(webhook.HeaderRequestName, e.context.MessageName)
	request.Header.Set(webhook.HeaderCorrelationID, e.context.CorrelationID)
	if e.context.Reduced {
		request.Header.Set(webhook.HeaderSizeExceeded, "true")
	}
	response, err := d.client.Do(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &deliveryFault{text: fmt.Sprintf("the endpoint did not answer within %s", d.s.cfg.WebhookTimeout)}
	case err != nil:
		return &deliveryFault{text: "the endpoint could not be reached"}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	return &deliveryFault{text: "the endpoint answered " + response.Status, status: response.StatusCode}
}
