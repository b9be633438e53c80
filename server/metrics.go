package server

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
)

// metrics measures calls. Its attributes are names of ours, so that their number is bounded.
type metrics struct {
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
	webhooks metric.Int64Counter
	filtered metric.Int64Counter
	known    map[string]bool // full names of our methods
}

func newMetrics(provider metric.MeterProvider) (metrics, error) {
	meter := provider.Meter("github.com/botverse/botverse/server")
	duration, err1 := meter.Float64Histogram("botverse.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls, by method, code and reason."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20))
	active, err2 := meter.Int64UpDownCounter("botverse.call.active",
		metric.WithDescription("Calls in flight and streams open, by method."))
	webhooks, err3 := meter.Int64Counter("botverse.webhook.deliveries",
		metric.WithDescription("Deliveries of Dataverse's webhooks, by HTTP status."))
	filtered, err4 := meter.Int64Counter("botverse.webhook.filtered",
		metric.WithDescription("Deliveries that are none that their source is for, by source and by the field that says so."))
	return metrics{duration, active, webhooks, filtered, map[string]bool{}}, errors.Join(err1, err2, err3, err4)
}

// know takes note of the methods that the server has. What else a caller asks for counts as "unknown".
func (m metrics) know(services map[string]grpc.ServiceInfo) {
	for service, info := range services {
		for _, method := range info.Methods {
			m.known["/"+service+"/"+method.Name] = true
		}
	}
}

func (m metrics) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	done := m.begin(ctx, info.FullMethod)
	resp, err := handler(ctx, req)
	done(err)
	return resp, err
}

func (m metrics) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	done := m.begin(ss.Context(), info.FullMethod)
	err := handler(srv, ss)
	done(err)
	return err
}

func (m metrics) begin(ctx context.Context, fullMethod string) func(error) {
	start := time.Now()
	if !m.known[fullMethod] {
		fullMethod = "unknown"
	}
	method := attribute.String("method", fullMethod)
	inFlight := metric.WithAttributeSet(attribute.NewSet(method))
	m.active.Add(ctx, 1, inFlight)
	return func(err error) {
		m.active.Add(ctx, -1, inFlight)
		set := []attribute.KeyValue{method, attribute.String("code", statusCode(err).String())}
		var failure *callError
		if errors.As(err, &failure) {
			set = append(set, attribute.String("reason", failure.detail.GetReason().String()))
		}
		m.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributeSet(attribute.NewSet(set...)))
	}
}
