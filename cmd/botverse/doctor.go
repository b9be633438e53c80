package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/botverse/botverse/dataverse"
)

// doctorCommand says what is in the way of working with the environments, and how to put it right. It changes nothing in
// Dataverse.
type doctorCommand struct {
	place       `embed:""`
	Environment string   `placeholder:"NAME" help:"The environment; without it all."`
	Entities    []string `name:"entity" placeholder:"NAME" help:"Entities that flows read and write, by logical name: whether the application user may."`
	Format      string   `enum:"text,json" default:"text" help:"text: a line a check; json: an object a line."`
}

// errUnwell ends doctor with status 1.
var errUnwell = errors.New("not all is well; each failed line says what to do")

// Run makes all checks and prints what they found.
func (c *doctorCommand) Run(ctx context.Context, s streams) error {
	report := &report{out: s.out, json: c.Format == "json"}
	faults := c.faults()
	if faults != nil {
		for _, fault := range faults {
			report.failed("", "settings", fault.Error(), "correct the configuration")
		}
		return errUnwell
	}
	report.ok("", "settings", "they are complete")
	all, err := c.openEnvironments()
	if err != nil {
		return usageError{err}
	}
	names := all.Names()
	if c.Environment != "" {
		if !slices.Contains(names, c.Environment) {
			return usagef("there is no environment %q; there are %s", c.Environment, alternatives(c.Environment, names))
		}
		names = []string{c.Environment}
	}
	for _, name := range names {
		if err := c.examine(ctx, s, all, name, report); err != nil {
			return err
		}
	}
	if report.unwell {
		return errUnwell
	}
	return ctx.Err()
}

// examine checks one environment. Where nobody can sign in, nothing else can be known.
func (c *doctorCommand) examine(ctx context.Context, s streams, all *dataverse.Environments, name string, report *report) error {
	client, err := all.Client(ctx, name)
	if err != nil {
		return err
	}
	e := &examination{doctorCommand: c, report: report, client: client, name: name}
	if !e.signIn(ctx) {
		return ctx.Err()
	}
	e.credentials(ctx)
	e.user(ctx)
	e.privileges(ctx)
	e.entities(ctx)
	e.duplicates()
	return e.webhooks(ctx, s)
}

// report prints findings.
type report struct {
	out    io.Writer
	json   bool
	unwell bool
}

// finding is one line of the report.
type finding struct {
	Environment string `json:"environment,omitempty"`
	Check       string `json:"check"`
	Result      string `json:"result"` // ok, warning or failed
	Message     string `json:"message"`
	Advice      string `json:"advice,omitempty"` // what to do
}

func (r *report) ok(environment, check, message string) {
	r.print(finding{environment, check, "ok", message, ""})
}

func (r *report) warn(environment, check, message, advice string) {
	r.print(finding{environment, check, "warning", message, advice})
}

func (r *report) failed(environment, check, message, advice string) {
	r.unwell = true
	r.print(finding{environment, check, "failed", message, advice})
}

func (r *report) print(f finding) {
	if r.json {
		if text, err := json.Marshal(f); err == nil { // texts have JSON
			fmt.Fprintf(r.out, "%s\n", text)
		}
		return
	}
	where := f.Environment
	if where != "" {
		where += ": "
	}
	fmt.Fprintf(r.out, "%-8s %s%s: %s\n", f.Result, where, f.Check, f.Message)
	if f.Advice != "" {
		fmt.Fprintf(r.out, "         -> %s\n", f.Advice)
	}
}
