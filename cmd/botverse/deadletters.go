package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// deadLetterCommands are the commands about what could not be handled.
type deadLetterCommands struct {
	List   deadLetterList   `cmd:"" help:"List dead letters, the newest first."`
	Show   deadLetterShow   `cmd:"" help:"Print a dead letter's body."`
	Replay deadLetterReplay `cmd:"" help:"Try dead letters again, after what was in their way has been put right."`
}

const noDeadLetters = "there are no dead letters"

// deadLetterList lists dead letters.
type deadLetterList struct {
	presenceServer `embed:""`
	Limit          int32 `default:"100" help:"How many at most, up to 1000."`
}

// Run prints a line for each.
func (c *deadLetterList) Run(ctx context.Context, s streams) error {
	return c.call(func(client botversev1.PresenceServiceClient) error {
		list, err := client.ListDeadLetters(ctx, &botversev1.ListDeadLettersRequest{PageSize: c.Limit})
		if err != nil {
			return err
		}
		for _, d := range list.GetDeadLetters() {
			fmt.Fprintf(s.out, "%s  %s  %s  %s\n", d.GetId(), d.GetTime().AsTime().Format(time.RFC3339), d.GetSource(), shown(d.GetReason()))
		}
		if len(list.GetDeadLetters()) == 0 {
			fmt.Fprintln(s.out, noDeadLetters)
		}
		return nil
	})
}

// deadLetterShow shows a dead letter.
type deadLetterShow struct {
	presenceServer `embed:""`
	ID             string `arg:"" help:"The dead letter's ID, as list prints it."`
}

// Run prints the body as it came.
func (c *deadLetterShow) Run(ctx context.Context, s streams) error {
	return c.call(func(client botversev1.PresenceServiceClient) error {
		d, err := client.GetDeadLetter(ctx, &botversev1.GetDeadLetterRequest{Id: c.ID})
		if err != nil {
			return err
		}
		fmt.Fprintf(s.log, "%s at %s: %s\n", d.GetDeadLetter().GetSource(), d.GetDeadLetter().GetTime().AsTime().Format(time.RFC3339), shown(d.GetDeadLetter().GetReason()))
		fmt.Fprintln(s.out, d.GetBody())
		return nil
	})
}

// deadLetterReplay tries dead letters again.
type deadLetterReplay struct {
	presenceServer `embed:""`
	IDs            []string `arg:"" optional:"" name:"ids" help:"The dead letters' IDs, as list prints them."`
	All            bool     `help:"All that there are."`
}

// errStillDead ends replay with status 1.
var errStillDead = errors.New("not all dead letters got through")

// Run tries each, and fails where one did not get through.
func (c *deadLetterReplay) Run(ctx context.Context, s streams) error {
	if c.All == (len(c.IDs) > 0) {
		return usagef("replay takes the IDs of dead letters, or --all")
	}
	return c.call(func(client botversev1.PresenceServiceClient) error {
		ids, err := c.ids(ctx, client)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			fmt.Fprintln(s.out, noDeadLetters)
		}
		dead := false
		for _, id := range ids {
			r, err := client.ReplayDeadLetter(ctx, &botversev1.ReplayDeadLetterRequest{Id: id})
			if c.All && status.Code(err) == codes.NotFound { // handled or expired since it was listed
				continue
			}
			if err != nil {
				return err
			}
			switch {
			case !r.GetHandled():
				dead = true
				fmt.Fprintf(s.out, "%s  still dead: %s\n", id, shown(r.GetReason()))
			case r.GetEventId() == "":
				fmt.Fprintf(s.out, "%s  is none that its source is for\n", id)
			default:
				fmt.Fprintf(s.out, "%s  event %s\n", id, r.GetEventId())
			}
		}
		if dead {
			return errStillDead
		}
		return nil
	})
}

// ids are those that were given, or all, the oldest first: that is the order of the changes.
func (c *deadLetterReplay) ids(ctx context.Context, client botversev1.PresenceServiceClient) ([]string, error) {
	if !c.All {
		return c.IDs, nil
	}
	var ids []string
	for token := ""; ; {
		page, err := client.ListDeadLetters(ctx, &botversev1.ListDeadLettersRequest{PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, err
		}
		for _, d := range page.GetDeadLetters() {
			ids = append(ids, d.GetId())
		}
		if token = page.GetNextPageToken(); token == "" {
			slices.Reverse(ids)
			return ids, nil
		}
	}
}
