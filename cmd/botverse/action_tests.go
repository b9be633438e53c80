package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/botverse/botverse/actions/saved"
	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// actionTest runs tests of saved actions.
type actionTest struct {
	Files   []string `arg:"" optional:"" help:"Test files (*.test.yaml), or directories of them. Without any, the tests of the built-in actions." placeholder:"FILE"`
	Verbose bool     `short:"v" help:"Name the tests that pass, too."`
}

// testFile is a file of tests and where its definitions are.
type testFile struct {
	path string // as messages have it
	dir  string // of the definitions; "" for the built-in ones
	name string
	text []byte
}

// Run runs them all, and says which fail and why.
func (c *actionTest) Run(ctx context.Context, s streams) error {
	files, err := c.files()
	if err != nil {
		return err
	}
	var ran, failed int
	for _, f := range files {
		tests, err := saved.ParseTests(f.name, f.text)
		if err != nil {
			return usageError{err}
		}
		start := time.Now()
		outcomes, err := runTests(ctx, f, tests)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		for i, faults := range outcomes {
			c.report(s, f.path, tests.Cases[i], faults)
			if len(faults) > 0 {
				failed++
			}
		}
		ran += len(outcomes)
		fmt.Fprintf(s.out, "%s: %s in %.1f s\n", f.path, count(len(outcomes), "test"), time.Since(start).Seconds())
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(ran, "test"))
	}
	return nil
}

func (c *actionTest) report(s streams, path string, test saved.Case, faults []string) {
	switch {
	case len(faults) > 0:
		fmt.Fprintf(s.out, "FAIL %s:%d: %s\n", path, test.Line, test.Name)
		for _, fault := range faults {
			fmt.Fprintf(s.out, "       %s\n", strings.ReplaceAll(fault, "\n", "\n       "))
		}
	case c.Verbose:
		fmt.Fprintf(s.out, "ok   %s\n", test.Name)
	}
}

// files are those that were asked for.
func (c *actionTest) files() ([]testFile, error) {
	if len(c.Files) == 0 {
		var files []testFile
		tests, err := saved.PresetTests()
		for _, name := range slices.Sorted(maps.Keys(tests)) {
			files = append(files, testFile{path: name + saved.TestExtension, name: name, text: tests[name]})
		}
		return files, err
	}
	paths, err := filesIn(c.Files, isTestFile)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, usagef("there are no tests: no file there is called *%s", saved.TestExtension)
	}
	var files []testFile
	for _, path := range paths {
		name, isTest := strings.CutSuffix(filepath.Base(path), saved.TestExtension)
		if !isTest {
			return nil, usagef("%s is no test file: its name must end with %s", path, saved.TestExtension)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usageError{err}
		}
		files = append(files, testFile{path: path, dir: filepath.Dir(path), name: name, text: text})
	}
	return files, nil
}

// runTests runs the tests of a file, one after the other, and returns what is wrong with each; nothing for one that passes.
func runTests(ctx context.Context, f testFile, tests *saved.Tests) (outcomes [][]string, err error) {
	seed := tests.Seed
	if seed != saved.SeedNone && seed != saved.SeedDemo {
		seed = filepath.Join(f.dir, seed)
	}
	d, err := openStand(ctx, seed)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	bench, err := openWorkbench(ctx, d.all, f.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bench.close()) }()
	for i, test := range tests.Cases {
		if err := d.prepare(ctx, tests.Given, test.Faults); err != nil {
			return outcomes, err
		}
		run := &caseRun{stand: d, client: bench.client, keys: strconv.Itoa(i) + "/"}
		outcomes = append(outcomes, run.all(ctx, test))
	}
	return outcomes, nil
}

// caseRun is a test while it runs.
type caseRun struct {
	stand     *stand
	client    botversev1.ActionServiceClient
	keys      string           // goes before request IDs: the tests of a file know nothing of each other
	variables *structpb.Struct // that the last call answered
}

// all runs a test and returns what is wrong. What comes after a call that went wrong is not looked at.
func (r *caseRun) all(ctx context.Context, test saved.Case) []string {
	for i, step := range test.Steps {
		faults := r.step(ctx, step)
		if len(faults) == 0 {
			continue
		}
		if len(test.Steps) > 1 {
			for n := range faults {
				faults[n] = fmt.Sprintf("step %d: %s", i+1, faults[n])
			}
		}
		return faults
	}
	if err := r.stand.plan(ctx, nil); err != nil {
		return []string{err.Error()}
	}
	var faults []string
	for _, expected := range test.Records {
		faults = append(faults, r.records(ctx, expected)...)
	}
	return faults
}

// step makes a call and holds what came of it against what was expected.
func (r *caseRun) step(ctx context.Context, step saved.Step) []string {
	given, err := toStruct(step.Variables)
	if err != nil {
		return []string{err.Error()}
	}
	variables := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	maps.Copy(variables.Fields, r.variables.GetFields())
	maps.Copy(variables.Fields, given.GetFields())
	request := &botversev1.RunActionRequest{Name: step.Action, TimeZone: step.TimeZone, Variables: variables}
	if step.RequestID != "" {
		request.RequestId = r.keys + step.RequestID
	}
	r.stand.sent.take()
	answer, err := r.client.RunAction(ctx, request)
	faults := answered(step.Expect, answer, err)
	if sent := r.stand.sent.take(); step.Expect.Sent != nil && !slices.Equal(sent, step.Expect.Sent) {
		faults = append(faults, fmt.Sprintf("sent %s, not %s", orNothing(sent), orNothing(step.Expect.Sent)))
	}
	if err == nil {
		r.variables = answer.GetVariables()
	}
	return faults
}

func orNothing(requests []string) string { return cmp.Or(strings.Join(requests, ", "), "nothing") }

// toStruct is an object of a test file as a REST caller would send it.
func toStruct(values map[string]any) (*structpb.Struct, error) {
	text, err := json.Marshal(values)
	if err != nil || values == nil {
		return &structpb.Struct{}, err
	}
	s := &structpb.Struct{}
	return s, protojson.Unmarshal(text, s)
}

// answered says how the answer of a call differs from what was expected.
func answered(expected saved.Expectation, answer *botversev1.RunActionResponse, err error) []string {
	switch {
	case err != nil && expected.Error == nil:
		return []string{fmt.Sprintf("the call failed (%s): %v", reasonOf(status.Convert(err)), callFailure(err))}
	case err != nil:
		return failedAs(*expected.Error, status.Convert(err))
	}
	got, err := asJSON(answer)
	if err != nil {
		return []string{err.Error()}
	}
	if expected.Error != nil {
		return []string{fmt.Sprintf("the call succeeded with outcome %v, and should fail", got["outcome"])}
	}
	return saved.Differences(expected.Answer, got)
}

func asJSON(m proto.Message) (map[string]any, error) {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	return object, json.Unmarshal(text, &object)
}

// failedAs says how a failure differs from the one that was expected.
func failedAs(expected saved.ExpectedError, st *status.Status) (faults []string) {
	if got := reasonOf(st); expected.Reason != "" && got != expected.Reason {
		faults = append(faults, fmt.Sprintf("the reason is %s, not %s: %s", got, expected.Reason, st.Message()))
	}
	texts, fields := st.Message(), []string{}
	for _, v := range violations(st) {
		fields = append(fields, v.GetField())
		texts += "\n" + v.GetField() + ": " + v.GetDescription()
	}
	if expected.Field != "" && !slices.Contains(fields, expected.Field) {
		faults = append(faults, fmt.Sprintf("the fields at fault are %s, not %s", orNothing(fields), expected.Field))
	}
	if !strings.Contains(texts, expected.Message) {
		faults = append(faults, fmt.Sprintf("the message has no %q: %s", expected.Message, texts))
	}
	return faults
}

// records says how the records that there are differ from those that there should be.
func (r *caseRun) records(ctx context.Context, expected saved.ExpectedRecords) []string {
	where, err := toStruct(expected.Where)
	if err != nil {
		return []string{err.Error()}
	}
	request := &botversev1.FindRecordRequest{Entity: expected.Entity, Where: where, CountMatches: true, Save: map[string]string{}}
	sources := slices.Sorted(maps.Keys(expected.Fields))
	for i, source := range sources {
		request.Save[savedAs(i)] = source
	}
	answer, err := r.client.FindRecord(ctx, request)
	if err != nil {
		return []string{fmt.Sprintf("line %d: looking for records of %s: %v", expected.Line, expected.Entity, callFailure(err))}
	}
	if n := int(answer.GetMatchCount()); n != expected.Count {
		return []string{fmt.Sprintf("line %d: there %s of %s, not %d", expected.Line, are(n, "record"), expected.Entity, expected.Count)}
	}
	var faults []string
	saves := answer.GetVariables().AsMap()
	for i, source := range sources {
		for _, d := range saved.Differences(map[string]any{source: expected.Fields[source]}, map[string]any{source: saves[savedAs(i)]}) {
			faults = append(faults, fmt.Sprintf("line %d: %s: %s", expected.Line, expected.Entity, d))
		}
	}
	return faults
}

func savedAs(i int) string { return fmt.Sprintf("value_%d", i) }

func are(n int, thing string) string {
	if n == 1 {
		return "is 1 " + thing
	}
	return "are " + count(n, thing)
}
