package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/botverse/botverse/internal/await"
)

// soakOutputs are where all machines hand events on: CSV files in a directory that all of them see, and a receiver of
// CloudEvents.
type soakOutputs struct {
	dir string
	url string

	mu       sync.Mutex
	random   *rand.Rand
	received []string // the events' IDs, as they came
	refused  int
}

func newSoakOutputs(t *testing.T, random *rand.Rand) *soakOutputs {
	t.Helper()
	o := &soakOutputs{dir: filepath.Join(t.TempDir(), "files"), random: random}
	receiver := httptest.NewServer(http.HandlerFunc(o.receive))
	t.Cleanup(receiver.Close)
	o.url = receiver.URL
	return o
}

// setting is the outputs as the flag of the presence settings has them.
func (o *soakOutputs) setting() string {
	return fmt.Sprintf("outputs: {daily: {kind: csv, dir: %q, from: start}, topic: {kind: cloudevents, url: %q, from: start}}", o.dir, o.url)
}

// receive takes an event. Now and then it is out of order.
func (o *soakOutputs) receive(w http.ResponseWriter, r *http.Request) {
	var event struct{ ID string }
	err := json.NewDecoder(r.Body).Decode(&event)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || o.random.IntN(200) == 0 {
		o.refused++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	o.received = append(o.received, event.ID)
}

// posted are the IDs of the events in the order in which each came first.
func (o *soakOutputs) posted() (ids []string, again int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := map[string]bool{}
	for _, id := range o.received {
		if !seen[id] {
			ids = append(ids, id)
		}
		seen[id] = true
	}
	return ids, len(o.received) - len(ids)
}

// written are the IDs of the events in the files' rows, in their order.
func (o *soakOutputs) written() (ids []string, err error) {
	days, err := filepath.Glob(filepath.Join(o.dir, "daily-*.csv"))
	if err != nil {
		return nil, err
	}
	slices.Sort(days)
	for _, day := range days {
		f, err := os.Open(day)
		if err != nil {
			return nil, err
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", day, err)
		}
		for n, row := range rows {
			if n > 0 {
				ids = append(ids, row[slices.Index(rows[0], "event_id")])
			}
		}
	}
	return ids, nil
}

// check waits until files and receiver have as many events as the subscriber who has had most, and the newest of them; then the
// files have each event once, the receiver has each at least once, and both have them in the order of the subscribers.
func (o *soakOutputs) check(s *soak, order []string) {
	s.t.Helper()
	s.await("all events in the files and at the receiver", await.Patience, func() string {
		files, err := o.written()
		posts, _ := o.posted()
		switch {
		case err != nil:
			return err.Error()
		case !slices.Contains(files, order[len(order)-1]) || len(files) < len(order):
			return fmt.Sprintf("the files have %d events of at least %d", len(files), len(order))
		case len(posts) < len(files):
			return fmt.Sprintf("the receiver has %d events of %d", len(posts), len(files))
		}
		return ""
	})
	files, err := o.written()
	if err != nil {
		s.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, id := range files {
		if seen[id] {
			s.t.Errorf("%s stands in the files twice (seed %d)", id, s.seed)
		}
		seen[id] = true
	}
	begin := max(slices.Index(files, order[0]), 0) // subscribers begin with a snapshot
	if diff := firstDifference(files[begin:], order); diff != "" {
		s.t.Errorf("the files and the subscribers have the events in another order: %s (seed %d)", diff, s.seed)
	}
	posts, again := o.posted()
	if diff := firstDifference(posts, files); diff != "" {
		s.t.Errorf("the receiver and the files have the events in another order: %s (seed %d)", diff, s.seed)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.t.Logf("%d rows in files, %d events posted, %d of them again, %d posts refused", len(files), len(posts), again, o.refused)
}
