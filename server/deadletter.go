package server

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/presence"
)

// ListDeadLetters implements botversev1.PresenceServiceServer. A page's token is the ID of its last dead letter.
func (s presenceService) ListDeadLetters(ctx context.Context, req *botversev1.ListDeadLettersRequest) (*botversev1.ListDeadLettersResponse, error) {
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	before, _ := strconv.ParseUint(req.GetPageToken(), 10, 64) // the contract lets only numbers pass; none is the newest
	letters, err := s.presence.DeadLettersBefore(ctx, before, size+1)
	if err != nil {
		return nil, err
	}
	resp := &botversev1.ListDeadLettersResponse{}
	if len(letters) > size {
		letters = letters[:size]
		resp.NextPageToken = strconv.FormatUint(letters[size-1].ID, 10)
	}
	for _, letter := range letters {
		resp.DeadLetters = append(resp.DeadLetters, deadLetterOf(letter))
	}
	return resp, nil
}

// GetDeadLetter implements botversev1.PresenceServiceServer.
func (s presenceService) GetDeadLetter(ctx context.Context, req *botversev1.GetDeadLetterRequest) (*botversev1.GetDeadLetterResponse, error) {
	id, _ := strconv.ParseUint(req.GetId(), 10, 64) // the contract lets only numbers pass
	letter, err := s.presence.DeadLetter(ctx, id)
	if err != nil {
		return nil, noDeadLetter(req.GetId(), err)
	}
	return &botversev1.GetDeadLetterResponse{
		DeadLetter: deadLetterOf(letter),
		Body:       strings.ToValidUTF8(string(letter.Body), "\uFFFD"),
	}, nil
}

// ReplayDeadLetter implements botversev1.PresenceServiceServer.
func (s presenceService) ReplayDeadLetter(ctx context.Context, req *botversev1.ReplayDeadLetterRequest) (*botversev1.ReplayDeadLetterResponse, error) {
	id, _ := strconv.ParseUint(req.GetId(), 10, 64) // the contract lets only numbers pass
	receipt, err := s.presence.Replay(ctx, id)
	if err != nil {
		return nil, noDeadLetter(req.GetId(), err)
	}
	return &botversev1.ReplayDeadLetterResponse{
		Handled: receipt.DeadLettered == "", Reason: receipt.DeadLettered, EventId: receipt.EventID,
	}, nil
}

func noDeadLetter(id string, err error) error {
	if !errors.Is(err, presence.ErrNoDeadLetter) {
		return err
	}
	refused := refusal(botversev1.ErrorDetail_INVALID_REQUEST,
		fault(botversev1.ErrorDetail_INVALID_REQUEST, "id", "there is no dead letter %q: it has expired, or was handled", id))
	return inContext{error: refused, code: codes.NotFound}
}

func deadLetterOf(letter presence.DeadLetter) *botversev1.DeadLetter {
	return &botversev1.DeadLetter{
		Id: strconv.FormatUint(letter.ID, 10), Source: letter.Source, Reason: letter.Reason,
		Time: timestampOf(letter.ReceiveTime), Size: int32(len(letter.Body)),
	}
}
