package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// deadLetterCommands are the commands about what could not be handled.
type deadLetterCommands struct {
	List   deadLetterList   `cmd:"" help:"List dead letters, the newest first."`
	Show   deadLetterShow   `cmd:"" help:"Print a dead letter's body."`
	Replay deadLetterReplay `cmd:"" help:"Try dead letters again, after what was in their way has been put right."`
}

// presenceServer is where serve is asked: the journal is its own.
type presenceServer struct {
	Server string `default:"${grpc_addr}" help:"The gRPC address of botverse serve." placeholder:"ADDR"`
}

// call connects, and tells errors in a sentence.
func (c presenceServer) call(do func(botversev1.PresenceServiceClient) error) error {
	conn, err := grpc.NewClient(c.Server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return usagef("--server %s: %w", c.Server, err)
	}
	defer conn.Close()
	err = do(botversev1.NewPresenceServiceClient(conn))
	st, ok := status.FromError(err)
	switch {
	case err == nil || !ok:
		return err
	case st.Code() == codes.Unavailable:
		return fmt.Errorf("no botverse answers at %s: is `botverse serve` running there? (%s)", c.Server, st.Message())
	}
	return errors.New(st.Message())
}

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
			fmt.Fprintf(s.out, "%s  %s  %s  %s\n", d.GetId(), d.GetTime().AsTime().Format(time.RFC3339), d.GetSource(), d.GetReason())
		}
		if len(list.GetDeadLetters()) == 0 {
			fmt.Fprintln(s.out, "there are no dead letters")
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
		fmt.Fprintf(s.log, "%s at %s: %s\n", d.GetDeadLetter().GetSource(), d.GetDeadLetter().GetTime().AsTime().Format(time.RFC3339), d.GetDeadLetter().GetReason())
		fmt.Fprintln(s.out, d.GetBody())
		return nil
	})
}

// deadLetterReplay tries dead letters again.
type deadLetterReplay struct {
	presenceServer `embed:""`
	IDs            []string `arg:"" name:"ids" help:"The dead letters' IDs, as list prints them."`
}

// errStillDead ends replay with status 1.
var errStillDead = errors.New("not all dead letters got through")

// Run tries each, and fails where one did not get through.
func (c *deadLetterReplay) Run(ctx context.Context, s streams) error {
	return c.call(func(client botversev1.PresenceServiceClient) error {
		dead := false
		for _, id := range c.IDs {
			r, err := client.ReplayDeadLetter(ctx, &botversev1.ReplayDeadLetterRequest{Id: id})
			if err != nil {
				return err
			}
			switch {
			case !r.GetHandled():
				dead = true
				fmt.Fprintf(s.out, "%s  still dead: %s\n", id, r.GetReason())
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
