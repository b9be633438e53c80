package server

import (
	"context"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// ListDeliveries implements botversev1.PresenceServiceServer.
func (s presenceService) ListDeliveries(_ context.Context, req *botversev1.ListDeliveriesRequest) (*botversev1.ListDeliveriesResponse, error) {
	if source := req.GetSource(); source != "" && !s.presence.HasSource(source) {
		return nil, refusal(botversev1.ErrorDetail_INVALID_REQUEST,
			fault(botversev1.ErrorDetail_INVALID_REQUEST, "source", "no webhook source %q is configured; there are %s", source, strings.Join(s.presence.SourceNames(), ", ")))
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	resp := &botversev1.ListDeliveriesResponse{}
	for _, d := range s.presence.Deliveries(req.GetSource(), size) {
		resp.Deliveries = append(resp.Deliveries, deliveryOf(d))
	}
	return resp, nil
}

func deliveryOf(d presence.Delivery) *botversev1.Delivery {
	out := &botversev1.Delivery{
		Source: d.Source, Time: timestampOf(d.Time), Reason: d.Reason, EventId: d.EventID, CorrelationId: d.CorrelationID,
		Became: botversev1.Delivery_Became(botversev1.Delivery_Became_value[string(d.Became)]),
	}
	if d.Delay != nil {
		out.Delay = durationpb.New(*d.Delay)
	}
	return out
}
