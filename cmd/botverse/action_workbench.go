package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
	"github.com/botverse/botverse/journal"
	"github.com/botverse/botverse/presence"
	"github.com/botverse/botverse/server"
)

// workbench runs saved actions in this process: behind the very server that bots call, on ports and in a directory of its own,
// so that what it answers is what they are answered.
type workbench struct {
	client  botversev1.ActionServiceClient
	closers []func() error
}

// openWorkbench takes definitions from a directory; "" for the built-in ones alone.
func openWorkbench(ctx context.Context, all *dataverse.Environments, dir string) (_ *workbench, err error) {
	w := &workbench{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	scratch, err := os.MkdirTemp("", "botverse-action-")
	if err != nil {
		return nil, err
	}
	w.onClose(func() error { return os.RemoveAll(scratch) })
	quiet := slog.New(slog.DiscardHandler)
	settings := journal.Default()
	settings.Dir, settings.Sync, settings.Logger = scratch, false, quiet // it is gone with the workbench
	j, err := journal.Open(ctx, settings)
	if err != nil {
		return nil, err
	}
	w.onClose(j.Close)
	runtime, err := openRuntime(ctx, all, j)
	if err != nil {
		return nil, err
	}
	library, err := saved.Open(saved.Config{Dir: dir, Runtime: runtime})
	if err != nil {
		return nil, err
	}
	nobody := presence.Default()
	nobody.Logger = quiet
	p, err := presence.Open(ctx, nobody, j, nil)
	if err != nil {
		return nil, err
	}
	return w, w.serve(ctx, server.Deps{Runtime: runtime, Saved: library, Presence: p})
}

// serve starts the server and connects to it.
func (w *workbench) serve(ctx context.Context, deps server.Deps) error {
	config := server.Default()
	config.GRPCAddr, config.HTTPAddr, config.WebhookAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	s, err := server.New(config, deps)
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w.onClose(func() error { stop(); return <-ended })
	conn, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	w.onClose(conn.Close)
	w.client = botversev1.NewActionServiceClient(conn)
	return nil
}

func (w *workbench) onClose(f func() error) { w.closers = append(w.closers, f) }

func (w *workbench) close() error {
	var faults []error
	for _, f := range slices.Backward(w.closers) {
		faults = append(faults, f())
	}
	return errors.Join(faults...)
}
