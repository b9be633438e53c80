// Command botverse is the runtime that lets any chatbot act on Dataverse: `botverse serve` runs everything, `botverse
// dataverse` the local Dataverse alone. The other commands work beside it: presence watches, lists and sets agents'
// presence, action checks and tries saved actions, webhook registers what Dataverse is to post, and doctor says what is in
// the way.
//
// settings.go has the command line, serve.go how the parts are opened, run and closed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "botverse:", err)
		os.Exit(exitStatus(err))
	}
}

// errUsage marks what the user put wrongly: a flag, a key, a value. It ends the program with status 2.
var errUsage = errors.New("wrong input")

// usageError is a sentence about wrong input.
type usageError struct{ error }

func (e usageError) Unwrap() []error { return []error{e.error, errUsage} }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitStatus is 2 for wrong input and 1 for the rest.
func exitStatus(err error) int {
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// streams is where a command prints: answers to out, what it does and what went wrong to log.
type streams struct {
	out io.Writer
	log io.Writer
}

// run does what args say and returns when it is done or ctx ends, which is no error. The end-to-end tests call it too.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	command, err := parse(args, out)
	if err != nil || command == nil {
		return err
	}
	return command.Run(ctx, streams{out: out, log: log})
}
