package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestListPages(t *testing.T) {
	t.Parallel()
	const agents = 25
	r := startRig(t, t.TempDir(), settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	for n := agents; n > 0; n-- {
		r.receive(change{row: n, agent: n, presence: available})
		nextEvent(t, s)
	}
	var listed []string
	var cursor string
	for token, page := "", 0; ; page++ {
		list, err := r.List(t.Context(), ListQuery{PageSize: 10, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range list.States {
			listed = append(listed, state.AgentID)
		}
		if page == 0 {
			cursor = list.Cursor
			r.receive(change{row: 100, agent: 1, presence: busy, minute: 1}) // between two pages
			nextEvent(t, s)
		}
		if list.Cursor != cursor {
			t.Errorf("page %d has a cursor of its own", page)
		}
		if list.Next == "" {
			break
		}
		token = list.Next
	}
	if len(listed) != agents || !slices.IsSorted(listed) || len(slices.Compact(listed)) != agents {
		t.Errorf("listed %v, want each of %d agents once, by ID", listed, agents)
	}
	if e := nextEvent(t, r.watch(cursor)); e.RecordID != rowID(100) {
		t.Errorf("watching from the list's cursor gives %+v, want what changed meanwhile", e)
	}
	for _, bad := range []string{"x", "%", cursor} {
		if _, err := r.List(t.Context(), ListQuery{PageToken: bad}); !errors.Is(err, ErrPageToken) {
			t.Errorf("List with the token %q = %v, want ErrPageToken", bad, err)
		}
	}
}

func TestListOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	r := openRig(t, t.TempDir(), settings(), nil)
	list, err := r.List(t.Context(), ListQuery{})
	if err != nil || len(list.States) != 0 || list.Next != "" || list.Cursor == "" {
		t.Errorf("List = %+v, %v", list, err)
	}
}

func TestMessageIsEncodedOnceForEachFormat(t *testing.T) {
	t.Parallel()
	var m Message
	var calls atomic.Int32
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			format := fmt.Sprint("format ", n%2)
			data, err := Encoded(&m, format, func(*Message) ([]byte, error) {
				calls.Add(1)
				return []byte(format), nil
			})
			if err != nil || string(data) != format {
				t.Errorf("Encoded(%s) = %q, %v", format, data, err)
			}
		})
	}
	all.Wait()
	if n := calls.Load(); n != 2 {
		t.Errorf("encoded %d times, want once for each of two formats", n)
	}
	failed := errors.New("no")
	for range 2 {
		if _, err := Encoded(&m, "bad", func(*Message) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
			t.Errorf("Encoded = %v, want the encoder's error", err)
		}
	}
}

func TestSubscribersShareMessages(t *testing.T) {
	t.Parallel()
	r := startRig(t, t.TempDir(), settings(), nil)
	a, b := r.watch(""), r.watch("")
	snapshot(t, a)
	snapshot(t, b)
	r.receive(change{row: 1, agent: 1, presence: available})
	if next(t, a) != next(t, b) {
		t.Error("two subscribers got an event each: it would be encoded twice")
	}
	c, d := r.watch(""), r.watch("")
	if next(t, c) != next(t, d) {
		t.Error("two snapshots have a state each")
	}
}

func TestKeyNeverShows(t *testing.T) {
	t.Parallel()
	source := Source{Keys: []Key{"s3cr3t"}}
	text, err := json.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", source.Keys[0], "source", source)
	for _, shown := range []string{
		string(text), log.String(), fmt.Sprintf("%v %+v %#v %s %q %x", source, source, source, source.Keys[0], source.Keys, source.Keys[0]),
	} {
		if strings.Contains(shown, "s3cr3t") || strings.Contains(shown, fmt.Sprintf("%x", "s3cr3t")) {
			t.Errorf("the key shows in %s", shown)
		}
	}
}

func TestValidateNamesAllFaults(t *testing.T) {
	t.Parallel()
	if err := Default().Validate(); err != nil {
		t.Errorf("Validate of the default = %v", err)
	}
	bad := Config{Sources: map[string]Source{
		"x": {Kind: "weather", Keys: []Key{"a", "b", ""}}, "y": {Kind: Consult, Message: "Delete", Changed: []string{"statuscode"}}, "Y_": {Kind: RowChange},
	}}
	err := bad.Validate()
	for _, want := range []string{
		"sources.x.kind", "sources.y.message", "sources.Y_.name", "sources.Y_.entity", "sources.Y_.message", "sources.y.changed",
		"sources.x.keys: 3", "sources.x.keys: one is empty", "heartbeat", "buffer", "retention",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want it to name %s", err, want)
		}
	}
}

func TestSourceIsFilledFromItsPreset(t *testing.T) {
	t.Parallel()
	given := Config{Sources: map[string]Source{"mine": {Kind: AgentPresence, Keys: []Key{"k"}, ImageAlias: "AgentStatusHistoryImage"}}}
	got, preset := given.Filled().Sources["mine"], AgentPresenceSource()
	if got.ImageAlias != "AgentStatusHistoryImage" || got.Entity != preset.Entity || got.Fields != preset.Fields || len(got.Keys) != 1 {
		t.Errorf("filled source %+v, want what was given and the preset", got)
	}
	if given.Sources["mine"].Entity != "" {
		t.Error("Filled changed what it was given")
	}
	if names := preset.Columns(); len(names) != 6 || !slices.IsSorted(names) {
		t.Errorf("Columns = %v, want the six fields", names)
	}
}

func TestRetentionCanBeChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, settings(), nil)
	s := r.watch("")
	snapshot(t, s)
	cursor := s.Cursor()
	r.receive(change{row: 1, agent: 1, presence: available})
	nextEvent(t, s)
	r.stop()
	config := settings()
	config.Retention = time.Hour
	again := startRig(t, dir, config, nil)
	if e := nextEvent(t, again.watch(cursor)); e.RecordID != rowID(1) {
		t.Errorf("event %+v, want the cursor to hold", e)
	}
	if got := again.store.log.CachedInfo().Config.MaxAge; got != time.Hour {
		t.Errorf("the log's retention is %v, want 1h", got)
	}
}
