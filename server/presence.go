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
	states, next, cursor, err := s.presence.List(ctx, int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListPresenceResponse{NextPageToken: next, Cursor: cursor}
	for _, state := range states {
		resp.Agents = append(resp.Agents, agentOf(state))
	}
	return resp, nil
}

// WatchPresence implements botversev1.PresenceServiceServer. Messages are sent as they are: the stream's codec encodes
// each once for all subscribers.
func (s presenceService) WatchPresence(req *botversev1.WatchPresenceRequest, stream grpc.ServerStreamingServer[botversev1.WatchPresenceResponse]) error {
	ctx := stream.Context()
	kinds := make([]presence.EventKind, len(req.GetKinds()))
	for i, kind := range req.GetKinds() {
		kinds[i] = presence.EventKind(kind.String())
	}
	subscription, err := s.presence.Watch(ctx, req.GetAfter(), kinds...)
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
