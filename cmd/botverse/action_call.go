package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// actionCall is a call of one saved action.
type actionCall struct {
	actionPlace `embed:""`
	Action      string            `arg:"" help:"A definition's file, or the name of a built-in action; with --server the name of one of the server's."`
	Variables   string            `placeholder:"JSON" help:"The variables: a JSON object, or @FILE for one in a file."`
	Var         map[string]string `mapsep:"none" placeholder:"NAME=TEXT" help:"One variable, a text. May be given several times."`
	TimeZone    string            `placeholder:"ZONE" help:"The time zone of points in time without an offset, as Europe/Berlin."`
	RequestID   string            `name:"request-id" placeholder:"KEY" help:"The key for a safe repeat."`
	Server      string            `placeholder:"ADDR" help:"Call botverse serve at this gRPC address, with https:// before it where it speaks TLS. Without it the action runs here."`
	session     `embed:""`
}

// answer makes the call.
func (c *actionCall) answer(ctx context.Context, validateOnly bool) (_ *botversev1.RunActionResponse, err error) {
	request := &botversev1.RunActionRequest{
		Name: c.Action, Environment: c.Environment, TimeZone: c.TimeZone, RequestId: c.RequestID, ValidateOnly: validateOnly,
	}
	if request.Variables, err = c.variables(); err != nil {
		return nil, err
	}
	if c.Server != "" {
		conn, err := c.dial(c.Server)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		answer, err := botversev1.NewActionServiceClient(conn).RunAction(ctx, request)
		if err != nil {
			return nil, cmp.Or(c.notLetIn(c.Server, err), notReached(c.Server, err), callFailure(err))
		}
		return answer, nil
	}
	return c.here(ctx, request)
}

// here makes the call in this process.
func (c *actionCall) here(ctx context.Context, request *botversev1.RunActionRequest) (_ *botversev1.RunActionResponse, err error) {
	var dir string
	if strings.ContainsAny(c.Action, "./"+string(os.PathSeparator)) {
		if request.Name, dir, err = definitionName(c.Action); err != nil {
			return nil, err
		}
	}
	all, done, err := c.open(ctx, request.ValidateOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	bench, err := openWorkbench(ctx, all, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bench.close()) }()
	answer, err := bench.client.RunAction(ctx, request)
	if err != nil {
		return nil, callFailure(err)
	}
	return answer, nil
}

// variables are those that were given, all together.
func (c *actionCall) variables() (*structpb.Struct, error) {
	text := []byte(c.Variables)
	if file, ok := strings.CutPrefix(c.Variables, "@"); ok {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, usageError{err}
		}
	}
	variables := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &variables); err != nil {
			return nil, usagef(`--variables must be a JSON object, as {"phone": "+1 317 555 0125"}: %w`, err)
		}
	}
	for name, value := range c.Var {
		variables[name] = value
	}
	return structpb.NewStruct(variables)
}

// actionRun runs an action.
type actionRun struct {
	actionCall `embed:""`
}

// Run prints the answer as REST gives it.
func (c *actionRun) Run(ctx context.Context, s streams) error {
	answer, err := c.answer(ctx, false)
	if err != nil {
		return err
	}
	return printAnswer(s, answer)
}

func printAnswer(s streams, answer *botversev1.RunActionResponse) error {
	text, err := protojson.Marshal(answer)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil { // protojson would space its output at random
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s\n", indented.Bytes())
	return err
}

// actionExplain tells what an action would do.
type actionExplain struct {
	actionCall `embed:""`
	Format     string `enum:"text,json" default:"text" help:"text: for people; json: the answer as REST gives it."`
}

// Run prints the requests and their reasons.
func (c *actionExplain) Run(ctx context.Context, s streams) error {
	answer, err := c.answer(ctx, true)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		return printAnswer(s, answer)
	}
	var b strings.Builder
	for i, q := range answer.GetRequests() {
		explainRequest(&b, i+1, q)
	}
	explainReasons(&b, answer)
	_, err = fmt.Fprint(s.out, b.String())
	return err
}

func explainRequest(b *strings.Builder, n int, q *botversev1.PlannedRequest) {
	fmt.Fprintf(b, "%d. %s %s\n", n, q.GetMethod(), q.GetUrl())
	if q.GetCondition() != "" {
		fmt.Fprintf(b, "   %s\n", q.GetCondition())
	}
	for _, name := range slices.Sorted(maps.Keys(q.GetHeaders())) {
		fmt.Fprintf(b, "   %s: %s\n", name, q.GetHeaders()[name])
	}
	if q.GetBody() != nil {
		if body, err := json.MarshalIndent(q.GetBody().AsMap(), "   ", "  "); err == nil {
			fmt.Fprintf(b, "   %s\n", body)
		}
	}
	b.WriteByte('\n')
}

func explainReasons(b *strings.Builder, answer *botversev1.RunActionResponse) {
	fmt.Fprintln(b, costText(answer.GetExplanation().GetCost()))
	section(b, "Values", answer.GetExplanation().GetConversions(), func(c *botversev1.Conversion) string {
		if c.GetSensitive() {
			return fmt.Sprintf("%s: %s", c.GetField(), c.GetReason())
		}
		return fmt.Sprintf("%s: %s is sent as %s: %s", c.GetField(), c.GetGiven(), c.GetSent(), c.GetReason())
	})
	section(b, "Left out, for their variable is not set", answer.GetOmitted(), func(name string) string { return name })
	section(b, "Order", answer.GetOrderedBy(), func(order string) string { return order })
	section(b, "Duplicate rules", answer.GetExplanation().GetDuplicateRules(), func(r *botversev1.DuplicateRule) string {
		text := fmt.Sprintf("%q compares with %s", r.GetName(), r.GetMatchingEntity())
		if !r.GetCanApply() {
			text += fmt.Sprintf(", but cannot apply: there is no %s", strings.Join(r.GetWithoutValue(), ", "))
		}
		return text
	})
	section(b, "Privileges", answer.GetExplanation().GetPrivileges(), func(name string) string { return name })
	section(b, "Warnings", answer.GetWarnings(), func(w *botversev1.Warning) string {
		return strings.TrimPrefix(w.GetField()+": "+w.GetMessage(), ": ")
	})
}

// costText says how many requests the call makes.
func costText(cost *botversev1.Cost) string {
	switch least, most := cost.GetLeast(), cost.GetMost(); {
	case most == 1:
		return "Cost: 1 request to Dataverse"
	case least == most:
		return fmt.Sprintf("Cost: %d requests to Dataverse", most)
	default:
		return fmt.Sprintf("Cost: %d to %d requests to Dataverse", least, most)
	}
}

// section is a heading with a line for each thing; nothing where there are none.
func section[T any](b *strings.Builder, heading string, things []T, line func(T) string) {
	if len(things) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", heading)
	for _, thing := range things {
		fmt.Fprintf(b, "  %s\n", line(thing))
	}
}
