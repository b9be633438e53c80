package server

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/botverse/botverse/presence"
)

// observeBackfill has the metrics tell what presence reads from the tables. Environments and sources are names of the
// configuration, so that their number is bounded.
func observeBackfill(provider metric.MeterProvider, p *presence.Presence) error {
	meter := provider.Meter("github.com/botverse/botverse/server")
	rows, err1 := meter.Int64ObservableCounter("botverse.backfill.rows",
		metric.WithDescription("Records read from Dataverse's tables in case no webhook told of them, by environment and source."))
	merged, err2 := meter.Int64ObservableCounter("botverse.backfill.merged",
		metric.WithDescription("Of these, those that no webhook had told of."))
	doubles, err3 := meter.Int64ObservableCounter("botverse.backfill.doubles",
		metric.WithDescription("Of these, those that were there already."))
	failures, err4 := meter.Int64ObservableCounter("botverse.backfill.failures",
		metric.WithDescription("Readings of tables that ended early; without a source it is the environment that could not be read."))
	age, err5 := meter.Float64ObservableGauge("botverse.backfill.mark.age", metric.WithUnit("s"),
		metric.WithDescription("Time since the newest record that was read was created."))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, c := range p.BackfillCounts() {
			set := metric.WithAttributes(attribute.String("environment", c.Environment), attribute.String("source", c.Source))
			o.ObserveInt64(rows, c.Rows, set)
			o.ObserveInt64(merged, c.Merged, set)
			o.ObserveInt64(doubles, c.Doubles, set)
			o.ObserveInt64(failures, c.Failures, set)
			if !c.Mark.IsZero() {
				o.ObserveFloat64(age, time.Since(c.Mark).Seconds(), set)
			}
		}
		return nil
	}, rows, merged, doubles, failures, age)
	return err
}
