package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/botverse/botverse/actions/saved"
	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// stand is a local Dataverse in memory for tests of saved actions, and the environments that have it alone. It notes what is
// sent to it.
type stand struct {
	all   *dataverse.Environments
	sent  *sentLog
	local *local.Server
	stop  func() error
}

// openStand starts a local Dataverse that begins with a seed: none, demo or a file.
func openStand(ctx context.Context, seed string) (*stand, error) {
	config := local.Default()
	config.Addr, config.InMemory, config.AllowControl = "127.0.0.1:0", true, true
	config.Seed, config.Logger = seed, slog.New(slog.DiscardHandler)
	server, err := openLocal(ctx, config)
	if err != nil {
		return nil, err
	}
	runs, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(runs) }()
	d := &stand{local: server, sent: &sentLog{to: http.DefaultTransport.(*http.Transport).Clone()}}
	d.stop = func() error { end(); return errors.Join(<-ended, server.Close()) }
	d.all, err = dataverse.NewEnvironments(environments{localName: localEnvironment(localURL(server))}, localName, d.sent)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *stand) close() error {
	d.sent.to.CloseIdleConnections()
	return d.stop()
}

// prepare brings the local Dataverse back to its seed and adds the records that are given.
func (d *stand) prepare(ctx context.Context, given []saved.GivenRecord, faults []any) error {
	if err := d.plan(ctx, nil); err != nil {
		return err
	}
	if err := d.local.Reset(ctx); err != nil {
		return err
	}
	for _, record := range given {
		if err := d.post(ctx, "/api/data/v9.2/"+record.Set, record.Body); err != nil {
			return fmt.Errorf("line %d: the record of %s cannot be made: %w", record.Line, record.Set, err)
		}
	}
	return d.plan(ctx, faults)
}

// plan puts a fault plan in force.
func (d *stand) plan(ctx context.Context, faults []any) error {
	if faults == nil {
		faults = []any{}
	}
	return d.post(ctx, "/local/faults", faults)
}

// post sends JSON beside the runtime: it is not noted.
func (d *stand) post(ctx context.Context, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, localURL(d.local)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	response, err := d.sent.to.RoundTrip(q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode < 300 {
		return err
	}
	var refusal struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(answer, &refusal) == nil && refusal.Error.Message != "" {
		return fmt.Errorf("%s (%s)", refusal.Error.Message, refusal.Error.Code)
	}
	return errors.New(strings.TrimSpace(string(answer)))
}

// sentLog is the way to Dataverse, and notes what goes along it.
type sentLog struct {
	to *http.Transport

	mu   sync.Mutex
	sent []string
}

// RoundTrip implements http.RoundTripper.
func (l *sentLog) RoundTrip(q *http.Request) (*http.Response, error) {
	if what := requestName(q); what != "" {
		l.mu.Lock()
		l.sent = append(l.sent, what)
		l.mu.Unlock()
	}
	return l.to.RoundTrip(q)
}

// take returns what was noted since the last time.
func (l *sentLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.sent
	l.sent = nil
	return sent
}

// aboutMetadata are the entity sets and functions that tell of the environment itself: how often they are asked depends on what is
// remembered.
var aboutMetadata = []string{"EntityDefinitions", "GlobalOptionSetDefinitions", "RelationshipDefinitions", "WhoAmI", "organizations", "duplicaterules"}

// requestName is the method and the entity set or function of a request for records; "" for any other.
func requestName(q *http.Request) string {
	_, path, isAPI := strings.Cut(q.URL.Path, "/api/data/")
	_, path, _ = strings.Cut(path, "/")
	set, _, _ := strings.Cut(path, "(")
	set, _, _ = strings.Cut(set, "/")
	if !isAPI || slices.Contains(aboutMetadata, set) || set == "$batch" && holdsMetadata(q) {
		return ""
	}
	return q.Method + " " + set
}

// holdsMetadata reports whether a batch reads definitions.
func holdsMetadata(q *http.Request) bool {
	if q.GetBody == nil {
		return false
	}
	body, err := q.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return err == nil && bytes.Contains(text, []byte("/EntityDefinitions("))
}
