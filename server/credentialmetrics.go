package server

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/botverse/botverse/dataverse"
)

// observeCredentials has the metrics tell of what environments sign in with. Environments and credentials are names of the
// configuration, so that their number is bounded.
func observeCredentials(provider metric.MeterProvider, all *dataverse.Environments) error {
	meter := provider.Meter("github.com/botverse/botverse/server")
	left, err1 := meter.Float64ObservableGauge("botverse.credential.expiry", metric.WithUnit("s"),
		metric.WithDescription("Time until a credential expires, by environment and credential, where that is known; below 0 once it has."))
	inUse, err2 := meter.Int64ObservableGauge("botverse.credential.in_use",
		metric.WithDescription("1 for the credential that gave the last token, 0 for another, by environment and credential."))
	refusals, err3 := meter.Int64ObservableCounter("botverse.credential.refusals",
		metric.WithDescription("How often the token endpoint did not take a credential, by environment and credential."))
	fault, err4 := meter.Int64ObservableGauge("botverse.credential.fault",
		metric.WithDescription("1 while a credential's file cannot be used as it is, and what it held before stays in force, by environment and credential."))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, c := range all.Credentials() {
			set := metric.WithAttributes(attribute.String("environment", c.Environment), attribute.String("credential", c.Name))
			if !c.Expires.IsZero() {
				o.ObserveFloat64(left, time.Until(c.Expires).Seconds(), set)
			}
			o.ObserveInt64(inUse, oneIf(c.InUse), set)
			o.ObserveInt64(refusals, c.Refusals, set)
			o.ObserveInt64(fault, oneIf(c.Fault != nil), set)
		}
		return nil
	}, left, inUse, refusals, fault)
	return err
}

// observeFiles has the metrics tell of files that cannot be used. They are named in the configuration, so that their number is
// bounded.
func observeFiles(provider metric.MeterProvider, faulty func() []string) error {
	meter := provider.Meter("github.com/botverse/botverse/server")
	_, err := meter.Int64ObservableGauge("botverse.file.fault",
		metric.WithDescription("1 while the file of a secret, of an output or for NATS, cannot be used as it is, and what it held before is used."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for _, name := range faulty() {
				o.Observe(1, metric.WithAttributes(attribute.String("file", name)))
			}
			return nil
		}))
	return err
}

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
