package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/presence"
)

// webhookTest makes the round trip.
type webhookTest struct {
	webhookTarget `embed:""`
}

// failedShown is how many failed deliveries are told.
const failedShown = 3

// Run posts a probe as Dataverse would post, and asks Dataverse which deliveries did not get through.
func (c *webhookTest) Run(ctx context.Context, s streams) error {
	var faults []error
	err := c.each(ctx, s, func(r *registrar, name string) error {
		registered, err := r.registered(ctx, name)
		if err != nil {
			return err
		}
		if registered == nil {
			faults = append(faults, fmt.Errorf("%s is not registered in %s: run `botverse webhook register`", name, r.environment))
			return nil
		}
		w, err := r.webhook(name)
		if err != nil {
			return err
		}
		w.URL = registered.URL // what Dataverse uses, whatever the settings say by now
		if c.URL != "" {
			if w.URL, err = c.deliveryURL(c.URL, r.environment, name); err != nil {
				return err
			}
		}
		if err := probe(ctx, w); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		} else {
			fmt.Fprintf(s.out, "%s: the intake answers at %s and knows the key of %s\n", r.environment, w.URL, name)
		}
		return printFailed(ctx, s, r, *registered)
	})
	return errors.Join(append(faults, err)...)
}

func printFailed(ctx context.Context, s streams, r *registrar, w dataverse.RegisteredWebhook) error {
	for _, step := range w.Steps {
		failed, err := r.client.FailedDeliveries(ctx, step.ID, failedShown)
		if err != nil {
			return err
		}
		for _, f := range failed {
			fmt.Fprintf(s.out, "  failed at %s: %s\n", f.Time.Format(time.RFC3339), f.Message)
		}
	}
	return nil
}

// probeTime bounds a probe. Dataverse itself waits for a minute; an intake that takes so long is none.
const probeTime = 10 * time.Second

// probe posts a probe to a webhook's URL, and says what to do where no intake answers that knows the key.
func probe(ctx context.Context, w dataverse.Webhook) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	body := presence.Probe(rand.Text())
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"?code="+url.QueryEscape(string(w.Key)), bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is none")
	}
	q.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // its text has the URL, with the key in it
		}
		return fmt.Errorf("nothing answers at %s: is `botverse serve` running, and does the address lead to its webhook listener? (%w)", w.URL, err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	switch {
	case response.StatusCode == http.StatusOK && bytes.Equal(bytes.TrimSpace(answer), body):
		return nil
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the intake at %s does not know the key: does the `botverse serve` there use this data directory and configuration?", w.URL)
	case response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("the source is not known at %s: is it in the configuration of the `botverse serve` there, and is the path right?", w.URL)
	}
	return fmt.Errorf("something else than Botverse's intake answers at %s, with HTTP %d: a proxy or a firewall may stand before it", w.URL, response.StatusCode)
}
