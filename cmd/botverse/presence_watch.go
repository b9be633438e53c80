package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/internal/sleep"
)

// presenceCommands are the commands about agents' presence.
type presenceCommands struct {
	Watch presenceWatch `cmd:"" help:"Print agents' presence: everybody's state, then each change as it comes."`
	List  presenceList  `cmd:"" help:"Print agents' present state: all of them, or those who can take work."`
	Set   presenceSet   `cmd:"" help:"Change an agent's presence in the local Dataverse."`

	Deliveries  deliveryList       `cmd:"" help:"List what Dataverse delivered last, and what became of it."`
	Backfill    presenceBackfill   `cmd:"" help:"Read from Dataverse's tables what no webhook has told."`
	DeadLetters deadLetterCommands `cmd:"" help:"List, show and replay what could not be handled: deliveries of Dataverse, and events that an output gave up."`
}

// presenceWatch prints what WatchPresence streams until it is interrupted.
type presenceWatch struct {
	presenceServer `embed:""`

	After  string `help:"Go on after this cursor, in place of starting with everybody's state." placeholder:"CURSOR"`
	Format string `enum:"text,json,csv" default:"text" help:"text: a line for people; json: a message a line, with cursors; csv: the columns of the CSV output."`

	presenceFilter `embed:""`
	Kinds          []string `name:"kind" placeholder:"KIND" help:"Only these kinds of events, as PRESENCE_CHANGED or CONSULT."`
}

// Run watches until ctx ends, which is no error. Where the server cannot be reached at all it says so and ends; once it was
// there, a connection that is lost is made again, and the stream goes on after the last message.
func (c *presenceWatch) Run(ctx context.Context, s streams) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	conn, err := c.dial(grpc.WithConnectParams(comeBack()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingTime, Timeout: pingTime / 2}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(patientCodec{encoding.GetCodecV2(proto.Name)})))
	if err != nil {
		return err
	}
	defer conn.Close()
	w := &watcher{client: botversev1.NewPresenceServiceClient(conn), request: request, print: textLine, session: c.session, streams: s}
	switch c.Format {
	case "json":
		w.print = jsonLine
	case "csv":
		w.print = csvLines()
	}
	if err := w.run(ctx); err != nil {
		return c.plain(err)
	}
	return nil
}

// request is what is asked of the server.
func (c *presenceWatch) request() (*botversev1.WatchPresenceRequest, error) {
	bases, err := c.baseStatuses()
	if err != nil {
		return nil, err
	}
	request := &botversev1.WatchPresenceRequest{
		After: c.After, AgentIds: c.Agents, Teams: c.Teams, BaseStatuses: bases, PresenceIds: c.PresenceIDs,
		Environments: c.Environments, BusinessUnitIds: c.BusinessUnits, Available: c.Available,
	}
	for _, name := range c.Kinds {
		kind, err := enumValue("--kind", name, botversev1.EventKind_value)
		if err != nil {
			return nil, err
		}
		request.Kinds = append(request.Kinds, botversev1.EventKind(kind))
	}
	return request, nil
}

// pingTime is how long a connection may be silent before it is asked whether it is alive. The server takes pings from ten
// seconds on, and sends some of its own.
const pingTime = 20 * time.Second

// comeBackPause is the least pause before a lost connection is made again.
const comeBackPause = 250 * time.Millisecond

// comeBack is how patiently a lost connection is made again.
func comeBack() grpc.ConnectParams {
	return grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: comeBackPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
		MinConnectTimeout: 5 * time.Second,
	}
}

// watcher follows the stream over all its connections.
type watcher struct {
	streams
	client  botversev1.PresenceServiceClient
	session session
	print   printer
	// request is what was asked for; its cursor is that of the last message.
	request *botversev1.WatchPresenceRequest
	was     bool // whether the server ever answered
	online  bool // whether it answered since the connection was lost
}

func (w *watcher) run(ctx context.Context) error {
	for {
		shown, _ := w.session.token() // follow tells what is wrong with it
		err := w.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case status.Code(err) == codes.OutOfRange && w.was:
			fmt.Fprintf(w.log, "-- starting anew: %s --\n", status.Convert(err).Message())
			w.request.After = ""
		case !w.was || !w.mayComeBack(err):
			return err
		}
		if w.online {
			fmt.Fprintf(w.log, "-- offline: %s --\n", status.Convert(err).Message())
			w.online = false
		}
		if !w.wait(ctx, err, shown) {
			return nil
		}
	}
}

// wait pauses before the stream is opened again, where a token has expired until there is another one; false when ctx ended first.
func (w *watcher) wait(ctx context.Context, err error, shown string) bool {
	for sleep.For(ctx, comeBackPause) {
		if token, bad := w.session.token(); !hasExpired(err) || bad == nil && token != shown {
			return true
		}
	}
	return false
}

// follow prints messages until the stream ends.
func (w *watcher) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.client.WatchPresence(ctx, w.request, grpc.WaitForReady(w.was))
	if err != nil {
		return err
	}
	for {
		var m received
		if err := stream.RecvMsg(&m); err != nil {
			return err
		}
		if w.was && !w.online {
			fmt.Fprintln(w.log, "-- online --")
		}
		w.was, w.online = true, true
		w.request.After = cmp.Or(m.message.GetCursor(), w.request.After)
		if why := m.unknown(); why != "" {
			fmt.Fprintf(w.log, "-- a message is passed over: %s --\n", why)
			continue
		}
		if err := w.print(w.out, &m.message); err != nil {
			return err
		}
	}
}

// mayComeBack reports whether a stream that ended so may go on with its cursor: the server went away, is stopping, or found
// us too slow; or the token has expired, and its file may have another one, or is being written.
func (w *watcher) mayComeBack(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted:
		return true
	case codes.Unauthenticated:
		return w.session.TokenFile != "" && (hasExpired(err) || reasonOf(status.Convert(err)) == "")
	}
	return errors.Is(err, io.EOF)
}

// hasExpired reports whether a call ended because its token did.
func hasExpired(err error) bool {
	return reasonOf(status.Convert(err)) == botversev1.ErrorDetail_TOKEN_EXPIRED.String()
}
