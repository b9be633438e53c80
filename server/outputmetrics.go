package server

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/botverse/botverse/presence"
)

// observeOutputs has the metrics tell what outputs can no longer hand on. Outputs are names of the configuration, so that their
// number is bounded.
func observeOutputs(provider metric.MeterProvider, p *presence.Presence) error {
	meter := provider.Meter("github.com/botverse/botverse/server")
	lost, err := meter.Int64ObservableCounter("botverse.output.lost",
		metric.WithDescription("Events that expired before an output took them: it was down for longer than the retention, or than max_bytes has room for."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for name, n := range p.LostEvents() {
			o.ObserveInt64(lost, int64(n), metric.WithAttributes(attribute.String("output", name)))
		}
		return nil
	}, lost)
	return err
}
