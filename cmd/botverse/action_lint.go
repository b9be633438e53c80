package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/botverse/botverse/actions"
	"github.com/botverse/botverse/actions/saved"
)

// actionLint names what is wrong with definitions.
type actionLint struct {
	actionPlace `embed:""`
	Files       []string `arg:"" help:"Definitions, or directories of them." placeholder:"FILE"`
}

// Run prints a line for each fault. Where no environment is configured, the metadata is that of a local Dataverse in memory.
func (c *actionLint) Run(ctx context.Context, s streams) (err error) {
	files, err := filesIn(c.Files, isDefinition)
	if err != nil {
		return err
	}
	all, done, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	wrong := 0
	for _, file := range files {
		faults, err := lint(ctx, actions.New(all), file, c.Environment)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, f := range faults {
			fmt.Fprintf(s.out, "%s:%s\n", file, f)
		}
		if len(faults) > 0 {
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("faults in %d of %s", wrong, count(len(files), "definition"))
	}
	fmt.Fprintf(s.out, "%s, nothing wrong\n", count(len(files), "definition"))
	return nil
}

// lint finds what is wrong with one definition. An error says why it could not be looked at.
func lint(ctx context.Context, runtime *actions.Runtime, file, environment string) ([]saved.Fault, error) {
	name, _, err := definitionName(file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d, err := saved.Parse(name, text)
	if err == nil {
		err = d.Lint(ctx, runtime, environment)
	}
	var found *saved.Error
	if errors.As(err, &found) {
		return found.Faults, nil
	}
	return nil, err
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
