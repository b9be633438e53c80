package server

import (
	"context"
	"errors"
	"time"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// BackfillPresence implements botversev1.PresenceServiceServer. A reading may take longer than the call: it then goes on
// without it.
func (s presenceService) BackfillPresence(ctx context.Context, req *botversev1.BackfillPresenceRequest) (*botversev1.BackfillPresenceResponse, error) {
	request := presence.BackfillRequest{Environment: req.GetEnvironment(), Source: req.GetSource()}
	if req.GetSince() != nil {
		request.Since = req.GetSince().AsTime()
	}
	waiting, cancel := withTimeToAnswer(ctx)
	defer cancel()
	results, err := s.presence.Backfill(waiting, request)
	switch {
	case errors.Is(err, presence.ErrUnknownSource), errors.Is(err, presence.ErrNotReadable):
		return nil, refusal(botversev1.ErrorDetail_INVALID_REQUEST, fault(botversev1.ErrorDetail_INVALID_REQUEST, "source", "%s", err.Error()))
	case err != nil && ctx.Err() == nil && waiting.Err() != nil:
		return &botversev1.BackfillPresenceResponse{}, nil
	case err != nil:
		return nil, err
	}
	resp := &botversev1.BackfillPresenceResponse{Done: true}
	for _, result := range results {
		resp.Sources = append(resp.Sources, backfilledOf(result))
	}
	return resp, nil
}

// withTimeToAnswer ends so long before a call's deadline that an answer still arrives.
func withTimeToAnswer(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(left/10, time.Second))
}

func backfilledOf(b presence.Backfilled) *botversev1.BackfilledSource {
	source := &botversev1.BackfilledSource{
		Environment: b.Environment, OrganizationId: b.OrganizationID, Source: b.Source,
		Since: timestampOf(b.Since), Until: timestampOf(b.Until),
		Rows: int32(b.Rows), Merged: int32(b.Merged), Doubles: int32(b.Doubles), Filtered: int32(b.Filtered), DeadLetters: int32(b.SetAside),
	}
	if b.Err != nil {
		source.Error = b.Err.Error()
	}
	return source
}
