package server

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/botverse/botverse/presence"
)

// metrics measures calls. Its attributes are names of ours, so that their number is bounded.
type metrics struct {
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
	webhooks metric.Int64Counter
	filtered metric.Int64Counter
	delay    metric.Float64Histogram
	early    metric.Int64Counter
	known    map[string]measured // our methods, by their full names
	unknown  measured            // whatever else a caller asks for
	actions  *actionNames
}

// measured is a method with the attributes of nearly all its measurements, which take longer to make than to count by.
type measured struct {
	method             attribute.KeyValue
	inFlight, answered metric.MeasurementOption
}

func newMeasured(fullMethod string) measured {
	method := attribute.String("method", fullMethod)
	return measured{
		method:   method,
		inFlight: metric.WithAttributeSet(attribute.NewSet(method)),
		answered: metric.WithAttributeSet(attribute.NewSet(method, attribute.String("code", codes.OK.String()))),
	}
}

func newMetrics(provider metric.MeterProvider, names *actionNames) (metrics, error) {
	meter := provider.Meter("github.com/botverse/botverse/server")
	duration, err1 := meter.Float64Histogram("botverse.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls, by method, code and reason, and by saved action."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20))
	active, err2 := meter.Int64UpDownCounter("botverse.call.active",
		metric.WithDescription("Calls in flight and streams open, by method."))
	webhooks, err3 := meter.Int64Counter("botverse.webhook.deliveries",
		metric.WithDescription("Deliveries of Dataverse's webhooks, by HTTP status."))
	filtered, err4 := meter.Int64Counter("botverse.webhook.filtered",
		metric.WithDescription("Deliveries that are none that their source is for, by source and by the field that says so."))
	delay, err5 := meter.Float64Histogram("botverse.presence.delay", metric.WithUnit("s"),
		metric.WithDescription("From when something happened to when its event was stored, by source. Without what the clocks make negative."),
		metric.WithExplicitBucketBoundaries(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200))
	early, err6 := meter.Int64Counter("botverse.presence.delay.negative",
		metric.WithDescription("Events that were stored before they happened, by source: the clocks disagree."))
	return metrics{duration, active, webhooks, filtered, delay, early, map[string]measured{}, newMeasured("unknown"), names},
		errors.Join(err1, err2, err3, err4, err5, err6)
}

// delayed measures how late an event was. A repeat of a delivery says nothing of it.
func (m metrics) delayed(ctx context.Context, source string, receipt presence.Receipt) {
	if receipt.Delay == nil || receipt.Duplicate {
		return
	}
	of := metric.WithAttributes(attribute.String("source", source))
	if *receipt.Delay < 0 {
		m.early.Add(ctx, 1, of)
		return
	}
	m.delay.Record(ctx, receipt.Delay.Seconds(), of)
}

// know takes note of the methods that the server has. What else a caller asks for counts as "unknown".
func (m metrics) know(services map[string]grpc.ServiceInfo) {
	for service, info := range services {
		for _, method := range info.Methods {
			name := "/" + service + "/" + method.Name
			m.known[name] = newMeasured(name)
		}
	}
}

func (m metrics) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	done := m.begin(ctx, info.FullMethod, m.actions.of(req))
	resp, err := handler(ctx, req)
	done(err)
	return resp, err
}

func (m metrics) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	done := m.begin(ss.Context(), info.FullMethod, "")
	err := handler(srv, ss)
	done(err)
	return err
}

// begin measures a call until the function that it returns is called. action is the saved action's name; "" for none.
func (m metrics) begin(ctx context.Context, fullMethod, action string) func(error) {
	start := time.Now()
	method, known := m.known[fullMethod]
	if !known {
		method = m.unknown
	}
	m.active.Add(ctx, 1, method.inFlight)
	return func(err error) {
		m.active.Add(ctx, -1, method.inFlight)
		if action == "" {
			m.duration.Record(ctx, time.Since(start).Seconds(), method.ended(err))
			return
		}
		m.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributeSet(attribute.NewSet(
			append(method.attributes(err), attribute.String("action", m.actions.label(action)))...)))
	}
}

// ended are the attributes of a call's end.
func (m measured) ended(err error) metric.MeasurementOption {
	if err == nil {
		return m.answered
	}
	return metric.WithAttributeSet(attribute.NewSet(m.attributes(err)...))
}

// attributes are what tells one end of a call from another.
func (m measured) attributes(err error) []attribute.KeyValue {
	set := []attribute.KeyValue{m.method, attribute.String("code", statusCode(err).String())}
	var failure *callError
	if errors.As(err, &failure) {
		set = append(set, attribute.String("reason", failure.detail.GetReason().String()))
	}
	return set
}
