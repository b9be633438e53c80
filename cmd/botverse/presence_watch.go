package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// presenceCommands are the commands about agents' presence.
type presenceCommands struct {
	Watch presenceWatch `cmd:"" help:"Print agents' presence: everybody's state, then each change as it comes."`
	Set   presenceSet   `cmd:"" help:"Change an agent's presence in the local Dataverse."`

	DeadLetters deadLetterCommands `cmd:"" help:"List, show and replay what could not be handled: deliveries of Dataverse, and events that an output gave up."`
}

// presenceWatch prints what WatchPresence streams until it is interrupted.
type presenceWatch struct {
	Server string `default:"${grpc_addr}" help:"The gRPC address of botverse serve." placeholder:"ADDR"`
	After  string `help:"Go on after this cursor, in place of starting with everybody's state." placeholder:"CURSOR"`
	Format string `enum:"text,json" default:"text" help:"text: a line for people; json: a message a line, with cursors."`
}

// Run watches until ctx ends, which is no error.
func (c *presenceWatch) Run(ctx context.Context, s streams) error {
	conn, err := grpc.NewClient(c.Server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return usagef("--server %s: %w", c.Server, err)
	}
	defer conn.Close()
	stream, err := botversev1.NewPresenceServiceClient(conn).WatchPresence(ctx, &botversev1.WatchPresenceRequest{After: c.After})
	if err != nil {
		return c.failure(err)
	}
	write := textLine
	if c.Format == "json" {
		write = jsonLine
	}
	for {
		m, err := stream.Recv()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return c.failure(err)
		}
		if err := write(s.out, m); err != nil {
			return err
		}
	}
}

func (c *presenceWatch) failure(err error) error {
	switch s := status.Convert(err); {
	case errors.Is(err, io.EOF):
		return errors.New("the server ended the stream")
	case s.Code() == codes.Unavailable:
		return fmt.Errorf("no botverse answers at %s: is `botverse serve` running there? (%s)", c.Server, s.Message())
	default:
		return errors.New(s.Message())
	}
}

func jsonLine(w io.Writer, m *botversev1.WatchPresenceResponse) error {
	b, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// textLine prints a message for people. Heartbeats say nothing to them.
func textLine(w io.Writer, m *botversev1.WatchPresenceResponse) error {
	var err error
	switch x := m.GetMessage().(type) {
	case *botversev1.WatchPresenceResponse_State:
		_, err = fmt.Fprintf(w, "%-24s is %s since %s\n", x.State.GetAgentName(), x.State.GetPresence().GetName(),
			x.State.GetStartTime().AsTime().Format(time.RFC3339))
	case *botversev1.WatchPresenceResponse_SnapshotEnd:
		_, err = fmt.Fprintf(w, "-- %d agents; changes follow --\n", x.SnapshotEnd.GetAgents())
	case *botversev1.WatchPresenceResponse_Event:
		_, err = fmt.Fprintln(w, eventLine(x.Event))
	case *botversev1.WatchPresenceResponse_Activity:
		_, err = fmt.Fprintln(w, activityLine(x.Activity))
	}
	return err
}

func activityLine(a *botversev1.ActivityEvent) string {
	what := map[botversev1.EventKind]string{
		botversev1.EventKind_ACCEPTED_WORK: "accepted a conversation",
		botversev1.EventKind_AFTER_WORK:    "is in after-work",
		botversev1.EventKind_CONSULT:       "consults " + a.GetOtherAgentName(),
		botversev1.EventKind_ROW_CHANGE:    fmt.Sprintf("%s of %s %s", a.GetMessage(), a.GetEntity(), a.GetRecordId()),
	}[a.GetKind()]
	at := a.GetTime()
	if at == nil {
		at = a.GetReceiveTime()
	}
	return fmt.Sprintf("%-24s %s at %s", cmp.Or(a.GetAgentName(), a.GetSource()), what, at.AsTime().Format(time.RFC3339))
}

func eventLine(e *botversev1.PresenceEvent) string {
	what := "changed to " + e.GetPresence().GetName()
	if e.GetKind() == botversev1.PresenceEvent_CAPACITY_CHANGED {
		what = fmt.Sprintf("has capacity %d", e.GetCapacity())
	}
	if before := e.GetPrevious().GetName(); before != "" && e.GetKind() == botversev1.PresenceEvent_PRESENCE_CHANGED {
		what += " from " + before
	}
	line := fmt.Sprintf("%-24s %s at %s", e.GetAgentName(), what, e.GetStartTime().AsTime().Format(time.RFC3339))
	if e.GetLate() {
		line += " (late)"
	}
	return line
}
