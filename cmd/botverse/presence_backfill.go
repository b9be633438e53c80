package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// presenceBackfill has serve read what no webhook has told.
type presenceBackfill struct {
	presenceServer `embed:""`
	Since          string `help:"From when on: a time as 2026-11-20T08:00:00Z, or how long ago, as 24h. Without it from where the last reading ended." placeholder:"TIME"`
	Environment    string `help:"Read this environment alone." placeholder:"NAME"`
	Source         string `help:"Read this source alone, as agent-status." placeholder:"NAME"`
}

// errNotBackfilled ends backfill with status 1.
var errNotBackfilled = errors.New("not everything could be read")

// Run asks until it is done, and prints what was read of each source.
func (c *presenceBackfill) Run(ctx context.Context, s streams) error {
	since, err := c.since(time.Now())
	if err != nil {
		return err
	}
	request := &botversev1.BackfillPresenceRequest{Since: since, Environment: c.Environment, Source: c.Source}
	return c.call(func(client botversev1.PresenceServiceClient) error {
		for {
			answer, err := client.BackfillPresence(ctx, request)
			if err != nil {
				return err
			}
			if answer.GetDone() {
				return printBackfilled(s.out, answer.GetSources())
			}
			fmt.Fprintln(s.log, "still reading …")
		}
	})
}

// since reads the flag, against the present time.
func (c *presenceBackfill) since(now time.Time) (*timestamppb.Timestamp, error) {
	if c.Since == "" {
		return nil, nil
	}
	if ago, err := time.ParseDuration(c.Since); err == nil && ago > 0 {
		return timestamppb.New(now.Add(-ago).Truncate(time.Second)), nil
	}
	at, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return nil, usagef("--since is %q; give a time as 2026-11-20T08:00:00Z, or how long ago, as 24h", c.Since)
	}
	return timestamppb.New(at), nil
}

// printBackfilled prints a line for each source, and fails where one could not be read to its end.
func printBackfilled(out io.Writer, sources []*botversev1.BackfilledSource) error {
	failed := false
	for _, b := range sources {
		failed = failed || b.GetError() != ""
		if b.GetSource() == "" {
			fmt.Fprintf(out, "%s  not read: %s\n", b.GetEnvironment(), b.GetError())
			continue
		}
		fmt.Fprintf(out, "%s  %s  since %s: %d read, %d of them new", b.GetEnvironment(), b.GetSource(),
			b.GetSince().AsTime().Format(time.RFC3339), b.GetRows(), b.GetMerged())
		if n := b.GetDeadLetters(); n > 0 {
			fmt.Fprintf(out, ", %d dead letters", n)
		}
		if b.GetError() != "" {
			fmt.Fprintf(out, "; it ended early: %s", b.GetError())
		}
		fmt.Fprintln(out)
	}
	if len(sources) == 0 {
		fmt.Fprintln(out, "there is nothing that can be read")
	}
	if failed {
		return errNotBackfilled
	}
	return nil
}
