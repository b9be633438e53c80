package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// actionCommands are the commands for those who write saved actions.
type actionCommands struct {
	Lint    actionLint    `cmd:"" help:"Hold definitions against the metadata of an environment, and name all that is wrong."`
	Run     actionRun     `cmd:"" help:"Run a saved action, and print what bots are answered."`
	Explain actionExplain `cmd:"" help:"Tell what a saved action would send to Dataverse, and why. Nothing is written."`
	Test    actionTest    `cmd:"" help:"Run tests of saved actions on a local Dataverse of their own, in memory."`
}

// definitionName is the name of the definition in a file, and the file's directory.
func definitionName(file string) (name, dir string, err error) {
	base := filepath.Base(file)
	name, isDefinition := strings.CutSuffix(base, saved.Extension)
	if !isDefinition || strings.HasSuffix(base, saved.TestExtension) {
		return "", "", usagef("%s is no definition: its name must end with %s, and not with %s", file, saved.Extension, saved.TestExtension)
	}
	if _, err := os.Stat(file); err != nil {
		return "", "", usageError{err}
	}
	return name, filepath.Dir(file), nil
}

// filesIn are the files that were named, and those of the directories that were named whose names end so.
func filesIn(paths []string, wanted func(name string) bool) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, usageError{err}
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && wanted(d.Name()) {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func isDefinition(name string) bool {
	return strings.HasSuffix(name, saved.Extension) && !isTestFile(name)
}

func isTestFile(name string) bool { return strings.HasSuffix(name, saved.TestExtension) }

// callFailure is an error of a call, with each of its faults.
func callFailure(err error) error {
	st := status.Convert(err)
	faults := violations(st)
	if len(faults) == 0 {
		return errors.New(st.Message())
	}
	lines := []string{st.Message()}
	if len(faults) == 1 && strings.Contains(st.Message(), faults[0].GetDescription()) {
		lines = nil
	}
	for _, f := range faults {
		lines = append(lines, f.GetField()+": "+f.GetDescription())
	}
	return errors.New(strings.Join(lines, "\n  "))
}

func violations(st *status.Status) []*errdetails.BadRequest_FieldViolation {
	for _, d := range st.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()
		}
	}
	return nil
}

// detailOf is what serve tells of a failed call; nil where the error is not serve's.
func detailOf(st *status.Status) *botversev1.ErrorDetail {
	for _, d := range st.Details() {
		if detail, ok := d.(*botversev1.ErrorDetail); ok {
			return detail
		}
	}
	return nil
}

// reasonOf is the reason that a failed call tells; "" where the error is not serve's.
func reasonOf(st *status.Status) string {
	if detail := detailOf(st); detail != nil {
		return detail.GetReason().String()
	}
	return ""
}

// actionPlace says which environments a command's actions act on.
type actionPlace struct {
	place       `embed:""`
	Environment string `placeholder:"NAME" help:"The environment to act on; without it the definition's, else the default one."`
}

// settle checks the settings.
func (c *actionPlace) settle() error {
	if c.DefaultEnvironment == "" {
		c.DefaultEnvironment = c.Environment // the only one that matters here
	}
	if faults := c.faults(); faults != nil {
		return usageError{errors.Join(faults...)}
	}
	return nil
}

// open is the client's side of the configured environments. Where there are none it is that of the local Dataverse that serve
// runs; for who only asks, and for whom no serve runs, of one in memory. Call done at the end.
func (c *actionPlace) open(ctx context.Context, onlyAsks bool) (all *dataverse.Environments, done func() error, err error) {
	done = func() error { return nil }
	if err := c.settle(); err != nil {
		return nil, done, err
	}
	switch {
	case len(c.Environments) > 0 || answers(ctx, c.LocalAddr):
		if all, err = c.openEnvironments(); err != nil {
			return nil, done, usageError{err}
		}
		return all, done, nil
	case !onlyAsks:
		return nil, done, fmt.Errorf("no local Dataverse answers at %s, and no environment is configured: is `botverse serve` running?", c.LocalAddr)
	}
	d, err := openStand(ctx, saved.SeedDemo)
	if err != nil {
		return nil, done, err
	}
	return d.all, d.close, nil
}

// answers reports whether anybody listens at an address.
func answers(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
