package server

import (
	"context"

	"google.golang.org/grpc"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// presenceService tells agents' presence.
type presenceService struct {
	botversev1.UnimplementedPresenceServiceServer
	presence *presence.Presence
}

// ListPresence implements botversev1.PresenceServiceServer.
func (s presenceService) ListPresence(ctx context.Context, req *botversev1.ListPresenceRequest) (*botversev1.ListPresenceResponse, error) {
	query := presence.ListQuery{
		Filter: filterFrom(req), PageSize: int(req.GetPageSize()), PageToken: req.GetPageToken(), Count: req.GetCounts(),
	}
	if req.GetOrder() == botversev1.ListPresenceRequest_TIME_IN_STATE {
		query.Order = presence.ByTimeInState
	}
	list, err := s.presence.List(ctx, query)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListPresenceResponse{
		NextPageToken: list.Next, Cursor: list.Cursor, Time: timestampOf(list.Time), Counts: countsOf(list.Counts),
	}
	for _, state := range list.States {
		agent := agentOf(state)
		agent.TimeInState = timeInState(state, list.Time)
		resp.Agents = append(resp.Agents, agent)
	}
	return resp, nil
}

// WatchPresence implements botversev1.PresenceServiceServer. Messages are sent as they are: the stream's codec encodes
// each once for all subscribers.
func (s presenceService) WatchPresence(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	ctx := stream.Context()
	filter := filterFrom(req)
	for _, kind := range req.GetKinds() {
		filter.Kinds = append(filter.Kinds, presence.EventKind(kind.String()))
	}
	subscription, err := s.presence.Watch(ctx, req.GetAfter(), filter)
	if err != nil {
		return err
	}
	defer subscription.Close()
	for {
		message, err := subscription.Next(ctx)
		if err != nil {
			return inContext{error: err, cursor: subscription.Cursor()}
		}
		if err := stream.SendMsg(watchMessage{message}); err != nil {
			return err
		}
	}
}
